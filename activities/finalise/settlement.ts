import { createHash } from 'node:crypto';
import type { LedgerClass, LedgerInterval, SettlementLine } from '../../domain/contracts/ledger.ts';
import { stableId } from '../../domain/ids.ts';
import { buildLedger, secondsByClass, settle, type LedgerSpan } from '../../domain/ledger.ts';
import type { Outcome } from '../../domain/phases.ts';
import type { Span } from '../../domain/ports.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { findBooking } from '../session/booking.ts';

/** Exposures as spans of imaging: from the frame's start for its exposure time. */
export function imagingSpans(frames: readonly Pick<Frame, 'capturedAt' | 'exposure' | 'state'>[]): LedgerSpan[] {
  return frames.flatMap((frame) =>
    frame.capturedAt && frame.exposure && frame.state !== 'missing'
      ? [
          {
            class: 'imaging' as const,
            start: frame.capturedAt.toISOString(),
            end: new Date(frame.capturedAt.getTime() + frame.exposure * 1000).toISOString(),
            cause: null,
          },
        ]
      : [],
  );
}

/**
 * Ledger and settlement of a booking, in one transaction. The settlement's id follows from its lines: the same night settles once; a night
 * whose seconds changed (late frames) gets a new one that supersedes the old. `before`: the guest gave the slot up before it
 * began. A session that failed without one exposure is given back whole, overhead included.
 */
export async function settleBooking(
  db: Database,
  night: {
    bookingId: string;
    telescopeId: string;
    spans: readonly Span[];
    outcome: Outcome | null;
    before?: boolean;
  },
): Promise<{ settlementId: string; seconds: Record<LedgerClass, number>; lines: SettlementLineOf[]; refund: number }> {
  const { bookingId, telescopeId, spans, outcome, before = false } = night;
  const { row, telescope } = await findBooking(db, bookingId);
  const frames = await db.frame.findMany({
    where: { bookingId },
    select: { capturedAt: true, exposure: true, state: true },
  });
  const slot = { start: row.startsAt.toISOString(), end: row.endsAt.toISOString() };
  const intervals = buildLedger(slot, [...spans, ...imagingSpans(frames)]);
  const seconds = secondsByClass(intervals);
  const charged = (row.credits as { charged?: number }).charged ?? 0;
  const { refund } = telescope.policy;
  const rule = before ? { ...refund, refund_share: { ...refund.refund_share, other: refund.cancelled_share } } : refund;
  const empty = outcome === 'failed' && seconds.imaging === 0;
  const settled = settle(seconds, empty ? { ...rule, full_refund_below_imaging_share: 1 } : rule, charged);
  const digest = createHash('sha256').update(JSON.stringify(settled)).digest('hex');
  const settlementId = stableId('settlement', bookingId, digest);
  await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'settlement/' + bookingId}, 0))`;
    await writeLedger(tx, bookingId, intervals);
    if (await tx.settlement.findUnique({ where: { id: settlementId }, select: { id: true } })) return;
    const before = await tx.settlement.findFirst({ where: { bookingId }, orderBy: { createdAt: 'desc' } });
    const supersedes = before?.id ?? null;
    await tx.settlement.create({
      data: {
        id: settlementId,
        bookingId,
        rule: settled.rule,
        lines: settled.lines,
        creditsCharged: settled.credits_charged,
        creditsRefund: settled.credits_refund,
        supersedes,
      },
    });
    await enqueueOutbox(tx, {
      key: `settlement/${settlementId}`,
      type: 'credits.settled',
      bookingId,
      telescopeId,
      data: { settlement_id: settlementId, ...settled, ...(supersedes ? { supersedes } : {}) },
    });
  });
  return { settlementId, seconds, lines: settled.lines, refund: settled.credits_refund };
}
type SettlementLineOf = ReturnType<typeof SettlementLine.parse>;

/**
 * Settles a night once more after frames came late. What is known of holds and outages is the ledger as it stands, and nothing of it weaker than
 * imaging is lost by that, since every frame claims its seconds anew. A night that was never settled is left alone.
 */
export async function resettleBooking(db: Database, bookingId: string, telescopeId: string): Promise<void> {
  const known = await db.ledgerInterval.findMany({ where: { bookingId, class: { not: 'imaging' } } });
  if (known.length === 0 || (await db.settlement.count({ where: { bookingId } })) === 0) return;
  const spans = known.map((i) => ({
    class: i.class as LedgerClass,
    start: i.startsAt.toISOString(),
    end: i.endsAt.toISOString(),
    cause: i.cause,
  }));
  const session = await db.session.findUnique({ where: { bookingId }, select: { outcome: true } });
  await settleBooking(db, { bookingId, telescopeId, spans, outcome: (session?.outcome ?? null) as Outcome | null });
}

async function writeLedger(tx: Transaction, bookingId: string, intervals: readonly LedgerInterval[]): Promise<void> {
  await tx.ledgerInterval.deleteMany({ where: { bookingId } });
  await tx.ledgerInterval.createMany({
    data: intervals.map((i) => ({
      bookingId,
      startsAt: new Date(i.start),
      endsAt: new Date(i.end),
      class: i.class,
      cause: i.cause,
    })),
  });
}
