import type pg from 'pg';
import { knownMigrations } from '../../platform/migrate.ts';

/** Names of the migrations that this version brings and the database has not. */
export async function pendingMigrations(client: pg.Client): Promise<string[]> {
  const names = await knownMigrations();
  const table = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`);
  if (!(table.rows[0] as { name: string | null }).name) return names;
  const done = await client.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const applied = new Set(done.rows.map((row) => row.migration_name));
  return names.filter((name) => !applied.has(name));
}
