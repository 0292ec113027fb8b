import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { replayNights } from './histories.ts';
import { Stage } from './night.ts';

const HOUR = 3600;
const DAY = 86_400;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 60_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

describe('a quiet night', () => {
  test('a booking made three days ahead is prepared at J-1, starts at H, ends when the plan is finished', async () => {
    const night = await stage.prepare({ id: 'quiet', startsIn: 3 * DAY, slotSeconds: 2 * HOUR });
    const result = await night.live();
    expect(result).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(await night.when('preparing')).toBe(-DAY);
    expect(await night.when('starting_soon')).toBe(-HOUR);
    // The server's clock goes on by itself while its tasks are worked off.
    expect(await night.when('started')).toBeLessThanOrEqual(10);
    expect(night.observatory.taken).toHaveLength(10);
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
    expect(night.observatory.enabled).toBe(false);
    expect(await night.ledger()).toEqual({ overhead: expect.any(Number), imaging: 3000, other: expect.any(Number) });
    expect(await night.outbox()).toEqual([
      'session.prepared',
      'session.starting_soon',
      'session.started',
      'credits.settled',
      'session.completed',
    ]);
    expect(await night.outbox('email')).toEqual([
      'session.prepared',
      'session.starting_soon',
      'session.started',
      'session.completed',
    ]);
  }, 60_000);
});

