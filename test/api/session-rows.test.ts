import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSession } from '../../api/bookings/session-rows.ts';
import { takenFrames } from '../../platform/plan-progress.ts';
import { openReceipt } from '../../platform/receipts.ts';
import { settlementOf } from '../../platform/settlements.ts';
import { NIGHT, at, insertBooking, startApi, startPostgres, type RunningApi } from './harness.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url);
  await insertBooking(api, 'one', { start: at(0), end: at(60) }, { ref: 'ada', display_name: 'Ada L' }, 'completed');
}, 60_000);
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});

test('what is read in one statement is what Prisma reads table by table, types included', async () => {
  const { db } = api;
  await db.session.update({
    where: { bookingId: 'one' },
    data: { sessionStartedAt: new Date(NIGHT + 1_234), nextAt: new Date(NIGHT + 5_678), nextWhat: 'end of the slot' },
  });
  await db.$transaction((tx) =>
    openReceipt(tx, {
      commandId: 'p1',
      kind: 'pause',
      bookingId: 'one',
      telescopeId: 't1',
      requestedBy: 'guest',
      at: new Date(NIGHT + 9),
    }),
  );
  const frame = (n: number, filter: string, state: string): object => ({
    id: `f${n}`,
    telescopeId: 't1',
    bookingId: 'one',
    sourceKey: `k${n}`,
    sourcePath: '',
    filename: `${n}.fit`,
    type: 'LIGHT',
    filter,
    exposure: 60.5,
    hfd: 2 + n / 10,
    state,
    histogram: [],
    capturedAt: new Date(NIGHT + n * 1_000),
  });
  await db.frame.createMany({
    data: [
      frame(1, 'L', 'archived'),
      frame(2, 'L', 'rejected'),
      frame(3, 'R', 'archived'),
      frame(4, 'R', 'missing'),
    ] as never,
  });
  await db.settlement.create({
    data: {
      id: 's1',
      bookingId: 'one',
      rule: 'per_minute',
      lines: [{ class: 'imaging', seconds: 3600, hundredths: 1000 }],
      chargedHundredths: 1000,
      refundHundredths: 125,
      byHandHundredths: 125,
    },
  });
  await db.manualRefund.create({
    data: { id: 'm1', bookingId: 'one', hundredths: 125, reason: 'The stars were lines.', actor: 'ops' },
  });

  const { booking, session, counter, receipt, archived, taken, settlement, ownerName } = (await readSession(
    db,
    'one',
  ))!;
  expect(booking).toEqual(await db.booking.findUnique({ where: { id: 'one' } }));
  expect(session).toEqual(await db.session.findUnique({ where: { bookingId: 'one' } }));
  expect(receipt).toEqual(await db.receipt.findUnique({ where: { commandId: 'p1' } }));
  const { epoch, seq } = (await db.eventCounter.findUnique({ where: { bookingId: 'one' } })) ?? { epoch: 1, seq: 0 };
  expect(counter).toMatchObject({ epoch, seq });
  const byFilter = (a: { filter: string | null }, b: typeof a): number => (a.filter! < b.filter! ? -1 : 1);
  expect(taken.toSorted(byFilter)).toEqual((await takenFrames(db, 'one')).toSorted(byFilter));
  expect(archived).toEqual({ count: 2, average_hfd: expect.closeTo(2.2, 6), exposure_seconds: 121 });
  expect(settlement).toEqual(await settlementOf(db, 'one'));
  expect(settlement).toMatchObject({ by_hand: { credits: 1.25 } });
  expect(ownerName).toBe('Ada L');
  expect(await readSession(db, 'nobody')).toBeNull();
});
