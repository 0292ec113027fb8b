import { z } from '@hono/zod-openapi';
import { TelescopeId } from '../../domain/contracts/common.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { ACTIVE_PHASES } from '../../domain/phases.ts';
import type { Booking as BookingRow, Prisma, Session } from '../../prisma/client/client.ts';
import { requireOwner, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

export const Where = z.object({
  telescope: TelescopeId.optional().describe('May be left out where there is one telescope'),
});

export const READ = {
  scopes: ['telescopes:read', 'telescopes:write', 'bookings:read', 'bookings:write', 'admin:read'],
} as const;

export type ActiveSession = Session & { booking: BookingRow };

interface Guids {
  setGuid?: string | undefined;
  targetGuid?: string | undefined;
}
function whichOf({ setGuid, targetGuid }: Guids): Prisma.SessionWhereInput {
  if (targetGuid) return { targetGuid: { equals: targetGuid, mode: 'insensitive' } };
  if (setGuid) return { setGuid: { equals: setGuid, mode: 'insensitive' } };
  return { phase: { in: [...ACTIVE_PHASES] } };
}

/** The session that has this telescope now, or the one that a GUID names. */
export async function sessionFor(deps: Deps, telescope: Telescope, guids: Guids): Promise<ActiveSession | null> {
  return deps.db.session.findFirst({
    where: { telescopeId: telescope.id, ...whichOf(guids) },
    include: { booking: true },
    orderBy: { updatedAt: 'desc' },
  });
}

export const isServer = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';

export function mayUse(who: Identity, session: ActiveSession | null): void {
  if (session) requireOwner(who, { id: session.bookingId, userRef: session.booking.userRef });
  else if (who.kind === 'booking' || who.kind === 'user')
    throw new Problem('not_found', 'No session of yours has this telescope now.');
}