describe('controls', () => {
  test('pause and resume are confirmed from telemetry, and the paused seconds are the guest’s', async () => {
    const night = await stage.prepare({
      id: 'pause',
      startsIn: 600,
      slotSeconds: 3 * HOUR,
      policy: { prepare_lead: 300 },
      steps: [
        { at: 1000, do: (n) => n.signal('pause', 'p1') },
        { at: 1200, do: (n) => n.signal('pause', 'p2') },
        { at: 2800, do: (n) => n.signal('resume', 'r1') },
        { at: 2900, do: (n) => n.signal('resume', 'r2') },
        { at: 2950, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.receipts()).toEqual({
      p1: 'confirmed',
      p2: 'refused:already_paused',
      r1: 'confirmed',
      r2: 'refused:not_paused',
    });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'running',
      'holding:user_pause',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'disableTarget',
      'enableTarget',
      'disableTarget',
    ]);
    expect(night.observatory.taken).toHaveLength(10);
    const ledger = await night.ledger();
    expect(ledger.user_pause).toBeGreaterThanOrEqual(1798);
    expect(ledger.user_pause).toBeLessThanOrEqual(1804);
    expect(Object.values(ledger).reduce((a, b) => a + b, 0)).toBe(3 * HOUR);
    expect(await night.outbox()).toContain('control.refused');
  }, 60_000);

  test('pause mode abort stops the exposure at once', async () => {
    const night = await stage.prepare({
      id: 'pause-abort',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 3 }],
      policy: { prepare_lead: 300, pause_mode: 'abort' },
      steps: [
        { at: 200, do: (n) => n.signal('pause', 'p1') },
        { at: 500, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'stopTarget', 'enableTarget', 'disableTarget']);
    expect(night.observatory.taken[0]!.startedAt).toBeGreaterThanOrEqual(night.at(500));
  }, 60_000);

  test('abort stops the target, wraps up, and a repeat has no second effect', async () => {
    const night = await stage.prepare({
      id: 'abort',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      steps: [
        {
          at: 1000,
          do: async (n) =>
            void (await Promise.all([n.signal('abort', 'a1'), n.signal('abort', 'a1'), n.signal('abort', 'a1')])),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(await night.receipts()).toEqual({ a1: 'confirmed' });
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'stopTarget']);
    expect((await night.phases()).slice(-3)).toEqual(['running', 'finalising:user_abort', 'aborted:user_abort']);
    expect(await night.when('user_abort')).toBeLessThanOrEqual(1003);
    expect(await night.outbox()).toContain('session.aborted');
  }, 60_000);

  test('two controls at once: one after the other, the abort wins', async () => {
    const night = await stage.prepare({
      id: 'both',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      steps: [
        { at: 1000, do: async (n) => void (await Promise.all([n.signal('pause', 'p1'), n.signal('abort', 'a1')])) },
      ],
    });
    expect((await night.live()).outcome).toBe('aborted');
    expect((await night.receipts()).a1).toBe('confirmed');
    expect(night.observatory.enabled).toBe(false);
  }, 60_000);

  test('cancel seconds before H: nothing ever moves, the objects are cleared away, all credits go back', async () => {
    const night = await stage.prepare({
      id: 'cancel',
      startsIn: 600,
      slotSeconds: HOUR,
      policy: { prepare_lead: 300 },
      steps: [{ at: -5, do: (n) => n.signal('cancel', 'c1') }],
    });
    expect(await night.live()).toEqual({ outcome: 'cancelled', reason: 'user_cancel' });
    expect(await night.phases()).toEqual(['scheduled', 'preparing', 'prepared', 'cancelled:user_cancel']);
    expect(await night.receipts()).toEqual({ c1: 'confirmed' });
    expect(night.effects()).toEqual(['ensureObjects', 'removeObjects']);
    const { id } = night;
    expect((await stage.db.booking.findUniqueOrThrow({ where: { id } })).occupies).toBe(false);
    expect(await night.outbox()).toEqual([
      'session.prepared',
      'session.cancelled',
      'control.confirmed',
      'credits.settled',
    ]);
    const settlement = await stage.db.settlement.findFirstOrThrow({ where: { bookingId: id } });
    expect(settlement).toMatchObject({
      chargedHundredths: 10_000,
      refundHundredths: 10_000,
      lines: [{ class: 'other', seconds: HOUR, hundredths: 10_000 }],
    });
    const report = (await stage.db.report.findUniqueOrThrow({ where: { bookingId: id } })).body as {
      summary: { outcome: string };
      credits: { credits_refund: number };
    };
    expect([report.summary.outcome, report.credits.credits_refund]).toEqual(['cancelled', 100]);
  }, 90_000);

  test('pause, resume before H are refused as outside the slot; an abort while preparing ends it', async () => {
    const night = await stage.prepare({
      id: 'early',
      startsIn: 2 * HOUR,
      slotSeconds: HOUR,
      policy: { prepare_lead: 3000 },
      script: (start) => ({
        siteProblem: [{ from: 0, to: start, reason: 'profile_mismatch', message: 'another profile' }],
      }),
      steps: [
        { at: -2000, do: (n) => n.signal('pause', 'p1') },
        { at: -1900, do: (n) => n.signal('resume', 'r1') },
        { at: -1800, do: (n) => n.signal('abort', 'a1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(await night.receipts()).toEqual({ a1: 'confirmed', p1: 'refused:outside_slot', r1: 'refused:outside_slot' });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'preparing:profile_mismatch',
      'aborted:user_abort',
    ]);
    expect(night.effects()).toEqual([]);
  }, 60_000);

  test('a pause in the last minute holds to the end of the slot', async () => {
    const night = await stage.prepare({
      id: 'last-minute',
      startsIn: 600,
      slotSeconds: 1200,
      policy: { prepare_lead: 300 },
      steps: [{ at: 1150, do: (n) => n.signal('pause', 'p1') }],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'slot_over' });
    expect(await night.receipts()).toEqual({ p1: 'confirmed' });
    expect(night.observatory.enabled).toBe(false);
    expect((await night.ledger()).user_pause).toBeGreaterThanOrEqual(45);
  }, 60_000);

  test('reschedule moves a prepared booking: a new generation of objects, the old one removed after', async () => {
    const night = await stage.prepare({
      id: 'move',
      startsIn: 2 * DAY,
      slotSeconds: 2 * HOUR,
      steps: [
        {
          at: -HOUR * 5,
          do: async (n) => {
            const start = new Date(n.at(DAY));
            const end = new Date(n.at(DAY + 2 * HOUR));
            await stage.db.booking.update({
              where: { id: 'move' },
              data: { startsAt: start, endsAt: end, blockedUntil: end, generation: 1 },
            });
            void n
              .update('reschedule', 'm1', { start: start.toISOString(), end: end.toISOString() })
              .catch(() => undefined);
          },
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(await night.receipts()).toEqual({ m1: 'confirmed' });
    expect(night.effects()).toEqual([
      'ensureObjects',
      'ensureObjects',
      'removeObjects',
      'enableTarget',
      'disableTarget',
    ]);
    expect(night.observatory.taken[0]!.startedAt).toBeGreaterThanOrEqual(night.at(DAY));
    expect(await night.outbox()).toContain('session.rescheduled');
  }, 60_000);

  test('extend inside the ceiling gives more time; beyond it is refused', async () => {
    const night = await stage.prepare({
      id: 'extend',
      startsIn: 600,
      slotSeconds: 1800,
      policy: { prepare_lead: 300, extend_ceiling_minutes: 60 },
      steps: [
        {
          at: 600,
          do: async (n) => {
            const end = new Date(n.end + HOUR * 1000);
            await n.update('extend', 'e0', { end: new Date(n.end + 2 * HOUR * 1000).toISOString() });
            await stage.db.booking.update({ where: { id: 'extend' }, data: { endsAt: end, blockedUntil: end } });
            void n.update('extend', 'e1', { end: end.toISOString() }).catch(() => undefined);
          },
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.receipts()).toEqual({ e0: 'refused:not_allowed', e1: 'confirmed' });
    expect(night.observatory.taken).toHaveLength(10);
    expect(Object.values(await night.ledger()).reduce((a, b) => a + b, 0)).toBe(1800 + HOUR);
    expect(await night.outbox()).toContain('session.extended');
  }, 60_000);

  test('amend during the night: the new plan is confirmed before the old one goes', async () => {
    const night = await stage.prepare({
      id: 'amend',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      steps: [
        {
          at: 1000,
          do: async (n) => {
            await stage.db.booking.update({
              where: { id: 'amend' },
              data: {
                shots: [{ filter: 'Ha', exposure_seconds: 600, quantity: 2, binning: 1, type: 'light' }],
                generation: 1,
              },
            });
            void n.update('amendPlan', 'm1', { bodyHash: 'other' }).catch(() => undefined);
          },
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.receipts()).toEqual({ m1: 'confirmed' });
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'disableTarget',
      'ensureObjects',
      'removeObjects',
      'enableTarget',
      'disableTarget',
    ]);
    expect(night.observatory.taken.filter((t) => t.exposureSeconds === 600)).toHaveLength(2);
  }, 60_000);
});

describe('weather', () => {
  test('bad at H: says so, holds, starts late after five safe minutes, and the lost time is weather', async () => {
    const night = await stage.prepare({
      id: 'late',
      startsIn: 600,
      slotSeconds: 3 * HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ weather: [{ from: start - 3000_000, to: start + 1800_000, state: 'unsafe' }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'holding:weather_unsafe',
      'holding:weather_debounce',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    const started = (await night.when('started'))!;
    expect(started).toBeGreaterThanOrEqual(2100);
    expect(started).toBeLessThanOrEqual(2110);
    const ledger = await night.ledger();
    expect(ledger.unsafe).toBeGreaterThanOrEqual(1800);
    expect(ledger.unsafe! + ledger.weather_hold!).toBeGreaterThanOrEqual(2095);
    expect((await night.outbox()).slice(0, 3)).toEqual(['session.prepared', 'session.paused', 'session.started']);
    expect(night.observatory.commands.filter((c) => c.name === 'enableTarget' && c.weather !== 'ok')).toEqual([]);
  }, 60_000);

  test('too little left for one exposure ends as weathered_out, and the refund is all of it', async () => {
    const night = await stage.prepare({
      id: 'out',
      startsIn: 600,
      slotSeconds: HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ weather: [{ from: start - 3000_000, to: start + 7200_000, state: 'unsafe' }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'weathered_out', reason: 'weather_no_time_left' });
    expect((await night.phases()).slice(-2)).toEqual([
      'finalising:weather_no_time_left',
      'weathered_out:weather_no_time_left',
    ]);
    expect(night.effects()).toEqual(['ensureObjects']);
    expect(await night.outbox()).toContain('session.weathered_out');
    const settlement = await stage.db.settlement.findFirstOrThrow({ where: { bookingId: 'out' } });
    expect(settlement.refundHundredths).toBeGreaterThan(9_000);
  }, 60_000);

  test('unsafe in the middle: stopped at once, goes on after the debounce with what still fits', async () => {
    const night = await stage.prepare({
      id: 'middle',
      startsIn: 600,
      slotSeconds: 5400,
      policy: { prepare_lead: 300 },
      script: (start) => ({ weather: [{ from: start + 1000_000, to: start + 2500_000, state: 'unsafe' }] }),
      steps: [
        {
          at: 1000,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(1000)).toISOString(),
              kind: 'weather_changed',
            }),
        },
      ],
    });
    const result = await night.live();
    expect(result.outcome).toBe('completed');
    expect(await night.phases()).toEqual(
      expect.arrayContaining(['holding:weather_unsafe', 'holding:weather_debounce']),
    );
    expect(await night.when('weather_unsafe')).toBeLessThanOrEqual(1003);
    expect(night.effects().slice(0, 3)).toEqual(['ensureObjects', 'enableTarget', 'stopTarget']);
    expect(night.observatory.taken.length).toBeGreaterThanOrEqual(7);
    expect(night.observatory.enabled).toBe(false);
  }, 60_000);

  test('clouds let the exposure under way finish', async () => {
    const night = await stage.prepare({
      id: 'clouds',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 4 }],
      policy: { prepare_lead: 300 },
      script: (start) => ({ weather: [{ from: start + 500_000, to: start + 1500_000, state: 'hold' }] }),
      steps: [
        {
          at: 500,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(500)).toISOString(),
              kind: 'weather_changed',
            }),
        },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(night.observatory.taken).toHaveLength(4);
    expect(night.observatory.taken[1]!.startedAt).toBeLessThan(night.at(500));
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'disableTarget',
      'enableTarget',
      'disableTarget',
    ]);
  }, 60_000);
});

describe('faults', () => {
  test('observatory away from before the preparation to twenty minutes after H: told, waited for, started late, nothing lost but time', async () => {
    const night = await stage.prepare({
      id: 'away',
      startsIn: 7 * HOUR + 600,
      slotSeconds: 3 * HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 5 }],
      policy: { prepare_lead: 7 * HOUR, check_interval: 600 },
      script: (start) => ({ linkDown: [{ from: 0, to: start + 1200_000 }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    const phases = await night.phases();
    expect(phases).toEqual([
      'scheduled',
      'preparing',
      'preparing:voyager_away',
      'holding:voyager_away',
      'starting',
      // While Voyager was away its weather was not known: it must be good for a while again.
      'holding:weather_debounce',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    const alerted = (await night.when('operator_alert'))!;
    expect(alerted).toBeGreaterThanOrEqual(-6 * HOUR);
    expect(alerted).toBeLessThan(-6 * HOUR + 600);
    const late = (await night.when('preparation_late'))!;
    expect(late).toBeGreaterThanOrEqual(-1800);
    expect(late).toBeLessThan(-1200);
    const started = (await night.when('started'))!;
    expect(started).toBeGreaterThanOrEqual(1200);
    expect(started).toBeLessThan(1800);
    expect((await night.ledger()).outage).toBeGreaterThanOrEqual(1195);
    expect(night.observatory.taken).toHaveLength(5);
  }, 60_000);

  test('a pause while the observatory is still away inside the slot is confirmed at once, and held to once it is back', async () => {
    let soon: Record<string, string> = {};
    const night = await stage.prepare({
      id: 'pause-unprepared',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
      policy: { prepare_lead: 300 },
      script: (start) => ({ linkDown: [{ from: 0, to: start + 600_000 }] }),
      steps: [
        { at: 300, do: (n) => n.signal('pause', 'p1') },
        { at: 330, do: async (n) => void (soon = await n.receipts()) },
        { at: 1500, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(soon).toEqual({ p1: 'confirmed' });
    expect(await night.receipts()).toEqual({ p1: 'confirmed', r1: 'confirmed' });
    expect((await night.when('started'))!).toBeGreaterThanOrEqual(1500);
  }, 60_000);

  test('an answer that is lost is read back and not sent again', async () => {
    const night = await stage.prepare({
      id: 'lost',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
      policy: { prepare_lead: 300 },
      script: () => ({ lost: [{ name: 'enableTarget', nth: 1 }] }),
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(night.observatory.commands.filter((c) => c.name === 'enableTarget')).toHaveLength(1);
  }, 60_000);

  test('a lost link holds as an outage and goes on without a second start', async () => {
    const night = await stage.prepare({
      id: 'link',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ linkDown: [{ from: start + 1000_000, to: start + 1600_000 }] }),
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:voyager_away']));
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
    expect(await night.outbox()).toEqual(
      expect.arrayContaining(['session.paused', 'error.occurred', 'session.resumed']),
    );
  }, 60_000);

  test('VOYSTAT ERROR holds, tells operator and guest, and clears by itself', async () => {
    const night = await stage.prepare({
      id: 'errore',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ voyagerError: [{ from: start + 1000_000, to: start + 1400_000 }] }),
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:voyager_error']));
    expect(await night.outbox('operator')).toContain('error.occurred');
  }, 60_000);

  test('other people’s targets are borrowed for the slot and given back', async () => {
    const night = await stage.prepare({
      id: 'foreign',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
      policy: { prepare_lead: 300 },
      script: () => ({ foreign: [{ guid: 'f1', name: 'Owner’s target' }] }),
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(night.effects()).toEqual(['ensureObjects', 'borrowSky', 'enableTarget', 'disableTarget', 'returnSky']);
    expect(night.observatory.borrowed.size).toBe(0);
  }, 60_000);

  test('a target that may not be borrowed: does not start and says which one stands in the way', async () => {
    const night = await stage.prepare({
      id: 'locked',
      startsIn: 600,
      // The last look comes back in the very instant in which the slot ends.
      slotSeconds: 1800,
      policy: { prepare_lead: 300 },
      script: () => ({ foreign: [{ guid: 'f1', name: 'Survey', locked: true }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'failed', reason: 'foreign_target' });
    expect(night.effects()).toEqual(['ensureObjects']);
    const lines = await stage.db.timeline.findMany({ where: { bookingId: 'locked', event: 'borrow_refused' } });
    expect(lines.map((line) => line.message)).toEqual(['Survey may not be disabled']);
    expect(await night.phases()).not.toContain('holding:slot_over');
    expect((await night.ledger()).foreign).toBeGreaterThanOrEqual(1795);
  }, 60_000);

  test('in Voyager’s emergency nothing is sent; the abort asked for meanwhile runs after it', async () => {
    const night = await stage.prepare({
      id: 'emergency',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ emergency: [{ from: start + 1000_000, to: start + 2000_000 }] }),
      steps: [
        {
          at: 1000,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(1000)).toISOString(),
              kind: 'emergency_begun',
            }),
        },
        { at: 1100, do: (n) => n.signal('abort', 'a1') },
        {
          at: 2000,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e2',
              at: new Date(n.at(2000)).toISOString(),
              kind: 'emergency_over',
            }),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(night.observatory.commands.filter((c) => c.at >= night.at(1000) && c.at < night.at(2000))).toEqual([]);
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'stopTarget']);
    expect(await night.when('latched')).not.toBeNull();
    expect(await night.receipts()).toEqual({ a1: 'confirmed' });
  }, 60_000);

  test('an abort latched at the gateway is taken over, confirmed and released', async () => {
    const night = await stage.prepare({
      id: 'latch',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      steps: [
        {
          at: 1000,
          do: async (n) => {
            n.observatory.emergencyAbort({ commandId: 'latch.g1', requestedBy: 'api' }, n.at(1000));
            await n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(1000)).toISOString(),
              kind: 'aborted_at_gateway',
            });
          },
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(await night.receipts()).toEqual({ g1: 'confirmed' });
    expect(night.observatory.latch).toBeNull();
  }, 60_000);

  test('somebody at the console disables the target: held as taken over, not fought', async () => {
    const night = await stage.prepare({
      id: 'hand',
      startsIn: 600,
      slotSeconds: 1800,
      policy: { prepare_lead: 300 },
      script: (start) => ({ disabledByHand: [start + 700_000] }),
    });
    const result = await night.live();
    expect(result.outcome).toBe('completed');
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:local_operator']));
    expect(night.observatory.commands.filter((c) => c.name === 'enableTarget')).toHaveLength(1);
  }, 60_000);

  test('maintenance inside the slot holds and its time is given back', async () => {
    const night = await stage.prepare({
      id: 'maint',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 6 }],
      policy: { prepare_lead: 300 },
    });
    await stage.db.maintenance.create({
      data: {
        id: 'm1',
        telescopeId: night.telescopeId,
        fromAt: new Date(night.at(1000)),
        toAt: new Date(night.at(2000)),
        reason: 'mirror',
        bookings: 'hold',
      },
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:maintenance']));
    const outage = (await night.ledger()).outage!;
    expect(outage).toBeGreaterThanOrEqual(995);
    expect(outage).toBeLessThanOrEqual(1010);
  }, 60_000);
});

describe('slots', () => {
  test('booked ten minutes before H: prepared at once', async () => {
    const night = await stage.prepare({
      id: 'ten',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
    });
    expect((await night.live()).outcome).toBe('completed');
    const preparing = (await night.when('preparing'))!;
    expect(preparing).toBeGreaterThanOrEqual(-605);
    expect(preparing).toBeLessThan(-580);
    expect(await night.outbox()).not.toContain('session.starting_soon');
  }, 60_000);

  test('back to back on one telescope: the second starts at its own H and both end clean', async () => {
    const first = await stage.prepare({
      id: 'b1',
      startsIn: 600,
      slotSeconds: 1800,
      telescopeId: 't-back',
      policy: { prepare_lead: 300 },
    });
    expect(await first.live()).toEqual({ outcome: 'completed', reason: 'slot_over' });
    expect(first.observatory.taken.every((t) => t.startedAt + t.exposureSeconds * 1000 <= first.end)).toBe(true);
    await first.stopGateway();
    const second = await stage.prepare({
      id: 'b2',
      startsIn: 300,
      slotSeconds: 1800,
      telescopeId: 't-back',
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
    });
    expect((await second.live()).outcome).toBe('completed');
    expect(await second.when('started')).toBeLessThanOrEqual(2);
  }, 60_000);

  test('continue-as-new in the middle of a night changes nothing', async () => {
    const night = await stage.prepare({
      id: 'can',
      startsIn: 2 * HOUR,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: HOUR },
      maxHistoryEvents: 120,
      steps: [
        { at: 1000, do: (n) => n.signal('pause', 'p1') },
        { at: 1300, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'starting',
      'running',
      'holding:user_pause',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'disableTarget',
      'enableTarget',
      'disableTarget',
    ]);
    const { runId } = await stage.db.session.findUniqueOrThrow({ where: { bookingId: night.id } });
    expect(runId).not.toBe(night.firstRunId);
  }, 60_000);
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(6);
}, 180_000);
