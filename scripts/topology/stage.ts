import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { nodeFlags, observatoryAt, type ObservatoryPlace } from '../../stack/processes.ts';
import type { Supervisor } from '../../stack/supervisor.ts';
import type { TelescopeInput } from '../../domain/contracts/telescope.ts';
import { readCompose, type Compose } from '../deploy/compose.ts';
import { answers, waitUntil, type ChildSpec } from '../../stack/supervisor.ts';
import type { Programs } from './programs.ts';
import { dotEnv, serviceCommand, serviceEnvironment, type Places } from './settings.ts';

export const GATEWAYS = ['north', 'south'] as const;
export type GatewayName = (typeof GATEWAYS)[number];
/** Five telescopes behind each of two gateways: one telescope takes one session at a time. */
const TELESCOPES_EACH = 5;
/** As scripts/chaos.ts has it: a night in minutes, nothing else is shortened. */
const POLICY = { prepare_lead: 5, check_interval: 5, turnaround_minutes: 0, minimum_useful_seconds: 5 } as const;
const CAMERA = { width: 752, height: 752 };
const READY_MS = 180_000;
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

export interface Observatory {
  id: string;
  gateway: GatewayName;
  place: ObservatoryPlace;
  controlUrl: string;
  settings: NodeJS.ProcessEnv;
  telescope: TelescopeInput;
}
type Port =
  | 'postgres'
  | 'temporal'
  | 'http'
  | 'https'
  | 'receiver'
  | `gateway-${GatewayName}`
  | `api-${'a' | 'b'}`
  | `worker-${string}`
  | `temporal-${string}`;

export interface Stage {
  dataDir: string;
  programs: Programs;
  supervisor: Supervisor;
  compose: Compose;
  env: Record<string, string>;
  places: Places;
  ports: Record<Port, number>;
  observatories: Observatory[];
  url: string;
  apiKey: string;
  databaseUrl: string;
}
const PORTS: Port[] = [
  ...(['postgres', 'temporal', 'http', 'https', 'receiver', 'api-a', 'api-b'] as const),
  ...GATEWAYS.map((name) => `gateway-${name}` as const),
  ...['a', 'b', 'bad', 'next-a', 'next-b'].map((name) => `worker-${name}` as const),
  ...['frontend-http', 'frontend-member', 'history', 'history-member'].map((name) => `temporal-${name}` as const),
  ...['matching', 'matching-member', 'worker', 'worker-member'].map((name) => `temporal-${name}` as const),
];

/** Runs a program to its end. @throws Error with its words when it ends with another code than 0 */
export function runOnce(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 300_000 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim()}`);
  return stdout;
}

/** What every process here has from the shell, and nothing else. */
export const shell = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  TZ: 'UTC',
  ENV_FILE: '',
});

/** The secrets of deploy/make-secrets.sh, with the server's own place, and those that a site adds. */
function makeSecrets(folder: string, postgresPort: number): void {
  runOnce('sh', [projectPath('deploy', 'make-secrets.sh'), folder], { ...shell(), POSTGRES_HOST: '127.0.0.1' });
  const put = (name: string, text: string): void => {
    rmSync(join(folder, name), { force: true });
    writeFileSync(join(folder, name), text, { mode: 0o400 });
  };
  const url = readFileSync(join(folder, 'database_url'), 'utf8');
  put('database_url', url.replace(':5432/', `:${postgresPort}/`));
  put('voyager_password', randomBytes(12).toString('base64url'));
  put('robotarget_secret', randomBytes(24).toString('base64url'));
  put('webhook_secret', `whsec_${randomBytes(32).toString('base64')}`);
  put('codec_keys', runOnce(process.execPath, [projectPath('dist', 'scripts', 'codec.js'), 'key'], shell()));
}

async function layObservatories(
  dataDir: string,
  ports: Stage['ports'],
  secret: (name: string) => string,
  pick: () => Promise<number>,
): Promise<Observatory[]> {
  const made: Observatory[] = [];
  for (const gateway of GATEWAYS)
    for (let n = 1; n <= TELESCOPES_EACH; n++) {
      const id = `${gateway}-${n}`;
      const place: ObservatoryPlace = {
        simulatorDir: join(dataDir, 'observatories', id),
        gatewayUrl: `http://127.0.0.1:${ports[`gateway-${gateway}`]}`,
        ports: { simulator: await pick(), alpaca: await pick(), simulatorControl: await pick() },
        secrets: {
          voyager_username: 'nocturne',
          voyager_password: secret('voyager_password'),
          robotarget_secret: secret('robotarget_secret'),
        },
      };
      const { settings, readyUrl, telescope } = observatoryAt(place, {
        seed: made.length + 1,
        camera: CAMERA,
        telescope: { id, name: `Telescope ${id}`, policy: { ...POLICY }, weather: { resume_debounce_seconds: 3 } },
      });
      made.push({ id, gateway, place, controlUrl: readyUrl, settings, telescope });
    }
  return made;
}

/**
 * Free ports one after the other, below those that the system gives to whoever connects: one of these would be in the way of a restart, and Temporal
 * keeps its own as numbers below 32768.
 */
