import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { projectPath } from '../../platform/paths.ts';
import { toError } from '../../platform/errors.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { asyncApiDocument, openApiDocument } from '../openapi.ts';
import { json, operation, type App, type AppEnv } from '../operation.ts';
import { sendFile } from '../images/pixels.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.mp3': 'audio/mpeg',
  '.map': 'application/json',
};
/** Page address → file in dist/web. */
const PAGES: Record<string, string> = {
  '/': 'index.html',
  '/control': 'control.html',
  '/control/:id': 'control.html',
  '/observations': 'observations.html',
  '/report/:id': 'report.html',
  '/preferences/:id': 'preferences.html',
  '/admin': 'admin.html',
  '/book': 'book.html',
  '/demo': 'demo.html',
  '/help': 'help.html',
  '/faq': 'help.html',
};

/**
 * Strict policy of our own pages: nothing inline, nothing from elsewhere; embedding only where EMBED_ORIGINS says so. The socket's address is named,
 * since not every browser counts it as 'self'. `host`: as the browser asked for it.
 */
function pageHeaders(deps: Deps, host: string): Record<string, string> {
  const hosts = new Set([
    ...(/^[\w.:[\]-]+$/.test(host) ? [host] : []),
    ...(deps.config.PUBLIC_URL ? [new URL(deps.config.PUBLIC_URL).host] : []),
  ]);
  const sockets = [...hosts].map((name) => ` ws://${name} wss://${name}`).join('');
  const ancestors = deps.config.EMBED_ORIGINS.length > 0 ? `'self' ${deps.config.EMBED_ORIGINS.join(' ')}` : "'self'";
  return {
    'content-security-policy': `default-src 'self'; img-src 'self' data: blob:; connect-src 'self'${sockets}; worker-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors ${ancestors}`,
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    ...(deps.config.EMBED_ORIGINS.length > 0 ? {} : { 'x-frame-options': 'SAMEORIGIN' }),
  };
}

/** Encodings in which the build leaves scripts and style sheets beside the plain ones, the smaller first, with their file ending. */
const PACKED = { br: 'br', gzip: 'gz' } as const;
/** The best of them that the client takes and that lies there. */
function packedAs(path: string, accepted: string): keyof typeof PACKED | null {
  const takes = accepted.split(',').map((one) => one.trim().split(';')[0]);
  return (
    (Object.keys(PACKED) as (keyof typeof PACKED)[]).find(
      (name) => takes.includes(name) && existsSync(`${path}.${PACKED[name]}`),
    ) ?? null
  );
}

function fileEtag(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`;
}

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

export function systemRoutes(app: App, deps: Deps): void {
  const Health = z.object({ ok: z.boolean() }).meta({ id: 'Health' });
  const Ready = z
    .object({
      ok: z.boolean(),
      checks: z.record(z.string(), z.object({ ok: z.boolean(), error: z.string().optional() })),
    })
    .meta({ id: 'Readiness' });
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
      const checks = {
        database,
        temporal,
        bus: { ok: deps.bus.proven, ...(deps.bus.proven ? {} : { error: 'LISTEN does not hear its own NOTIFY' }) },
      };
      const ok = Object.values(checks).every((check) => check.ok);
      return json({ ok, checks }, ok ? 200 : 503);
    },
  );
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

  let openapi: string | null = null;
  app.get('/openapi.json', (c) =>
    c.body((openapi ??= JSON.stringify(openApiDocument(app, deps.config.PUBLIC_URL ?? '/'))), 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
    }),
  );
  let asyncapi: string | null = null;
  app.get('/asyncapi.json', (c) =>
    c.body((asyncapi ??= JSON.stringify(asyncApiDocument(deps.live.key))), 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
    }),
  );

  docsPage(app);
  pages(app, deps);
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

/** Our pages and their assets, as built into dist/web. */
function pages(app: App, deps: Deps): void {
  const root = projectPath('dist', 'web');
  for (const [route, file] of Object.entries(PAGES))
    app.get(route, async (c) => {
      const path = join(root, file);
      if (!existsSync(path)) {
        if (route === '/') return c.redirect('/docs');
        throw new Problem('not_found', 'The pages are not built; run npm run build.');
      }
      return c.body(readFileSync(path, 'utf8'), 200, {
        'content-type': TYPES['.html']!,
        'cache-control': 'no-cache',
        ...pageHeaders(deps, c.req.header('host') ?? ''),
      });
    });
  const serve = async (c: Context<AppEnv>, path: string, maxAge: string): Promise<Response> => {
    const full = normalize(join(root, path));
    if (!full.startsWith(root + '/') || !existsSync(full) || !statSync(full).isFile())
      throw new Problem('not_found', 'No such file.');
    const packed = packedAs(full, c.req.header('accept-encoding') ?? '');
    const file = packed ? `${full}.${PACKED[packed]}` : full;
    const response = await sendFile(c, file, {
      type: TYPES[extname(full)] ?? 'application/octet-stream',
      name: full.split('/').at(-1)!,
      etag: fileEtag(file),
      inline: true,
    });
    if (packed) response.headers.set('content-encoding', packed);
    response.headers.append('vary', 'accept-encoding');
    response.headers.set('cache-control', maxAge);
    if (deps.config.EMBED_ORIGINS.length > 0) response.headers.set('cross-origin-resource-policy', 'cross-origin');
    return response;
  };
  app.get('/assets/*', (c) => serve(c, decodeURIComponent(c.req.path), 'public, max-age=300'));
  for (const name of [
    '/sw.js',
    '/manifest.webmanifest',
    '/manifest.json',
    '/favicon.ico',
    '/favicon.svg',
    '/robots.txt',
  ])
    app.get(name, (c) => serve(c, name, 'no-cache'));
}
