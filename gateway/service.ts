import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Telescope } from '../domain/contracts/telescope.ts';
import { systemClock } from '../platform/clock.ts';
import type { Config } from '../platform/config.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { toError, UsageError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { openMaintenance } from '../platform/maintenance.ts';
import type { Settings } from '../platform/settings/load.ts';
import { missing, type SettingProblem } from '../platform/settings/problems.ts';
import { findTelescope, syncTelescopes } from '../platform/telescopes.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { within } from '../platform/waiting.ts';
import { createTelescopeActivities } from './activities/index.ts';
import { createVoyagerLink } from './connection/voyager-link.ts';
import { credentialsFor, robotargetSecretFor } from './credentials.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createGatewayHttp } from './http.ts';
import { GatewayMetrics } from './metrics.ts';
import { dialectProblems, loadDialect, type Dialect } from './robotarget/dialect.ts';
import { databaseError } from './telescope/database-copies.ts';
import { pgLeaseStore } from './telescope/lease-store.ts';
import { TelescopeGateway } from './telescope/telescope.ts';
import { QueuePoller, SharedConnection, temporalTransport } from './temporal.ts';

const SYNC_RETRY_MS = 5_000;
/** Between two looks for what the api changed; it tells of maintenance by itself, and this finds what it could not tell. */
const RELOAD_MS = 10_000;
const CREDENTIALS_MS = 30_000;
const DISCONNECT_MS = 2_000;

export interface GatewayService {
  telescopes: ReadonlyMap<string, TelescopeGateway>;
  /** Of the HTTP server, once it listens. */
  port: number;
  stop(reason: string): Promise<void>;
}

/** What a gateway needs beside settings of the right form. */
export function gatewayProblems(
  values: Readonly<Record<string, string | undefined>>,
  telescopes: readonly Telescope[] | null,
): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const ids = telescopes?.map((t) => t.id) ?? [];
  if (!values.VOYAGER_HOST && !values.TELESCOPES_FILE)
    problems.push({
      name: 'VOYAGER_HOST',
      message: 'is not set; set the address of your Voyager, or name a telescope file in TELESCOPES_FILE',
    });
  else if (telescopes)
    for (const id of (values.GATEWAY_TELESCOPES ?? '').split(',').map((one) => one.trim()))
      if (id && !ids.includes(id))
        problems.push({
          name: 'GATEWAY_TELESCOPES',
          message: `"${id}" is not among the configured telescopes; write one of ${ids.join(', ') || 'those in TELESCOPES_FILE'}`,
        });
  if (!values.DATABASE_URL && !['true', '1', 'yes', 'on'].includes(values.GATEWAY_SOLE?.toLowerCase() ?? ''))
    problems.push({
      ...missing('DATABASE_URL'),
      message: `${missing('DATABASE_URL').message}; without it a gateway needs GATEWAY_SOLE=true, the only one at its observatory`,
    });
  problems.push(...dialectProblems(values.VOYAGER_ROBOTARGET_DIALECT));
  return problems;
}

/** What a telescope lacks for sessions; to look at it nothing more is needed. */
export function lacksForSessions(telescope: Telescope, config: Config): string[] {
  return [
    ...(robotargetSecretFor(telescope.id, config)
      ? []
      : ['VOYAGER_ROBOTARGET_SECRET, RoboTarget’s shared secret (Voyager: Setup, Remote)']),
    ...(telescope.base_sequence_guid === null
      ? ['VOYAGER_DEFAULT_SEQUENCE_GUID, the GUID of the base sequence (base_sequence_guid in a telescope file)']
      : []),
    ...(telescope.site === null
      ? ['SITE_LATITUDE_DEGREES, SITE_LONGITUDE_DEGREES and SITE_TIMEZONE, where it stands (site in a telescope file)']
      : []),
  ];
}

/**
 * One gateway process: every telescope of its configuration (GATEWAY_TELESCOPES narrows them), their queues, its HTTP. Starts while
 * PostgreSQL, Temporal or Voyager are away and goes on trying.
 * @throws UsageError when the configuration cannot work
 */
