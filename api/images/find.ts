import { z } from '@hono/zod-openapi';
import { BookingId, patterned } from '../../domain/contracts/common.ts';
import type { Frame } from '../../prisma/client/client.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

export const READ = {
  scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'],
  signedUrl: true,
} as const;

export const Id = z.object({ id: BookingId });

export const ImageId = z.object({
  id: BookingId,
  image_id: patterned(64, /^[A-Za-z0-9-]{1,64}$/, 'must be an image id'),
});

export async function findFrame(deps: Deps, bookingId: string, imageId: string): Promise<Frame> {
  const row = await deps.db.frame.findUnique({ where: { id: imageId } });
  if (!row || row.bookingId !== bookingId) throw new Problem('not_found', `No image ${imageId} of this booking.`);
  return row;
}
