import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACTIVITY_NAMES, playNight, type NightResult } from '../../scripts/nights/night.ts';
import {
  FAULT_KINDS,
  planNight,
  playsOnRealServer,
  type FaultKind,
  type NightPlan,
} from '../../scripts/nights/plan.ts';
import { canonicalJson } from '../../scripts/nights/random.ts';
import { RARE_KINDS } from '../../scripts/nights/kinds.ts';
import { playOnRealServer } from '../../scripts/nights/real.ts';
import { openSandbox, type Sandbox } from '../../scripts/nights/sandbox.ts';
import { summarise } from '../../scripts/nights/summary.ts';
import type { World } from '../../scripts/nights/world.ts';
import { workflowsPath } from '../../worker/options.ts';
import { startApi } from '../api/harness.ts';
import { bundleOf } from '../support/bundle.ts';
import { startPostgres } from '../support/postgres.ts';
import { storeNight, toldOf } from './stored.ts';

const SEED = 1;
const SOME = process.env.NOCTURNE_LONG ? 60 : 8;
let code: string;
let sandbox: Sandbox;
beforeAll(async () => {
  ({ code } = await bundleOf(workflowsPath()));
  sandbox = await openSandbox(code, ACTIVITY_NAMES);
}, 60_000);
afterAll(async () => {
  await sandbox?.destroy();
});
const play = async (nights: readonly number[], see?: (world: World) => unknown): Promise<NightResult[]> => {
  const results: NightResult[] = [];
  for (const night of nights) results.push(await playNight(sandbox, planNight(SEED, night), see));
  return results;
};
const without = (plan: NightPlan, ...kinds: FaultKind[]): NightPlan => ({
  ...plan,
  faults: plan.faults.filter((fault) => !kinds.includes(fault.kind)),
});
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('nights on the virtual server', () => {
  test('every invariant holds, and the same seed gives the same digest in whatever order the nights are played', async () => {
    const worlds: World[] = [];
    const forth = await play(upTo(SOME), (world) => worlds.push(world));
    const back = (await play(upTo(SOME).reverse())).reverse();
    expect(forth.flatMap((r) => r.violations)).toEqual([]);
    expect(forth.map((r) => r.phases)).toEqual(back.map((r) => r.phases));
    const about = { seed: SEED, server: 'virtual', elapsedMs: 0, each: false } as const;
    expect(summarise(forth, about)).toEqual(summarise(back, about));
    await saidOnce(worlds);
  }, 240_000);

  /** A figure that two readers give is one figure: of each night, and of all of them together. */
  async function saidOnce(worlds: World[]): Promise<void> {
    const postgres = await startPostgres();
    const api = await startApi(postgres.url);
    try {
      const held = worlds.filter(({ ledger, finaliser }) => ledger.length > 0 && finaliser.credits.settled);
      expect(held.length).toBeGreaterThan(SOME / 2);
      // A night is found by its start.
      expect(new Set(held.map(({ row }) => row.startsAt.getTime())).size).toBe(held.length);
      for (const [i, world] of held.entries()) {
        const id = `night-${i}`;
        await storeNight(api, id, world);
        const { night, stats, ...others } = await toldOf(api, id, world);
        expect([world.plan.night, others]).toEqual([world.plan.night, { report: night, analytics: night }]);
        expect(stats.frames).toEqual(night.frames);
        await api.db.$executeRaw`SELECT keep_session_figures(${id})`;
        expect((await toldOf(api, id, world)).analytics).toEqual(night);
      }
    } finally {
      await api.stop();
      await postgres.stop();
    }
  }

  test('a plan is a function of seed and number, and the first hundred hold every fault and everything that people do', () => {
    const plans = upTo(100).map((night) => planNight(SEED, night));
    expect(canonicalJson(plans)).toBe(canonicalJson(upTo(100).map((night) => planNight(SEED, night))));
    expect(canonicalJson(planNight(SEED, 0))).not.toBe(canonicalJson(planNight(SEED + 1, 0)));
    const kinds = new Set(plans.flatMap((p) => p.faults.map((f) => f.kind)));
    expect([...FAULT_KINDS, ...RARE_KINDS].filter((kind) => !kinds.has(kind))).toEqual([]);
    const asked = new Set(plans.flatMap((p) => p.steps.map((s) => s.kind)));
    expect([...asked].sort()).toEqual([
      'abort',
      'amend',
      'cancel',
      'extend',
      'gateway_abort',
      'maintenance_now',
      'operator_abort',
      'operator_cancel',
      'operator_halt',
      'pause',
      'reschedule',
      'resume',
    ]);
  });
});

