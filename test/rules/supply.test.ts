import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { projectPath } from '../../platform/paths.ts';

const read = (...path: string[]): string => readFileSync(projectPath(...path), 'utf8');
const page = read('docs', 'supply-chain.md');
const manifest = JSON.parse(read('package.json')) as {
  files: string[];
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: projectPath(), encoding: 'utf8' })
  .split('\0')
  .filter(Boolean);
const sourcesIn = (...folders: string[]): string[] =>
  tracked.filter((name) => folders.some((folder) => name.startsWith(`${folder}/`)) && /(?<!\.test)\.ts$/.test(name));

const words = (text: string): string[] => text.split(/\s+/);

interface Part {
  'bom-ref': string;
  name: string;
  version: string;
  hashes?: object[];
  licenses?: { expression?: string; license?: { id?: string; name?: string } }[];
}
let bom: { bomFormat: string; components: Part[]; dependencies: { ref: string; dependsOn?: string[] }[] };
beforeAll(() => {
  bom = JSON.parse(execFileSync('node', [projectPath('scripts', 'sbom.mjs')], { encoding: 'utf8' })) as typeof bom;
}, 60_000);

/** The first column of the table under a heading, as the words in code letters. */
function table(heading: string, column = 0): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading))!;
  return [...section.matchAll(/^\| (.+) \|$/gm)].flatMap((row) =>
    [...row[1]!.split(' | ')[column]!.matchAll(/`([^`]+)`/g)].map((word) => word[1]!),
  );
}
/** What may be had under `A AND (B OR C)`: all of what stands beside AND, one of what stands beside OR. */
const allows = (licence: string, allowed: ReadonlySet<string>): boolean =>
  licence
    .replaceAll(/[()]/g, '')
    .split(/ and /i)
    .every((part) => part.split(/ or /i).some((one) => allowed.has(one.trim())));

describe('what production installs', () => {
  test('has licences that docs/supply-chain.md allows, with a reason for each', () => {
    const allowed = new Set(table('Licences'));
    const unnamed = (name: string): boolean => /^(unionfs|seq-queue|@swc\/core-.*)$/.test(name);
    const of = ({ licenses = [] }: Part): string =>
      licenses.map((one) => one.expression ?? one.license?.id ?? one.license?.name ?? '').join(' AND ');
    const others = bom.components.filter((part) => !(of(part) ? allows(of(part), allowed) : unnamed(part.name)));
    expect(others.map((part) => `${part.name}: ${of(part) || 'none named'}`)).toEqual([]);
    expect(read('node_modules', 'unionfs', 'LICENSE')).toContain('released into the public domain');
    expect(read('node_modules', 'seq-queue', 'LICENSE')).toContain('MIT License');
    expect([
      allows('AGPL-3.0', allowed),
      allows('MIT AND GPL-3.0', allowed),
      allows('(MIT OR GPL-3.0)', allowed),
    ]).toEqual([false, false, true]);
  });

  test('stands in the list of parts, each with version and checksum, beginning with what we name ourselves', () => {
    expect(bom.bomFormat).toBe('CycloneDX');
    const versions = new Map(bom.components.map((part) => [`${part.name}@${part.version}`, part]));
    const missing = Object.entries(manifest.dependencies).filter(
      ([name, version]) => !versions.has(`${name}@${version}`),
    );
    expect(missing).toEqual([]);
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version: string; dev?: boolean; devOptional?: boolean; integrity?: string }>;
    };
    const locked = Object.entries(packages).filter(([path, one]) => path && !one.dev && !one.devOptional);
    expect(locked.length).toBeGreaterThan(200);
    const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    expect(
      locked.filter(([path, one]) => !versions.has(`${nameOf(path)}@${one.version}`)).map(([path]) => path),
    ).toEqual([]);
    const sealed = locked
      .filter(([, one]) => one.integrity)
      .map(([path, one]) => versions.get(`${nameOf(path)}@${one.version}`)!);
    expect(sealed.filter((part) => !part.hashes?.length).map((part) => part.name)).toEqual([]);
    for (const tool of ['jest', 'oxlint', 'knip']) expect(bom.components.map((part) => part.name)).not.toContain(tool);
  });

  test('and what the pages contain is named with its licence', () => {
    const bundled = new Set(
      sourcesIn('web/client').flatMap((name) =>
        [...read(name).matchAll(/(?:from|import\() ?'((?:@[\w-]+\/)?[\w.-]+)[^']*'/g)]
          .map((found) => found[1]!)
          .filter((one) => !one.startsWith('.')),
      ),
    );
    expect(
      table('Licences')
        .filter((word) => bundled.has(word))
        .sort(),
    ).toEqual([...bundled].sort());
    for (const name of bundled) {
      const { license } = JSON.parse(read('node_modules', name, 'package.json')) as { license: string };
      expect(page).toContain(`| \`${name}\` | \`${license}\` |`);
    }
  });
});

