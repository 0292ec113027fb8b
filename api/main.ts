import type { Server } from 'node:http';
import { createDatabase } from '../platform/database.ts';
import { createLogger } from '../platform/logger.ts';
import { BusListener } from '../platform/bus.ts';
import { toError } from '../platform/errors.ts';
import { endWith, onShutdown } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { createApp } from './app.ts';
import { listen } from './listen.ts';
import { keepAssets } from './system/kept-assets.ts';
import { pagesOf } from './system/pages.ts';

/** No question of the api takes this long; one that does stands on a connection that is dead. */
const QUERY_TIMEOUT_MS = 10_000;

const MADE_ONCE = ['/openapi.json', '/asyncapi.json', '/api/catalogue?query=m31'] as const;

/** The api process: serves at once, and finds PostgreSQL and Temporal when they are there. */
async function main(): Promise<void> {
  const { config, telescopes } = loadSettings({ process: 'api', required: ['DATABASE_URL', 'GATEWAY_SECRET'] });
  const logger = createLogger('api', config.LOG_LEVEL);
  const databaseUrl = config.DATABASE_URL!;
  if (!config.VOYAGER_PROXY_API_KEY)
    logger.warn('VOYAGER_PROXY_API_KEY is not set: only keys of table api_keys open the API');
  const db = createDatabase(databaseUrl, logger, 10, QUERY_TIMEOUT_MS);
  const { client, connection } = createTemporalClient(config);
  const bus = new BusListener(databaseUrl, logger);
  const { app, deps } = createApp({
    config,
    logger,
    db,
    temporal: client,
    bus,
    telescopes,
  });
  deps.live.start();
  await bus.start();
  deps.revocations.load().catch(() => undefined);
  // Made once and kept. The first stranger to ask would otherwise hold everybody up for the half second that it takes, a guest's stop too.
  for (const path of MADE_ONCE) await app.request(path);
  const server: Server = await listen(app, deps, { host: config.HOST, port: config.PORT });
  const address = server.address();
  logger.info(
    { host: config.HOST, port: typeof address === 'object' && address ? address.port : config.PORT },
    'api listening',
  );
  const pages = pagesOf(config);
  keepAssets(pages.root, pages.kept).catch((thrown: unknown) =>
    logger.warn({ error: toError(thrown).message }, 'pages that are open may miss their parts after the next deploy'),
  );

  onShutdown(logger, async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await deps.live.stop();
    server.closeIdleConnections();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5_000))]);
    await bus.stop();
    await Promise.allSettled([db.$disconnect(), connection.close()]);
  });
}

main().catch(endWith);
