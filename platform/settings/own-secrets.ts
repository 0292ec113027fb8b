import { SECRET_VARIABLES, readConfig, type Config } from '../config.ts';

/** What each process needs to keep its promises; it forgets every other secret before it opens anything (SECURITY.md). */
type Secret = (typeof SECRET_VARIABLES)[number];
export type OurProcess = 'gateway' | 'worker' | 'api';

const EVERYBODY: readonly Secret[] = [
  'DATABASE_URL',
  'GATEWAY_SECRET',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_KEY',
  'TEMPORAL_CODEC_KEYS',
];
export const OWN_SECRETS: Record<OurProcess, readonly Secret[]> = {
  gateway: [...EVERYBODY, 'VOYAGER_PASSWORD', 'VOYAGER_TICKET', 'VOYAGER_ROBOTARGET_SECRET'],
  worker: [
    ...EVERYBODY,
    'WEBHOOK_SECRET',
    'WEBHOOK_OWN_SECRETS',
    'SMTP_URL',
    'S3_SECRET_ACCESS_KEY',
    'VAPID_PRIVATE_KEY',
    'OPERATOR_CHANNELS',
    'OPERATOR_WEBHOOK_SECRET',
    'TELEGRAM_BOT_TOKEN',
    'BACKUP_PASSPHRASE',
  ],
  api: [...EVERYBODY, 'VOYAGER_PROXY_API_KEY', 'PUSHER_APP_SECRET', 'RELAY_PUSHER_URL', 'TELEGRAM_BOT_TOKEN'],
};

/** One telescope's own secrets, `VOYAGER_PASSWORD__SOUTH_1`. */
const OF_ONE_TELESCOPE = /^VOYAGER_(?:USERNAME|PASSWORD|TICKET|ROBOTARGET_SECRET)__/;

/** Takes the secrets of others out of the environment. @returns the configuration without them */
export function keepOwnSecrets(process_: OurProcess, config: Config, env: NodeJS.ProcessEnv): Config {
  const others = SECRET_VARIABLES.filter((name) => !OWN_SECRETS[process_].includes(name));
  for (const name of Object.keys(env))
    if (others.some((other) => name === other || name === `${other}_FILE`)) delete env[name];
    else if (process_ !== 'gateway' && OF_ONE_TELESCOPE.test(name)) delete env[name];
  const nothing = readConfig({}).config!;
  return { ...config, ...Object.fromEntries(others.map((name) => [name, nothing[name]])) };
}
