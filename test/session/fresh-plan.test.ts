import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { SessionState } from '../../workflows/session/state.ts';
import { replayNights } from './histories.ts';
import { Stage, type Night } from './night.ts';

/** A plan is a copy of the telescope's file and of the booking: what becomes of it when they change after it was made. */
const HOUR = 3600;
const DAY = 24 * HOUR;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

/** The owner edits the telescope's file. */
const edit = async (n: Night, change: (telescope: Telescope) => void): Promise<void> => {
  const row = await stage.db.telescope.findUniqueOrThrow({ where: { id: n.telescopeId } });
  const config = structuredClone(row.config) as unknown as Telescope;
  change(config);
  await stage.db.telescope.update({ where: { id: n.telescopeId }, data: { config } });
};
const swapped = { L: 3, R: 1, G: 2, B: 0 };
const shots = [{ filter: 'L', exposure_seconds: 300, quantity: 4 }];
const night = (id: string, more: Partial<Parameters<Stage['prepare']>[0]>): Promise<Night> =>
  stage.prepare({ id, startsIn: 3 * DAY, slotSeconds: 2 * HOUR, policy: { prepare_lead: DAY }, shots, ...more });
const line = (n: Night, event: string): Promise<{ message: string; messageFr: string | null } | null> =>
  stage.db.timeline.findFirst({ where: { bookingId: n.id, event }, select: { message: true, messageFr: true } });
const filterOf = (n: Night): number | undefined => n.observatory.plan?.shots[0]?.FilterIndex;

describe('the telescope’s file changes after the booking', () => {
  test('before J-1: the plan follows it, the night log and the operator are told of each difference', async () => {
    const n = await night('swapped', {
      steps: [
        {
          at: -2 * DAY,
          do: (it) =>
            edit(it, (t) => {
              t.filters = swapped;
              t.profile = 'Other.v2y';
            }),
        },
      ],
    });
    expect((await n.live()).outcome).toBe('completed');
    expect(filterOf(n)).toBe(3);
    expect(n.observatory.plan?.set.ProfileName).toBe('Other.v2y');
    const told = await line(n, 'telescope_changed');
    expect(told?.message).toContain('filter of shot 1: 0 became 3');
    expect(told?.message).toContain('profile');
    expect(told?.messageFr).toMatch(/^Le fichier du télescope a changé/);
    expect(await n.when('operator_alert')).toBeLessThan(-20 * HOUR);
  }, 60_000);

  test('between J-1 and the slot: what stands in Voyager is written anew before it begins', async () => {
    const n = await night('late-swap', { steps: [{ at: -HOUR, do: (it) => edit(it, (t) => (t.filters = swapped)) }] });
    expect((await n.live()).outcome).toBe('completed');
    expect(filterOf(n)).toBe(3);
    expect(await n.when('telescope_changed')).toBeGreaterThanOrEqual(0);
    expect(n.observatory.taken.length).toBe(4);
  }, 60_000);

  test('a filter of the plan that is gone holds the preparation until it is back', async () => {
    const n = await night('gone', {
      steps: [
        { at: -2 * DAY, do: (it) => edit(it, (t) => (t.filters = { R: 1 })) },
        { at: -8 * HOUR, do: (it) => edit(it, (t) => (t.filters = { L: 0, R: 1 })) },
      ],
    });
    expect((await n.live()).outcome).toBe('completed');
    expect(await n.phases()).toContain('preparing:filter_mismatch');
    expect(await n.when('prepared')).toBeGreaterThanOrEqual(-8 * HOUR);
  }, 60_000);

  test('and PostgreSQL cannot be asked when the slot begins: it begins by the plan that is known, and follows the file once it can', async () => {
    const n = await night('unread', {
      steps: [
        { at: -HOUR, do: (it) => edit(it, (t) => (t.filters = swapped)) },
        { at: -60, do: () => stage.db.$executeRaw`ALTER TABLE telescopes RENAME COLUMN config TO config_away` },
        { at: 700, do: () => stage.db.$executeRaw`ALTER TABLE telescopes RENAME COLUMN config_away TO config` },
      ],
    });
    expect((await n.live()).outcome).toBe('completed');
    expect(await n.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'running',
      'preparing',
      'starting',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(filterOf(n)).toBe(3);
    expect(await stage.db.timeline.count({ where: { bookingId: n.id, event: 'plan_unread' } })).toBe(1);
    expect(n.observatory.taken.length).toBe(4);
  }, 60_000);

  test('nothing is said where nothing changed', async () => {
    const n = await night('same', { startsIn: 2 * HOUR, policy: { prepare_lead: HOUR } });
    await n.live();
    expect(await line(n, 'telescope_changed')).toBeNull();
  }, 60_000);
});

describe('a booking that cannot be loaded', () => {
  test('refuses the extension or the plan that asked for it, and the session lives on', async () => {
    const answers: object[] = [];
    const n = await night('unloadable', {
      startsIn: 2 * HOUR,
      policy: { prepare_lead: HOUR, extend_ceiling_minutes: 60 },
      steps: [
        { at: 900, do: (it) => edit(it, (t) => (t.filters = { R: 1 })) },
        {
          at: 960,
          do: async (it) =>
            void it
              .update('extend', 'e', { end: new Date(it.end + 600_000).toISOString() })
              .then((answer) => answers.push(answer)),
        },
        {
          at: 1260,
          do: async (it) => void it.update('amendPlan', 'a', { bodyHash: 'x' }).then((answer) => answers.push(answer)),
        },
        { at: 1800, do: (it) => edit(it, (t) => (t.filters = { L: 0, R: 1 })) },
      ],
    });
    expect((await n.live()).outcome).toBe('completed');
    expect(answers).toEqual([
      expect.objectContaining({ state: 'refused', reason: 'filter_mismatch' }),
      expect.objectContaining({ state: 'refused', reason: 'filter_mismatch' }),
    ]);
    expect(n.observatory.taken.length).toBe(4);
  }, 60_000);
});

describe('the controls that a session keeps at hand', () => {
  const state = (): SessionState => new SessionState('b', 't');
  const signal = (it: SessionState, i: number): void =>
    it.receive(i % 2 ? 'resume' : 'pause', { commandId: `c${i}`, requestedBy: 'guest' });

  test('an update that waits is not forgotten for those that come after it', () => {
    const it = state();
    it.receive('extend', { commandId: 'first', requestedBy: 'site' });
    for (let i = 0; i < 500; i++) signal(it, i);
    expect(it.receipt('first')).not.toBeNull();
    expect(it.data.inbox).toHaveLength(501);
  });

  test('those that are settled go, the oldest first, so that memory is bounded', () => {
    const it = state();
    for (let i = 0; i < 1000; i++) {
      signal(it, i);
      it.receipt(`c${i}`)!.state = 'refused';
    }
    expect(it.data.receipts).toHaveLength(200);
    expect(it.receipt('c999')).not.toBeNull();
  });

  test('one whose sender waits for the answer stays until it was given', () => {
    const it = state();
    it.receive('extend', { commandId: 'first', requestedBy: 'site' });
    it.awaited.add('first');
    it.receipt('first')!.state = 'confirmed';
    for (let i = 0; i < 500; i++) {
      signal(it, i);
      it.receipt(`c${i}`)!.state = 'refused';
    }
    expect(it.receipt('first')).toMatchObject({ state: 'confirmed' });
  });
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThan(4);
}, 60_000);
