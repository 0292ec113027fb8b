import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { connectPg } from './database.ts';
import { projectPath } from './paths.ts';

/** Prisma's own advisory lock for migrations, so that this applier and `prisma migrate deploy` exclude each other. */
const PRISMA_LOCK = 72707369;

const folder = projectPath('prisma', 'migrations');
/** Names of the migrations that this version has, in order. */
export const knownMigrations = async (): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

/**
 * Applies prisma/migrations in order and books them in `_prisma_migrations` as Prisma does (sha256 of the file, LF line ends),
 * for machines that have no schema engine. A second run changes nothing.
 * @param only the migrations of an older version, so that its rows can be restored; left out: all
 * @throws Error when an applied migration was edited afterwards.
 */
export async function migrate(databaseUrl: string, only?: readonly string[]): Promise<{ applied: string[] }> {
  const names = (await knownMigrations()).filter((name) => only?.includes(name) ?? true);
  const client = await connectPg(databaseUrl, () => undefined);
  const applied: string[] = [];
  try {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK]);
    await client.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
      id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,
      logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`);
    const done = new Map<string, string>(
      (
        await client.query<{ migration_name: string; checksum: string }>(
          'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
        )
      ).rows.map((r) => [r.migration_name, r.checksum]),
    );
    for (const name of names) {
      const sql = (await readFile(`${folder}/${name}/migration.sql`, 'utf8')).replace(/\r\n/g, '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      const before = done.get(name);
      if (before === checksum) continue;
      if (before)
        throw new Error(
          `The database has another migration ${name} than this version: a version before 0.1.0 made it, or the file was edited. ` +
            'npm run reset clears the data of npm start; an edited file is put back, and a new migration written instead.',
        );
      const id = randomUUID();
      await client.query('DELETE FROM _prisma_migrations WHERE migration_name = $1 AND finished_at IS NULL', [name]);
      await client.query('BEGIN');
      try {
        await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
          id,
          checksum,
          name,
        ]);
        await client.query(sql);
        await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [
          id,
        ]);
        await client.query('COMMIT');
      } catch (thrown) {
        await client.query('ROLLBACK');
        throw thrown;
      }
      applied.push(name);
    }
  } finally {
    await client.end();
  }
  return { applied };
}
