import { createHash } from 'node:crypto';
import type { LedgerClass, Settlement } from '../domain/contracts/ledger.ts';
import { balancesOf, settlingTransfers, toCredits, type Transfer } from '../domain/credits.ts';
import { stableId } from '../domain/ids.ts';
import { explainRefund } from '../domain/refund.ts';
import { asBody, type Settled } from '../domain/settle.ts';
import type { ManualRefund, Settlement as Row } from '../prisma/client/client.ts';
import type { Database, Transaction } from './database.ts';
import { enqueueOutbox } from './outbox.ts';

/** The settlement that holds; null before the first. */
export const latestSettlement = (db: Database | Transaction, bookingId: string): Promise<Row | null> =>
  db.settlement.findFirst({ where: { bookingId }, orderBy: { position: 'desc' } });

/** As everybody is told of it: report, page, ledger and webhook. */
export async function settlementOf(db: Database | Transaction, bookingId: string): Promise<Settlement | null> {
  const row = await latestSettlement(db, bookingId);
  if (!row) return null;
  return toSettlement(row, row.byHandHundredths > 0 ? await manualRefunds(db, bookingId) : []);
}

export const manualRefunds = (db: Database | Transaction, bookingId: string): Promise<ManualRefund[]> =>
  db.manualRefund.findMany({ where: { bookingId }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });

type Line = { class: LedgerClass; seconds: number; hundredths: number };

/** The part of a settlement that its rule gave. */
export const byRuleOf = (row: Row): Settled => ({
  rule: row.rule,
  lines: row.lines as unknown as Line[],
  chargedHundredths: row.chargedHundredths,
  refundHundredths: row.refundHundredths - row.byHandHundredths,
});

/** What was given back by hand counts beside the rule, up to what was charged. */
function withByHand(
  settled: Settled,
  given: readonly ManualRefund[],
): { body: Omit<Settlement, 'settlement_id' | 'supersedes' | 'explanation'>; refund: number; byHand: number } {
  const asked = given.reduce((sum, { hundredths }) => sum + hundredths, 0);
  const byHand = Math.min(asked, settled.chargedHundredths - settled.refundHundredths);
  const refund = settled.refundHundredths + byHand;
  const body = { ...asBody(settled), credits_refund: toCredits(refund) };
  if (byHand === 0) return { body, refund, byHand };
  const reason = given.map((one) => one.reason).join('; ');
  return { body: { ...body, by_hand: { credits: toCredits(byHand), reason } }, refund, byHand };
}

export function toSettlement(row: Row, given: readonly ManualRefund[]): Settlement {
  const { body } = withByHand(byRuleOf(row), given);
  return {
    settlement_id: row.id,
    ...body,
    explanation: explainRefund(body),
    ...(row.supersedes ? { supersedes: row.supersedes } : {}),
  };
}

interface Settling {
  bookingId: string;
  telescopeId: string;
  settled: Settled;
  /** Samples of the gateway that it rests on; null where none were looked for. */
  samples: number | null;
  /** Given up before its slot began. */
  before: boolean;
}

/** One settlement of a booking at a time: held until the transaction ends. */
export async function lockSettlement(tx: Transaction, bookingId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'settlement/' + bookingId}, 0))`;
}

/**
 * Writes what a night is settled as, moves the credits and queues the message to Laravel, in the transaction of the caller, which holds
 * `lockSettlement`. The id follows from what it says: the same night settles once, and one that says something else supersedes it.
 */
export async function writeSettlement(tx: Transaction, settling: Settling): Promise<{ id: string; refund: number }> {
  const { bookingId, telescopeId, settled, samples, before } = settling;
  const { body, refund, byHand } = withByHand(settled, await manualRefunds(tx, bookingId));
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const last = await latestSettlement(tx, bookingId);
  if (last && last.digest === digest) {
    await tx.settlement.update({ where: { id: last.id }, data: { samples } });
    return { id: last.id, refund };
  }
  const supersedes = last?.id ?? null;
  // A night that comes back to what it was once settled as is settled so anew: the id follows from what it supersedes too.
  const id = stableId('settlement', bookingId, digest, ...(supersedes ? [supersedes] : []));
  await tx.settlement.create({
    data: {
      id,
      bookingId,
      rule: settled.rule,
      lines: settled.lines,
      chargedHundredths: settled.chargedHundredths,
      refundHundredths: refund,
      byHandHundredths: byHand,
      supersedes,
      samples,
      digest,
      position: (last?.position ?? 0) + 1,
    },
  });
  await moveCredits(tx, bookingId, id, {
    chargedHundredths: settled.chargedHundredths,
    refundHundredths: refund,
    before,
  });
  await enqueueOutbox(tx, {
    key: `settlement/${id}`,
    type: 'credits.settled',
    bookingId,
    telescopeId,
    data: { settlement_id: id, ...body, explanation: explainRefund(body), ...(supersedes ? { supersedes } : {}) },
  });
  return { id, refund };
}

export const transfersOf = (db: Database | Transaction, bookingId: string) =>
  db.creditTransfer.findMany({ where: { bookingId }, orderBy: { n: 'asc' } });

/** The transfers of one settlement, once. What a booking costs was held when its row was written (trigger bookings_hold_credits). */
async function moveCredits(
  tx: Transaction,
  bookingId: string,
  settlementId: string,
  settling: Parameters<typeof settlingTransfers>[1],
): Promise<void> {
  const now = balancesOf((await transfersOf(tx, bookingId)) as unknown as Transfer[]);
  await tx.creditTransfer.createMany({
    data: settlingTransfers(now, settling).map((transfer) => ({
      ...transfer,
      id: `${bookingId}/${settlementId}/${transfer.kind}${transfer.debit === 'earned' ? '/earned' : ''}`,
      bookingId,
      settlementId,
    })),
  });
}
