import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { TelescopeInput } from '../domain/contracts/telescope.ts';
import { midnightLongitudeDegrees } from '../domain/sky.ts';
import { loadConfig } from '../platform/config.ts';
import { migrate } from '../platform/migrate.ts';
import { projectPath } from '../platform/paths.ts';
import { SEARCH_ATTRIBUTE_FLAGS } from '../domain/queues.ts';
import { freePort } from './ports.ts';
import { clearStaleLock, initPostgres, postgresCommand, postgresUrl, waitForPostgres } from './postgres.ts';
import { loadSecrets } from './secrets.ts';
import { answers, Supervisor, waitUntil, type ChildSpec } from './supervisor.ts';
import { resolveTemporal } from './temporal-cli.ts';

/** The base sequence that the simulated observatory knows. */
export const SIMULATED_SEQUENCE_GUID = '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11';
const WINDOWS_ROOT = 'C:\\Voyager\\FITS';
const RETENTION_DAYS = 30;

export interface SimulatorOptions {
  seed?: number;
  fitsDir?: string;
  faultsFile?: string;
  camera?: { width: number; height: number };
}
export interface StackOptions {
  /** Everything is kept below it. */
  dataDir: string;
  /** The caller's environment: DATABASE_URL, TEMPORAL_ADDRESS and VOYAGER_HOST switch the embedded parts off; the rest is passed on. */
  env: NodeJS.ProcessEnv;
  /** `usual`: the documented ports where they are free; `free`: any. */
  ports: 'usual' | 'free';
  /** The simulated observatory and the telescope that stands in it; null with a real Voyager. */
  simulator:
    | (SimulatorOptions & {
        telescope: Pick<TelescopeInput, 'id' | 'name' | 'policy' | 'weather' | 'credits_per_hour'>;
      })
    | null;
  report: (line: string) => void;
}

export interface Stack {
  supervisor: Supervisor;
  apiUrl: string;
  apiKey: string;
  app: { id: string; key: string; secret: string };
  databaseUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  temporalUiUrl: string | null;
  voyagerPort: number | null;
  simulatorControlUrl: string | null;
  simulatorDir: string | null;
  storagePath: string;
  workerUrl: string;
  gatewayUrl: string;
  pids(): Record<'gateway' | 'worker' | 'api' | 'simulator' | 'temporal' | 'postgres', number | null>;
  stop(): Promise<void>;
}

/**
 * How glibc hands memory out: two arenas, since it would keep one for each of many threads; and big blocks always by mmap, so that a picture's memory
 * goes back to the system when it is freed (its own threshold grows up to 32 MB with the first big block that is freed).
 */
export const memoryEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  MALLOC_ARENA_MAX: env.MALLOC_ARENA_MAX ?? '2',
  MALLOC_MMAP_THRESHOLD_: env.MALLOC_MMAP_THRESHOLD_ ?? '131072',
  MALLOC_TRIM_THRESHOLD_: env.MALLOC_TRIM_THRESHOLD_ ?? '131072',
});
/** Small heaps: our processes work on streams and rows. */
export const nodeFlags = (heapMb: number): string[] => [
  '--max-semi-space-size=2',
  `--max-old-space-size=${heapMb}`,
  '--enable-source-maps',
];