describe('where things come from', () => {
  test('every file of data or pictures has a row that says so', () => {
    const rows = table('Data and pictures');
    const given = /\.(gz|png|jpe?g|webp|svg|ico|bin|txt|csv|woff2?|ttf|mp3|ogg|wav|fits?)$/;
    const ours = /NOTICE\.txt$/;
    const data = [
      ...tracked.filter((name) => given.test(name) && !ours.test(name)),
      'deploy/schemas/compose-spec.json',
    ];
    expect(
      data.filter((name) => !rows.some((row) => name === row || (row.endsWith('/') && name.startsWith(row)))),
    ).toEqual([]);
    expect(rows.filter((row) => !existsSync(projectPath(row)))).toEqual([]);
  });

  test('actions are named by commit, and known holes are looked for', () => {
    const used = readdirSync(projectPath('.github', 'workflows')).map((name) => read('.github', 'workflows', name));
    const lines = used.flatMap((text) => text.split('\n').filter((line) => line.includes('uses:')));
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
    const steps = used.flatMap((text) =>
      Object.values((parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> }).jobs).flatMap(
        (job) => job.steps,
      ),
    );
    expect(steps.map((step) => step.run)).toContain('npm audit --omit dev --audit-level high');
  });

  test('versions are exact, but for the types of Node', () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)).map(([name]) => name)).toEqual([
      '@types/node',
    ]);
  });
});

describe('what is handed out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-pack-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('the package has what runs and no source, test, data or secret', () => {
    const dist = words('dist/api/main.js dist/workflow-bundle.js dist/web/index.html dist/scripts/release.js');
    const there = [
      ...tracked.filter((name) => !/^(web|test|docs\/screenshots)\//.test(name)),
      ...dist,
      ...words('deploy/secrets/gateway_secret .env .data/secrets.json own.pem test/api/access.test.ts'),
    ];
    for (const name of there) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      if (name === 'package.json') cpSync(projectPath(name), join(folder, name));
      else writeFileSync(join(folder, name), '');
    }
    const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const packed = (JSON.parse(said) as { files: { path: string }[] }[])[0]!.files.map(({ path }) => path);
    const wanted = words(
      `scripts/run.mjs prisma/migrations/0001_init/migration.sql gateway/robotarget/dialect.default.json LICENSE SECURITY.md
      deploy/make-secrets.sh deploy/Dockerfile docker-compose.yml .env.example docs/operator-runbook.md
      domain/catalogue/objects.txt simulator/data/stars.bin.gz clients/laravel/composer.json`,
    ).concat(dist);
    expect(wanted.filter((name) => !packed.includes(name))).toEqual([]);
    const kept =
      /(^|\/)(secrets|test|tests|__histories__|node_modules|\.data|\.cache|\.git)\/|\.test\.(ts|js)$|(^|\/)\.env$|\.(pem|key)$/;
    expect(packed.filter((name) => kept.test(name) && !name.startsWith('clients/laravel/'))).toEqual([]);
    expect(packed.filter((name) => /\.(ts|tsx)$/.test(name) && !name.startsWith('clients/'))).toEqual([]);
  }, 60_000);

  test('package and image hold every file that a process reads', () => {
    const named = sourcesIn('api', 'activities', 'frames', 'gateway', 'platform', 'worker').flatMap((name) =>
      [...read(name).matchAll(/projectPath\(('[^)]*')\)/g)].map((found) =>
        found[1]!.replaceAll(/'|\s/g, '').replaceAll(',', '/'),
      ),
    );
    const needed = named.filter((path) => !path.startsWith('node_modules') && !path.startsWith('dist'));
    expect(needed.length).toBeGreaterThan(4);
    const within = (path: string, place: string): boolean =>
      path === place || path.startsWith(`${place.replace(/\/$/, '')}/`);
    const image = [...read('deploy', 'Dockerfile').matchAll(/^COPY --from=build \S*?\/app\/(\S+) /gm)].map(
      (found) => found[1]!,
    );
    expect(needed.filter((path) => ![...image, 'package.json'].some((place) => within(path, place)))).toEqual([]);
    expect(
      needed.filter(
        (path) => ![...manifest.files, 'package.json'].some((place) => within(path, place) || within(place, path)),
      ),
    ).toEqual([]);
    const ignored = read('.dockerignore').split('\n').filter(Boolean);
    expect(ignored).toContain('deploy/secrets');
    expect(ignored.some((line) => line === 'docs')).toBe(false);
  });
});
