import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import * as paths from '../../platform/paths.ts';

/** The version after this one: its folder of migrations has one more. */
const LATER = '0002_later';
const folder = mkdtempSync(join(tmpdir(), 'nocturne-older-'));
const migrations = join(folder, 'migrations');
cpSync(paths.projectPath('prisma', 'migrations'), migrations, { recursive: true });
mkdirSync(join(migrations, LATER));
writeFileSync(
  join(migrations, LATER, 'migration.sql'),
  `ALTER TABLE users ADD COLUMN "note" TEXT NOT NULL DEFAULT 'none';\n`,
);
jest.unstable_mockModule('../../platform/paths.ts', () => ({
  ...paths,
  projectPath: (...parts: string[]) =>
    parts.join('/') === 'prisma/migrations' ? migrations : paths.projectPath(...parts),
}));
// Whoever loads the migrations must come after the stand-in.
const { startPostgres } = await import('../../stack/own-postgres.ts');
const { makeBackup } = await import('../../platform/backup/make.ts');
const { readManifest, writeManifest } = await import('../../platform/backup/manifest.ts');
const { ensureDatabase, openBackup, restoreDatabase } = await import('../../platform/backup/restore.ts');
const { knownMigrations, migrate } = await import('../../platform/migrate.ts');

let server: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});
const at = (database: string): string => Object.assign(new URL(server.url), { pathname: `/${database}` }).href;
async function sql(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows as unknown[];
  } finally {
    await client.end();
  }
}

test('a backup of an older version is brought up to this one, and one of a newer version refused', async () => {
  const today = (await knownMigrations()).filter((name) => name !== LATER);
  await ensureDatabase(at('older'));
  await migrate(at('older'), today);
  await sql(at('older'), `INSERT INTO users (ref) VALUES ('old')`);
  const { folder: backup } = await makeBackup({
    databaseUrl: at('older'),
    dataDir: folder,
    root: join(folder, 'backups'),
  });
  await ensureDatabase(at('newer'));
  await migrate(at('newer'));
  expect((await restoreDatabase(await openBackup(backup), { url: at('newer') })).migrated).toEqual([LATER]);
  expect(await sql(at('newer'), 'SELECT ref, note FROM users')).toEqual([{ ref: 'old', note: 'none' }]);
  const manifest = await readManifest(backup);
  await writeManifest(backup, { ...manifest, migrations: [...manifest.migrations, '9999_later'] });
  await expect(openBackup(backup)).rejects.toThrow('newer version');
}, 60_000);
