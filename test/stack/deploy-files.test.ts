import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CONFIG_VARIABLES, SECRET_VARIABLES, loadConfig } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';

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

interface Compose {
  services: Record<
    string,
    {
      command?: string[] | string;
      image?: string;
      depends_on?: Record<string, unknown>;
      environment?: Record<string, string>;
      volumes?: string[];
    }
  >;
  volumes: Record<string, unknown>;
}

describe('docker-compose.yml', () => {
  const compose = parse(text('docker-compose.yml'), { merge: true }) as Compose;

  test('has PostgreSQL, Temporal with its pages, a mail catcher and our three processes', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'api',
      'gateway',
      'mail',
      'migrate',
      'postgres',
      'release',
      'temporal',
      'temporal-setup',
      'temporal-ui',
      'worker',
    ]);
  });
  test('starts entry files that the build makes', () => {
    const entries = ['migrate', 'gateway', 'worker', 'release', 'api'].map(
      (name) => compose.services[name]!.command![0]!,
    );
    expect(entries).toEqual([
      'dist/scripts/migrate.js',
      'dist/gateway/main.js',
      'dist/worker/main.js',
      'dist/scripts/release.js',
      'dist/api/main.js',
    ]);
  });
  test('waits only for services that exist, and mounts only volumes that are declared', () => {
    for (const service of Object.values(compose.services)) {
      for (const name of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(name);
      for (const volume of service.volumes ?? [])
        if (/^\w+:/.test(volume)) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    }
  });
  test('sets only variables that the configuration knows', () => {
    for (const name of ['gateway', 'worker', 'api'])
      expect(
        Object.keys(compose.services[name]!.environment!).filter((variable) => !CONFIG_VARIABLES.includes(variable)),
      ).toEqual([]);
  });
  test('names the gateway for whoever must reach it, and has a default for no secret', () => {
    for (const name of ['gateway', 'worker', 'api'])
      expect(compose.services[name]!.environment!.GATEWAY_URL).toContain('http://gateway:3100');
    expect(text('docker-compose.yml')).not.toMatch(/\$\{\w*(PASSWORD|SECRET|KEY)\w*:-[^}]/);
  });
  test('registers the search attributes of sessions', () => {
    expect(JSON.stringify(compose.services['temporal-setup'])).toMatch(
      /BookingId --type Keyword --name TelescopeId --type Keyword --name SessionPhase --type Keyword --name SessionStart --type Datetime/,
    );
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