export async function startGateway({ config, telescopes: all }: Settings, logger: Logger): Promise<GatewayService> {
  const wanted = config.GATEWAY_TELESCOPES;
  const served = all.filter((t) => wanted.length === 0 || wanted.includes(t.id));
  const dialect = loadDialect(config.VOYAGER_ROBOTARGET_DIALECT);
  warnOfLacks(served, config, logger);

  const db = config.DATABASE_URL ? createDatabase(config.DATABASE_URL, logger, 4) : null;
  const { client, connection: clientConnection } = createTemporalClient(config);
  const shared = new SharedConnection(config);
  const telescopes = new Map<string, TelescopeGateway>();
  const pollers = new Map<string, QueuePoller>();
  const metrics = new GatewayMetrics(() => telescopes.values());
  const holder = `${hostname()}/${process.pid}/${randomBytes(4).toString('hex')}`;

  const parts = { config, dialect, db, client, metrics, holder, logger };
  for (const telescope of served) {
    const gateway = createTelescope(telescope, parts);
    const poller = new QueuePoller(telescope.id, createTelescopeActivities(gateway), shared, logger);
    pollWhileOwned(gateway, poller, logger);
    telescopes.set(telescope.id, gateway);
    pollers.set(telescope.id, poller);
  }

  const server = createGatewayHttp({
    telescopes,
    secret: config.GATEWAY_SECRET ?? null,
    metrics: () => metrics.scrape(),
    readiness: () => notReady(telescopes, pollers),
    logger,
  });
  await listen(server, config.GATEWAY_PORT, config.GATEWAY_HOST);
  const { port } = server.address() as AddressInfo;
  logger.info({ host: config.GATEWAY_HOST, port, telescopes: [...telescopes.keys()] }, 'gateway listens');

  const timers: NodeJS.Timeout[] = [];
  if (db) keepTelescopes(db, served, telescopes, timers, logger);
  timers.push(setInterval(() => refreshCredentials(telescopes, config, logger), CREDENTIALS_MS).unref());
  const endHeartbeat = config.HEARTBEAT_URL
    ? startHeartbeat(config.HEARTBEAT_URL, () => telescopes.values(), logger)
    : () => undefined;
  for (const gateway of telescopes.values()) gateway.start();

  return {
    telescopes,
    port,
    async stop(reason) {
      for (const timer of timers) clearInterval(timer);
      endHeartbeat();
      await Promise.all([...pollers.values()].map((p) => p.stop()));
      await Promise.all([...telescopes.values()].map((t) => t.stop(reason)));
      await close(server);
      await shared.close().catch(() => undefined);
      await clientConnection.close().catch(() => undefined);
      // A query behind a broken link never ends; the process does.
      if (db) await within(db.$disconnect(), DISCONNECT_MS).catch(() => undefined);
    },
  };
}

function warnOfLacks(served: readonly Telescope[], config: Config, logger: Logger): void {
  for (const telescope of served) {
    const lacks = lacksForSessions(telescope, config);
    if (lacks.length > 0)
      logger.warn({ telescope: telescope.id, lacks }, 'this telescope can be looked at; sessions need more');
  }
  if (!config.GATEWAY_SECRET) logger.warn('GATEWAY_SECRET is not set: emergency abort, state and preview answer 503');
}

/** What the telescopes of one process share. */
interface Shared {
  config: Config;
  dialect: Dialect;
  db: Database | null;
  client: Client;
  metrics: GatewayMetrics;
  holder: string;
  logger: Logger;
}

