import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import type { Context, Hono } from 'hono';
import type { Config } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';
import { Problem, problemResponse } from '../errors.ts';
import { sendFile } from '../images/pixels.ts';
import type { AppEnv } from '../guard.ts';

/** Types of what the pages consist of, by file ending. */
export const TYPES: Record<string, string> = {
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
/** What stands at the root beside the pages. */
const BESIDE = [
  '/sw.js',
  '/manifest.webmanifest',
  '/manifest.json',
  '/favicon.ico',
  '/favicon.svg',
  '/robots.txt',
] as const;

/** A name with the hash of its content (esbuild: eight of A–Z and 2–7) means the same for ever; any other is asked for again each time. */
export const isHashed = (name: string): boolean => /-[A-Z2-7]{8}\.[a-z]\w{0,9}(?:\.\w{1,9})?$/.test(name);
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_AGAIN = 'no-cache';

export interface PageOptions {
  /** Folder of the build that is served, dist/web. */
  root: string;
  /** Folder with assets of the builds before it, which pages that are open may still ask for. */
  kept: string;
  config: Pick<Config, 'PUBLIC_URL' | 'EMBED_ORIGINS'>;
}

/** The pages of this installation. */
export const pagesOf = (config: Config): PageOptions => ({
  root: projectPath('dist', 'web'),
  kept: resolve(projectPath(), config.DATA_DIR, 'web-assets'),
  config,
});

/**
 * Strict policy of our own pages: nothing inline or from elsewhere, embedding only by EMBED_ORIGINS. The socket's address is named, since not every
 * browser counts it as 'self'; `host` is what the browser asked for.
 */
function pageHeaders(config: PageOptions['config'], host: string): Record<string, string> {
  const hosts = new Set([
    ...(/^[\w.:[\]-]+$/.test(host) ? [host] : []),
    ...(config.PUBLIC_URL ? [new URL(config.PUBLIC_URL).host] : []),
  ]);
  const sockets = [...hosts].map((name) => ` ws://${name} wss://${name}`).join('');
  const ancestors = config.EMBED_ORIGINS.length > 0 ? `'self' ${config.EMBED_ORIGINS.join(' ')}` : "'self'";
  return {
    'content-security-policy': `default-src 'self'; img-src 'self' data: blob:; connect-src 'self'${sockets}; worker-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors ${ancestors}`,
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    ...(config.EMBED_ORIGINS.length > 0 ? {} : { 'x-frame-options': 'SAMEORIGIN' }),
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

export function fileEtag(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`;
}
const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();

async function sendAsset(c: Context<AppEnv>, full: string, config: PageOptions['config']): Promise<Response> {
  const packed = packedAs(full, c.req.header('accept-encoding') ?? '');
  const file = packed ? `${full}.${PACKED[packed]}` : full;
  const name = full.split('/').at(-1)!;
  const type = TYPES[extname(full)] ?? 'application/octet-stream';
  const response = await sendFile(c, file, { type, name, etag: fileEtag(file), inline: true });
  if (packed) response.headers.set('content-encoding', packed);
  response.headers.append('vary', 'accept-encoding');
  response.headers.set('cache-control', isHashed(name) ? FOR_EVER : ASK_AGAIN);
  if (config.EMBED_ORIGINS.length > 0) response.headers.set('cross-origin-resource-policy', 'cross-origin');
  return response;
}

/** Whoever shows pages asks for them by name; programs do not. Below `/api/` only programs ask. */
const wantsPage = (c: Context<AppEnv>): boolean =>
  ['GET', 'HEAD'].includes(c.req.method) &&
  !c.req.path.startsWith('/api/') &&
  (c.req.header('accept') ?? '').includes('text/html');

function sendPage(c: Context<AppEnv>, { root, config }: PageOptions, file: string, status: 200 | 404): Response {
  return c.body(readFileSync(join(root, file), 'utf8'), status, {
    'content-type': TYPES['.html']!,
    'cache-control': ASK_AGAIN,
    ...pageHeaders(config, c.req.header('host') ?? ''),
  });
}

/** An address at which there is nothing: a page in a guest's words for who shows pages, a problem document for all others. */
export const nothingHere =
  (options: PageOptions) =>
  (c: Context<AppEnv>): Response =>
    wantsPage(c) && existsSync(join(options.root, 'not-found.html'))
      ? sendPage(c, options, 'not-found.html', 404)
      : problemResponse(c, new Problem('not_found', 'There is nothing at this address.'));

/** Our pages and their assets, as built into dist/web. */
export function pageRoutes(app: Pick<Hono<AppEnv>, 'get'>, options: PageOptions): void {
  const { root, kept, config } = options;
  for (const [route, file] of Object.entries(PAGES))
    app.get(route, (c) => {
      if (existsSync(join(root, file))) return sendPage(c, options, file, 200);
      if (route === '/') return c.redirect('/docs');
      throw new Problem('not_found', 'The pages are not built; run npm run build.');
    });
  app.get('/assets/:name', (c) => {
    // A name of ours has no folder and nothing to be decoded.
    const name = /^[\w.-]+$/.exec(c.req.path.slice('/assets/'.length))?.[0] ?? '';
    const path = [join(root, 'assets', name), ...(isHashed(name) ? [join(kept, name)] : [])].find(isFile);
    if (!name || !path) throw new Problem('not_found', 'No such file.');
    return sendAsset(c, path, config);
  });
  for (const name of BESIDE)
    app.get(name, (c) => {
      const path = join(root, name);
      if (!isFile(path)) throw new Problem('not_found', 'No such file.');
      return sendAsset(c, path, config);
    });
}
