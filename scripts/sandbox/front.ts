import type { Server } from 'node:http';
import { Hono } from 'hono';
import type { Api } from '../../api/app.ts';
import { listen } from '../../api/listen.ts';
import { sandboxRoutes, type SandboxParts } from './routes.ts';

/** Every answer says by it that this is a sandbox, and what time it is there. */
export const SANDBOX_HEADER = 'x-nocturne-sandbox';
const STYLE = `.nocturne-sandbox { margin: 0; padding: 0.4rem 1rem; background: #8a5a00; color: #fff; font: 600 0.9rem/1.4 system-ui, sans-serif; text-align: center; }`;
const WORDS =
  'Sandbox: nothing here is real, and its clock is moved by hand. · Bac à sable : rien ici n’est réel, son horloge se déplace à la main.';
const BANNER = `<link rel="stylesheet" href="/sandbox/banner.css"><p class="nocturne-sandbox" role="note">${WORDS}</p>`;

/** The API and its pages as they are, with the sandbox's own routes beside them and a banner on every page. Loopback only. */
export async function serveSandbox(api: Api, port: number, parts: SandboxParts): Promise<Server> {
  const front = new Hono();
  front.get('/sandbox/banner.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css' }));
  front.route('/sandbox', sandboxRoutes(parts));
  front.all('*', async (c) => {
    const wantsPage = c.req.method === 'GET' && (c.req.header('accept') ?? '').includes('text/html');
    if (!wantsPage) return api.app.fetch(c.req.raw, c.env);
    const headers = new Headers(c.req.raw.headers);
    // A page is read here: whole, and as it is.
    for (const name of ['accept-encoding', 'if-none-match', 'if-modified-since']) headers.delete(name);
    return bannered(await api.app.fetch(new Request(c.req.raw.url, { headers }), c.env));
  });
  const server = await listen(front as never, api.deps, { host: '127.0.0.1', port });
  server.prependListener('request', (_request, response) => {
    response.setHeader(SANDBOX_HEADER, new Date().toISOString());
  });
  return server;
}

async function bannered(response: Response): Promise<Response> {
  if (!(response.headers.get('content-type') ?? '').startsWith('text/html')) return response;
  const headers = new Headers(response.headers);
  for (const name of ['content-length', 'etag', 'last-modified']) headers.delete(name);
  const page = (await response.text()).replace(/<body[^>]*>/, (body) => `${body}${BANNER}`);
  return new Response(page, { status: response.status, headers });
}
