import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { shotsWorkflowId } from '../../domain/queues.ts';
import { replayNights } from './histories.ts';
import { Stage, type Night } from './night.ts';

/** Named faults, refusals and awkward slots that session.test.ts does not have. */
const HOUR = 3600;
const DAY = 86_400;
const FEW = [{ filter: 'L', exposure_seconds: 300, quantity: 4 }];
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const sum = (ledger: Record<string, number>): number => Object.values(ledger).reduce((a, b) => a + b, 0);
/** The webhook `error.occurred` with that reason was told. */
async function told(night: Night, reason: string): Promise<boolean> {
  const rows = await stage.db.outbox.findMany({
    where: { bookingId: night.id, channel: 'webhook', type: 'error.occurred' },
  });
  return rows.some((r) => (r.data as { reason?: string }).reason === reason);
}
const secondsFrom = async (iso: string): Promise<number> =>
  Math.round((Date.parse(iso) - (await stage.temporal.nowMs())) / 1000);

describe('far ahead', () => {
  // First in the file: after other nights the test server skips four months too eagerly and runs past the slot.
  test('summer time begins inside the slot: four hours stay four hours, prepared at the site’s noon of the day before', async () => {
    const night = await stage.prepare({
      id: 'dst',
      startsIn: await secondsFrom('2027-03-27T23:30:00Z'),
      slotSeconds: 4 * HOUR,
      shots: FEW,
      timezone: 'Europe/Paris',
      policy: { prepare_lead: 'noon' },
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(new Date(night.at((await night.when('preparing'))!)).toISOString()).toMatch(/^2027-03-27T11:0/);
    expect(sum(await night.ledger())).toBe(4 * HOUR);
    expect(night.observatory.plan?.target.C_DateEnd).toBe(night.end / 1000);
  }, 60_000);
});

describe('faults', () => {
  // On the time-skipping server a task that nobody polls holds the clock, so that this one lives at wall speed there, on a scale of seconds.
  test('gateway down from before the preparation to after H: told, prepared and started when it comes, the lost time is ours', async () => {
    const night = await stage.prepare({
      id: 'late-gateway',
      startsIn: 20,
      slotSeconds: 600,
      shots: [{ filter: 'L', exposure_seconds: 20, quantity: 2 }],
      policy: { prepare_lead: 18, check_interval: 5 },
      debounceSeconds: 0,
      gateway: false,
    });
    const coming = night.startGateway(50);
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    await coming;
    const phases = await night.phases();
    expect(phases.slice(0, 2)).toEqual(['scheduled', 'preparing']);
    expect(phases.indexOf('holding:gateway_away')).toBeGreaterThan(1);
    expect(phases.indexOf('running')).toBeGreaterThan(phases.indexOf('holding:gateway_away'));
    expect(await night.when('operator_alert')).not.toBeNull();
    expect(await night.when('preparation_late')).not.toBeNull();
    expect((await night.ledger()).outage).toBeGreaterThanOrEqual(10);
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
    expect(night.observatory.taken).toHaveLength(2);
  }, 150_000);

  test('camera gone: the target is disabled, equipment_error is told, and it goes on when the camera is back', async () => {
    const night = await stage.prepare({
      id: 'camera',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ unplugged: [{ from: start + 400_000, to: start + 1400_000, what: 'camera' }] }),
      steps: [
        {
          at: 400,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'c1',
              at: new Date(n.at(400)).toISOString(),
              kind: 'camera_error',
            }),
        },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:equipment_error']));
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'disableTarget',
      'enableTarget',
      'disableTarget',
    ]);
    expect(await told(night, 'equipment_error')).toBe(true);
    const { outage } = await night.ledger();
    expect(outage).toBeGreaterThanOrEqual(995);
    expect(outage).toBeLessThanOrEqual(1_310);
  }, 60_000);

  test('guide star lost: said in phase and night log, the target is left to Voyager, and nothing is sent', async () => {
    const night = await stage.prepare({
      id: 'guiding',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ guidingLost: [{ from: start + 400_000, to: start + 1000_000 }] }),
      steps: [
        {
          at: 400,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'g1',
              at: new Date(n.at(400)).toISOString(),
              kind: 'guiding_lost',
            }),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.when('guiding_lost')).toBeLessThanOrEqual(403);
    expect(await night.when('as_planned')).toBeLessThanOrEqual(1_310);
    expect(await night.phases()).not.toEqual(expect.arrayContaining([expect.stringMatching(/^holding/)]));
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
  }, 60_000);

  test('Voyager restarts and RoboTarget with it does not: its script is started again where policy has one', async () => {
    const night = await stage.prepare({
      id: 'restart',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300, robotarget_start: 'dragscript', dragscript: 'RoboTarget.vos' },
      script: (start) => ({
        linkDown: [{ from: start + 400_000, to: start + 460_000 }],
        scriptEnds: [start + 400_000],
      }),
      steps: [
        {
          at: 401,
          do: (n) =>
            n.handle.signal('telescopeEvent', { id: 'r1', at: new Date(n.at(401)).toISOString(), kind: 'link_lost' }),
        },
        {
          at: 461,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'r2',
              at: new Date(n.at(461)).toISOString(),
              kind: 'voyager_restarted',
            }),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:voyager_away']));
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'startRoboTarget', 'disableTarget']);
    const outage = (await night.ledger()).outage!;
    expect(outage).toBeGreaterThanOrEqual(55);
    expect(outage).toBeLessThanOrEqual(75);
  }, 60_000);

  test('RoboTarget does not run and policy starts nothing: the session says so, holds, and sends no motion of ours', async () => {
    const night = await stage.prepare({
      id: 'no-script',
      startsIn: 600,
      slotSeconds: 1800,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ scriptEnds: [start - 60_000] }),
    });
    expect(await night.live()).toEqual({ outcome: 'failed', reason: 'robotarget_not_running' });
    expect(await night.phases()).toContain('holding:robotarget_not_running');
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
  }, 60_000);

  test('the sky turns while RoboTarget does not run: the fault’s time stays the fault’s, the weather’s begins when it is seen', async () => {
    const night = await stage.prepare({
      id: 'no-script-rain',
      startsIn: 600,
      slotSeconds: 3600,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({
        scriptEnds: [start - 60_000],
        weather: [{ from: start + 2_400_000, to: start + 7_200_000, state: 'unsafe' }],
      }),
    });
    await night.live();
    expect(await night.phases()).toContain('holding:weather_unsafe');
    const ledger = await night.ledger();
    expect(ledger.outage).toBeGreaterThanOrEqual(1_800);
    expect(ledger.unsafe).toBeLessThanOrEqual(1_200);
    expect(sum(ledger)).toBe(3600);
  }, 60_000);

  test('target finished early by RoboTarget’s word: the session ends at once and the rest of the slot is nobody’s', async () => {
    const night = await stage.prepare({
      id: 'early-end',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
      script: (start) => ({ finishedFrom: start + 974_000 }),
      steps: [
        {
          at: 975,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'f1',
              at: new Date(n.at(975)).toISOString(),
              kind: 'target_finished',
            }),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.when('plan_finished')).toBeLessThanOrEqual(985);
    const ledger = await night.ledger();
    expect(sum(ledger)).toBe(2 * HOUR);
    expect(ledger.other).toBeGreaterThanOrEqual(2 * HOUR - 990);
  }, 60_000);

  test('RoboTarget picks another target in an exclusive slot: the intruder is borrowed, its seconds are foreign, and it is given back', async () => {
    const night = await stage.prepare({
      id: 'intruder',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ foreign: [{ guid: 'f9', name: 'Survey 9', takesOverAt: start + 700_000 }] }),
      steps: [
        {
          at: 980,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'i1',
              at: new Date(n.at(975)).toISOString(),
              kind: 'foreign_target',
            }),
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'borrowSky', 'disableTarget', 'returnSky']);
    expect(night.observatory.borrowed.size).toBe(0);
    expect(await night.when('foreign_target')).toBeLessThanOrEqual(985);
    const { foreign } = await night.ledger();
    expect(foreign).toBeGreaterThanOrEqual(5);
    expect(foreign).toBeLessThanOrEqual(20);
    expect(night.observatory.taken).toHaveLength(4);
  }, 60_000);

  test('maintenance that cancels the bookings of its window ends the session as maintenance, refunded', async () => {
    const night = await stage.prepare({
      id: 'maint-cancel',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 300 },
    });
    await stage.db.maintenance.create({
      data: {
        id: 'mc',
        telescopeId: night.telescopeId,
        fromAt: new Date(night.at(1000)),
        toAt: new Date(night.at(7200)),
        reason: 'mirror',
        bookings: 'cancel',
      },
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'maintenance' });
    expect(await night.when('maintenance')).toBeLessThanOrEqual(1_010);
    expect(night.observatory.enabled).toBe(false);
  }, 60_000);
});

