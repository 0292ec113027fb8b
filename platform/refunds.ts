import { randomUUID } from 'node:crypto';
import type { Settlement } from '../domain/contracts/ledger.ts';
import type { Prisma } from '../prisma/client/client.ts';
import type { Database, Transaction } from './database.ts';
import { keepFigures } from './figures.ts';
import { byRuleOf, latestSettlement, lockSettlement, settlementOf, writeSettlement } from './settlements.ts';

/** Why nothing was given back: the night is not settled, or so many hundredths are all that is left of what was charged. */
export type RefundRefused = { refused: 'not_settled' } | { refused: 'too_much'; leftHundredths: number };

interface Given {
  bookingId: string;
  telescopeId: string;
  hundredths: number;
  reason: string;
  actor: string;
  at: Date;
}

/** Gives credits back by hand, in one transaction with the settlement that follows from it, its message to Laravel, the report and the audit log. */
export function refundByHand(db: Database, given: Given): Promise<Settlement | RefundRefused> {
  return db.$transaction((tx) => refundWithin(tx, given));
}

/** The same within a transaction of the caller. */
export async function refundWithin(tx: Transaction, given: Given): Promise<Settlement | RefundRefused> {
  const { bookingId, telescopeId, hundredths, reason, actor, at } = given;
  await lockSettlement(tx, bookingId);
  const last = await latestSettlement(tx, bookingId);
  if (!last) return { refused: 'not_settled' };
  const leftHundredths = last.chargedHundredths - last.refundHundredths;
  if (hundredths > leftHundredths) return { refused: 'too_much', leftHundredths };
  const id = randomUUID();
  await tx.manualRefund.create({ data: { id, bookingId, hundredths, reason, actor, createdAt: at } });
  await writeSettlement(tx, {
    bookingId,
    telescopeId,
    settled: byRuleOf(last),
    samples: last.samples,
    before: false,
  });
  const data = { refund_id: id, hundredths, reason };
  await tx.audit.create({ data: { id, at, actor, action: 'credits.refund', bookingId, telescopeId, data } });
  const settlement = (await settlementOf(tx, bookingId))!;
  const report = await tx.report.findUnique({ where: { bookingId } });
  if (report) {
    const body = { ...(report.body as Prisma.JsonObject), credits: settlement as unknown as Prisma.JsonObject };
    await tx.report.update({ where: { bookingId }, data: { body } });
    await keepFigures(tx, bookingId);
  }
  return settlement;
}
