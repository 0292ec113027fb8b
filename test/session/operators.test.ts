import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { replayNights } from './histories.ts';
import { Stage, type Night, type NightOptions } from './night.ts';

/** Who stopped a night, and who pays for what is left of it. */
const HOUR = 3600;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const night = (id: string, more: Partial<NightOptions>): Promise<Night> =>
  stage.prepare({
    id,
    startsIn: 600,
    slotSeconds: HOUR,
    shots: [{ filter: 'L', exposure_seconds: 120, quantity: 60 }],
    policy: { prepare_lead: 300, check_interval: 300 },
    credits: 100,
    ...more,
  });
const refund = async ({ id }: Night): Promise<number> =>
  (await stage.db.settlement.findFirstOrThrow({ where: { bookingId: id }, orderBy: { createdAt: 'desc' } }))
    .refundHundredths / 100;
const alarms = async ({ id }: Night): Promise<string[]> =>
  (await stage.db.outbox.findMany({ where: { bookingId: id } }))
    .filter(({ type }) => type === 'error.occurred')
    .map(({ data }) => String((data as { reason?: string }).reason));

describe('a stop in the middle of the slot', () => {
  test('of the operator, with the server’s key, is filed as his: what is left is an outage and given back', async () => {
    const stopped = await night('by-operator', {
      steps: [{ at: 1800, do: (n) => n.signal('abort', 'a1', { reason: 'operator_abort' }) }],
    });
    expect(await stopped.live()).toEqual({ outcome: 'aborted', reason: 'operator_abort' });
    const { outage, other = 0 } = await stopped.ledger();
    expect(outage).toBeGreaterThan(1790);
    // A second may lie between the stop and its confirmation.
    expect(other).toBeLessThanOrEqual(2);
    expect(await refund(stopped)).toBeGreaterThan(49);
    expect(await stopped.receipts()).toEqual({ a1: 'confirmed' });
  }, 60_000);

  test('of the operator at the gateway, of which nobody tells the session for minutes, counts from when it stopped', async () => {
    const halted = await night('halted', {
      steps: [
        {
          at: 1810,
          do: async (n) => n.observatory.halt({ commandId: `${n.id}.h1`, requestedBy: 'admin' }, n.at(1810)),
        },
      ],
    });
    expect(await halted.live()).toEqual({ outcome: 'aborted', reason: 'operator_abort' });
    expect(await halted.when('operator_abort')).toBeGreaterThan(1900);
    const { outage } = await halted.ledger();
    expect(outage).toBeGreaterThanOrEqual(1788);
    expect(outage).toBeLessThanOrEqual(1792);
    expect(await halted.receipts()).toEqual({ h1: 'confirmed' });
    expect(halted.observatory.latch).toBeNull();
  }, 60_000);

  test('of the guest is his own: what is left is given up, and no outage', async () => {
    const given = await night('by-guest', { steps: [{ at: 1800, do: (n) => n.signal('abort', 'a1') }] });
    expect(await given.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect((await given.ledger()).outage ?? 0).toBe(0);
    expect(await refund(given)).toBe(0);
  }, 60_000);
});

describe('maintenance that begins now', () => {
  const works = (bookings: 'hold' | 'cancel') => async (n: Night) => {
    const window = { from: new Date(n.at(1800)).toISOString(), to: new Date(n.at(2 * HOUR)).toISOString() };
    await stage.db.maintenance.create({
      data: {
        id: n.id,
        telescopeId: n.telescopeId,
        fromAt: new Date(window.from),
        toAt: new Date(window.to),
        reason: 'mirror',
        bookings,
      },
    });
    n.observatory.gateway.knowMaintenance([window], n.at(1800));
    await n.handle.signal('telescopeEvent', {
      id: 'm1',
      at: window.from,
      kind: 'local_operator',
      detail: 'maintenance',
    });
  };

  test.each(['cancel', 'hold'] as const)(
    'and lets the bookings %s ends as maintenance: nothing starts, nobody is alarmed, the time is given back',
    async (bookings) => {
      const kept = await night(`maintained-${bookings}`, { steps: [{ at: 1800, do: works(bookings) }] });
      const { outcome, reason } = await kept.live();
      expect({ outcome, reason }).toEqual(
        bookings === 'cancel'
          ? { outcome: 'aborted', reason: 'maintenance' }
          : { outcome: 'completed', reason: 'slot_over' },
      );
      expect(await kept.when('maintenance')).toBeLessThanOrEqual(1_810);
      expect(kept.observatory.enabled).toBe(false);
      expect(await alarms(kept)).toEqual([]);
      expect(await kept.when('operator_alert')).toBeNull();
      const { outage } = await kept.ledger();
      expect(outage).toBeGreaterThan(1785);
      expect(await refund(kept)).toBeGreaterThan(49);
    },
    60_000,
  );
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(4);
}, 180_000);
