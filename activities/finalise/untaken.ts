import { isSettled, moveReceipt, type ReplacedBooking } from '../../platform/receipts.ts';
import type { Database } from '../../platform/database.ts';
import type { Booking, Receipt } from '../../prisma/client/client.ts';

/** A slot as its session knew it. */
export interface Slot {
  start: string;
  end: string;
}

/** The slot that the night was settled for; the booking's own where it was not yet. */
export async function settledSlot(db: Database, booking: Pick<Booking, 'id' | 'startsAt' | 'endsAt'>): Promise<Slot> {
  const { _min, _max } = await db.ledgerInterval.aggregate({
    where: { bookingId: booking.id },
    _min: { startsAt: true },
    _max: { endsAt: true },
  });
  return {
    start: (_min.startsAt ?? booking.startsAt).toISOString(),
    end: (_max.endsAt ?? booking.endsAt).toISOString(),
  };
}

const CHANGES = ['extend', 'reschedule', 'amend'];

/** Changes of the booking that its session never heard of, oldest first: the row has them, the night did not. */
export async function untakenChanges(
  db: Database,
  bookingId: string,
  slot: Slot,
): Promise<(Receipt & { replaced: ReplacedBooking })[]> {
  const receipts = await db.receipt.findMany({
    where: { bookingId, kind: { in: CHANGES } },
    orderBy: { createdAt: 'asc' },
  });
  const session = await db.session.findUnique({ where: { bookingId }, select: { generation: true } });
  return receipts.flatMap((receipt) => {
    const { replaced, generation } = receipt.data as { replaced?: ReplacedBooking; generation?: number };
    if (!replaced || isSettled(receipt.state)) return [];
    const unheard =
      receipt.kind === 'extend'
        ? Date.parse(replaced.endsAt) >= Date.parse(slot.end)
        : (generation ?? 0) > (session?.generation ?? 0);
    return unheard ? [{ ...receipt, replaced }] : [];
  });
}

/**
 * A session that is over takes no change any more: those that it never heard of are refused, the newest first, and the booking's row is again what
 * the session knew. Answers the booking; its slot is given back in full where the change had been laid on another.
 */
export async function refuseUntaken(db: Database, bookingId: string, slot: Slot, at: Date): Promise<Booking> {
  const changes = await untakenChanges(db, bookingId, slot);
  const oldest = changes[0]?.replaced;
  for (const { commandId } of changes.toReversed())
    await db.$transaction((tx) =>
      moveReceipt(tx, { commandId, state: 'refused', reason: 'session_over', message: null, at }),
    );
  const row = await db.booking.findUniqueOrThrow({ where: { id: bookingId } });
  const shorter = row.startsAt.toISOString() === slot.start && row.endsAt.getTime() > Date.parse(slot.end);
  if (!oldest || !shorter) return row;
  return db.booking.update({
    where: { id: bookingId },
    data: {
      endsAt: new Date(slot.end),
      blockedUntil: new Date(oldest.blockedUntil),
      credits: oldest.credits as object,
      bodyHash: oldest.bodyHash,
      version: { increment: 1 },
      updatedAt: at,
    },
  });
}
