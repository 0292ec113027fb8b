import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { CONFIG_VARIABLES, SECRET_VARIABLES, loadConfig, publicUrl, type Config } from '../../platform/config.ts';
import { toError } from '../../platform/errors.ts';
import { loadSettings } from '../../platform/settings/load.ts';
import { webhookReceivers } from '../../activities/notify/webhook.ts';
import { OWN_SECRETS } from '../../platform/settings/own-secrets.ts';
import { telescopesFromConfig } from '../../platform/telescopes.ts';
import { temporalConnectionOptions } from '../../platform/temporal.ts';

const folder = mkdtempSync(join(tmpdir(), 'nocturne-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const GUID = '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11';
const refusal = (env: Record<string, string>): string => {
  try {
    loadConfig(env);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return 'taken';
};

describe('a setting is written in one way, whatever way it was given', () => {
  const given: [keyof Config, string, unknown][] = [
    ['CORS_ORIGINS', 'https://Shop.Example/, https://shop.example:443', ['https://shop.example']],
    ['EMBED_ORIGINS', 'http://localhost:8080/', ['http://localhost:8080']],
    ['PUBLIC_URL', 'https://OBS.example/', 'https://obs.example'],
    ['TEMPORAL_ADDRESS', 'temporal.example', 'temporal.example:7233'],
    ['TEMPORAL_ADDRESS', '[fd00::7]:7233', '[fd00::7]:7233'],
    ['VOYAGER_HOST', ' 192.168.1.100 ', '192.168.1.100'],
    ['VOYAGER_HOST', '[fd00::7]', 'fd00::7'],
    ['VOYAGER_DEFAULT_SEQUENCE_GUID', `{${GUID}}`, GUID],
    ['VOYAGER_READ_ONLY', 'Yes', true],
    ['GATEWAY_SOLE', '0', false],
    ['LOG_LEVEL', 'WARN', 'warn'],
    ['S3_ENDPOINT', 'https://s3.example.org/', 'https://s3.example.org'],
    ['LARAVEL_CHANNELS', 'Email, push', ['email', 'push']],
    ['DATABASE_URL', 'postgres://user:plain@db/nocturne', 'postgres://user:plain@db/nocturne'],
  ];
  test.each(given)('%s=%s', (name, text, value) => {
    const more = name === 'S3_ENDPOINT' ? { S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'k', S3_SECRET_ACCESS_KEY: 's' } : {};
    expect(loadConfig({ [name]: text, ...more })[name]).toEqual(value);
  });
  test.each(['pa#ss', 'pa/ss', 'pa?ss', 'pa%ss', 'pa@ss', '1/2?3#4%5@6', '1#x', '5432/x', 'p%25ss'])(
    'a password of any characters, as it was pasted: %s',
    (password) => {
      for (const [name, url] of [
        ['DATABASE_URL', `postgresql://no-cturne:${password}@db.example:5432/nocturne?sslmode=require`],
        ['SMTP_URL', `smtps://no-cturne:${password}@db.example:5432`],
        ['RELAY_PUSHER_URL', `https://no-cturne:${password}@db.example:5432/apps/7`],
      ] as const) {
        const read = new URL(loadConfig({ [name]: url })[name]!);
        expect([read.username, decodeURIComponent(read.password), read.hostname, read.port]).toEqual([
          'no-cturne',
          // What is encoded by the rules already stays what it says.
          password === 'p%25ss' ? 'p%ss' : password,
          'db.example',
          '5432',
        ]);
      }
    },
  );
  test('the name of a mail account may be an address', () => {
    const url = new URL(loadConfig({ SMTP_URL: 'smtp://me@example.org:pa#ss@mail.example:587' }).SMTP_URL!);
    expect([decodeURIComponent(url.username), decodeURIComponent(url.password), url.hostname]).toEqual([
      'me@example.org',
      'pa#ss',
      'mail.example',
    ]);
  });
  test('empty is absent: the default counts, and no port is 0', () => {
    expect(loadConfig(Object.fromEntries(CONFIG_VARIABLES.map((name) => [name, ' '])))).toEqual(loadConfig({}));
    expect(loadConfig({ PORT: '' }).PORT).toBe(3000);
  });
  test('addresses that others follow are ones that they can reach', () => {
    expect(publicUrl(loadConfig({ HOST: '0.0.0.0' }))).toBe('http://127.0.0.1:3000');
    expect(publicUrl(loadConfig({ HOST: '::', PORT: '80' }))).toBe('http://[::1]:80');
    expect(publicUrl(loadConfig({ HOST: '0.0.0.0', PUBLIC_URL: 'https://obs.example' }))).toBe('https://obs.example');
    const [telescope] = telescopesFromConfig(loadConfig({ VOYAGER_HOST: 'voyager', GATEWAY_HOST: '::1' }));
    expect(telescope!.gateway_url).toBe('http://[::1]:3100');
    const [elsewhere] = telescopesFromConfig(
      loadConfig({ VOYAGER_HOST: 'voyager', GATEWAY_URL: 'http://gateway:3100/' }),
    );
    expect(elsewhere!.gateway_url).toBe('http://gateway:3100');
  });
});

describe('a setting that cannot work is refused with its field, what is expected and what to write', () => {
  const wrong: [string, string, RegExp][] = [
    ['PUBLIC_URL', 'obs.example', /http:\/\/ or https:\/\/, not "obs.example"; write https:\/\/obs.example\./],
    ['PUBLIC_URL', 'https://obs.example/nocturne', /scheme, host and port alone; write https:\/\/obs.example\./],
    ['CORS_ORIGINS', '*', /names each origin/],
    ['CORS_ORIGINS', 'https://shop.example/book', /write https:\/\/shop.example\./],
    ['WEBHOOK_URL', 'notaurl', /write https:\/\/laravel.example/],
    ['WEBHOOK_URL', 'https://a.example/x, ftp://b.example', /not "ftp:\/\/b.example"/],
    ['DATABASE_URL', 'mysql://user:hunter2@db/x', /postgresql:\/\/ or postgres:\/\/, not mysql:/],
    ['DATABASE_URL', 'db.example:5432/hunter2', /postgresql:\/\//],
    ['DATABASE_URL', 'postgresql://user:hunter2@/x', /not an address of the form/],
    ['SMTP_URL', 'mail.example:hunter2', /smtp:\/\/ or smtps:\/\//],
    ['RELAY_PUSHER_URL', 'https://key:hunter2@push.example', /id of the app/],
    ['TEMPORAL_ADDRESS', 'https://temporal.example:7233', /without a scheme.*TEMPORAL_TLS=true/],
    ['VOYAGER_HOST', 'http://192.168.1.100:5950', /write 192.168.1.100 here and 5950 as VOYAGER_PORT/],
    ['VOYAGER_HOST', '192.168.1.100:5950', /5950 as VOYAGER_PORT/],
    ['VOYAGER_PORT', '59500x', /whole number from 1 to 65535/],
    ['PORT', '70000', /whole number from 0 to 65535/],
    ['VOYAGER_DEFAULT_SEQUENCE_GUID', 'M42', /must be a GUID/],
    ['VOYAGER_PATH_MAP', 'C:\\Voyager', /C:\\folder=>\/folder/],
    ['VOYAGER_PATH_MAP', 'C:\\Voyager=>fits', /whole path such as \/mnt\/fits, not "fits"/],
    ['VOYAGER_PATH_MAP', 'C:\\V=>/a;c:\\v\\=>/b', /maps c:\\v\\ to more than one folder/],
    ['VOYAGER_HOST', '192.168.1', /four numbers up to 255/],
    ['VOYAGER_HOST', '192.168.1.500', /four numbers up to 255/],
    ['VOYAGER_PORT', '0', /from 1 to 65535/],
    ['VOYAGER_PORT', '0x173E', /whole number/],
    ['TEMPORAL_ADDRESS', 'temporal.example:0', /host:port/],
    ['PUBLIC_URL', 'localhost:3000', /write http:\/\/localhost:3000\./],
    ['PUBLIC_URL', 'http://0.0.0.0:3000', /nobody reaches 0.0.0.0/],
    ['CORS_ORIGINS', 'https://*.shop.example', /must name each host/],
    ['CORS_ORIGINS', 'https://a.example;https://b.example', /commas between them/],
    ['EMBED_ORIGINS', 'https://a.example https://b.example', /commas between them/],
    ['DATABASE_URL', '"postgresql://user:hunter2@db/x"', /without quotation marks/],
    ['MAX_IMAGE_SIZE_MB', '12,5', /write 12.5\./],
    ['SITE_ELEVATION_METERS', '\u2212120', /write -120\./],
    ['VOYAGER_READ_ONLY', 'maybe', /true or false/],
    ['LOG_LEVEL', 'loud', /one of fatal/],
    ['FRAMES_KEEP_DAYS', '1.5', /whole number of days/],
    ['OPERATOR_EMAIL', 'operator', /e-mail address/],
    ['MAIL_FROM', 'Observatory', /Name <address>/],
    ['GUEST_URL_TEMPLATE', 'https://shop.example/sessions', /\{booking_id\}/],
    ['LARAVEL_CHANNELS', 'fax', /one of email, push, chat/],
    ['OPERATOR_CHANNELS', 'slack=hunter2', /slack must begin with https/],
    ['VAPID_SUBJECT', 'operator@example.org', /mailto:/],
    ['TELESCOPES_FILE', '/nowhere.json', /cannot be read \(ENOENT\)/],
    ['GATEWAY_SECRET_FILE', '/nowhere', /cannot be read \(ENOENT\)/],
  ];
  test.each(wrong)('%s=%s', (name, text, says) => {
    const said = refusal({ [name]: text });
    expect(said).toMatch(new RegExp(`^  ${name}: .+\\.$`, 'm'));
    expect(said).toMatch(says);
    expect(said).not.toMatch(/hunter2|Invalid input|expected string|Too small|ZodError/);
  });
  const alone: [string, string, string][] = [
    ['TEMPORAL_TLS_KEY', '-----BEGIN KEY-----', 'TEMPORAL_TLS_CERT'],
    ['VOYAGER_PASSWORD', 'hunter2', 'VOYAGER_USERNAME'],
    ['S3_BUCKET', 'frames', 'S3_SECRET_ACCESS_KEY'],
    ['S3_ENDPOINT', 'https://s3.example.org', 'S3_BUCKET'],
    ['OPERATOR_CHANNELS', 'telegram=42', 'TELEGRAM_BOT_TOKEN'],
  ];
  test.each(alone)('%s without what it needs', (name, text, needs) => {
    expect(refusal({ [name]: text })).toMatch(new RegExp(`^  ${needs}: is not set, but ${name} is`, 'm'));
  });
  test('a key of TLS never connects in plain text', () => {
    const files = { TEMPORAL_TLS_CERT: file('c.pem', 'cert'), TEMPORAL_TLS_KEY: file('k.pem', 'key') };
    expect(temporalConnectionOptions(loadConfig(files)).tls).toMatchObject({
      clientCertPair: { key: Buffer.from('key') },
    });
    expect(temporalConnectionOptions(loadConfig({ TEMPORAL_TLS_SERVER_NAME: 'x' })).tls).toBeTruthy();
  });
  test('variables, telescope file and files of secrets are told in one go, each with its telescope and field', () => {
    const telescopes = file(
      't.json',
      JSON.stringify([{ id: 'south-1', name: 'S', host: '', site: { latitude_degrees: 120, longitude_degrees: 0 } }]),
    );
    const load = () =>
      loadSettings(
        { required: ['DATABASE_URL', 'GATEWAY_SECRET'] },
        { PUBLIC_URL: 'obs', TELESCOPES_FILE: telescopes, VOYAGER_PASSWORD__SOUTH_1_FILE: '/nowhere' },
      );
    for (const part of [
      /PUBLIC_URL: /,
      /TELESCOPES_FILE, telescope "south-1", host: /,
      /TELESCOPES_FILE, telescope "south-1", site.latitude_degrees: /,
      /VOYAGER_PASSWORD__SOUTH_1_FILE: .*ENOENT/,
      /DATABASE_URL: is not set; /,
      /GATEWAY_SECRET: is not set; .*openssl/,
    ])
      expect(load).toThrow(part);
  });
});

describe('looking needs an address alone', () => {
  test('a telescope without base sequence is one to watch', () => {
    expect(telescopesFromConfig(loadConfig({ VOYAGER_HOST: 'voyager' }))).toEqual([
      expect.objectContaining({ id: 'main', host: 'voyager', base_sequence_guid: null }),
    ]);
  });
});

describe('no default stands for what nobody said', () => {
  const SITE = { SITE_LATITUDE_DEGREES: '-30.5', SITE_LONGITUDE_DEGREES: '-70.8', SITE_TIMEZONE: 'America/Santiago' };
  const first = (env: Record<string, string>) =>
    telescopesFromConfig(loadConfig({ VOYAGER_HOST: 'voyager', ...env }))[0];
  test('a telescope has no site until all of it is said', () => {
    expect(first({})!.site).toBeNull();
    expect(first({ ...SITE, SITE_ELEVATION_METERS: '1710' })!.site).toEqual({
      latitude_degrees: -30.5,
      longitude_degrees: -70.8,
      elevation_meters: 1710,
      timezone: 'America/Santiago',
    });
    expect(refusal({ SITE_LATITUDE_DEGREES: '-30.5' })).toMatch(
      /^ {2}SITE_LONGITUDE_DEGREES: is not set, but SITE_LAT/m,
    );
    expect(refusal({ ...SITE, SITE_TIMEZONE: 'Santiago' })).toMatch(/SITE_TIMEZONE: must be the IANA name/);
    expect(refusal({ ...SITE, SITE_LATITUDE_DEGREES: '91' })).toMatch(/SITE_LATITUDE_DEGREES: .*-90 to 90/);
  });
  test.each(['0.0.0.0', '::'])('a gateway that listens on %s has an address only where one is named', (everywhere) => {
    expect(refusal({ GATEWAY_HOST: everywhere })).toMatch(/^ {2}GATEWAY_URL: is not set, and GATEWAY_HOST=/m);
    const named = first({ GATEWAY_HOST: everywhere, GATEWAY_URL: 'http://gateway:3100' });
    expect(named!.gateway_url).toBe('http://gateway:3100');
  });
  test('a telescope of the file that names no gateway has the configured one', () => {
    const one = { id: 't1', name: 'T1', host: '10.0.0.7', site: null };
    const both = file('two.json', JSON.stringify([one, { ...one, id: 't2', gateway_url: 'http://own:1' }]));
    const { telescopes } = loadSettings({}, { TELESCOPES_FILE: both, GATEWAY_URL: 'http://gateway:3100' });
    expect(telescopes.map((telescope) => telescope.gateway_url)).toEqual(['http://gateway:3100', 'http://own:1']);
  });
});

/** Secrets that an owner makes up for nocturne, each with one that is too short. What `whsec_` hides counts as what it stands for. */
const OURS = {
  GATEWAY_SECRET: 'hunter2',
  VOYAGER_PROXY_API_KEY: 'hunter2',
  PUSHER_APP_SECRET: 'hunter2',
  WEBHOOK_SECRET: 'the-first-is-long-enough,whsec_aHVudGVyMg==',
  WEBHOOK_OWN_SECRETS: 'club.example=hunter2',
  OPERATOR_WEBHOOK_SECRET: 'hunter2',
  BACKUP_PASSPHRASE: 'hunter2 hunter2',
};
/** Secrets that another program or service made, and why their length is not ours to judge. */
const OF_OTHERS = {
  DATABASE_URL: 'a password of PostgreSQL',
  VOYAGER_PASSWORD: 'a password of Voyager',
  VOYAGER_TICKET: 'a ticket of Voyager',
  VOYAGER_ROBOTARGET_SECRET: 'what the vendor gave',
  RELAY_PUSHER_URL: 'a secret of the other Pusher server',
  SMTP_URL: 'a password of the mail server',
  TEMPORAL_API_KEY: 'a key of Temporal Cloud',
  TEMPORAL_TLS_KEY: 'a private key',
  S3_SECRET_ACCESS_KEY: 'a key of the store',
  VAPID_PRIVATE_KEY: '32 bytes, checked as such',
  TEMPORAL_CODEC_KEYS: 'names of 32-byte keys, checked as such',
  OPERATOR_CHANNELS: 'addresses of chats',
  TELEGRAM_BOT_TOKEN: 'a token of Telegram',
};

describe('receivers of webhooks', () => {
  const URLS = 'https://shop.example/hook,https://club.example/hook#telescopes=south-1+south-2';
  test('hear of all telescopes, or of those that stand behind #; then they have a secret of their own', () => {
    const env = {
      WEBHOOK_URL: URLS,
      WEBHOOK_SECRET: 'x'.repeat(20),
      WEBHOOK_OWN_SECRETS: `club.example=${'y'.repeat(20)}`,
    };
    expect(webhookReceivers(loadConfig(env))).toEqual([
      { channel: 'webhook', url: 'https://shop.example/hook', telescopes: null, secrets: ['x'.repeat(20)] },
      {
        channel: expect.stringMatching(/^webhook\.[0-9a-f]{8}$/),
        url: 'https://club.example/hook',
        telescopes: ['south-1', 'south-2'],
        secrets: ['y'.repeat(20)],
      },
    ]);
    expect(refusal({ WEBHOOK_URL: URLS })).toMatch(/WEBHOOK_OWN_SECRETS: has no secret for club.example/);
  });
  test('that are named wrongly are told', () => {
    expect(refusal({ WEBHOOK_URL: 'https://club.example/hook#south-1' })).toMatch(/#telescopes=south-1\+south-2/);
    const env = { WEBHOOK_URL: 'https://club.example/hook', WEBHOOK_OWN_SECRETS: `shop.example=${'y'.repeat(20)}` };
    expect(refusal(env)).toMatch(/names shop.example, which is no host of WEBHOOK_URL/);
  });
});

describe('secrets', () => {
  test('that are short are refused, and never repeated', () => {
    for (const [name, text] of Object.entries(OURS)) {
      const said = refusal({ [name]: text, WEBHOOK_URL: 'https://club.example/hook' });
      expect(said).toMatch(new RegExp(`^  ${name}: must have 16 characters at least; .*openssl`, 'm'));
      expect(said).not.toMatch(/hunter2|aHVudGVyMg/);
    }
  });
  test('are each of the owner’s making, and so long enough, or made by somebody else', () => {
    expect([...Object.keys(OURS), ...Object.keys(OF_OTHERS)].sort()).toEqual([...SECRET_VARIABLES].sort());
  });
  test.each(['gateway', 'worker', 'api'] as const)('%s keeps its own and forgets those of the others', (name) => {
    const env: NodeJS.ProcessEnv = Object.fromEntries(
      SECRET_VARIABLES.filter(
        (secret) => !/^(DATABASE_URL|SMTP_URL|RELAY|OPERATOR_CHANNELS|VAPID|TEMPORAL|S3)/.test(secret),
      ).map((secret) => [secret, `the-secret-of-${secret}`]),
    );
    Object.assign(env, {
      WEBHOOK_URL: 'https://club.example/hook',
      WEBHOOK_OWN_SECRETS: 'club.example=the-secret-of-WEBHOOK_OWN_SECRETS',
    });
    Object.assign(env, {
      VOYAGER_USERNAME: 'admin',
      VOYAGER_PASSWORD__SOUTH_1: 'of one telescope',
      SMTP_URL: 'smtp://a:b@c',
    });
    const { config } = loadSettings({ process: name }, env);
    const has = (secret: keyof typeof config): boolean => String(config[secret] ?? '') !== '';
    expect([has('GATEWAY_SECRET'), has('VOYAGER_PASSWORD'), has('SMTP_URL'), has('VOYAGER_PROXY_API_KEY')]).toEqual([
      true,
      name === 'gateway',
      name === 'worker',
      name === 'api',
    ]);
    const left = JSON.stringify([env, config]);
    for (const secret of SECRET_VARIABLES)
      if (!OWN_SECRETS[name].includes(secret)) expect(left).not.toContain(`the-secret-of-${secret}`);
    expect('VOYAGER_PASSWORD__SOUTH_1' in env).toBe(name === 'gateway');
  });
});

describe('an error has a text', () => {
  test('of a host with two addresses: that of each; of fetch: its cause', () => {
    const refused = (at: string) => new Error(`connect ECONNREFUSED ${at}`);
    const both = new AggregateError([refused('::1:5432'), refused('127.0.0.1:5432')], '');
    expect(toError(both).message).toBe('connect ECONNREFUSED ::1:5432, connect ECONNREFUSED 127.0.0.1:5432');
    expect(toError(new TypeError('fetch failed', { cause: both })).message).toMatch(
      /^fetch failed: connect ECONNREFUSED ::1/,
    );
    expect(toError(Object.assign(new Error(''), { code: 'EPIPE' })).message).toBe('EPIPE');
  });
});
