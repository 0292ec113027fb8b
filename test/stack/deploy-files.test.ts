import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SEARCH_ATTRIBUTE_FLAGS } from '../../domain/queues.ts';
import { CONFIG_VARIABLES, SECRET_VARIABLES, loadConfig } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';
import { checkCompose } from '../../scripts/deploy/compose.ts';
import { checkKubernetes, checkProxies, checkScripts, checkTemporal, checkUnits } from '../../scripts/deploy/files.ts';
import { checkImage } from '../../scripts/deploy/image.ts';
import type { Finding } from '../../scripts/doctor/finding.ts';

const text = (name: string): string => readFileSync(projectPath(name), 'utf8');
const sourcesOf = (...folders: string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(projectPath(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!\.test)\.(ts|mjs)$/.test(name))
      .map((name) => text(join(folder, name))),
  );

describe('.env.example', () => {
  const named = [...text('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map((m) => ({
    name: m[1]!,
    value: m[2]!,
    commented: m[0].startsWith('#'),
  }));

  test('names exactly the variables that the configuration knows, each once', () => {
    expect(named.map((v) => v.name).sort()).toEqual([...CONFIG_VARIABLES].sort());
  });
  test('gives the default for every variable that has one', () => {
    const given = loadConfig(Object.fromEntries(named.filter((v) => !v.commented).map((v) => [v.name, v.value])));
    expect(given).toEqual(loadConfig({}));
  });
  test('and so does docs/configuration.md, with what the code reads beside the configuration', () => {
    const documented = new Set(
      [...text('docs/configuration.md').matchAll(/`([A-Z][A-Z0-9_]*[A-Z0-9])`/g)].map((m) => m[1]!),
    );
    const own = /^(NOCTURNE_\w+|SIM_\w+|npm_\w+|PATH|HOME|TZ|TMPDIR|PRISMA_\w+|XDG_CACHE_HOME|NODE_OPTIONS)$/;
    const read = sourcesOf('activities', 'api', 'frames', 'gateway', 'platform', 'scripts', 'worker').flatMap(
      (source) => [...source.matchAll(/process\.env\.([A-Z]\w+)/g)].map((m) => m[1]!),
    );
    expect([...CONFIG_VARIABLES, ...read].filter((name) => !documented.has(name) && !own.test(name))).toEqual([]);
    const known = new Set<string>([...CONFIG_VARIABLES, ...SECRET_VARIABLES.map((name) => `${name}_FILE`), 'ENV_FILE']);
    const others = /^(TEMPORAL_CLI_PATH|TEMPORAL_TEST_SERVER_PATH|TEMPORAL_TLS_|CHAT_ID|VOYAGER_)$/;
    expect([...documented].filter((name) => name.includes('_') && !known.has(name) && !others.test(name))).toEqual([]);
  });
  test('holds no secret', () => {
    const shown = named.filter(
      (v) =>
        (SECRET_VARIABLES as readonly string[]).includes(v.name) &&
        v.name !== 'DATABASE_URL' &&
        v.name !== 'TEMPORAL_TLS_KEY',
    );
    expect(shown.filter((v) => v.value !== '')).toEqual([]);
  });
});

const compose = text('docker-compose.yml');
const problems = (findings: readonly Finding[]): string =>
  findings
    .filter(({ state }) => state === 'problem')
    .map(({ what, detail }) => `${what}: ${detail}`)
    .join('\n');

