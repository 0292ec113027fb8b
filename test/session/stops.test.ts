import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { replayNights } from './histories.ts';
import { Stage, type Night, type NightOptions } from './night.ts';
import type { ObservatoryScript } from '../../simulator/stand-in/script.ts';

/**
 * Every control in every phase and hold, with the target present, absent, not to be read and Voyager away: half a minute later its receipt says
 * what became of it, and a stop of what is not there is done.
 */
let stage: Stage;
/** The phase whose controls are being asked for. */
let busyWith: string | null = null;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const CONTROLS = ['pause', 'resume', 'abort', 'cancel'] as const;
const TARGETS = ['present', 'absent', 'unreadable', 'away'] as const;
type Target = (typeof TARGETS)[number];
/** What is wrong lasts from then on until after the slot. */
const from = (start: number, seconds: number): { from: number; to: number } => ({
  from: start + seconds * 1000,
  to: start + 7_200_000,
});
const EVER = -100_000;

interface Situation {
  /** Seconds after the slot's start at which the control is asked for. */
  at: number;
  script?: (start: number) => Partial<ObservatoryScript>;
  before?: NonNullable<NightOptions['steps']>;
  maintenance?: boolean;
}
const looked = (at: number, kind: string): { at: number; do: (n: Night) => Promise<unknown> } => ({
  at,
  do: (n) => n.handle.signal('telescopeEvent', { id: `${kind}${at}`, at: new Date(n.at(at)).toISOString(), kind }),
});
const SITUATIONS: Record<string, Situation> = {
  preparing: { at: -450, script: (s) => ({ targetRefused: [from(s, EVER)] }) },
  prepared: { at: -600 },
  'held in preparation': { at: 440, script: (s) => ({ targetRefused: [from(s, EVER)] }) },
  running: { at: 1000 },
  clouds: {
    at: 1000,
    script: (s) => ({ weather: [{ ...from(s, 400), state: 'hold' }] }),
    before: [looked(401, 'weather_changed')],
  },
  'unsafe weather': {
    at: 1000,
    script: (s) => ({ weather: [{ ...from(s, 400), state: 'unsafe' }] }),
    before: [looked(401, 'weather_changed')],
  },
  'Voyager’s error': {
    at: 1000,
    script: (s) => ({ voyagerError: [from(s, 400)] }),
    before: [looked(401, 'voyager_error')],
  },
  'Voyager’s emergency': {
    at: 1000,
    script: (s) => ({ emergency: [from(s, 400)] }),
    before: [looked(401, 'emergency_begun')],
  },
  'camera away': {
    at: 1000,
    script: (s) => ({ unplugged: [{ ...from(s, 400), what: 'camera' }] }),
    before: [looked(401, 'camera_error')],
  },
  'taken over by hand': {
    at: 1000,
    script: (s) => ({ disabledByHand: [s + 400_000] }),
    before: [looked(402, 'local_operator')],
  },
  'another’s target in the way': {
    at: 1000,
    script: () => ({ foreign: [{ guid: 'f1', name: 'Survey', locked: true }] }),
  },
  paused: { at: 1000, before: [{ at: 400, do: (n) => n.signal('pause', 'p0') }] },
  maintenance: { at: 1000, maintenance: true },
};

function missing(target: Target, start: number, at: number): Partial<ObservatoryScript> {
  const since = [from(start, at - 30)];
  if (target === 'absent') return { targetGone: since };
  if (target === 'unreadable') return { unreadable: since };
  return target === 'away' ? { linkDown: since } : {};
}

const LONG_FORM = process.env.NOCTURNE_LONG === '1';
/** What `npm test` asks in each situation; `npm run verify` asks each control with each state of the target. */
const SHORT_FORM: readonly string[] = ['abort present', 'abort absent', 'cancel present'];
/** Where `npm test` asks for a pause too: at work, held by the weather, and where it is refused. */
const PAUSED_DAILY: readonly string[] = ['running', 'clouds', 'Voyager’s emergency', 'held in preparation'];
const daily = (name: string, asks: string): boolean =>
  SHORT_FORM.includes(asks) || (asks === 'pause present' && PAUSED_DAILY.includes(name));
