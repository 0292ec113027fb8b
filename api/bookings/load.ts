import type { BookingRequest } from '../../domain/contracts/booking.ts';
import { planOf } from '../../platform/booking-columns.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import { requireOwner, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import type { FullBooking } from './view.ts';

/** The booking with its session and its person, if the asker may see it. @throws Problem `not_found` or `forbidden`. */
export async function loadBooking(deps: Deps, who: Identity, id: string): Promise<FullBooking> {
  const booking = await deps.db.booking.findUnique({ where: { id }, include: { session: true } });
  if (!booking) throw new Problem('not_found', `No booking ${id}.`);
  requireOwner(who, booking);
  const user = await deps.db.user.findUnique({ where: { ref: booking.userRef } });
  return { booking, session: booking.session, user };
}

/** The body as it stands now, out of the row. */
export function requestOf({ booking, user }: Pick<FullBooking, 'booking' | 'user'>): BookingRequest {
  return {
    telescope_id: booking.telescopeId,
    start: booking.startsAt.toISOString(),
    end: booking.endsAt.toISOString(),
    user: { ref: booking.userRef, locale: (user?.locale ?? 'fr') as 'fr' | 'en' },
    ...planOf(booking),
    ...(booking.rebookedFrom ? { rebooked_from: booking.rebookedFrom } : {}),
  };
}

export const asJson = (value: unknown): Prisma.InputJsonValue => value as Prisma.InputJsonValue;
