import { DEMO_WANTED_CHANNEL, isDemoBooking } from '../../domain/demo.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

/** 409 that names the slot in the way, turnaround included. A demo night that is in the way is told of it. */
export async function slotTaken(
  deps: Deps,
  telescopeId: string,
  start: Date,
  blocked: Date,
  ownId: string,
): Promise<Problem> {
  const other = await deps.db.booking.findFirst({
    where: { telescopeId, occupies: true, startsAt: { lt: blocked }, blockedUntil: { gt: start }, id: { not: ownId } },
    orderBy: { startsAt: 'asc' },
  });
  if (!other) return new Problem('slot_taken', 'The slot was taken a moment ago; try again.');
  const conflict = {
    booking_id: other.id,
    start: other.startsAt.toISOString(),
    end: other.endsAt.toISOString(),
    blocked_until: other.blockedUntil.toISOString(),
    ...(isDemoBooking(other) ? { steps_aside: true } : {}),
  };
  // The demo of `npm start` listens, ends its night, and leaves the telescope to whoever asks again.
  if (isDemoBooking(other)) await deps.db.$executeRaw`SELECT pg_notify(${DEMO_WANTED_CHANNEL}, ${other.id})`;
  return new Problem(
    'slot_taken',
    `The slot overlaps booking ${other.id}, which has ${telescopeId} from ${conflict.start} to ${conflict.end} and the turnaround until ${conflict.blocked_until}.`,
    { conflict },
  );
}
