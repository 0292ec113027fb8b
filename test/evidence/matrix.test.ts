/* oxlint-disable typescript/no-unnecessary-type-assertion -- the lint reads this folder without the checked index of its tsconfig */
import { expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { QUANTITIES } from '../../domain/weather-reading.ts';
import { projectPath } from '../../platform/paths.ts';
import { board, doctor, gate, page, ready, refund, report, session, type Answer } from './asked.ts';
import { FINE, SITUATIONS, STATES, type Facts } from './situations.ts';

/** Every source of evidence in every way in which it fails, and what each says and does then: nothing unknown is called good. */
const DOC = projectPath('docs', 'evidence.md');
const ASKED: Record<string, (facts: Facts) => Answer | Promise<Answer>> = {
  gate,
  session,
  page,
  'admin board': board,
  doctor,
  '/readyz': ready,
  report,
  refund,
};

const API_ALONE = 'the api serves all telescopes; this one’s state says it';
const HELD = 'shows the session’s hold and its reason';
const OURS = 'motion hangs on Voyager, the sky and the grants on the gateway’s disk, not on this';
const LATER = 'nothing is settled or told until it is back; then from the gateway’s record';
const PICTURES = 'pictures and figures wait; what the telescope does is told by its own state';
const AT_ONCE = 'what is seen is decided on; this is only how it is told';
/** Whom a failure does not concern, and why. */
const UNCONCERNED: Record<string, Record<string, string>> = {
  'Voyager link': { '/readyz': API_ALONE },
  'weather by Voyager': { '/readyz': API_ALONE },
  'weather by a station': { '/readyz': API_ALONE },
  'weather by an Alpaca device': { '/readyz': API_ALONE },
  ...Object.fromEntries(QUANTITIES.map((quantity) => [`a quantity: ${quantity}`, { '/readyz': API_ALONE }])),
  'safety monitor': { '/readyz': API_ALONE },
  gateway: { '/readyz': API_ALONE },
  clock: { page: HELD, 'admin board': HELD, '/readyz': API_ALONE },
  database: { gate: OURS, session: LATER, page: LATER, 'admin board': LATER, report: LATER, refund: LATER },
  Temporal: {
    gate: 'the guard stops by itself in unsafe weather and at the slot’s end (test/gateway/weather-latch.test.ts)',
    session: 'it is what is away',
    page: PICTURES,
    'admin board': PICTURES,
    report: LATER,
    refund: LATER,
  },
  LISTEN: {
    gate: OURS,
    session: OURS,
    page: 'without news it is deaf: see live channel',
    'admin board': 'asks by itself',
    report: OURS,
    refund: OURS,
    doctor: 'asks the bus itself (test/stack/doctor.test.ts)',
  },
  store: {
    gate: OURS,
    session: LATER,
    page: PICTURES,
    'admin board': PICTURES,
    '/readyz': PICTURES,
    report: LATER,
    refund: LATER,
  },
  share: {
    gate: OURS,
    session: LATER,
    page: PICTURES,
    'admin board': PICTURES,
    '/readyz': PICTURES,
    report: LATER,
    refund: LATER,
  },
  'live channel': {
    gate: AT_ONCE,
    session: AT_ONCE,
    doctor: AT_ONCE,
    '/readyz': 'see LISTEN',
    report: AT_ONCE,
    refund: AT_ONCE,
  },
};
/** Where one who is asked is not concerned by one way of failing alone. */
const EXCEPT: Record<string, string> = {
  'Voyager link/frozen/gate': 'a gateway that is frozen sends nothing',
  'Voyager link/contradictory/gate': 'nothing is to be started: the target is enabled',
  'Voyager link/contradictory/page': HELD,
  'Voyager link/contradictory/admin board': HELD,
  'Voyager link/contradictory/doctor': 'asks for what can be set right before a night',
  'Voyager link/wrong/gate': 'Voyager itself refuses while it reports an error; a target may be enabled for later',
  'Voyager link/wrong/doctor': 'asks for what can be set right before a night',
  'gateway/absent/gate': 'it is what is away: nothing is sent',
  'gateway/stale/gate': 'it is what is away: nothing is sent',
  'gateway/frozen/gate': 'a process that is frozen sends nothing',
  'gateway/wrong/gate': 'asks its own link at the instant of each line',
  'gateway/contradictory/doctor': 'asks the gateway that answers; which of two holds the lease is in its metrics',
  'clock/absent/doctor': 'measured over twenty events; the gateway says so meanwhile',
  'clock/absent/report': 'the debounce after the link came back holds meanwhile',
};

async function cell(source: string, failing: (typeof STATES)[number], asked: string): Promise<Answer> {
  const what = SITUATIONS[source]![failing];
  const why =
    typeof what === 'string' ? what : (UNCONCERNED[source]![asked] ?? EXCEPT[`${source}/${failing}/${asked}`]);
  return why ? { says: `(${why})`, good: false } : ASKED[asked]!({ ...FINE, ...(what as Partial<Facts>) });
}

const HEAD = `# Evidence

Every state that a person or a decision relies on has a source. This is what each of those who decide or tell says when a source fails: written by
\`test/evidence/matrix.test.ts\` out of the functions that decide (gate, session policy, page, board, doctor, readiness, ledger and settlement). In brackets:
why it cannot occur, or does not concern. \`UPDATE_EVIDENCE=1 npx jest test/evidence\` writes it anew.
`;

test('fine evidence is called good by everybody, so that a bad word means something', async () => {
  for (const [name, ask] of Object.entries(ASKED)) {
    const { says, good } = await ask(FINE);
    expect(`${name}: ${says}: ${good}`).toBe(`${name}: ${says}: true`);
  }
});

test('every source and every quantity that anything is decided by stands in the table', () => {
  for (const quantity of QUANTITIES) expect(Object.keys(SITUATIONS)).toContain(`a quantity: ${quantity}`);
  for (const failings of Object.values(SITUATIONS)) expect(Object.keys(failings).sort()).toEqual([...STATES].sort());
});

test('nobody calls good what is absent, stale, frozen, contradictory or wrong; the table stands in docs/evidence.md', async () => {
  const good: string[] = [];
  let text = HEAD;
  for (const source of Object.keys(SITUATIONS)) {
    text += `\n## ${source[0]!.toUpperCase()}${source.slice(1)}\n\n| | ${STATES.join(' | ')} |\n|---|${'---|'.repeat(STATES.length)}\n`;
    for (const asked of Object.keys(ASKED)) {
      const cells: string[] = [];
      for (const failing of STATES) {
        const answer = await cell(source, failing, asked);
        if (answer.good) good.push(`${source}, ${failing}: ${asked} says "${answer.says}"`);
        cells.push(answer.says.replaceAll('|', '/'));
      }
      text += `| ${asked} | ${cells.join(' | ')} |\n`;
    }
  }
  process.stdout.write(text);
  expect(good).toEqual([]);
  if (process.env.UPDATE_EVIDENCE) writeFileSync(DOC, text);
  expect(existsSync(DOC) ? readFileSync(DOC, 'utf8') : '').toBe(text);
}, 180_000);
