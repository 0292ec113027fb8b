import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { z } from '@hono/zod-openapi';
import { readiness } from './readiness.ts';
import { toError } from '../../platform/errors.ts';
import type { Deps } from '../deps.ts';
import { asyncApiDocument, openApiDocument } from '../openapi.ts';
import { json, operation, type App } from '../operation.ts';
import { sendFile } from '../images/pixels.ts';
import { PLACES, writtenContract } from './written.ts';
import { fileEtag, pageRoutes, pagesOf, TYPES } from './pages.ts';

async function within<T>(ms: number, promise: Promise<T>): Promise<{ ok: boolean; error?: string }> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      promise,
      new Promise((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
      }),
    ]);
    return { ok: true };
  } catch (thrown) {
    return { ok: false, error: toError(thrown).message.split('\n').at(-1)!.slice(0, 200) };
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes, since a text of half a megabyte is encoded anew for each stranger who asks. */
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const Health = z.object({ ok: z.boolean() }).meta({ id: 'Health' });
const Ready = z
  .object({
    ok: z.boolean(),
    checks: z.record(z.string(), z.object({ ok: z.boolean(), error: z.string().optional() })),
  })
  .meta({ id: 'Readiness' });

export function systemRoutes(app: App, deps: Deps): void {
  healthRoute(app, deps);
  readinessRoute(app, deps);
  metricsRoute(app, deps);
  documentRoutes(app, deps);
  docsPage(app);
  pageRoutes(app, pagesOf(deps.config));
}

function healthRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/healthz',
      id: 'health',
      tag: 'System',
      summary: 'The process lives',
      guard: 'public',
      answers: { 200: { description: 'Yes', schema: Health } },
    },
    () => json({ ok: true }),
  );
}

function readinessRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/readyz',
      id: 'ready',
      tag: 'System',
      summary: 'It can serve: database, bus that hears, workflow service that can start sessions',
      guard: 'public',
      answers: { 200: { description: 'Yes', schema: Ready }, 503: { description: 'Not yet', schema: Ready } },
    },
    async () => {
      const [database, temporal] = await Promise.all([
        within(2_000, deps.db.$queryRaw`SELECT 1`),
        deps.sessionsReady
          .look(2_000)
          .then((found) => (found.state === 'ok' ? { ok: true } : { ok: false, error: found.why })),
      ]);
      const answer = readiness(database, temporal, deps.bus.proven);
      return json(answer, answer.ok ? 200 : 503);
    },
  );
}

function metricsRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      tag: 'System',
      summary: 'Prometheus metrics',
      guard: 'public',
      answers: { 200: { description: 'Metrics', media: 'text/plain' } },
    },
    async () =>
      new Response(await deps.metrics.registry.metrics(), {
        headers: { 'content-type': deps.metrics.registry.contentType },
      }),
  );
}

/** The two contracts: as the build has written them, else made when they are first asked for. */
function documentRoutes(app: App, deps: Deps): void {
  const server = deps.config.PUBLIC_URL ?? '/';
  const openapiText = (): string =>
    writtenContract('openapi.json', PLACES.server, server) ?? JSON.stringify(openApiDocument(app, server));
  const asyncapiText = (): string =>
    writtenContract('asyncapi.json', PLACES.key, deps.live.key) ?? JSON.stringify(asyncApiDocument(deps.live.key));
  let openapi: Uint8Array<ArrayBuffer> | null = null;
  app.get('/openapi.json', (c) =>
    c.body((openapi ??= bytesOf(openapiText())), 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
    }),
  );
  let asyncapi: Uint8Array<ArrayBuffer> | null = null;
  app.get('/asyncapi.json', (c) =>
    c.body((asyncapi ??= bytesOf(asyncapiText())), 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
    }),
  );
}

/** The documentation page out of swagger-ui-dist, from this machine alone. */
function docsPage(app: App): void {
  const dist = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>nocturne API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="icon" href="/docs/favicon-32x32.png"></head><body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`;
  const start =
    "window.addEventListener('load',()=>{window.ui=SwaggerUIBundle({url:'/openapi.json',dom_id:'#swagger-ui',deepLinking:true,persistAuthorization:false,validatorUrl:null})});";
  const policy = {
    'content-security-policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'",
  };
  app.get('/docs', (c) => c.body(html, 200, { 'content-type': TYPES['.html']!, ...policy }));
  app.get('/docs/problems', (c) => c.redirect('/docs'));
  app.get('/docs/start.js', (c) => c.body(start, 200, { 'content-type': TYPES['.js']! }));
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']) {
    const path = join(dist, name);
    app.get(`/docs/${name}`, (c) =>
      sendFile(c, path, {
        type: TYPES[extname(name)] ?? 'application/octet-stream',
        name,
        etag: fileEtag(path),
        inline: true,
      }),
    );
  }
}