describe('darks in bad weather', () => {
  const plan = [
    { filter: 'L', exposure_seconds: 300, quantity: 2 },
    { filter: 'L', exposure_seconds: 300, quantity: 4, type: 'dark' as const },
  ];
  const cloudy = (id: string, from: number, calibration: boolean): Promise<Night> =>
    stage.prepare({
      id,
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: plan,
      policy: { prepare_lead: 300, check_interval: 60, calibration_in_bad_weather: calibration },
      script: (start) => ({ weather: [{ from: start + from * 1000, to: start + (from + 600) * 1000, state: 'hold' }] }),
    });

  test('clouds after the last light: the darks go on where policy says so, and the night log says why it looks cloudy', async () => {
    const night = await cloudy('darks', 1000, true);
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).not.toEqual(expect.arrayContaining([expect.stringMatching(/^holding/)]));
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', 'disableTarget']);
    expect(night.observatory.taken).toHaveLength(6);
    expect(await night.when('weather_hold')).toBeLessThanOrEqual(1_070);
    expect(await night.when('as_planned')).toBeLessThanOrEqual(1_670);
  }, 60_000);

  test('they wait where it does not, and clouds over the lights hold either way', async () => {
    for (const [id, from, calibration] of [
      ['darks-wait', 1000, false],
      ['lights-first', 200, true],
    ] as const) {
      const night = await cloudy(id, from, calibration);
      expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
      expect(await night.phases()).toEqual(expect.arrayContaining(['holding:weather_hold']));
      expect(night.effects()).toEqual([
        'ensureObjects',
        'enableTarget',
        'disableTarget',
        'enableTarget',
        'disableTarget',
      ]);
    }
  }, 60_000);
});

