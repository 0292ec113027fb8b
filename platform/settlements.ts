import type { Settlement } from '../domain/contracts/ledger.ts';
import { explainRefund } from '../domain/refund.ts';
import type { Settlement as Row } from '../prisma/client/client.ts';
import type { Database, Transaction } from './database.ts';

/** The settlement that holds; null before the first. */
export const latestSettlement = (db: Database | Transaction, bookingId: string): Promise<Row | null> =>
  db.settlement.findFirst({ where: { bookingId }, orderBy: { position: 'desc' } });

/** As everybody is told of it: report, page, ledger and webhook. */
export function toSettlement(row: Row): Settlement {
  const { rule, creditsRefund } = row;
  const lines = row.lines as unknown as Settlement['lines'];
  return {
    settlement_id: row.id,
    rule,
    lines,
    credits_charged: row.creditsCharged,
    credits_refund: creditsRefund,
    explanation: explainRefund({ rule, lines, credits_refund: creditsRefund }),
    ...(row.supersedes ? { supersedes: row.supersedes } : {}),
  };
}