/** One telescope with its folder, its lease and its link to Voyager, not started yet. */
function createTelescope(telescope: Telescope, shared: Shared): TelescopeGateway {
  const { config, dialect, db, client, metrics, holder, logger } = shared;
  const folder = resolve(config.DATA_DIR, 'gateway', telescope.id);
  mkdirSync(folder, { recursive: true });
  return new TelescopeGateway({
    telescope,
    db,
    leaseStore: config.DATABASE_URL ? pgLeaseStore(config.DATABASE_URL) : null,
    holder,
    sole: config.GATEWAY_SOLE,
    readOnly: config.VOYAGER_READ_ONLY,
    dialect,
    robotargetSecret: robotargetSecretFor(telescope.id, config),
    transport: temporalTransport(client),
    folder,
    clock: systemClock,
    logger,
    createLink: (on, gate) =>
      metrics.watch(
        on.id,
        createVoyagerLink({
          host: on.host,
          port: on.port,
          instance: on.instance,
          credentials: credentialsFor(on.id, config),
          gate,
          clock: systemClock,
          logger: logger.child({ telescope: on.id }),
          dialect,
          robotargetSecret: robotargetSecretFor(on.id, config),
          maxLineMb: config.VOYAGER_MAX_LINE_MB,
          modes: { dashboard: true, logLevel: 1 },
        }),
      ),
  });
}

/** The queue is polled by who owns the telescope. */
function pollWhileOwned(gateway: TelescopeGateway, poller: QueuePoller, logger: Logger): void {
  gateway.on('owned', () => poller.start());
  gateway.on('lost', () => {
    poller
      .stop()
      .catch((thrown: unknown) => logger.error({ telescope: gateway.id, err: toError(thrown) }, 'ending the worker'));
  });
}

/** What the first telescope that cannot work yet waits for; null = all can. */
function notReady(
  telescopes: ReadonlyMap<string, TelescopeGateway>,
  pollers: ReadonlyMap<string, QueuePoller>,
): string | null {
  const idle = [...telescopes.values()].find((t) => !t.lease.owns() || !t.ready || !pollers.get(t.id)!.polling);
  if (!idle) return null;
  if (!idle.lease.owns()) return `${idle.id}: lease ${idle.lease.state}`;
  if (!idle.ready) return `${idle.id}: Voyager: ${idle.link.reason ?? idle.link.state}`;
  return `${idle.id}: Temporal is away`;
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((ready, fail) => {
    server.once('error', (err: NodeJS.ErrnoException) =>
      fail(err.code === 'EADDRINUSE' ? new UsageError(`GATEWAY_PORT ${port} is taken; choose another.`) : err),
    );
    server.listen(port, host, ready);
  });
const close = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });

/** Writes the file's telescopes into the database as soon as it answers, and takes over what the API changes later. */
function keepTelescopes(
  db: Database,
  served: readonly Telescope[],
  gateways: ReadonlyMap<string, TelescopeGateway>,
  timers: NodeJS.Timeout[],
  logger: Logger,
): void {
  let synced = false;
  let told = false;
  const round = async (): Promise<void> => {
    try {
      if (!synced) await syncTelescopes(db, served);
      synced = true;
      for (const gateway of gateways.values()) {
        await readMaintenance(db, gateway);
        const now = await findTelescope(db, gateway.id);
        if (!now || JSON.stringify(now) === JSON.stringify(gateway.telescope)) continue;
        gateway.configure(now);
      }
    } catch (thrown) {
      if (!told) logger.warn({ err: databaseError(thrown) }, 'telescopes not in the database yet; trying again');
      told = true;
    }
  };
  void round();
  timers.push(
    setInterval(() => {
      if (!synced) void round();
    }, SYNC_RETRY_MS).unref(),
    setInterval(() => void round(), RELOAD_MS).unref(),
  );
}

async function readMaintenance(db: Database, gateway: TelescopeGateway): Promise<void> {
  const { version } = gateway.maintenance;
  const rows = await openMaintenance(db, gateway.id, new Date());
  gateway.maintenance.set(rows, version);
}

/** A changed secret file takes effect without a restart; a rejected login is tried again at once. */
function refreshCredentials(telescopes: ReadonlyMap<string, TelescopeGateway>, config: Config, logger: Logger): void {
  for (const gateway of telescopes.values()) {
    try {
      gateway.refreshCredentials(credentialsFor(gateway.id, config));
    } catch (thrown) {
      logger.warn({ telescope: gateway.id, err: toError(thrown).message }, 'credentials could not be read again');
    }
  }
}