describe('a pause that something stands in the way of', () => {
  test('while Voyager reports an error the target is disabled at once, and it goes on only when the guest says so', async () => {
    const night = await stage.prepare({
      id: 'pause-in-error',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ voyagerError: [{ from: start + 400_000, to: start + 1900_000 }] }),
      steps: [
        {
          at: 400,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'v1',
              at: new Date(n.at(400)).toISOString(),
              kind: 'voyager_error',
            }),
        },
        { at: 500, do: (n) => n.signal('pause', 'p1') },
        { at: 2600, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.receipts()).toEqual({ p1: 'confirmed', r1: 'confirmed' });
    expect(night.effects().slice(0, 4)).toEqual(['ensureObjects', 'enableTarget', 'disableTarget', 'enableTarget']);
    const disabled = night.observatory.commands.find((c) => c.name === 'disableTarget')!;
    expect((disabled.at - night.start) / 1000).toBeLessThan(530);
  }, 60_000);

  test('while somebody at the console holds the target it is confirmed by what is seen, and nothing is sent', async () => {
    const night = await stage.prepare({
      id: 'pause-by-hand',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ disabledByHand: [start + 390_000] }),
      steps: [
        {
          at: 400,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'h1',
              at: new Date(n.at(400)).toISOString(),
              kind: 'target_changed',
            }),
        },
        { at: 900, do: (n) => n.signal('pause', 'p1') },
        { at: 1200, do: async (n) => expect(await n.receipts()).toEqual({ p1: 'confirmed' }) },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.receipts()).toEqual({ p1: 'confirmed' });
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget']);
  }, 60_000);

  test('a disable that Voyager refuses is tried again within seconds; the second refusal is told to the operator', async () => {
    const night = await stage.prepare({
      id: 'pause-refused',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: FEW,
      policy: { prepare_lead: 300, check_interval: 300 },
      script: () => ({
        refused: [
          { name: 'disableTarget', nth: 1 },
          { name: 'disableTarget', nth: 2 },
        ],
      }),
      steps: [
        { at: 500, do: (n) => n.signal('pause', 'p1') },
        { at: 1200, do: (n) => n.signal('resume', 'r1') },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.receipts()).toEqual({ p1: 'confirmed', r1: 'confirmed' });
    const disabled = night.observatory.commands.find((c) => c.name === 'disableTarget')!;
    expect((disabled.at - night.start) / 1000).toBeGreaterThan(540);
    expect((disabled.at - night.start) / 1000).toBeLessThan(600);
    expect(await night.when('operator_alert')).not.toBeNull();
  }, 60_000);
});

