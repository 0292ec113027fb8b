import { progressOf, type TakenFrames } from '../domain/plan-progress.ts';
import { countedOf, linesOf } from './booking-columns.ts';
import { appendEvent } from './bus.ts';
import type { Database, Transaction } from './database.ts';

/** Frames of a booking that came out of the camera, whatever became of them, by kind. */
export async function takenFrames(db: Database | Transaction, bookingId: string): Promise<TakenFrames[]> {
  const groups = await db.frame.groupBy({
    by: ['shotGuid', 'filter', 'exposure', 'binning', 'type'],
    where: { bookingId, state: { not: 'missing' } },
    _count: { _all: true },
  });
  return groups;
}

/** Tells live how far the plan is, in the transaction that moved it; the same counts of the same plan are told once. */
export async function tellProgress(tx: Transaction, bookingId: string): Promise<void> {
  const booking = await tx.booking.findUnique({ where: { id: bookingId }, include: { session: true } });
  if (!booking?.session) return;
  const { session, telescopeId, version } = booking;
  const progress = progressOf(linesOf(booking, session), await takenFrames(tx, bookingId), countedOf(session));
  if (progress.shots_done === 0) return;
  const key = `plan.progress/${version}/${progress.done.join(',')}`;
  await appendEvent(tx, { key, type: 'plan.progress', bookingId, telescopeId, data: { ...progress } });
}
