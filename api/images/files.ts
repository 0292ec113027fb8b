import { basename, parse } from 'node:path';
import { FitsError } from '../../frames/fits/errors.ts';
import { Busy, PicturesOnRequest } from '../../frames/on-request.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from '../bookings/load.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { operation, type App, route } from '../operation.ts';
import { sendStored, storePath } from './pixels.ts';
import { Id, ImageId, READ, findFrame } from './find.ts';

const makers = new WeakMap<Deps, PicturesOnRequest>();

/** One maker of pictures for an api: it bounds how many are made at once. */
function onRequestOf(deps: Deps): PicturesOnRequest {
  const maker = makers.get(deps) ?? new PicturesOnRequest(deps.db, deps.config.OBSERVATIONS_STORAGE_PATH);
  makers.set(deps, maker);
  return maker;
}

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

export const getTimelapse = route(
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
  async ({ deps, c, who, params }) => {
    requireBooking(who, params.id);
    if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
    const path = await onRequestOf(deps).timelapse(params.id).catch(busy);
    if (!path) throw new Problem('not_found', 'A timelapse needs two frames.');
    return sendStored(c, deps, path, {
      type: 'image/webp',
      name: `${params.id}.webp`,
      etag: basename(path, '.webp'),
      inline: true,
    });
  },
);

export const getFullPreview = route(
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
  async ({ deps, c, who, params }) => {
    requireBooking(who, params.id);
    if (who.kind !== 'signature') await loadBooking(deps, who, params.id);
    const row = await findFrame(deps, params.id, params.image_id);
    if (!row.archivePath || !row.previewed || row.trashedAt) throw new Problem('not_found', absence(row, 'full.jpg'));
    const path = await onRequestOf(deps)
      .fullSize({ ...row, archivePath: storePath(deps, row.archivePath) })
      .catch(busy);
    return sendStored(c, deps, path, {
      type: 'image/jpeg',
      name: `${stem(row.filename)}-full.jpg`,
      etag: `${row.sha256 ?? row.id}-full.jpg`,
      inline: true,
      immutable: true,
    });
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

export function storedFiles(app: App, deps: Deps): void {
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