describe('refusals', () => {
  test('resume in unsafe weather, pause and abort while finalising, extend without a free slot: each says why', async () => {
    const night = await stage.prepare({
      id: 'refused',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      script: (start) => ({ weather: [{ from: start + 600_000, to: start + 900_000, state: 'unsafe' }] }),
      steps: [
        { at: 400, do: (n) => n.signal('pause', 'p1') },
        {
          at: 610,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'w1',
              at: new Date(n.at(600)).toISOString(),
              kind: 'weather_changed',
            }),
        },
        { at: 640, do: (n) => n.signal('resume', 'r1') },
        { at: 1400, do: (n) => n.signal('resume', 'r2') },
        // The row did not grow: the slot behind is taken.
        {
          at: 1500,
          do: (n) =>
            void n
              .update('extend', 'e1', { end: new Date(n.end + 1800_000).toISOString() })
              .catch(() => undefined) as unknown as Promise<void>,
        },
      ],
      duringFinalise: async (n) => {
        await n.signal('pause', 'p2');
        await n.signal('abort', 'a2');
      },
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.receipts()).toEqual({
      p1: 'confirmed',
      r1: 'refused:weather_unsafe',
      r2: 'confirmed',
      e1: 'refused:next_slot_taken',
      p2: 'refused:finalising',
      a2: 'refused:finalising',
    });
  }, 60_000);

  test('another plan in Voyager’s emergency, or when too little of the slot is left for it, is refused and the old one stands', async () => {
    const night = await stage.prepare({
      id: 'no-amend',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 10 }],
      policy: { prepare_lead: 300, minimum_useful_seconds: 300 },
      script: (start) => ({ emergency: [{ from: start + 600_000, to: start + 900_000 }] }),
      steps: [
        {
          at: 601,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(600)).toISOString(),
              kind: 'emergency_begun',
            }),
        },
        { at: 700, do: async (n) => void n.update('amendPlan', 'm1', { bodyHash: 'other' }).catch(() => undefined) },
        {
          at: 901,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e2',
              at: new Date(n.at(900)).toISOString(),
              kind: 'emergency_over',
            }),
        },
        { at: 3400, do: async (n) => void n.update('amendPlan', 'm2', { bodyHash: 'other' }).catch(() => undefined) },
      ],
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(await night.receipts()).toEqual({ m1: 'refused:voyager_emergency', m2: 'refused:slot_over' });
    expect(night.observatory.removed).toEqual([]);
    expect(night.effects()).toEqual(['ensureObjects', 'enableTarget', expect.any(String)]);
  }, 60_000);

  test('cancel and pause of a session that is over are refused, and its phase stays', async () => {
    const night = await stage.prepare({
      id: 'over',
      startsIn: 600,
      slotSeconds: 1800,
      shots: [{ filter: 'L', exposure_seconds: 60, quantity: 1 }],
      policy: { prepare_lead: 300 },
    });
    expect((await night.live()).outcome).toBe('completed');
    await expect(night.signal('pause', 'p1')).rejects.toThrow(/completed|not found/i);
    expect((await night.phases()).at(-1)).toBe('completed:plan_finished');
  }, 60_000);
});

