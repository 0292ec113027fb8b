import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { composeReport, faultsOf } from '../../activities/finalise/report.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { outboxState } from '../../platform/outbox.ts';
import { NIGHT, at, insertBooking, startApi, startPostgres, type RunningApi } from './harness.ts';

/** A figure has one definition and one source: page, report and admin say the same of the same thing. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url);
});
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  await api.db
    .$executeRaw`TRUNCATE bookings, sessions, events, event_counters, outbox, frames, telemetry, settlements, timeline, ledger_intervals CASCADE`;
  await insertBooking(api, 'b-1', { start: at(-60), end: at(60) }, { ref: 'user-1' }, 'running');
});

const snapshot = async (): Promise<Snapshot> => (await api.json<Snapshot>('GET', '/api/bookings/b-1/snapshot')).body;
async function frames(n: number, states: (i: number) => string = () => 'archived'): Promise<void> {
  await api.db.frame.createMany({
    data: Array.from({ length: n }, (_, i) => ({
      id: `f${i}`,
      telescopeId: 't1',
      bookingId: 'b-1',
      sourceKey: `f${i}`,
      sourcePath: '',
      filename: `f${i}.fit`,
      type: 'LIGHT',
      filter: 'L',
      exposure: 60,
      binning: 1,
      state: states(i),
      capturedAt: new Date(NIGHT - 1_800_000 + i * 60_000),
    })),
  });
}
const settle = (id: string, charged: number, refund: number): Promise<unknown> =>
  api.db.settlement.create({
    data: { id: `s-${id}`, bookingId: id, rule: 'r', lines: [], creditsCharged: charged, creditsRefund: refund },
  });

test('shots, bars and frames count the same frames, without waiting for a check', async () => {
  await frames(4, (i) => (i === 3 ? 'rejected' : 'archived'));
  const { plan, progress, images } = await snapshot();
  expect({ bars: plan.map((line) => line.done), shots: progress.shots_done, frames: images.captured }).toEqual({
    bars: [4],
    shots: 4,
    frames: 4,
  });
});

test('credits on the page are those of the report: all of them until the settlement, then less the refund', async () => {
  expect((await snapshot()).credits).toEqual({ charged: 12, used: 12, refund: null });
  await settle('b-1', 12, 3);
  api.deps.snapshots.forgetAll();
  expect((await snapshot()).credits).toEqual({ charged: 12, used: 9, refund: 3 });
});

test('guiding success counts guided exposure, on the page as in the report: a slew or a focus run is no failure', async () => {
  await frames(20);
  await api.db.telemetry.createMany({
    data: Array.from({ length: 300 }, (_, i) => ({
      telescopeId: 't1',
      bookingId: 'b-1',
      at: new Date(NIGHT - 2_400_000 + i * 6_000),
      // Stopped for the ten minutes before the first exposure, and for one of the twenty that follow.
      data: { guiding_status: i < 100 || (i >= 150 && i < 160) ? 'STOPPED' : 'RUNNING', guiding_rms: 0.5 },
    })),
  });
  const stats = await api.json<{ guiding: { success_rate: number } }>('GET', '/api/bookings/b-1/stats');
  const report = await composeReport(api.db, 'b-1', 'completed', null);
  expect(stats.body.guiding.success_rate).toBe(0.95);
  expect(report.tracking.guiding_uptime).toBe(0.95);
});

test('a mean is over the frames that have the value and says of how many, on the page as in the report', async () => {
  await frames(6);
  const hfd: Record<string, [filter: string, hfd: number | null]> = {
    f0: ['L', 2],
    f1: ['L', null],
    f2: ['L', null],
    f3: ['L', null],
    f4: ['Ha', 3],
    f5: ['Ha', 5],
  };
  for (const [id, [filter, value]] of Object.entries(hfd))
    await api.db.frame.update({ where: { id }, data: { filter, hfd: value } });
  const expected: Record<string, unknown> = {
    average_hfd: expect.closeTo(10 / 3, 2),
    hfd_frames: 3,
    by_filter: expect.arrayContaining([
      expect.objectContaining({ filter: 'L', count: 4, average_hfd: 2, hfd_frames: 1 }),
      expect.objectContaining({ filter: 'Ha', count: 2, average_hfd: 4, hfd_frames: 2 }),
    ]),
  };
  expect((await api.json('GET', '/api/bookings/b-1/stats')).body).toMatchObject(expected);
  expect((await composeReport(api.db, 'b-1', 'completed', null)).images).toMatchObject(expected);
});

test('one fault that is told three times is one error', () => {
  const line = (seconds: number, message: string, level = 'ERROR'): { at: Date; level: string; message: string } => ({
    at: new Date(NIGHT + seconds * 1_000),
    level,
    message,
  });
  expect(
    faultsOf([
      line(0, 'Voyager is away.'),
      line(0, 'Voyager is away.'),
      line(1, 'Voyager is away.'),
      line(1, 'A frame is damaged.'),
      line(600, 'Voyager is away.'),
      line(700, 'Paused.', 'INFO'),
    ]),
  ).toBe(3);
});

test('a letter that went to nobody is not listed as delivered, and says why', async () => {
  await api.db.outbox.updateMany({
    data: { channel: 'email', deadAt: new Date(NIGHT), unsent: true, lastError: 'no address' },
  });
  const listed = async (state: string): Promise<{ state: string; delivered_at: string | null; last_error: string }[]> =>
    (
      await api.json<{ data: { state: string; delivered_at: string | null; last_error: string }[] }>(
        'GET',
        `/api/webhooks/deliveries?state=${state}`,
      )
    ).body.data;
  expect(await listed('delivered')).toEqual([]);
  expect(await listed('not_sent')).toMatchObject([{ state: 'not_sent', delivered_at: null, last_error: 'no address' }]);
  expect(outboxState({ deliveredAt: new Date(), deadAt: null, unsent: false })).toBe('delivered');
});

test('revenue is what was settled and not given back; a cancelled session is no failed one', async () => {
  const money = { charged: 12, price: { amount_minor: 2_400, currency: 'EUR' } };
  await api.db.booking.updateMany({ data: { credits: money } });
  await settle('b-1', 12, 3);
  await api.db.session.update({ where: { bookingId: 'b-1' }, data: { phase: 'completed', outcome: 'completed' } });
  await insertBooking(api, 'b-2', { start: at(200), end: at(260) }, { ref: 'user-2' }, 'cancelled');
  await api.db.session.update({ where: { bookingId: 'b-2' }, data: { outcome: 'cancelled' } });
  await settle('b-2', 12, 12);
  await insertBooking(api, 'b-3', { start: at(400), end: at(460) }, { ref: 'user-3' });
  await api.db.booking.updateMany({ where: { id: { in: ['b-2', 'b-3'] } }, data: { credits: money } });
  const { body } = await api.json('GET', `/api/admin/analytics?from=${at(-600)}&to=${at(600)}`);
  expect(body).toMatchObject({
    revenue_by_month: [{ currency: 'EUR', amount_minor: 1_800, credits_charged: 24, credits_refund: 15 }],
    sessions: { total: 1, by_outcome: { completed: 1, cancelled: 1 }, success_rate: 1 },
  });
});
