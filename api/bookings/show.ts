import { z } from '@hono/zod-openapi';
import { BookingId } from '../../domain/contracts/common.ts';

export const Id = z.object({ id: BookingId });

export const READ = { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'] } as const;
