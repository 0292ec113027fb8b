import { z } from '@hono/zod-openapi';
import { BookingId } from '../../domain/contracts/common.ts';
import { withoutNames } from '../../domain/others.ts';
import { type Identity } from '../auth.ts';

export const Id = z.object({ id: BookingId });

export const READ = { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'] } as const;

/** Names of other people's targets are for servers and admins. */
export const seesNames = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';
export const readBy = <T>(who: Identity, value: T): T => (seesNames(who) ? value : withoutNames(value));
