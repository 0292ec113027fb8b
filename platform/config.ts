import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { environment } from './settings/environment.ts';
import {
  baseUrl,
  codecKeys,
  email,
  field,
  fileName,
  flag,
  guid,
  host,
  hostAndPort,
  key,
  listOf,
  mailbox,
  numberFrom,
  oneOf,
  origin,
  pem,
  plain,
  port,
  positiveNumber,
  remotePort,
  secretUrl,
  strong,
  timeZone,
  webUrl,
  wholeNumber,
} from './settings/forms.ts';
import { SettingsError, missing, type SettingProblem } from './settings/problems.ts';
import { ownSecret, receiver, webhookSecret } from './settings/receivers.ts';
import { disagreements, guestTemplate, operatorChannel, pathMap, relayUrl, vapidSubject } from './settings/rules.ts';

/** Names of variables whose value is a secret: each may also be given as `<NAME>_FILE`, and none is ever logged. */
export const SECRET_VARIABLES = [
  'DATABASE_URL',
  'VOYAGER_PASSWORD',
  'VOYAGER_TICKET',
  'VOYAGER_ROBOTARGET_SECRET',
  'VOYAGER_PROXY_API_KEY',
  'GATEWAY_SECRET',
  'PUSHER_APP_SECRET',
  'RELAY_PUSHER_URL',
  'WEBHOOK_SECRET',
  'WEBHOOK_OWN_SECRETS',
  'SMTP_URL',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_KEY',
  'TEMPORAL_CODEC_KEYS',
  'S3_SECRET_ACCESS_KEY',
  'VAPID_PRIVATE_KEY',
  'OPERATOR_CHANNELS',
  'OPERATOR_WEBHOOK_SECRET',
  'TELEGRAM_BOT_TOKEN',
  'BACKUP_PASSPHRASE',
] as const;

const text = optional(plain);
const files = optional(fileName);
/** A form that may be left out, and one that has a value when it is. */
function optional<T>(read: (text: string) => T) {
  return field(read).optional();
}
function withDefault<T>(read: (text: string) => T, usual: string) {
  return z.string().default(usual).pipe(field(read));
}
const list = <T>(read: (text: string) => T) => withDefault(listOf(read), '');
const off = withDefault(flag, 'false');

const Environment = z.object({
  NODE_ENV: withDefault(plain, 'production'),
  LOG_LEVEL: withDefault(oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), 'info'),
  DATA_DIR: withDefault(plain, '.data'),

  DATABASE_URL: optional(secretUrl(['postgresql', 'postgres'], 'postgresql://user:password@host:5432/nocturne')),
  TEMPORAL_ADDRESS: withDefault(hostAndPort(7233, 'TLS is switched on by TEMPORAL_TLS=true'), '127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: withDefault(plain, 'default'),
  TEMPORAL_UI_URL: optional(baseUrl('https://temporal.example')),
  TEMPORAL_API_KEY: text,
  TEMPORAL_TLS_CA: files,
  TEMPORAL_TLS_CERT: files,
  TEMPORAL_TLS_KEY: optional(pem),
  TEMPORAL_TLS_SERVER_NAME: text,
  TEMPORAL_TLS: off,
  TEMPORAL_CODEC_KEYS: optional(codecKeys),

  TELESCOPES_FILE: files,
  VOYAGER_HOST: optional(host('VOYAGER_PORT')),
  VOYAGER_PORT: withDefault(remotePort, '5950'),
  VOYAGER_USERNAME: text,
  VOYAGER_PASSWORD: text,
  VOYAGER_TICKET: text,
  VOYAGER_PROFILE: withDefault(plain, 'Default.v2y'),
  VOYAGER_DEFAULT_SEQUENCE_GUID: optional(guid),
  VOYAGER_ROBOTARGET_DIALECT: files,
  VOYAGER_ROBOTARGET_SECRET: text,
  VOYAGER_READ_ONLY: off,
  VOYAGER_MAX_LINE_MB: withDefault(wholeNumber(1, 512, 'megabytes'), '64'),
  VOYAGER_PATH_MAP: optional(pathMap),

  SITE_LATITUDE_DEGREES: optional(numberFrom(-90, 90, 'degrees')),
  SITE_LONGITUDE_DEGREES: optional(numberFrom(-180, 180, 'degrees, east positive,')),
  SITE_ELEVATION_METERS: withDefault(numberFrom(-450, 9000, 'meters'), '0'),
  SITE_TIMEZONE: optional(timeZone),

  GATEWAY_SECRET: optional(strong),
  GATEWAY_SOLE: off,
  GATEWAY_HOST: withDefault(host('GATEWAY_PORT'), '127.0.0.1'),
  GATEWAY_PORT: withDefault(port, '3100'),
  GATEWAY_URL: optional(baseUrl('http://gateway:3100')),
  GATEWAY_TELESCOPES: list(plain),
  WORKER_TELESCOPES: list(plain),
  WORKER_PORT: withDefault(port, '3200'),

  HOST: withDefault(host('PORT'), '127.0.0.1'),
  PORT: withDefault(port, '3000'),
  PUBLIC_URL: optional(origin('https://observatory.example')),
  CORS_ORIGINS: list(origin('https://shop.example')),
  EMBED_ORIGINS: list(origin('https://shop.example')),
  VOYAGER_PROXY_API_KEY: optional(strong),
  PUSHER_APP_ID: withDefault(plain, '1'),
  PUSHER_APP_KEY: withDefault(plain, 'nocturne'),
  PUSHER_APP_SECRET: optional(strong),
  RELAY_PUSHER_URL: optional(relayUrl),

  CHROMIUM_PATH: optional(plain),
  CHROMIUM_NO_SANDBOX: off,
  OBSERVATIONS_STORAGE_PATH: withDefault(plain, '.data/observations'),
  MAX_IMAGE_SIZE_MB: withDefault(positiveNumber, '1024'),
  S3_ENDPOINT: optional(baseUrl('https://s3.example.org')),
  S3_BUCKET: text,
  S3_REGION: text,
  S3_ACCESS_KEY_ID: text,
  S3_SECRET_ACCESS_KEY: text,
  FRAMES_KEEP_DAYS: optional(wholeNumber(1, 36_500, 'days (left out, frames are kept for ever)')),
  FRAMES_DELETE_WITHOUT_COPY: off,

  BACKUP_PATH: withDefault(plain, '.data/backups'),
  BACKUP_KEEP_DAYS: withDefault(wholeNumber(1, 3_650, 'days'), '14'),
  BACKUP_PASSPHRASE: optional(strong),

  WEBHOOK_URL: optional((urls) => listOf(receiver)(urls).join(',')),
  WEBHOOK_SECRET: list(webhookSecret),
  WEBHOOK_OWN_SECRETS: list(ownSecret),
  WEBHOOK_ALLOW_PRIVATE: off,
  SMTP_URL: optional(secretUrl(['smtp', 'smtps'], 'smtp://user:password@host:587')),
  MAIL_FROM: withDefault(mailbox, 'nocturne@localhost'),
  OPERATOR_EMAIL: optional(email),
  OPERATOR_WEBHOOK_URL: optional(webUrl('https://oncall.example/nocturne')),
  OPERATOR_WEBHOOK_SECRET: list(webhookSecret),
  OPERATOR_CHANNELS: list(operatorChannel),
  RUNBOOK_URL: optional(webUrl('https://wiki.example/nocturne')),
  GUEST_URL_TEMPLATE: optional(guestTemplate),
  LARAVEL_CHANNELS: list(oneOf('email', 'push', 'chat')),
  TELEGRAM_BOT_TOKEN: text,
  TELEGRAM_API_URL: withDefault(baseUrl('https://api.telegram.org'), 'https://api.telegram.org'),
  PUSH_SERVICES: list(host('the port of its address')),
  VAPID_PUBLIC_KEY: optional(key(65)),
  VAPID_PRIVATE_KEY: optional(key(32)),
  VAPID_SUBJECT: optional(vapidSubject),
  HEARTBEAT_URL: optional(webUrl('https://hc-ping.example/your-check')),
  SUPPORT_URL: optional(webUrl('https://shop.example/help')),
  BOOK_URL: optional(webUrl('https://shop.example/book')),
  SUPPORT_EMAIL: optional(email),
});
export type Config = z.infer<typeof Environment>;
/** Every variable that is read, by name. */
export const CONFIG_VARIABLES: readonly string[] = Object.keys(Environment.shape);

