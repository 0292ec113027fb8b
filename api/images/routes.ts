import { z } from '@hono/zod-openapi';
import { toImage, toImageSummary } from '../../frames/images.ts';
import { restoreFrames } from '../../frames/restore.ts';
import { FRAME_STATES, FRAME_TYPES, Image, ImageSummary } from '../../domain/contracts/image.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from '../bookings/load.ts';
import { json, route, routes } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { signImageUrls } from './pixels.ts';
import { getFullPreview, getTimelapse, storedFiles } from './files.ts';
import { Id, ImageId, READ, findFrame } from './find.ts';

const ImagePage = pageOf(ImageSummary, 'ImagePage');

const listImages = route(
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
  async ({ deps, c, who, params, query }) => {
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

const getImage = route(
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
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    const row = await findFrame(deps, params.id, params.image_id);
    return json(signImageUrls(deps, toImage(row)));
  },
);

const restoreImages = route(
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
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    return json({ ...(await restoreFrames(deps, params.id)) });
  },
);

export const imageRoutes = routes(listImages, getImage, getTimelapse, getFullPreview, restoreImages, storedFiles);