/** Inside the slot a cancellation is an abort; a resume is judged by the last look alone. */
const asked = (name: string): [(typeof CONTROLS)[number], Target][] =>
  TARGETS.flatMap((target) =>
    CONTROLS.filter(
      (control) =>
        (control !== 'cancel' || Object.hasOwn(EARLY, name)) &&
        (control !== 'resume' || target === 'present') &&
        (LONG_FORM || daily(name, `${control} ${target}`)),
    ).map((control): [(typeof CONTROLS)[number], Target] => [control, target]),
  );
const EARLY = { preparing: true, prepared: true, 'held in preparation': true };

const answers = new Map<string, { receipt: string; phase: string }>();
/** One night up to half a minute after the control. */
async function ask(name: string, control: (typeof CONTROLS)[number], target: Target): Promise<void> {
  const { at, script, before, maintenance } = SITUATIONS[name]!;
  const id = `m${Object.keys(SITUATIONS).indexOf(name)}-${control}-${target}`;
  const night = await stage.prepare({
    id,
    startsIn: 4000,
    slotSeconds: 1800,
    shots: [{ filter: 'L', exposure_seconds: 300, quantity: 6 }],
    policy: { prepare_lead: 3600, check_interval: 300 },
    script: (start) => ({ ...script?.(start), ...missing(target, start, at) }),
    steps: [
      ...(before ?? []),
      { at, do: (n) => n.signal(control, 'c') },
      {
        at: at + 30,
        do: async (n) => {
          const session = await stage.db.session.findUniqueOrThrow({ where: { bookingId: id } });
          answers.set(id, { receipt: (await n.receipts()).c ?? 'none', phase: session.phase });
        },
      },
    ],
  });
  if (maintenance)
    await stage.db.maintenance.create({
      data: {
        id,
        telescopeId: night.telescopeId,
        fromAt: new Date(night.at(400)),
        toAt: new Date(night.at(7000)),
        reason: 'mirror',
        bookings: 'hold',
      },
    });
  await night.book();
  // A session that is stopped ends before the half minute has passed.
  await night.stepsDone();
  await night.handle.result();
  await night.stopGateway();
}
const answerTo = (name: string, control: string, target: string): { receipt: string; phase: string } =>
  answers.get(`m${Object.keys(SITUATIONS).indexOf(name)}-${control}-${target}`)!;

describe.each(Object.keys(SITUATIONS))('%s', (name) => {
  beforeAll(
    async () => {
      // A test server that stands still once stands still: what follows need not wait for it too.
      if (busyWith) throw new Error(`the test server stands still since "${busyWith}"`);
      busyWith = name;
      // One after the other: the test server skips time over another night's task.
      for (const [control, target] of asked(name)) await ask(name, control, target);
      busyWith = null;
    },
    LONG_FORM ? 240_000 : 90_000,
  );

  test('half a minute later each control is done, refused, or says what it waits for', () => {
    const rows = asked(name).map(([control, target]) => ({ control, target, ...answerTo(name, control, target) }));
    for (const { control, target, receipt, phase } of rows)
      process.stdout.write(`${name.padEnd(30)}${control.padEnd(8)}${target.padEnd(12)}${receipt.padEnd(32)}${phase}\n`);
    for (const { receipt } of rows) expect(receipt).toMatch(/^(confirmed|refused:\w+|(unknown|accepted):\w+)$/);
  });

  test('a stop of a target that is there or is not there is done', () => {
    const done = name === 'Voyager’s emergency' ? 'accepted:voyager_emergency' : 'confirmed';
    for (const [control, target] of asked(name))
      if ((control === 'abort' || control === 'cancel') && (target === 'present' || target === 'absent'))
        expect(`${control} ${target} ${answerTo(name, control, target).receipt}`).toBe(`${control} ${target} ${done}`);
  });
});

test('what was never enabled needs no stop, whatever can be read', () => {
  for (const name of Object.keys(EARLY))
    for (const [control, target] of asked(name))
      if (control === 'abort' || control === 'cancel')
        expect(`${name} ${control} ${target} ${answerTo(name, control, target).receipt}`).toBe(
          `${name} ${control} ${target} confirmed`,
        );
});

test('the nights replay', async () => {
  expect((await replayNights(stage)).failed).toEqual({});
}, 180_000);
