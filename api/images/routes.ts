import { basename, parse } from 'node:path';
import { z } from '@hono/zod-openapi';
import { toImage, toImageSummary } from '../../frames/images.ts';
import { FitsError } from '../../frames/fits/errors.ts';
import { restoreFrames } from '../../frames/restore.ts';
import { Busy, PicturesOnRequest } from '../../frames/on-request.ts';
import { BookingId, patterned } from '../../domain/contracts/common.ts';
import { FRAME_STATES, FRAME_TYPES, Image, ImageSummary } from '../../domain/contracts/image.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from '../bookings/service.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, operation, type App } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { sendStored, signImageUrls, storePath } from './pixels.ts';

const READ = { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'], signedUrl: true } as const;
const Id = z.object({ id: BookingId });
const ImageId = z.object({ id: BookingId, image_id: patterned(64, /^[A-Za-z0-9-]{1,64}$/, 'must be an image id') });
const ImagePage = pageOf(ImageSummary, 'ImagePage');

async function findFrame(deps: Deps, bookingId: string, imageId: string): Promise<Frame> {
  const row = await deps.db.frame.findUnique({ where: { id: imageId } });
  if (!row || row.bookingId !== bookingId) throw new Problem('not_found', `No image ${imageId} of this booking.`);
  return row;
}

export function imageRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/images',
      id: 'listImages',
      tag: 'Images',
      summary: 'Images of a session',
      guard: READ,
      params: Id,
      query: PageQuery.extend({
        type: z.enum(FRAME_TYPES).optional(),
        state: z.enum(FRAME_STATES).optional(),
        filter: z.string().max(40).optional(),
        order: z.enum(['newest', 'oldest']).default('newest'),
      }),
      answers: { 200: { description: 'A page', schema: ImagePage } },
    },
    async ({ c, who, params, query }) => {
      requireBooking(who, params.id);
      await loadBooking(deps, who, params.id);
      const cursor = decodeCursor(query.cursor, 'date', 'string');
      const down = query.order === 'newest';
      const at = cursor ? new Date(cursor[0]!) : null;
      const rows = await deps.db.frame.findMany({
        where: {
          bookingId: params.id,
          ...(query.type ? { type: query.type } : {}),
          ...(query.state ? { state: query.state } : {}),
          ...(query.filter ? { filter: query.filter } : {}),
          ...(at && cursor
            ? {
                OR: [
                  { seenAt: down ? { lt: at } : { gt: at } },
                  { seenAt: at, id: down ? { lt: cursor[1] as string } : { gt: cursor[1] as string } },
                ],
              }
            : {}),
        },
        orderBy: [{ seenAt: down ? 'desc' : 'asc' }, { id: down ? 'desc' : 'asc' }],
        take: query.per_page + 1,
      });
      return json(
        page(
          c.req.url,
          query.per_page,
          rows,
          (row) => signImageUrls(deps, toImageSummary(row)),
          (row) => encodeCursor(row.seenAt.toISOString(), row.id),
        ),
      );
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/images/{image_id}',
      id: 'getImage',
      tag: 'Images',
      summary: 'One image with header and histogram',
      guard: READ,
      params: ImageId,
      answers: { 200: { description: 'The image', schema: Image } },
    },
    async ({ who, params }) => {
      requireBooking(who, params.id);
      await loadBooking(deps, who, params.id);
      const row = await findFrame(deps, params.id, params.image_id);
      return json(signImageUrls(deps, toImage(row)));
    },
  );

  const onRequest = new PicturesOnRequest(deps.db, deps.config.OBSERVATIONS_STORAGE_PATH);
  const busy = (thrown: unknown): never => {
    if (thrown instanceof Busy)
      throw new Problem(
        'too_many_requests',
        'Too many pictures are being made; ask again in a few seconds.',
        {},
        { 'retry-after': '5' },
      );
    if (thrown instanceof FitsError)
      throw new Problem('conflict', `The archived file cannot be read: ${thrown.message}.`);
    throw thrown;
  };
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/timelapse.webp',
      id: 'getTimelapse',
      tag: 'Images',
      summary: 'The night as an animated picture, 640 px',
      guard: READ,
      params: Id,
      answers: {
        200: { description: 'The picture', media: 'image/webp' },
        206: { description: 'A part of it', media: 'image/webp' },
        304: { description: 'You have it' },
      },
      problems: ['range_not_satisfiable'],
    },
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
      const path = await onRequest.timelapse(params.id).catch(busy);
      if (!path) throw new Problem('not_found', 'A timelapse needs two frames.');
      return sendStored(c, deps, path, {
        type: 'image/webp',
        name: `${params.id}.webp`,
        etag: basename(path, '.webp'),
        inline: true,
      });
    },
  );
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/images/{image_id}/full.jpg',
      id: 'getFullPreview',
      tag: 'Images',
      summary: 'Stretched preview at full size',
      description: 'Made when first asked for, which takes some seconds, and kept a while.',
      guard: READ,
      params: ImageId,
      answers: {
        200: { description: 'The file', media: 'image/jpeg' },
        206: { description: 'A part of the file', media: 'image/jpeg' },
        304: { description: 'You have it' },
      },
      problems: ['range_not_satisfiable', 'conflict'],
    },
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
      const row = await findFrame(deps, params.id, params.image_id);
      if (!row.archivePath || !row.previewed || row.trashedAt) throw new Problem('not_found', absence(row, 'full.jpg'));
      const path = await onRequest.fullSize({ ...row, archivePath: storePath(deps, row.archivePath) }).catch(busy);
      return sendStored(c, deps, path, {
        type: 'image/jpeg',
        name: `${stem(row.filename)}-full.jpg`,
        etag: `${row.sha256 ?? row.id}-full.jpg`,
        inline: true,
        immutable: true,
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/bookings/{id}/images/restore',
      id: 'restoreImages',
      tag: 'Images',
      summary: 'Takes the images of a session out of the trash',
      description:
        'Images whose bytes are gone already are fetched from their copy. The rule of deletion leaves the session alone from then on.',
      guard: { scopes: ['bookings:write'] },
      params: Id,
      answers: {
        200: {
          description: 'How many came back',
          schema: z.object({ restored: z.number().int(), fetched: z.number().int(), lost: z.number().int() }),
        },
      },
    },
    async ({ who, params }) => {
      requireBooking(who, params.id);
      await loadBooking(deps, who, params.id);
      return json({ ...(await restoreFrames(deps, params.id)) });
    },
  );

  const pixels = [
    {
      name: 'fits',
      id: 'downloadFits',
      summary: 'The FITS file as it was archived',
      media: 'image/fits',
      path: (row: Frame) => row.archivePath,
      inline: false,
      file: (row: Frame) => row.filename,
    },
    {
      name: 'preview.jpg',
      id: 'getPreview',
      summary: 'Stretched preview, 1600 px',
      media: 'image/jpeg',
      path: (row: Frame) => row.previewPath,
      inline: true,
      file: (row: Frame) => `${stem(row.filename)}.jpg`,
    },
    {
      name: 'thumbnail.jpg',
      id: 'getThumbnail',
      summary: 'Thumbnail, 320 px',
      media: 'image/jpeg',
      path: (row: Frame) => row.thumbnailPath,
      inline: true,
      file: (row: Frame) => `${stem(row.filename)}-320.jpg`,
    },
    {
      name: 'quicklook.fits',
      id: 'getQuicklook',
      summary: 'Reduced FITS for looking at in a browser',
      media: 'image/fits',
      path: (row: Frame) => row.quicklookPath,
      inline: true,
      file: (row: Frame) => `${stem(row.filename)}-1600.fits`,
    },
  ] as const;
  for (const kind of pixels)
    operation(
      app,
      deps,
      {
        method: 'get',
        path: `/api/bookings/{id}/images/{image_id}/${kind.name}`,
        id: kind.id,
        tag: 'Images',
        summary: kind.summary,
        description: 'Takes ranges and conditional requests.',
        guard: READ,
        params: ImageId,
        answers: {
          200: { description: 'The file', media: kind.media },
          206: { description: 'A part of the file', media: kind.media },
          304: { description: 'You have it' },
        },
        problems: ['range_not_satisfiable'],
      },
      async ({ c, who, params }) => {
        requireBooking(who, params.id);
        if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
        const row = await findFrame(deps, params.id, params.image_id);
        const stored = kind.path(row);
        if (!stored || (kind.name === 'fits' && row.trashedAt)) throw new Problem('not_found', absence(row, kind.name));
        return sendStored(c, deps, storePath(deps, stored), {
          type: kind.media,
          name: kind.file(row),
          etag: `${row.sha256 ?? row.id}-${kind.name}`,
          inline: kind.inline,
          immutable: true,
        });
      },
    );
}

/** Why a file of an image cannot be had. */
function absence(row: Frame, what: string): string {
  if (row.state !== 'archived' || row.purgedAt)
    return `This image is ${row.purgedAt ? 'deleted' : row.state}${row.reason ? `: ${row.reason}` : ''}.`;
  return row.trashedAt
    ? 'This image is in the trash; POST …/images/restore takes it out.'
    : `This image has no ${what} yet${row.reason ? `: ${row.reason}` : ''}.`;
}

const stem = (filename: string): string => parse(filename).name;
