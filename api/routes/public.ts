import { z } from '@hono/zod-openapi';
import { searchCatalogue } from '../../domain/catalogue/index.ts';
import { stableId } from '../../domain/ids.ts';
import { requireBooking, requireOwner } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { SNAPSHOT_EVENT } from '../live/server.ts';
import { json, operation, type App } from '../operation.ts';

const PageConfig = z
  .object({
    name: z.string(),
    public_url: z.string().nullable(),
    live: z.object({
      key: z.string(),
      path: z.string().describe('What stands before /app/{key}: wsPath of pusher-js'),
      auth_endpoint: z.string(),
      snapshot_event: z.string(),
    }),
    support: z.object({ url: z.string().nullable(), email: z.string().nullable() }),
    book_url: z.string().nullable().describe('Where a guest books for real'),
    vapid_public_key: z.string().nullable(),
    demo: z.boolean(),
    temporal_ui_url: z.string().nullable(),
    max_image_size_mb: z.number(),
  })
  .meta({ id: 'PageConfig' });

const CatalogueEntry = z
  .object({
    designation: z.string(),
    names: z.array(z.string()),
    name_fr: z.string().nullable(),
    type: z.string(),
    ra_hours: z.number(),
    dec_degrees: z.number(),
    magnitude: z.number().nullable(),
    size_arcmin: z.number().nullable(),
  })
  .meta({ id: 'CatalogueEntry' });

const PushRequest = z
  .object({
    booking_id: z.string().max(64).optional(),
    endpoint: z.url().max(1_000),
    keys: z.object({ p256dh: z.string().min(1).max(200), auth: z.string().min(1).max(100) }),
    locale: z.enum(['fr', 'en']).default('fr'),
  })
  .meta({ id: 'PushSubscriptionRequest' });

export function publicRoutes(app: App, deps: Deps): void {
  const { config } = deps;
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/config',
      id: 'pageConfig',
      tag: 'Pages',
      summary: 'What a page needs before it knows who looks at it',
      guard: 'public',
      answers: { 200: { description: 'Nothing secret', schema: PageConfig } },
    },
    async () =>
      json(
        {
          name: 'nocturne',
          public_url: config.PUBLIC_URL ?? null,
          live: { key: deps.live.key, path: '', auth_endpoint: '/broadcasting/auth', snapshot_event: SNAPSHOT_EVENT },
          support: { url: config.SUPPORT_URL ?? null, email: config.SUPPORT_EMAIL ?? null },
          book_url: config.BOOK_URL ?? null,
          vapid_public_key: config.VAPID_PUBLIC_KEY ?? null,
          demo: (await deps.telescopes.list().catch(() => deps.telescopes.rememberedAll())).some(
            (t) => t.id === 'demo',
          ),
          temporal_ui_url: config.TEMPORAL_UI_URL ?? null,
          max_image_size_mb: config.MAX_IMAGE_SIZE_MB,
        },
        200,
        { 'cache-control': 'public, max-age=60' },
      ),
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/catalogue',
      id: 'searchCatalogue',
      tag: 'Pages',
      summary: 'Find a target by name or number',
      guard: 'public',
      query: z.object({
        query: z.string().max(80).default(''),
        limit: z.coerce.number().int().min(1).max(50).default(12),
      }),
      answers: {
        200: {
          description: 'Best first',
          schema: z.object({ data: z.array(CatalogueEntry) }).meta({ id: 'CatalogueList' }),
        },
      },
    },
    ({ query }) =>
      json({ data: searchCatalogue(query.query, query.limit) }, 200, { 'cache-control': 'public, max-age=3600' }),
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/push/subscriptions',
      id: 'subscribePush',
      tag: 'Pages',
      summary: 'Notify this browser',
      guard: { scopes: ['session:view', 'bookings:write'] },
      body: PushRequest,
      answers: {
        201: { description: 'Subscribed', schema: z.object({ id: z.string() }).meta({ id: 'PushSubscribed' }) },
      },
      problems: ['not_found'],
    },
    async ({ who, body }) => {
      const bookingId = body.booking_id ?? (who.kind === 'booking' ? who.subject! : null);
      if (bookingId !== null) {
        requireBooking(who, bookingId);
        const booking = await deps.db.booking.findUnique({ where: { id: bookingId } });
        if (!booking) throw new Problem('not_found', `No booking ${bookingId}.`);
        requireOwner(who, booking);
      } else if (who.kind !== 'user') throw new Problem('bad_request', 'Say which booking (booking_id).');
      if (!body.endpoint.startsWith('https:'))
        throw new Problem('bad_request', 'The endpoint of a push service is an https address.');
      const userRef = who.kind === 'user' ? who.subject : null;
      // A browser is told of each booking that it asked for; a person's own token asks for all of theirs at once.
      const id =
        userRef === null
          ? stableId('push', body.endpoint, 'booking', bookingId!)
          : stableId('push', body.endpoint, 'user', userRef);
      const data = { bookingId, userRef, keys: body.keys, locale: body.locale };
      await deps.db.pushSubscription.upsert({
        where: { id },
        create: { id, endpoint: body.endpoint, ...data },
        update: data,
      });
      return json({ id }, 201);
    },
  );
  operation(
    app,
    deps,
    {
      method: 'delete',
      path: '/api/push/subscriptions/{subscription_id}',
      id: 'unsubscribePush',
      tag: 'Pages',
      summary: 'Notify this browser no more',
      guard: { scopes: ['session:view', 'bookings:write'] },
      params: z.object({ subscription_id: z.string().max(64) }),
      answers: { 204: { description: 'Gone' } },
    },
    async ({ who, params }) => {
      const row = await deps.db.pushSubscription.findUnique({ where: { id: params.subscription_id } });
      const own =
        row &&
        (who.kind === 'key' ||
          who.kind === 'admin' ||
          (who.kind === 'booking' && row.bookingId === who.subject) ||
          (who.kind === 'user' && row.userRef === who.subject));
      if (!own) throw new Problem('not_found', 'No such subscription.');
      await deps.db.pushSubscription.delete({ where: { id: row.id } });
      return new Response(null, { status: 204 });
    },
  );
}
