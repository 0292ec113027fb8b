import { join } from 'node:path';
import { loadConfig, reachable, type Config } from '../platform/config.ts';
import { freePort } from './ports.ts';
import { postgresUrl } from './postgres.ts';
import { loadSecrets, type Secrets } from './secrets.ts';

/** Where everything of a stack is: what the settings name, and free ports, generated secrets and folders for the rest. */
export interface Layout {
  config: Config;
  secrets: Secrets;
  dataDir: string;
  log: (name: string) => string;
  /** 0 where the part is a real one or there is none. */
  ports: Record<
    'api' | 'gateway' | 'worker' | 'postgres' | 'temporal' | 'temporalUi' | 'simulator' | 'alpaca' | 'simulatorControl',
    number
  >;
  embedded: { postgres: boolean; temporal: boolean; simulator: boolean };
  databaseUrl: string;
  temporalAddress: string;
  temporalUiUrl: string | null;
  apiUrl: string;
  gatewayUrl: string;
  workerUrl: string;
  storagePath: string;
  simulatorDir: string;
  apiKey: string;
  app: { id: string; key: string; secret: string };
}

/** A setting that was given, not one that has its default. */
const given = (env: NodeJS.ProcessEnv, name: string): boolean => Boolean(env[name]?.trim());

/** Ports by name: the usual one where it is free and wanted, any other else, none twice. */
function portPicker(
  usualPorts: boolean,
  report: (line: string) => void,
): (name: string, usual: number) => Promise<number> {
  const taken = new Set<number>();
  return async (name, usual) => {
    let found = await freePort(usualPorts && !taken.has(usual) ? usual : 0);
    while (taken.has(found)) found = await freePort();
    taken.add(found);
    if (usualPorts && found !== usual) report(`Port ${usual} (${name}) is taken; using ${found}.`);
    return found;
  };
}

/** @throws SettingsError naming every variable that is not right */
export async function layOut(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  wanted: { usualPorts: boolean; simulator: boolean },
  report: (line: string) => void,
): Promise<Layout> {
  const config = loadConfig(env);
  const secrets = loadSecrets(dataDir);
  const embedded = {
    postgres: !config.DATABASE_URL,
    temporal: !given(env, 'TEMPORAL_ADDRESS'),
    simulator: wanted.simulator,
  };
  const pick = portPicker(wanted.usualPorts, report);
  const only = (needed: boolean, name: string, usual: number): Promise<number> | 0 => (needed ? pick(name, usual) : 0);
  const ports = {
    api: await pick('API and pages', config.PORT),
    gateway: await pick('gateway', config.GATEWAY_PORT),
    worker: await pick('worker health', config.WORKER_PORT),
    postgres: await only(embedded.postgres, 'PostgreSQL', 5433),
    temporal: await only(embedded.temporal, 'Temporal', 7233),
    temporalUi: await only(embedded.temporal, 'Temporal’s web UI', 8233),
    simulator: await only(embedded.simulator, 'simulated Voyager', 5950),
    alpaca: await only(embedded.simulator, 'simulated weather station', 11111),
    simulatorControl: await only(embedded.simulator, 'simulator control', 5990),
  };
  return {
    config,
    secrets,
    dataDir,
    log: (name) => join(dataDir, 'logs', `${name}.log`),
    ports,
    embedded,
    databaseUrl: config.DATABASE_URL ?? postgresUrl(ports.postgres, secrets.postgres_password),
    temporalAddress: embedded.temporal ? `127.0.0.1:${ports.temporal}` : config.TEMPORAL_ADDRESS,
    temporalUiUrl: embedded.temporal ? `http://127.0.0.1:${ports.temporalUi}` : (config.TEMPORAL_UI_URL ?? null),
    apiUrl: `http://${reachable(config.HOST)}:${ports.api}`,
    gatewayUrl: `http://${reachable(config.GATEWAY_HOST)}:${ports.gateway}`,
    workerUrl: `http://127.0.0.1:${ports.worker}`,
    storagePath: given(env, 'OBSERVATIONS_STORAGE_PATH')
      ? config.OBSERVATIONS_STORAGE_PATH
      : join(dataDir, 'observations'),
    simulatorDir: join(dataDir, 'simulator'),
    apiKey: config.VOYAGER_PROXY_API_KEY ?? secrets.api_key,
    app: {
      id: config.PUSHER_APP_ID,
      key: config.PUSHER_APP_KEY,
      secret: config.PUSHER_APP_SECRET ?? secrets.app_secret,
    },
  };
}

/** The variables that our own processes of a stack get beside those of the shell. */
export function environmentOf(at: Layout, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    // Read already: a child takes what its parent found.
    ENV_FILE: '',
    TZ: 'UTC',
    NODE_ENV: at.config.NODE_ENV,
    DATA_DIR: at.dataDir,
    DATABASE_URL: at.databaseUrl,
    TEMPORAL_ADDRESS: at.temporalAddress,
    TEMPORAL_NAMESPACE: at.config.TEMPORAL_NAMESPACE,
    ...(at.temporalUiUrl ? { TEMPORAL_UI_URL: at.temporalUiUrl } : {}),
    OBSERVATIONS_STORAGE_PATH: at.storagePath,
    BACKUP_PATH: env.BACKUP_PATH?.trim() || join(at.dataDir, 'backups'),
    HOST: at.config.HOST,
    PORT: String(at.ports.api),
    PUBLIC_URL: at.config.PUBLIC_URL ?? at.apiUrl,
    GATEWAY_PORT: String(at.ports.gateway),
    WORKER_PORT: String(at.ports.worker),
    GATEWAY_SECRET: at.config.GATEWAY_SECRET ?? at.secrets.gateway_secret,
    GATEWAY_SOLE: env.GATEWAY_SOLE?.trim() || 'true',
    VOYAGER_PROXY_API_KEY: at.apiKey,
    PUSHER_APP_ID: at.app.id,
    PUSHER_APP_KEY: at.app.key,
    PUSHER_APP_SECRET: at.app.secret,
  };
}