/**
 * The whole configuration, checked at once and in the one way of writing that the code expects.
 * @param env the shell's variables and those of `.env`, unless a test gives others
 * @throws SettingsError listing each bad variable, what is expected and what to write; values of secrets are not repeated.
 */
export function loadConfig(env: NodeJS.ProcessEnv = environment()): Config {
  const { config, problems } = readConfig(env);
  if (!config) throw new SettingsError(problems);
  return config;
}

/** The configuration, or every problem of it. */
export function readConfig(env: NodeJS.ProcessEnv): {
  config: Config | null;
  /** As they are given, by variable; those of `X_FILE` among them. */
  values: Record<string, string | undefined>;
  problems: SettingProblem[];
} {
  const problems: SettingProblem[] = [];
  const values: Record<string, string | undefined> = {};
  for (const name of CONFIG_VARIABLES) {
    // Empty is absent: Compose and .env write `NAME=` for what is not set.
    const value = env[name]?.trim();
    if (value) values[name] = value;
  }
  for (const name of SECRET_VARIABLES) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    try {
      values[name] = readFileSync(file, 'utf8').trim();
      if (values[name] === '') delete values[name];
    } catch (thrown) {
      problems.push({
        name: `${name}_FILE`,
        message: `must be a file that this user may read; "${file}" cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'error'})`,
      });
    }
  }
  const parsed = Environment.safeParse(values);
  if (!parsed.success)
    for (const issue of parsed.error.issues) problems.push({ name: issue.path.join('.'), message: issue.message });
  const broken = new Set(problems.map((problem) => problem.name));
  problems.push(...disagreements(values).filter((problem) => !broken.has(problem.name)));
  return { config: problems.length === 0 && parsed.success ? parsed.data : null, values, problems };
}

/** A variable that a process cannot do without. */
export function required<K extends keyof Config>(config: Config, name: K): NonNullable<Config[K]> {
  const value = config[name];
  if (value === undefined || value === null || value === '') throw new SettingsError([missing(name)]);
  return value;
}

/** A host that something listens on, as another program writes it into an address: any interface is reached on loopback, IPv6 stands in brackets. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
/** Where guests reach the pages; links begin with it. */
export const publicUrl = (config: Pick<Config, 'PUBLIC_URL' | 'HOST' | 'PORT'>): string =>
  config.PUBLIC_URL ?? `http://${reachable(config.HOST)}:${config.PORT}`;
