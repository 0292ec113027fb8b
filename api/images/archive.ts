import { Readable } from 'node:stream';
import { z } from '@hono/zod-openapi';
import { streamArchive } from '../../frames/archive.ts';
import { BookingId } from '../../domain/contracts/common.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from '../bookings/load.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { operation, type App } from '../operation.ts';
import { disposition, parseRange } from './pixels.ts';

export function archiveRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/archive.zip',
      id: 'downloadArchive',
      tag: 'Images',
      summary: 'All frames of a session as one ZIP',
      description:
        'ZIP64 with manifest, checksums, report and matching calibration frames. The length is known beforehand and a broken download can be resumed.',
      guard: { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'], signedUrl: true },
      params: z.object({ id: BookingId }),
      answers: {
        200: { description: 'The archive', media: 'application/zip' },
        206: { description: 'A part of it', media: 'application/zip' },
        304: { description: 'You have it' },
      },
      problems: ['range_not_satisfiable'],
    },
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
      const archive = await streamArchive(
        { db: deps.db, storagePath: deps.config.OBSERVATIONS_STORAGE_PATH },
        params.id,
      );
      if (!archive) throw new Problem('not_found', 'There are no frames to download yet.');
      const etag = `"${archive.etag}"`;
      const headers: Record<string, string> = {
        etag,
        'content-type': 'application/zip',
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-cache',
        'content-disposition': disposition('attachment', archive.filename),
      };
      if (c.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers });
      const ifRange = c.req.header('if-range');
      const range = ifRange === undefined || ifRange === etag ? parseRange(c.req.header('range'), archive.size) : null;
      if (range === 'unsatisfiable')
        throw new Problem(
          'range_not_satisfiable',
          `The archive has ${archive.size} bytes.`,
          {},
          { 'content-range': `bytes */${archive.size}` },
        );
      if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${archive.size}`;
      headers['content-length'] = String(range ? range.end - range.start + 1 : archive.size);
      const body =
        c.req.method === 'HEAD' ? null : (Readable.toWeb(archive.stream(range ?? undefined)) as ReadableStream);
      return new Response(body, { status: range ? 206 : 200, headers });
    },
  );
}
