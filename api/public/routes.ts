import { z } from '@hono/zod-openapi';
import { catalogue } from '../../platform/catalogue.ts';
import type { Deps } from '../deps.ts';
import { SNAPSHOT_EVENT } from '../live/snapshots.ts';
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
      json({ data: catalogue().search(query.query, query.limit) }, 200, { 'cache-control': 'public, max-age=3600' }),
  );
}