describe('the oracle', () => {
  const quiet = (): NightPlan => ({ ...planNight(SEED, 3), faults: [], steps: [] });
  test('an extension that reaches the telescope after the old end, or never, is not paid for until then', async () => {
    // The database is away from before the end of the slot until long after it; the second of the two nights still gets some of its longer slot.
    const [never, late] = [await playNight(sandbox, planNight(7, 141)), await playNight(sandbox, planNight(7, 184))];
    expect([...never.violations, ...late.violations]).toEqual([]);
    expect(never.ledger.outage).toBeGreaterThanOrEqual(3_600);
    expect(late.ledger.outage).toBeGreaterThanOrEqual(2_880);
  }, 60_000);

  test('a quiet night breaks nothing', async () => {
    const result = await playNight(sandbox, quiet());
    expect(result.violations).toEqual([]);
    expect(result.phase).toBe('completed');
  });
  const CASES: [string, (world: World) => unknown, ...RegExp[]][] = [
    [
      'a frame that nobody took in',
      (w) => w.frames.delete([...w.frames.keys()][0]!),
      /^frame 0 is not accounted for$/,
      /^imaging without a frame at /,
      /^\d+ s of exposures and of the ledger’s imaging differ$/,
    ],
    ['a second of the slot that no class has', (w) => void w.ledger.pop(), /^the ledger ends \d+ s before the slot$/],
    [
      'a command with a second effect',
      (w) => w.observatory.commands.push({ ...w.observatory.commands.find((c) => c.name === 'enableTarget')! }),
      /had an effect 2 times$/,
      /^a command key was used twice/,
    ],
    [
      'an enabling in bad weather',
      (w) =>
        Object.assign(
          w.observatory.commands.find((c) => c.name === 'enableTarget')!,
          { weather: 'unsafe' },
        ),
      /^enableTarget in unsafe weather/,
    ],
    [
      'an enabling outside of the slot',
      (w) =>
        Object.assign(
          w.observatory.commands.find((c) => c.name === 'enableTarget')!,
          { inSlot: false },
        ),
      /^enableTarget outside of the slot/,
    ],
    [
      'a grant that stays',
      (w) =>
        w.observatory.gateway.register(
          {
            bookingId: w.bookingId,
            telescopeId: 't1',
            generation: 1,
            start: w.row.startsAt.toISOString(),
            end: w.row.endsAt.toISOString(),
            targetGuid: null,
          },
          0,
        ),
      /^the grant is left$/,
    ],
    [
      'a stop that is filed as the guest’s, who asked for nothing',
      (w) => Object.assign(w.transitions.at(-1)!, { reason: 'user_abort' }),
      /^filed as the guest’s \(user_abort\), who asked for nothing$/,
    ],
    [
      'a completed night without a frame',
      (w) => w.frames.forEach((frame) => Object.assign(frame, { state: 'missing', reason: 'file_absent' })),
      /^imaging without a frame at /,
      /^completed without a frame$/,
      /^\d+ s of exposures and of the ledger’s imaging differ$/,
    ],
    [
      'an hour that is paid for without an exposure',
      (w) =>
        w.ledger.splice(0, w.ledger.length, {
          start: w.row.startsAt.toISOString(),
          end: w.row.endsAt.toISOString(),
          class: 'overhead',
          cause: null,
        }),
      /^seconds of an exposure are classed overhead/,
      /^\d+ s without an exposure are paid for/,
      /^\d+ s of exposures and of the ledger’s imaging differ$/,
    ],
    [
      'rain that the ledger does not know',
      (w) => w.observatory.weatherComes({ from: w.plan.start, to: w.plan.end, state: 'unsafe' }),
      /^an exposure began \d+ s into unsafe weather/,
      /^\d+ s of unsafe sky are classed (imaging|overhead|other)$/,
    ],
    [
      'a clear sky that is given back as rain',
      (w) =>
        w.ledger.splice(0, w.ledger.length, {
          start: w.row.startsAt.toISOString(),
          end: w.row.endsAt.toISOString(),
          class: 'unsafe',
          cause: 'weather_unsafe',
        }),
      /^\d+ s of good sky are classed unsafe from /,
    ],
    ['a booking without an end', (w) => void w.transitions.pop(), /^the last recorded phase is finalising$/],
    [
      'a control without an answer',
      (w) => w.asked.push({ at: 0, commandId: 'pause-9', kind: 'pause' }),
      /^pause-9 has no receipt$/,
    ],
  ];
  test.each(CASES)('%s', async (_, spoil, ...expected) => {
    const result = await playNight(sandbox, quiet(), spoil);
    // One sentence may be said of several frames.
    for (const sentence of expected) expect(result.violations).toContainEqual(expect.stringMatching(sentence));
    for (const violation of result.violations)
      expect(expected.some((sentence) => sentence.test(violation)) ? '' : violation).toBe('');
    const { violations } = summarise([result], { seed: SEED, server: 'virtual', elapsedMs: 0, each: false });
    expect(violations[0]!.replay).toBe('npm run nights -- --seed 1 --night 3');
  });
});

/** Weather, emergency and lost events; errors, an amendment and a plan finished early; a pause with the camera away. */
const REAL_NIGHTS = [11, 33, 45];
test('three nights with faults and people give the same logical digest on Temporal’s own time-skipping server', async () => {
  const plans = REAL_NIGHTS.map((night) => without(planNight(SEED, night), 'temporal_clock'));
  expect(plans.map(playsOnRealServer)).toEqual([true, true, true]);
  const virtual: NightResult[] = [];
  for (const plan of plans) virtual.push(await playNight(sandbox, plan));
  const real = await playOnRealServer(code, plans, () => {});
  const seen = (r: NightResult): unknown => ({
    night: r.night,
    phases: r.phases,
    frames: r.frames,
    commands: r.commands,
    receipts: r.receipts,
    violations: r.violations,
  });
  expect(real.map(seen)).toEqual(virtual.map(seen));
  expect(real.map((r) => r.logicalDigest)).toEqual(virtual.map((r) => r.logicalDigest));
}, 240_000);
