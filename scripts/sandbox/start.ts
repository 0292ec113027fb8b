import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Server } from 'node:http';
import { createApp, type Api } from '../../api/app.ts';
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { BusListener } from '../../platform/bus.ts';
import { loadConfig, type Config } from '../../platform/config.ts';
import { createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { syncTelescopes } from '../../platform/telescopes.ts';
import { SIMULATED_SEQUENCE_GUID } from '../../stack/processes.ts';
import { freePort } from '../../stack/ports.ts';
import { closeFolder, loadSecrets, type Secrets } from '../../stack/secrets.ts';
import { Supervisor } from '../../stack/supervisor.ts';
import { TimeSkippingServer } from '../../stack/time-skipping.ts';
import { SANDBOX_CAMERA, SandboxCamera } from './camera.ts';
import { startDatabase } from './database.ts';
import { serveSandbox } from './front.ts';
import { openLetterBox } from './letters.ts';
import { SandboxGateway } from './gateway.ts';
import { SandboxObservatory } from './observatory.ts';
import { Passing } from './passing.ts';
import { Relay } from './relay.ts';
import { SandboxWorkers } from './workers.ts';

export interface Wishes {
  /** 0: any. */
  port: number;
  webhook: string | null;
  webhookSecret: string | null;
  origin: string | null;
  dataDir: string;
}
export interface Sandbox {
  /** What a person must know, line by line. */
  told: string[];
  stop(): Promise<void>;
}

const WINDOWS_ROOT = 'C:\\Voyager\\FITS';

/** One telescope in the south of France, where it is night when it is night for most who try this. */
const telescopeOf = (share: string, gatewayUrl: string): Telescope =>
  Telescope.parse({
    id: 'sandbox',
    name: 'Sandbox observatory',
    host: '127.0.0.1',
    gateway_url: gatewayUrl,
    base_sequence_guid: SIMULATED_SEQUENCE_GUID,
    site: { latitude_degrees: 43.9, longitude_degrees: 5.7, elevation_meters: 650, timezone: 'Europe/Paris' },
    camera: SANDBOX_CAMERA,
    path_map: [{ from: WINDOWS_ROOT, to: share }],
    credits_per_hour: 60,
  });

/** The product's settings here, and none of the environment's: a shop's own .env must not lead a sandbox to real receivers. */
function configOf(
  wishes: Wishes,
  secrets: Secrets,
  at: Record<'port' | 'temporal' | 'database' | 'relay' | 'smtp', string>,
): Config {
  return loadConfig({
    NODE_ENV: 'development',
    DATA_DIR: wishes.dataDir,
    DATABASE_URL: at.database,
    TEMPORAL_ADDRESS: at.temporal,
    OBSERVATIONS_STORAGE_PATH: join(wishes.dataDir, 'observations'),
    BACKUP_PATH: join(wishes.dataDir, 'backups'),
    HOST: '127.0.0.1',
    PORT: at.port,
    PUBLIC_URL: `http://127.0.0.1:${at.port}`,
    GATEWAY_SECRET: secrets.gateway_secret,
    VOYAGER_PROXY_API_KEY: secrets.api_key,
    PUSHER_APP_SECRET: secrets.app_secret,
    WEBHOOK_ALLOW_PRIVATE: 'true',
    WEBHOOK_URL: at.relay,
    WEBHOOK_SECRET: webhookSecretOf(wishes, secrets),
    SMTP_URL: at.smtp,
    CORS_ORIGINS: wishes.origin ?? '',
    EMBED_ORIGINS: wishes.origin ?? '',
  });
}
const webhookSecretOf = ({ webhookSecret }: Wishes, { gateway_secret }: Secrets): string =>
  webhookSecret ?? `whsec_${createHmac('sha256', gateway_secret).update('sandbox/webhooks').digest('base64')}`;

/** Starts all of it, in this process but for PostgreSQL and Temporal. What was begun is ended where a part cannot start. */
export async function startSandbox(wishes: Wishes, report: (line: string) => void): Promise<Sandbox> {
  const began = performance.now();
  closeFolder(wishes.dataDir);
  const secrets = loadSecrets(wishes.dataDir);
  const supervisor = new Supervisor(report);
  const endings: (() => Promise<unknown>)[] = [() => supervisor.stopAll([['temporal'], ['postgres']])];
  const stop = async (): Promise<void> => {
    for (const end of endings.splice(0).reverse()) await end().catch((thrown: Error) => report(thrown.message));
  };
  try {
    const told = await begin(wishes, secrets, { supervisor, report, endings });
    return {
      told: [...told, `  Ready in ${((performance.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops all of it.\n`],
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

interface Hands {
  supervisor: Supervisor;
  report: (line: string) => void;
  /** Ended in reverse order. */
  endings: (() => Promise<unknown>)[];
}

async function begin(wishes: Wishes, secrets: Secrets, hands: Hands): Promise<string[]> {
  const ground = await groundOf(wishes, secrets, hands);
  const night = await nightOf(ground, hands);
  await serve(ground, night, hands);
  return wordsOf(wishes, secrets, { url: ground.config.PUBLIC_URL!, ...ground.folders });
}

/** What the product stands on: database, Temporal, receivers, settings. */
async function groundOf(wishes: Wishes, secrets: Secrets, { supervisor, report, endings }: Hands) {
  const log = (name: string): string => join(wishes.dataDir, 'logs', `${name}.log`);
  const [database, server] = await Promise.all([
    startDatabase(wishes.dataDir, secrets.postgres_password, supervisor),
    TimeSkippingServer.start(supervisor, log('temporal'), report),
  ]);
  endings.push(
    () => database.close(),
    () => server.connection.close(),
  );
  const letterFolder = join(wishes.dataDir, 'letters');
  const letters = await openLetterBox(letterFolder, report);
  const relay = wishes.webhook ? await Relay.start(wishes.webhook, webhookSecretOf(wishes, secrets)) : null;
  if (letters) endings.push(() => letters.stop());
  if (relay) endings.push(() => relay.stop());
  const port = await freePort(wishes.port);
  if (wishes.port !== 0 && port !== wishes.port) report(`Port ${wishes.port} is taken; using ${port}.`);
  const config = configOf(wishes, secrets, {
    port: String(port),
    temporal: server.address,
    database: database.url,
    relay: relay?.url ?? '',
    smtp: letters?.url ?? '',
  });
  const logger = createLogger('sandbox', 'info', log('sandbox'));
  const db = createDatabase(database.url, logger, 16);
  endings.push(() => db.$disconnect());
  const folders = { fits: join(wishes.dataDir, 'fits'), letters: letters && letterFolder, log: log('sandbox') };
  return { database, server, relay, port, config, logger, db, temporal: server.client(), folders };
}
type Ground = Awaited<ReturnType<typeof groundOf>>;

/** The observatory, those who work for its sessions, and time. */
async function nightOf(ground: Ground, { endings }: Hands) {
  const { db, config, logger, temporal, database, server, folders } = ground;
  const gatewayPort = await freePort();
  const telescope = telescopeOf(folders.fits, `http://127.0.0.1:${gatewayPort}`);
  await syncTelescopes(db, [telescope]);
  const observatory = new SandboxObservatory(telescope, () => camera.take(Date.now()));
  const gateway = new SandboxGateway(observatory, { db, secret: config.GATEWAY_SECRET!, logger });
  await gateway.listen(gatewayPort);
  endings.push(() => gateway.close());
  const share = { folder: folders.fits, windowsRoot: WINDOWS_ROOT };
  const camera = new SandboxCamera({ db, temporal, observatory, gateway, share });
  const passing = new Passing({ db, database, server, temporal, camera, gateway, quiet: () => workers.quiet() });
  const workers = await SandboxWorkers.start({
    db,
    config,
    logger,
    temporal,
    address: server.address,
    observatory,
    reach: (ms) => passing.reach(ms),
  });
  const stay = passing.goOn(logger);
  endings.push(
    () => camera.stop(),
    () => workers.stop(),
    async () => stay(),
  );
  return { telescope, observatory, passing };
}

/** What the outside sees: deliveries, API and pages. */
async function serve(
  { db, config, logger, temporal, database, relay, port }: Ground,
  { telescope, observatory, passing }: Awaited<ReturnType<typeof nightOf>>,
  { endings }: Hands,
): Promise<void> {
  const outbox = new OutboxDelivery({ db, config, logger, databaseUrl: database.url });
  void outbox.run();
  const bus = new BusListener(database.url, logger);
  const api = createApp({ db, config, logger, temporal, bus, telescopes: [telescope] });
  api.deps.live.start();
  await bus.start();
  const http = await serveSandbox(api, port, { deps: api.deps, passing, observatory, relay });
  endings.push(
    () => outbox.stop(),
    () => bus.stop(),
    () => closed(http, api),
  );
}

async function closed(http: Server, { deps }: Api): Promise<void> {
  await deps.live.stop();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
}

function wordsOf(wishes: Wishes, secrets: Secrets, at: { url: string; letters: string | null; log: string }): string[] {
  const rows = [
    ['Pages and API', at.url],
    ['API key', secrets.api_key],
    ['Telescope', 'sandbox'],
    ['Clock', `curl -X POST ${at.url}/sandbox/clock -H 'X-API-Key: ${secrets.api_key}' -d '{"advance": "2h"}'`],
    ['Webhooks to', wishes.webhook ?? 'nobody (--webhook URL)'],
    ...(wishes.webhook ? [['signed with', webhookSecretOf(wishes, secrets)]] : []),
    ['Letters', at.letters ?? 'not kept'],
    ['Pusher app', `key nocturne, id 1, secret ${secrets.app_secret}`],
    ['Log', at.log],
  ];
  const width = Math.max(...rows.map(([name]) => name!.length)) + 3;
  return [
    '',
    '  SANDBOX: nothing here is real, and its clock is moved by you.',
    '',
    ...rows.map(([name, what]) => `  ${name!.padEnd(width)}${what}`),
    '',
  ];
}
