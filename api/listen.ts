import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Deps } from './deps.ts';
import type { App } from './operation.ts';

/** A request that has been given its id. */
export type Identified = IncomingMessage & { requestId?: string };

/** On every answer; a route that needs another policy sets its own. */
const HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
] as const;

/**
 * Serves app and live stream on one port. Slow senders are cut off: 10 s for headers, 20 s for a whole request
 * (answers may take as long as they need).
 * @throws Error when the port is taken.
 */
export async function listen(
  app: App,
  deps: Deps,
  at: { host: string; port: number },
  limits = { headersMs: 10_000, requestMs: 20_000 },
): Promise<Server> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      maxHeaderSize: 16 * 1024,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 1_000,
    },
  }) as Server;
  const secure = deps.config.PUBLIC_URL?.startsWith('https:') ?? false;
  // Set on the socket's own answer, since headers put on a finished Response cost a copy of it.
  server.prependListener('request', (request: Identified, response: ServerResponse) => {
    const given = request.headers['x-request-id'];
    request.requestId = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    response.setHeader('x-request-id', request.requestId);
    for (const [name, value] of HEADERS) response.setHeader(name, value);
    if (secure) response.setHeader('strict-transport-security', 'max-age=31536000');
  });
  deps.live.attach(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  deps.self = addressOf(server);
  return server;
}

/** Where this process reaches itself. */
function addressOf(server: Server): URL | null {
  const at = server.address();
  if (at === null || typeof at === 'string') return null;
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = everywhere[at.address] ?? at.address;
  return new URL(`http://${host.includes(':') ? `[${host}]` : host}:${at.port}`);
}