describe('amendments', () => {
  test('amended before the night: the new generation stands and is read back before the old one goes', async () => {
    const night = await stage.prepare({
      id: 'amend-early',
      startsIn: 4 * HOUR,
      slotSeconds: 2 * HOUR,
      policy: { prepare_lead: 3 * HOUR },
      steps: [
        {
          at: -2 * HOUR,
          do: async (n) => {
            await stage.db.booking.update({
              where: { id: n.id },
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
    expect((await night.phases()).slice(0, 6)).toEqual([
      'scheduled',
      'preparing',
      'prepared',
      'preparing',
      'prepared',
      'starting',
    ]);
    expect(night.effects()).toEqual([
      'ensureObjects',
      'ensureObjects',
      'removeObjects',
      'enableTarget',
      'disableTarget',
    ]);
    expect(night.observatory.removed).toHaveLength(1);
    expect(night.observatory.removed).not.toContain(night.observatory.plan?.target.GuidTarget);
    expect(night.observatory.taken.map((t) => t.exposureSeconds)).toEqual([600, 600]);
  }, 60_000);

  test('rescheduled in the night: stopped, prepared anew for the later slot, the old objects removed after, credits for the new slot', async () => {
    const night = await stage.prepare({
      id: 'move-late',
      startsIn: 600,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
      steps: [
        {
          at: 1000,
          do: async (n) => {
            const start = new Date(n.at(DAY));
            const end = new Date(n.at(DAY + 2 * HOUR));
            await stage.db.booking.update({
              where: { id: n.id },
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
    expect(await night.receipts()).toEqual({ m1: 'confirmed' });
    expect(night.effects()).toEqual([
      'ensureObjects',
      'enableTarget',
      'stopTarget',
      'ensureObjects',
      'removeObjects',
      'enableTarget',
      'disableTarget',
    ]);
    expect(night.observatory.removed).toHaveLength(1);
    expect(sum(await night.ledger())).toBe(2 * HOUR);
  }, 60_000);

  test('extended before the night: the objects’ dates follow, in the same generation', async () => {
    const night = await stage.prepare({
      id: 'extend-early',
      startsIn: 2 * HOUR,
      slotSeconds: 1800,
      shots: FEW,
      policy: { prepare_lead: HOUR, extend_ceiling_minutes: 60 },
      steps: [
        {
          at: -600,
          do: async (n) => {
            const end = new Date(n.end + 1800_000);
            await stage.db.booking.update({ where: { id: n.id }, data: { endsAt: end, blockedUntil: end } });
            void n.update('extend', 'e1', { end: end.toISOString() }).catch(() => undefined);
          },
        },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.receipts()).toEqual({ e1: 'confirmed' });
    expect(night.observatory.plan?.target.C_DateEnd).toBe(night.end / 1000 + 1800);
    expect(night.observatory.removed).toEqual([]);
    expect(sum(await night.ledger())).toBe(3600);
  }, 60_000);
});

describe('slots', () => {
  test('two bookings of the same target in one night: each has its own objects, frames and credits', async () => {
    const first = await stage.prepare({
      id: 'twin1',
      startsIn: 600,
      slotSeconds: 1800,
      telescopeId: 't-twin',
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
    });
    expect((await first.live()).outcome).toBe('completed');
    await first.stopGateway();
    const second = await stage.prepare({
      id: 'twin2',
      startsIn: 1800,
      slotSeconds: 1800,
      telescopeId: 't-twin',
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
    });
    expect((await second.live()).outcome).toBe('completed');
    expect(second.observatory.plan?.target.TargetName).toBe(first.observatory.plan?.target.TargetName);
    expect(second.observatory.plan?.target.GuidTarget).not.toBe(first.observatory.plan?.target.GuidTarget);
    for (const night of [first, second]) {
      expect(await stage.db.frame.count({ where: { bookingId: night.id } })).toBe(2);
      expect(await stage.db.settlement.count({ where: { bookingId: night.id } })).toBe(1);
    }
  }, 60_000);

  test('a slot across midnight UTC has one ledger of exactly its seconds', async () => {
    const now = await stage.temporal.nowMs();
    const start = Math.ceil((now + 600_000) / (DAY * 1000)) * DAY * 1000 - HOUR * 1000;
    const wait = Math.round((start - now) / 1000) + (start - now < 600_000 ? DAY : 0);
    const night = await stage.prepare({
      id: 'midnight',
      startsIn: wait,
      slotSeconds: 2 * HOUR,
      shots: FEW,
      policy: { prepare_lead: 300 },
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(new Date(night.start).getUTCDate()).not.toBe(new Date(night.end).getUTCDate());
    expect(sum(await night.ledger())).toBe(2 * HOUR);
  }, 60_000);
});

// Last: after this night the test server skips no more time for nights with steps.
describe('Voyager’s own list', () => {
  test('away at the end of the night: the report does not wait, and the list is taken in when Voyager is back', async () => {
    const night = await stage.prepare({
      id: 'list-later',
      startsIn: 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 40 }],
      policy: { prepare_lead: 300 },
      script: (start) => ({ linkDown: [{ from: start + (HOUR - 200) * 1000, to: start + 6 * HOUR * 1000 }] }),
    });
    expect((await night.live()).outcome).toBe('completed');
    expect(night.listed).toEqual(['unread']);
    const counts = (await stage.temporal.handle(shotsWorkflowId(night.id)).result()) as {
      captured: number;
    };
    expect(counts.captured).toBe(night.observatory.taken.length);
    expect(night.listed).toEqual(['unread', String(night.observatory.taken.length)]);
    expect(await stage.db.settlement.count({ where: { bookingId: night.id } })).toBe(1);
    expect((await night.outbox()).filter((type) => type === 'session.completed')).toHaveLength(1);
  }, 60_000);
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(6);
}, 180_000);