describe('npm run deploy:check', () => {
  test('every file is what the tool asks for that reads it', () => {
    const findings = [
      checkImage(),
      ...checkCompose(),
      ...checkProxies(),
      ...checkUnits(),
      ...checkKubernetes(),
      ...checkScripts(),
      checkTemporal(),
    ];
    for (const { what, detail } of findings.filter(({ state }) => state === 'skipped'))
      console.warn(`SKIPPED: ${what}: ${detail}`);
    expect(problems(findings)).toBe('');
  });
  test.each([
    ['a word that Compose does not know', 'init: true', 'initt: true', /initt|additional properties/],
    [
      'a password in the file',
      'POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password',
      'POSTGRES_PASSWORD: nocturne',
      /POSTGRES_PASSWORD stands in the file/,
    ],
    [
      'a secret with a default',
      '/run/secrets/gateway_secret',
      '${GATEWAY_SECRET:-change-me}',
      /GATEWAY_SECRET has a default/,
    ],
    ['an image that is whatever is newest', 'postgres:18-alpine', 'postgres:latest', /not pinned/],
    ['the image of Temporal that gets no more versions', 'temporalio/server:', 'temporalio/auto-setup:', /auto-setup/],
    ['a variable that nothing reads', 'GATEWAY_SOLE:', 'GATEWAY_SOLO:', /GATEWAY_SOLO is no variable/],
    [
      'an api that the network reaches without TLS',
      "'127.0.0.1:${PORT:-3000}:3000'",
      "'${PORT:-3000}:3000'",
      /open to the network/,
    ],
    ['waiting for the end of what never ends', "restart: 'no'", 'restart: always', /waits for the end of migrate/],
    [
      'waiting for health that is not told',
      'api: { condition: service_healthy }',
      'mail: { condition: service_healthy }',
      /waits for the health of mail/,
    ],
  ])('%s is refused', (_, is, becomes, told) => {
    expect(compose).toContain(is);
    expect(problems(checkCompose(compose.replace(is, becomes)))).toMatch(told);
  });
  test('queues that do not order what waits are refused', () => {
    const config = text('deploy/temporal/dynamicconfig.yaml');
    const key = 'matching.numTaskqueueWritePartitions';
    for (const wrong of [config.replace(key, `#${key}`), config.replace(/value: 1$/m, 'value: 4')])
      expect(problems([checkTemporal(wrong)])).toMatch(/numTaskqueueWritePartitions/);
    expect(problems([checkTemporal(`${key}: 1\n`)])).toMatch(/no list of values/);
    expect(compose).toMatch(
      /DYNAMIC_CONFIG_FILE_PATH: \/deploy\/dynamicconfig\.yaml[\s\S]*?- \.\/deploy\/temporal:\/deploy:ro/,
    );
  });
  test.each([
    ['no Chromium where it is asked for', 'chromium-headless-shell', 'chromium', /brings no Chromium/],
    ['a sandbox that no container has', 'CHROMIUM_NO_SANDBOX=true', 'NODE_ENV=production', /own sandbox cannot start/],
    ['Chromium installed as a guest of the image', 'ARG WITH', 'USER node\nARG WITH', /by a user who may not/],
    ['a start as root', '\nUSER node', '', /runs as root/],
    ['a file that is not there', 'dialect.default.json', 'dialect.json', /dialect\.json does not exist/],
    ['a base that is whatever is newest', 'node:22-bookworm-slim\nENV', 'node:latest\nENV', /not pinned/],
    ['a stage that is none', '--from=build /app/web', '--from=pages /app/web', /pages is no stage/],
  ])('an image with %s is refused', (_, is, becomes, told) => {
    const file = text('deploy/Dockerfile');
    expect(file).toContain(is);
    expect(problems([checkImage(file.replace(is, becomes))])).toMatch(told);
  });
  test('an image whose Compose does not hand on what was asked for is refused', () => {
    const deaf = compose.replace(/ {4}args:\n.*\n/, '').replace(/.*CHROMIUM_NO_SANDBOX.*\n/, '');
    expect(problems([checkImage(text('deploy/Dockerfile'), deaf)])).toMatch(
      /hand WITH_CHROMIUM on[^]*lets \.env start/,
    );
  });
  test('Compose starts entry files that the build makes', () => {
    const started = [...compose.matchAll(/'dist\/([\w/]+)\.js'/g)].map((match) => `${match[1]}.ts`);
    expect(started).toHaveLength(5);
    expect(started.filter((file) => !existsSync(projectPath(file)))).toEqual([]);
  });
  test('the namespace gets the search attributes of sessions', () => {
    const made = [...text('deploy/temporal/namespace.sh').matchAll(/--name (\w+) --type (\w+)/g)];
    expect(made.map(([, name, type]) => `${name}=${type}`).sort()).toEqual([...SEARCH_ATTRIBUTE_FLAGS].sort());
    const told = [...text('docs/deployment.md').matchAll(/--name (\w+) --type (\w+)/g)];
    expect(told.map(([, name, type]) => `${name}=${type}`).sort()).toEqual([...SEARCH_ATTRIBUTE_FLAGS].sort());
  });
  test('the secrets of a new installation are made once, long, for everything that Compose wants, and read by nobody else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-secrets-'));
    const make = (): string =>
      execFileSync('sh', [projectPath('deploy', 'make-secrets.sh'), join(folder, 'own')]).toString();
    try {
      expect(make().split('\n').filter(Boolean)).toHaveLength(5);
      const made = readdirSync(join(folder, 'own')).sort();
      expect([...compose.matchAll(/file: \.\/deploy\/secrets\/(\w+)/g)].map((match) => match[1]!).sort()).toEqual(made);
      const value = (name: string): string => readFileSync(join(folder, 'own', name), 'utf8');
      expect(value('database_url')).toBe(`postgresql://nocturne:${value('postgres_password')}@postgres:5432/nocturne`);
      const files = Object.fromEntries(
        made
          .filter((name) => name !== 'postgres_password')
          .map((name) => [`${name.toUpperCase()}_FILE`, join(folder, 'own', name)]),
      );
      expect(loadConfig(files)).toMatchObject({
        GATEWAY_SECRET: value('gateway_secret'),
        DATABASE_URL: value('database_url'),
      });
      expect(new Set(made.map(value)).size).toBe(5);
      expect(statSync(join(folder, 'own')).mode & 0o77).toBe(0);
      const before = made.map(value);
      expect(make()).toBe('');
      expect(made.map(value)).toEqual(before);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('ecosystem.config.cjs', () => {
  test('runs gateway, worker and api once each, from the build', () => {
    const { apps } = createRequire(import.meta.url)(projectPath('ecosystem.config.cjs')) as {
      apps: { name: string; script: string; instances: number }[];
    };
    expect(apps.map((a) => [a.name, a.script.slice(projectPath().length + 1), a.instances])).toEqual([
      ['nocturne-gateway', 'dist/gateway/main.js', 1],
      ['nocturne-worker', 'dist/worker/main.js', 1],
      ['nocturne-api', 'dist/api/main.js', 1],
    ]);
  });
});
