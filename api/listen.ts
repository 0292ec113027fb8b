import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Deps } from './deps.ts';
import type { App } from './operation.ts';

/**
 * Serves app and live stream on one port. Slow senders are cut off: 10 s for headers, 20 s for a whole request
 * (answers may take as long as they need).
 * @throws Error when the port is taken.
 */
export async function listen(app: App, deps: Deps, at: { host: string; port: number }, limits = { headersMs: 10_000, requestMs: 20_000 }): Promise<Server> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    // What is left of a refused body is read off, so that the sender hears the refusal instead of a broken connection.
    autoCleanupIncoming: false,
    serverOptions: { headersTimeout: limits.headersMs, requestTimeout: limits.requestMs, maxHeaderSize: 16 * 1024, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 },
  }) as Server;
  deps.live.attach(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}
