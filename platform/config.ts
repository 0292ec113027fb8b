import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from './errors.ts';

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
  'SMTP_URL',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_KEY',
  'S3_SECRET_ACCESS_KEY',
  'VAPID_PRIVATE_KEY',
  'OPERATOR_CHANNELS',
  'OPERATOR_WEBHOOK_SECRET',
  'TELEGRAM_BOT_TOKEN',
] as const;

const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .default('false')
  .transform((v) => v === 'true' || v === '1');
const list = z
  .string()
  .default('')
  .transform((v) =>
    v
      .split(',')
      .map((s) => s.trim())
      .filter(Boolean),
  );
const port = z.coerce.number().int().min(0).max(65535);
const opt = z
  .string()
  .optional()
  .transform((v) => (v === '' ? undefined : v));

const Environment = z.object({
  NODE_ENV: z.string().default('production'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATA_DIR: z.string().default('.data'),

  DATABASE_URL: opt,
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_UI_URL: opt,
  TEMPORAL_API_KEY: opt,
  TEMPORAL_TLS_CA: opt.describe('file'),
  TEMPORAL_TLS_CERT: opt.describe('file'),
  TEMPORAL_TLS_KEY: opt,
  TEMPORAL_TLS_SERVER_NAME: opt,
  TEMPORAL_TLS: flag,

  TELESCOPES_FILE: opt,
  VOYAGER_HOST: opt,
  VOYAGER_PORT: port.default(5950),
  VOYAGER_USERNAME: opt,
  VOYAGER_PASSWORD: opt,
  VOYAGER_TICKET: opt,
  VOYAGER_PROFILE: z.string().default('Default.v2y'),
  VOYAGER_DEFAULT_SEQUENCE_GUID: opt,
  VOYAGER_ROBOTARGET_DIALECT: opt,
  VOYAGER_ROBOTARGET_SECRET: opt,
  VOYAGER_READ_ONLY: flag,
  VOYAGER_MAX_LINE_MB: z.coerce.number().int().min(1).max(512).default(64),
  VOYAGER_PATH_MAP: opt.describe('from=>to pairs, separated by ;'),

  GATEWAY_SECRET: opt,
  GATEWAY_SOLE: flag,
  GATEWAY_HOST: z.string().default('127.0.0.1'),
  GATEWAY_PORT: port.default(3100),
  GATEWAY_TELESCOPES: list,
  WORKER_TELESCOPES: list,
  WORKER_PORT: port.default(3200),

  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  PUBLIC_URL: opt,
  CORS_ORIGINS: list,
  EMBED_ORIGINS: list,
  VOYAGER_PROXY_API_KEY: opt,
  PUSHER_APP_ID: z.string().default('nocturne'),
  PUSHER_APP_KEY: z.string().default('nocturne'),
  PUSHER_APP_SECRET: opt,
  RELAY_PUSHER_URL: opt,

  OBSERVATIONS_STORAGE_PATH: z.string().default('.data/observations'),
  MAX_IMAGE_SIZE_MB: z.coerce.number().positive().default(1024),
  S3_ENDPOINT: opt,
  S3_BUCKET: opt,
  S3_REGION: opt,
  S3_ACCESS_KEY_ID: opt,
  S3_SECRET_ACCESS_KEY: opt,
  FRAMES_KEEP_DAYS: z
    .union([
      z.literal('').transform(() => undefined),
      z.coerce.number().int().min(1, 'whole days, at least 1; leave it out to keep frames for ever'),
    ])
    .optional(),
  FRAMES_DELETE_WITHOUT_COPY: flag,

  WEBHOOK_URL: opt,
  WEBHOOK_SECRET: list,
  WEBHOOK_ALLOW_PRIVATE: flag,
  SMTP_URL: opt,
  MAIL_FROM: z.string().default('nocturne@localhost'),
  OPERATOR_EMAIL: opt,
  OPERATOR_WEBHOOK_URL: opt,
  OPERATOR_WEBHOOK_SECRET: list,
  OPERATOR_CHANNELS: list.describe('kind=address: ntfy, telegram, discord, slack'),
  RUNBOOK_URL: opt,
  GUEST_URL_TEMPLATE: opt.describe('with {booking_id} and {page}'),
  LARAVEL_CHANNELS: list.describe('email, push, chat: what the Laravel app tells guests itself'),
  TELEGRAM_BOT_TOKEN: opt,
  TELEGRAM_API_URL: z.string().default('https://api.telegram.org'),
  PUSH_SERVICES: list.describe('hosts of push services beside those of the browsers'),
  VAPID_PUBLIC_KEY: opt,
  VAPID_PRIVATE_KEY: opt,
  VAPID_SUBJECT: opt,
  HEARTBEAT_URL: opt,
  SUPPORT_URL: opt,
  BOOK_URL: opt,
  SUPPORT_EMAIL: opt,
});
export type Config = z.infer<typeof Environment>;
/** Every variable that is read, by name. */
export const CONFIG_VARIABLES: readonly string[] = Object.keys(Environment.shape);

/**
 * The whole configuration, checked at once: every problem is named with its variable.
 * @throws UsageError listing each bad variable; values of secrets are not repeated.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const values: Record<string, string | undefined> = { ...env };
  const problems: string[] = [];
  for (const name of SECRET_VARIABLES) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    try {
      values[name] = readFileSync(file, 'utf8').trim();
    } catch (thrown) {
      problems.push(`${name}_FILE: cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'error'})`);
    }
  }
  const parsed = Environment.safeParse(values);
  if (!parsed.success)
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join('.')}: ${issue.message}`);
  if (problems.length > 0)
    throw new UsageError(`Configuration:\n  ${problems.join('\n  ')}\nSee .env.example for every variable.`);
  return parsed.data!;
}

/** A variable that a process cannot do without. */
export function required<K extends keyof Config>(config: Config, name: K): NonNullable<Config[K]> {
  const value = config[name];
  if (value === undefined || value === null || value === '')
    throw new UsageError(`${name} is not set; see .env.example.`);
  return value;
}
