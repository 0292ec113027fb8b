import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { toError } from '../../platform/errors.ts';
import { projectPath } from '../../platform/paths.ts';
import { initPostgres, postgresProcess } from '../../stack/postgres.ts';
import { waitUntil, type ChildSpec } from '../../stack/supervisor.ts';
import { nginxConfig, nginxSite } from '../deploy/nginx.ts';
import { logOf, runOnce, settingsOf, simulator, replica, GATEWAYS, type Stage } from './stage.ts';
import { serviceCommand } from './settings.ts';

/** What PostgreSQL has where nobody says otherwise. */
const USUAL = 'max_connections=100';
const TRIES = 20;

export async function postgres(stage: Stage): Promise<ChildSpec> {
  const folder = join(stage.dataDir, 'postgres');
  const port = stage.ports.postgres;
  const password = readFileSync(join(stage.places.secrets, 'postgres_password'), 'utf8');
  await initPostgres(folder, password);
  const told = serviceCommand(stage.compose, 'postgres').filter((word) => word.includes('='));
  const place = { folder, port, password, logFile: logOf(stage, 'postgres') };
  return postgresProcess(place, { more: [USUAL, ...told], graceSeconds: 20, readyMs: 60_000 });
}

/** Temporal's server with the settings of Compose's service; its own ports stand in no file of ours. */
export function temporal(stage: Stage): ChildSpec {
  const { ports } = stage;
  const { POSTGRES_PWD: _, POSTGRES_PASSWORD_FILE: file = '', ...told } = settingsOf(stage, 'temporal');
  const port = (name: string): string => String(ports[`temporal-${name}`]);
  const own = {
    POSTGRES_PWD: readFileSync(file, 'utf8').trim(),
    FRONTEND_GRPC_PORT: String(ports.temporal),
    FRONTEND_HTTP_PORT: port('frontend-http'),
    FRONTEND_MEMBERSHIP_PORT: port('frontend-member'),
    HISTORY_GRPC_PORT: port('history'),
    HISTORY_MEMBERSHIP_PORT: port('history-member'),
    MATCHING_GRPC_PORT: port('matching'),
    MATCHING_MEMBERSHIP_PORT: port('matching-member'),
    WORKER_GRPC_PORT: port('worker'),
    WORKER_MEMBERSHIP_PORT: port('worker-member'),
    LOG_LEVEL: 'warn',
  };
  return {
    name: 'temporal',
    command: stage.programs.server,
    args: ['--allow-no-auth', 'start'],
    cwd: stage.dataDir,
    env: { ...told, ...own },
    logFile: logOf(stage, 'temporal'),
    nanny: 'TERM',
    graceSeconds: 20,
    ready: () => serves(`127.0.0.1:${ports.temporal}`, logOf(stage, 'temporal')),
  };
}
async function serves(address: string, log: string): Promise<void> {
  const connection = Connection.lazy({ address });
  const ask = (): Promise<unknown> => connection.workflowService.getSystemInfo({});
  try {
    await waitUntil(
      'Temporal',
      () => connection.withDeadline(Date.now() + 2_000, ask).then(() => true),
      120_000,
      `Its log: ${log}`,
    );
  } finally {
    await connection.close();
  }
}

/** nginx with the site that we ship: both apis, TLS with the certificate of this run. */
export function nginx(stage: Stage): ChildSpec {
  const folder = join(stage.dataDir, 'nginx');
  mkdirSync(folder, { recursive: true });
  // Its workers are another user.
  chmodSync(folder, 0o711);
  const at = (port: number): string => `127.0.0.1:${port}`;
  const site = nginxSite({
    http: at(stage.ports.http),
    https: at(stage.ports.https),
    apis: [at(stage.ports['api-a']), at(stage.ports['api-b'])],
    certificate: join(stage.dataDir, 'tls.pem'),
    key: join(stage.dataDir, 'tls.key'),
  });
  const main = join(folder, 'nginx.conf');
  writeFileSync(main, nginxConfig(folder, site));
  const port = stage.ports.https;
  return {
    name: 'nginx',
    command: stage.programs.nginx,
    args: ['-p', folder, '-c', main],
    cwd: '/',
    logFile: logOf(stage, 'nginx'),
    nanny: 'TERM',
    ready: () =>
      waitUntil(
        'nginx',
        () => fetch(`https://localhost:${port}/healthz`).then(() => true),
        30_000,
        `Its log: ${logOf(stage, 'nginx')}`,
      ),
  };
}

/** Runs what ends by itself, and again where Compose would. */
async function insist(what: string, run: () => void): Promise<void> {
  for (let n = 1; ; n++)
    try {
      run();
      return;
    } catch (thrown) {
      if (n >= TRIES) throw new Error(`${what}: ${toError(thrown).message}`, { cause: thrown });
      await sleep(1_000);
    }
}

/** Everything in the order of Compose's `depends_on`. */
export async function startAll(stage: Stage, say: (line: string) => void): Promise<void> {
  const { supervisor, programs, compose } = stage;
  const tools = join(stage.dataDir, 'bin');
  mkdirSync(tools, { recursive: true });
  symlinkSync(programs.temporal, join(tools, 'temporal'));
  symlinkSync(programs.sqlTool, join(tools, 'temporal-sql-tool'));
  const path = `${tools}:${process.env.PATH}`;
  const script = (service: string, more: NodeJS.ProcessEnv): void => {
    const name = `${service.replace('temporal-', '').replace('setup', 'namespace')}.sh`;
    runOnce('sh', [projectPath('deploy', 'temporal', name)], { ...settingsOf(stage, service), PATH: path, ...more });
  };
  const ours = (service: string): void => {
    const [file, ...args] = serviceCommand(compose, service);
    runOnce(process.execPath, [projectPath(file!), ...args], settingsOf(stage, service));
  };
  const sky = Promise.all(stage.observatories.map((one) => supervisor.start(simulator(stage, one))));
  await supervisor.start(await postgres(stage));
  say('PostgreSQL is there: over TCP, a role and a password of its own.');
  await insist('deploy/temporal/schema.sh', () =>
    script('temporal-schema', { SCHEMA_DIR: programs.schema, DB_PORT: String(stage.ports.postgres) }),
  );
  await supervisor.start(temporal(stage));
  await insist('deploy/temporal/namespace.sh', () => script('temporal-setup', {}));
  say('Temporal’s server is there, on PostgreSQL, with namespace and search attributes.');
  ours('migrate');
  await sky;
  await Promise.all([
    ...GATEWAYS.map((name) => supervisor.start(replica(stage, `gateway-${name}`))),
    ...(['worker-a', 'worker-b', 'api-a', 'api-b'] as const).map((name) => supervisor.start(replica(stage, name))),
  ]);
  await insist('release', () => ours('release'));
  await supervisor.start(nginx(stage));
  say(`Two gateways for ${stage.observatories.length} telescopes, two workers, two apis, nginx with TLS: ${stage.url}`);
}