/**
 * Starts PostgreSQL, Temporal, the simulated observatory and our processes, each where the environment names no real one, and waits
 * until all of them are ready. Says what it does, and where a port was taken which one it uses instead.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, env, report } = options;
  mkdirSync(dataDir, { recursive: true });
  const logs = join(dataDir, 'logs');
  const log = (name: string): string => join(logs, `${name}.log`);
  const secrets = loadSecrets(dataDir);
  const supervisor = new Supervisor(report);

  const taken = new Set<number>();
  const port = async (name: string, usual: number): Promise<number> => {
    let found = await freePort(options.ports === 'usual' && !taken.has(usual) ? usual : 0);
    while (taken.has(found)) found = await freePort();
    taken.add(found);
    if (options.ports === 'usual' && found !== usual) report(`Port ${usual} (${name}) is taken; using ${found}.`);
    return found;
  };

  const given = (
    name: 'DATABASE_URL' | 'GATEWAY_SECRET' | 'VOYAGER_PROXY_API_KEY' | 'PUSHER_APP_SECRET',
  ): string | undefined => loadConfig(env)[name];
  const embeddedPostgres = !given('DATABASE_URL');
  const embeddedTemporal = !env.TEMPORAL_ADDRESS;
  const apiPort = await port('API and pages', Number(env.PORT ?? 3000));
  const gatewayPort = await port('gateway', Number(env.GATEWAY_PORT ?? 3100));
  const workerPort = await port('worker health', Number(env.WORKER_PORT ?? 3200));
  const postgresPort = embeddedPostgres ? await port('PostgreSQL', 5433) : 0;
  const temporalPort = embeddedTemporal ? await port('Temporal', 7233) : 0;
  const uiPort = embeddedTemporal ? await port('Temporal’s web UI', 8233) : 0;
  const simulatorPort = options.simulator ? await port('simulated Voyager', 5950) : 0;
  const alpacaPort = options.simulator ? await port('simulated weather station', 11111) : 0;
  const controlPort = options.simulator ? await port('simulator control', 5990) : 0;

  const databaseUrl = given('DATABASE_URL') ?? postgresUrl(postgresPort);
  const temporalAddress = env.TEMPORAL_ADDRESS ?? `127.0.0.1:${temporalPort}`;
  const temporalNamespace = env.TEMPORAL_NAMESPACE ?? 'default';
  const temporalUiUrl = embeddedTemporal ? `http://127.0.0.1:${uiPort}` : (env.TEMPORAL_UI_URL ?? null);
  const host = env.HOST ?? '127.0.0.1';
  const apiUrl = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${apiPort}`;
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  const workerUrl = `http://127.0.0.1:${workerPort}`;
  const storagePath = env.OBSERVATIONS_STORAGE_PATH ?? join(dataDir, 'observations');
  const simulatorDir = options.simulator ? join(dataDir, 'simulator') : null;
  const apiKey = given('VOYAGER_PROXY_API_KEY') ?? secrets.api_key;
  const app = {
    id: env.PUSHER_APP_ID ?? 'nocturne',
    key: env.PUSHER_APP_KEY ?? 'nocturne',
    secret: given('PUSHER_APP_SECRET') ?? secrets.app_secret,
  };

  const stop = (): Promise<void> =>
    supervisor.stopAll([['api', 'worker', 'gateway'], ['simulator'], ['temporal'], ['postgres']]);
  try {
    const startPostgres = async (): Promise<void> => {
      if (embeddedPostgres) {
        const folder = join(dataDir, 'postgres');
        if (
          await timed(report, existsSync(join(folder, 'PG_VERSION')) ? null : 'Making the database', () =>
            initPostgres(folder),
          )
        )
          mkdirSync(logs, { recursive: true });
        const { command, args, ...user } = await postgresCommand(folder, postgresPort);
        await supervisor.start({
          name: 'postgres',
          command,
          args,
          ...user,
          cwd: '/',
          logFile: log('postgres'),
          nanny: 'INT',
          graceSeconds: 10,
          beforeStart: () => clearStaleLock(folder),
          ready: () => waitForPostgres(postgresPort),
        });
      }
      await migrate(databaseUrl);
      report('PostgreSQL is ready.');
    };
    const startTemporal = async (): Promise<void> => {
      if (embeddedTemporal) {
        const { path } = await resolveTemporal('temporal', { env, report });
        const fresh = !existsSync(join(dataDir, 'temporal.db'));
        await timed(report, fresh ? 'Making Temporal’s store' : null, () =>
          supervisor.start({
            name: 'temporal',
            command: path,
            cwd: dataDir,
            logFile: log('temporal'),
            nanny: 'TERM',
            graceSeconds: 8,
            args: [
              'server',
              'start-dev',
              '--ip',
              '127.0.0.1',
              '--port',
              String(temporalPort),
              '--ui-port',
              String(uiPort),
              '--namespace',
              temporalNamespace,
              '--log-level',
              'warn',
              '--db-filename',
              join(dataDir, 'temporal.db'),
              '--sqlite-pragma',
              'journal_mode=WAL',
              '--sqlite-pragma',
              'synchronous=NORMAL',
              ...SEARCH_ATTRIBUTE_FLAGS.flatMap((flag) => ['--search-attribute', flag]),
            ],
            ready: () => temporalReady(temporalAddress, temporalNamespace, RETENTION_DAYS, log('temporal')),
          }),
        );
      }
      report('Temporal is ready.');
    };
    await Promise.all([startPostgres(), startTemporal()]);

    const common: NodeJS.ProcessEnv = {
      ...env,
      TZ: 'UTC',
      ...memoryEnvironment(env),
      NODE_ENV: env.NODE_ENV ?? 'production',
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: temporalNamespace,
      ...(temporalUiUrl ? { TEMPORAL_UI_URL: temporalUiUrl } : {}),
      OBSERVATIONS_STORAGE_PATH: storagePath,
      HOST: host,
      PORT: String(apiPort),
      PUBLIC_URL: env.PUBLIC_URL ?? apiUrl,
      GATEWAY_PORT: String(gatewayPort),
      WORKER_PORT: String(workerPort),
      GATEWAY_SECRET: given('GATEWAY_SECRET') ?? secrets.gateway_secret,
      GATEWAY_SOLE: env.GATEWAY_SOLE ?? 'true',
      VOYAGER_PROXY_API_KEY: apiKey,
      PUSHER_APP_ID: app.id,
      PUSHER_APP_KEY: app.key,
      PUSHER_APP_SECRET: app.secret,
    };
    const node = (
      name: string,
      heapMb: number,
      extra: NodeJS.ProcessEnv,
      readyUrl: string,
      timeoutMs = 40_000,
    ): ChildSpec => ({
      name,
      command: process.execPath,
      args: [...nodeFlags(heapMb), projectPath('dist', name, 'main.js')],
      cwd: projectPath(),
      env: { ...common, ...extra },
      logFile: log(name),
      graceSeconds: 10,
      ready: () => waitUntil(`The ${name}`, () => answers(readyUrl), timeoutMs, `Its log: ${log(name)}`),
    });

    let voyager: NodeJS.ProcessEnv = {};
    if (options.simulator && simulatorDir) {
      const { telescope, camera, seed, fitsDir, faultsFile } = options.simulator;
      const site = {
        latitude_degrees: 45,
        longitude_degrees: midnightLongitudeDegrees(Date.now()),
        elevation_meters: 650,
      };
      const frame = camera ?? { width: 3008, height: 3008 };
      mkdirSync(join(simulatorDir, 'fits'), { recursive: true });
      await supervisor.start(
        node(
          'simulator',
          256,
          {
            SIM_PORT: String(simulatorPort),
            SIM_ALPACA_PORT: String(alpacaPort),
            SIM_CONTROL_PORT: String(controlPort),
            SIM_DATA_DIR: simulatorDir,
            SIM_SITE: JSON.stringify(site),
            SIM_USERNAME: secrets.voyager_username,
            SIM_PASSWORD: secrets.voyager_password,
            SIM_ROBOTARGET_SECRET: secrets.robotarget_secret,
            SIM_CAMERA: `${frame.width}x${frame.height}`,
            SIM_WINDOWS_ROOT: WINDOWS_ROOT,
            SIM_SEQUENCE_GUID: SIMULATED_SEQUENCE_GUID,
            ...(seed === undefined ? {} : { SIM_SEED: String(seed) }),
            ...(fitsDir ? { SIM_FITS_DIR: fitsDir } : {}),
            ...(faultsFile ? { SIM_FAULTS: faultsFile } : {}),
          },
          `http://127.0.0.1:${controlPort}/state`,
        ),
      );
      report('The simulated observatory is ready.');
      const file = join(dataDir, 'telescopes.json');
      const configured: TelescopeInput = {
        ...telescope,
        host: '127.0.0.1',
        port: simulatorPort,
        gateway_url: gatewayUrl,
        base_sequence_guid: SIMULATED_SEQUENCE_GUID,
        site: { ...site, timezone: 'UTC' },
        camera: { ...frame, pixel_um: 3.76 },
        path_map: [{ from: WINDOWS_ROOT, to: join(simulatorDir, 'fits') }],
        weather: {
          ...telescope.weather,
          sources: [{ kind: 'voyager' }, { kind: 'alpaca', url: `http://127.0.0.1:${alpacaPort}` }],
        },
      };
      writeFileSync(file, `${JSON.stringify({ telescopes: [configured] }, null, 2)}\n`);
      voyager = {
        TELESCOPES_FILE: file,
        VOYAGER_HOST: '127.0.0.1',
        VOYAGER_USERNAME: secrets.voyager_username,
        VOYAGER_PASSWORD: secrets.voyager_password,
        VOYAGER_ROBOTARGET_SECRET: secrets.robotarget_secret,
      };
    }
    await Promise.all([
      supervisor.start(node('gateway', 256, voyager, `${gatewayUrl}/readyz`)),
      supervisor.start(node('worker', 384, voyager, `${workerUrl}/readyz`)),
      supervisor.start(node('api', 192, voyager, `${apiUrl}/readyz`)),
    ]);
    report('Gateway, worker and API are ready.');
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  const pid = (name: string): number | null => supervisor.pid(name);
  return {
    supervisor,
    apiUrl,
    apiKey,
    app,
    databaseUrl,
    temporalAddress,
    temporalNamespace,
    temporalUiUrl,
    voyagerPort: options.simulator ? simulatorPort : null,
    simulatorControlUrl: options.simulator ? `http://127.0.0.1:${controlPort}` : null,
    simulatorDir,
    storagePath,
    workerUrl,
    gatewayUrl,
    stop,
    pids: () => ({
      gateway: pid('gateway'),
      worker: pid('worker'),
      api: pid('api'),
      simulator: pid('simulator'),
      temporal: pid('temporal'),
      postgres: pid('postgres'),
    }),
  };
}

async function timed<T>(report: (line: string) => void, what: string | null, work: () => Promise<T>): Promise<T> {
  if (!what) return work();
  const began = Date.now();
  report(`${what} …`);
  const result = await work();
  report(`${what}: done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

/** Waits for the server and its namespace, and keeps closed runs for the given days. */
async function temporalReady(address: string, namespace: string, days: number, logFile: string): Promise<void> {
  const connection = Connection.lazy({ address });
  try {
    await waitUntil(
      'Temporal',
      async () => {
        await connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        return true;
      },
      30_000,
      `Its log: ${logFile}`,
    );
    await connection.workflowService
      .updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: { seconds: (days * 86_400) as unknown as never } },
      })
      .catch(() => undefined);
  } finally {
    await connection.close();
  }
}