function portsBelow(): () => Promise<number> {
  let port = FIRST_PORT + (process.pid % 80) * 100;
  return async () => {
    while ((await freePort(++port)) !== port) if (port > LAST_PORT) throw new Error('There are no free ports.');
    return port;
  };
}

/** Folders, ports, secrets, telescope file and `.env` of an installation; nothing runs yet. */
export async function layStage(dataDir: string, programs: Programs, supervisor: Supervisor): Promise<Stage> {
  const pick = portsBelow();
  const ports = {} as Stage['ports'];
  for (const name of PORTS) ports[name] = await pick();
  const secrets = join(dataDir, 'secrets');
  makeSecrets(secrets, ports.postgres);
  const secret = (name: string): string => readFileSync(join(secrets, name), 'utf8').trim();
  const observatories = await layObservatories(dataDir, ports, secret, pick);
  const telescopes = join(dataDir, 'telescopes.json');
  writeFileSync(telescopes, JSON.stringify({ telescopes: observatories.map(({ telescope }) => telescope) }, null, 2));
  const url = `https://localhost:${ports.https}`;
  const env = dotEnv({
    PUBLIC_URL: url,
    TELESCOPES_FILE: telescopes,
    VOYAGER_USERNAME: 'nocturne',
    VOYAGER_PASSWORD_FILE: join(secrets, 'voyager_password'),
    VOYAGER_ROBOTARGET_SECRET_FILE: join(secrets, 'robotarget_secret'),
    TEMPORAL_CODEC_KEYS_FILE: join(secrets, 'codec_keys'),
    WEBHOOK_URL: `http://127.0.0.1:${ports.receiver}/nocturne`,
    WEBHOOK_SECRET_FILE: join(secrets, 'webhook_secret'),
    WEBHOOK_ALLOW_PRIVATE: 'true',
  });
  const data = join(dataDir, 'data');
  mkdirSync(data, { recursive: true });
  return {
    dataDir,
    programs,
    supervisor,
    compose: readCompose(undefined, env),
    env,
    places: { secrets, data, postgresPort: ports.postgres, temporalPort: ports.temporal },
    ports,
    observatories,
    url,
    apiKey: secret('voyager_proxy_api_key'),
    databaseUrl: secret('database_url'),
  };
}

export const logOf = (stage: Stage, name: string): string => join(stage.dataDir, 'logs', `${name}.log`);
export const settingsOf = (stage: Stage, service: string): NodeJS.ProcessEnv => ({
  ...shell(),
  ...serviceEnvironment(stage.compose, service, stage.env, stage.places),
});

type Role = 'gateway' | 'worker' | 'api';
/** A replica of one of our services, from this build or from another one's folder. */
export function replica(stage: Stage, name: `${Role}-${string}`, root = projectPath()): ChildSpec {
  const [role, which] = [name.slice(0, name.indexOf('-')) as Role, name.slice(name.indexOf('-') + 1)];
  const port = stage.ports[name as Port];
  const own: Record<Role, NodeJS.ProcessEnv> = {
    gateway: {
      GATEWAY_PORT: String(port),
      GATEWAY_TELESCOPES: stage.observatories
        .filter(({ gateway }) => gateway === which)
        .map(({ id }) => id)
        .join(','),
      // Each stands at an observatory of its own, with a disk of its own.
      DATA_DIR: join(stage.places.data, name),
    },
    worker: { WORKER_PORT: String(port) },
    api: { PORT: String(port) },
  };
  const [script, ...args] = serviceCommand(stage.compose, role);
  const url = `http://127.0.0.1:${port}/readyz`;
  return {
    name,
    command: process.execPath,
    args: [join(root, script!), ...args],
    cwd: root,
    env: { ...settingsOf(stage, role), ...own[role] },
    logFile: logOf(stage, name),
    graceSeconds: 20,
    ready: () => waitUntil(name, () => answers(url), READY_MS, `Its log: ${logOf(stage, name)}`),
  };
}
export function simulator(stage: Stage, one: Observatory): ChildSpec {
  const name = `simulator-${one.id}`;
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags(256), projectPath('dist', 'simulator', 'main.js')],
    cwd: projectPath(),
    env: { ...shell(), ...one.settings },
    logFile: logOf(stage, name),
    ready: () => waitUntil(name, () => answers(one.controlUrl), READY_MS, `Its log: ${logOf(stage, name)}`),
  };
}

/** A copy of this build with other workflow code, so another version. @param change throws when it finds nothing to change */
export async function makeBuild(stage: Stage, name: string, change: (code: string) => string): Promise<string> {
  const root = join(stage.dataDir, 'builds', name);
  mkdirSync(root, { recursive: true });
  for (const entry of readdirSync(projectPath()))
    if (!['dist', '.git', '.data', '.env', 'package.json'].includes(entry))
      symlinkSync(projectPath(entry), join(root, entry));
  // Node finds the folder of a build by its package.json, and follows links: these two are copies.
  await cp(projectPath('package.json'), join(root, 'package.json'));
  await cp(projectPath('dist'), join(root, 'dist'), { recursive: true });
  const bundle = join(root, 'dist', 'workflow-bundle.js');
  writeFileSync(bundle, change(readFileSync(bundle, 'utf8')));
  return root;
}
