import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { replayNights } from './histories.ts';
import { Stage, type Night } from './night.ts';

/** A target that is enabled and does not run: what the session says, does and settles. */
const HOUR = 3600;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const NIGHT = {
  startsIn: 600,
  slotSeconds: 2 * HOUR,
  shots: [{ filter: 'L', exposure_seconds: 120, quantity: 10 }],
  policy: { prepare_lead: 300, check_interval: 300 },
  credits: 20,
};
const told = async (night: Night): Promise<string[]> =>
  (
    await stage.db.outbox.findMany({ where: { bookingId: night.id, channel: 'webhook' }, orderBy: { sequence: 'asc' } })
  ).map((row) => `${row.type} ${(row.data as { reason?: string }).reason ?? ''}`.trim());
const refund = async (night: Night): Promise<number> =>
  (await stage.db.settlement.findFirstOrThrow({ where: { bookingId: night.id }, orderBy: { createdAt: 'desc' } }))
    .refundHundredths / 100;

describe('RoboTarget that was never started', () => {
  test('within minutes the session holds with the cause and the operator knows; the night failed, its time is an outage and is given back', async () => {
    const night = await stage.prepare({
      id: 'never-started',
      ...NIGHT,
      script: (start) => ({ idle: [{ from: 0, to: start + 100_000_000 }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'failed', reason: 'robotarget_not_running' });
    expect(await night.phases()).toContain('holding:robotarget_not_running');
    const heldAt = (await night.when('robotarget_not_running'))!;
    // Three exposures of 120 s are longer than five minutes.
    expect(heldAt).toBeGreaterThanOrEqual(360);
    expect(heldAt).toBeLessThanOrEqual(700);
    expect(await night.when('operator_alert')).toBeGreaterThanOrEqual(heldAt);
    expect(await told(night)).toEqual(
      expect.arrayContaining(['error.occurred robotarget_not_running', 'session.failed robotarget_not_running']),
    );
    expect(await told(night)).not.toContain('session.completed slot_over');
    const ledger = await night.ledger();
    expect(ledger.imaging ?? 0).toBe(0);
    expect(ledger.outage).toBeGreaterThan(2 * HOUR - 60);
    expect(await refund(night)).toBe(20);
  }, 60_000);

  test('started an hour late, the session goes on by itself and only that hour is an outage', async () => {
    const night = await stage.prepare({
      id: 'started-late',
      ...NIGHT,
      script: (start) => ({ idle: [{ from: 0, to: start + HOUR * 1000 }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    const phases = await night.phases();
    expect(phases.indexOf('running', phases.indexOf('holding:robotarget_not_running'))).toBeGreaterThan(0);
    expect(night.observatory.taken).toHaveLength(10);
    const { outage } = await night.ledger();
    expect(outage).toBeGreaterThan(HOUR - 120);
    expect(outage).toBeLessThan(HOUR + 400);
  }, 60_000);

  test('it stops in mid-night without a word: held from when it was seen to idle', async () => {
    const night = await stage.prepare({
      id: 'stopped-midway',
      ...NIGHT,
      slotSeconds: 3 * HOUR,
      script: (start) => ({ idle: [{ from: start + 900_000, to: start + 5000_000 }] }),
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.phases()).toContain('holding:robotarget_not_running');
    expect(night.observatory.taken).toHaveLength(10);
  }, 60_000);
});

describe('a night without a frame', () => {
  test('is not complete, whatever RoboTarget says of its target', async () => {
    const night = await stage.prepare({
      id: 'frameless',
      ...NIGHT,
      script: (start) => ({ idle: [{ from: 0, to: start + 100_000_000 }], finishedFrom: start + 60_000 }),
    });
    expect(await night.live()).toEqual({ outcome: 'failed', reason: 'no_frames' });
    expect(await told(night)).toContain('session.failed no_frames');
    expect((await stage.db.session.findUniqueOrThrow({ where: { bookingId: 'frameless' } })).phase).toBe('failed');
    expect(await refund(night)).toBe(20);
  }, 60_000);
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(4);
}, 180_000);
