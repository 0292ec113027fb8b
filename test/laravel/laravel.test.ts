import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { WEBHOOK_SCHEMAS, WEBHOOK_TYPES, type WebhookType } from '../../domain/contracts/webhook.ts';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { highTarget } from '../../stack/targets.ts';
import { BUILT, startObservatory, TELESCOPE, type Observatory } from '../browser/stack.ts';
import { reasonsFile } from '../../scripts/client/laravel.ts';
import { LARAVEL, PHPCS, php, startSite, type Site } from './site.ts';
import { startRecorder, startWire, type Wire } from './wire.ts';

jest.setTimeout(180_000);
const scenario = PHPCS ? test : test.skip;
const HERE = projectPath('test', 'laravel');
const PACKAGE = projectPath('clients', 'laravel');

const phpFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.php') && !entry.name.endsWith('.blade.php'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\/(vendor|storage|cache)\//.test(path));
const phpunit = (suite: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> =>
  php(
    [
      '-d',
      'memory_limit=512M',
      '/usr/bin/phpunit',
      '-c',
      join(HERE, 'phpunit.xml'),
      '--testsuite',
      suite,
      ...(process.env.PHPUNIT_JUNIT ? ['--log-junit', process.env.PHPUNIT_JUNIT] : []),
    ],
    env,
  );

describe('the Laravel package and the contracts it is made from', () => {
  test('knows every type of webhook', () => {
    const map = readFileSync(join(PACKAGE, 'src', 'Events', 'EventMap.php'), 'utf8');
    expect([...map.matchAll(/'([a-z]+\.[a-z_]+)' => \w+::class/g)].map(([, type]) => type)).toEqual([...WEBHOOK_TYPES]);
  });
  test.each(['fr', 'en'] as const)('says every reason in %s as our own pages do', (locale) => {
    expect(readFileSync(join(PACKAGE, 'resources', 'lang', locale, 'reasons.php'), 'utf8')).toBe(reasonsFile(locale));
  });
});

(LARAVEL ? describe : describe.skip)('the Laravel package on the real framework', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-laravel-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every file is good PHP', async () => {
    const files = [...phpFiles(PACKAGE), ...phpFiles(join(HERE, 'php')), join(PACKAGE, 'example', 'artisan')];
    expect(files.length).toBeGreaterThan(100);
    const checked = await php([join(HERE, 'php', 'lint.php'), ...files]);
    expect(checked).toEqual({ code: 0, output: '' });
  });
  scenario('every file keeps PSR-12', async () => {
    const checked = await php([PHPCS!, '-q', `--standard=${join(PACKAGE, 'phpcs.xml')}`, PACKAGE, join(HERE, 'php')]);
    expect(checked.code === 0 ? '' : checked.output).toBe('');
  });
  test('its own tests pass (PHPUnit)', async () => {
    const { code, output } = await phpunit('unit', { EXAMPLE_STORAGE: join(folder, 'storage') });
    expect(code === 0 ? '' : output).toBe('');
  });
});

(LARAVEL && BUILT ? describe : describe.skip)('the Laravel package and the running stack', () => {
  let folder: string;
  let deliveries: string;
  let observatory: Observatory;
  let site: Site;
  let wire: Wire;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-site-'));
    deliveries = join(folder, 'deliveries.jsonl');
    recorder = await startRecorder(deliveries);
    const sitePort = await freePort();
    const siteUrl = `http://127.0.0.1:${sitePort}`;
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    observatory = await startObservatory({
      WEBHOOK_URL: `${siteUrl}/nocturne/webhooks,${recorder.url}`,
      WEBHOOK_SECRET: secret,
      CORS_ORIGINS: siteUrl,
      EMBED_ORIGINS: siteUrl,
    });
    const { stack, api } = observatory;
    wire = await startWire(stack.apiUrl, () => process.kill(stack.pids().api!, 'SIGKILL'));
    const settings = {
      VOYAGER_PROXY_URL: wire.url,
      VOYAGER_PROXY_API_KEY: stack.apiKey,
      NOCTURNE_WEBHOOK_SECRET: secret,
      NOCTURNE_APP_SECRET: stack.app.secret,
      NOCTURNE_TELESCOPE: TELESCOPE,
    };
    site = await startSite(folder, sitePort, { ...settings, NOCTURNE_PUBLIC_URL: stack.apiUrl });
    const telescope = await api.call<{ site: Parameters<typeof highTarget>[0] }>('GET', `/api/telescopes/${TELESCOPE}`);
    env = {
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`STACK_${name}`, value])),
      STACK_DB_DATABASE: join(folder, 'site.sqlite'),
      STACK_SITE_URL: site.url,
      STACK_WIRE_URL: wire.controlUrl,
      STACK_DELIVERIES: deliveries,
      STACK_TARGET: JSON.stringify(highTarget(telescope.site, Date.now(), Date.now() + 600_000)),
      EXAMPLE_STORAGE: join(folder, 'phpunit'),
    };
  });
  afterAll(async () => {
    await site?.stop();
    await Promise.all([wire?.stop(), recorder?.stop()]);
    await observatory?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('one night: booked, told by webhook, photographed, paused, cut off, aborted, settled (PHPUnit)', async () => {
    const { code, output } = await phpunit('stack', env);
    expect(code === 0 && !/skipped|Skipped|incomplete/.test(output) ? '' : output).toBe('');
    const told = readFileSync(deliveries, 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse((JSON.parse(text) as { body: string }).body) as { type: WebhookType; data: object });
    expect(told.length).toBeGreaterThan(5);
    const faults = told.map((body) => [body.type, WEBHOOK_SCHEMAS[body.type].strict().safeParse(body).error?.message]);
    expect(faults.filter(([, fault]) => fault !== undefined)).toEqual([]);
    const addresses = [...JSON.stringify(told).matchAll(/"(?:\w+_)?url":"([^"]+)"/g)].map(([, url]) => url);
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.filter((url) => !/^https?:\/\/.+\?exp=\d+&sig=/.test(url ?? ''))).toEqual([]);
  });
});
