import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { connectPg } from '../../platform/database.ts';
import { migrate } from '../../platform/migrate.ts';
import { freePort } from '../../stack/ports.ts';
import { initPostgres, postgresProcess, postgresUrl } from '../../stack/postgres.ts';
import type { Supervisor } from '../../stack/supervisor.ts';

/**
 * The clock of this one database: `now()` of every connection is found in schema `sandbox` before PostgreSQL's own, and columns that are filled in by
 * themselves ask it too. The product's SQL stays as it is.
 */
const MOVED_CLOCK = `
CREATE SCHEMA sandbox;
CREATE TABLE sandbox.clock (shift INTERVAL NOT NULL);
INSERT INTO sandbox.clock VALUES (interval '0');
CREATE FUNCTION sandbox.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT pg_catalog.now() + shift FROM sandbox.clock';
CREATE FUNCTION sandbox.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + shift FROM sandbox.clock';
ALTER DATABASE nocturne SET search_path = sandbox, public, pg_catalog;
DO $$
DECLARE filled record;
BEGIN
  FOR filled IN
    SELECT d.adrelid::regclass AS owner, a.attname AS name FROM pg_attrdef d
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    JOIN pg_class c ON c.oid = d.adrelid AND c.relnamespace = 'public'::regnamespace
    WHERE pg_get_expr(d.adbin, d.adrelid) IN ('CURRENT_TIMESTAMP', 'now()')
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT sandbox.now()', filled.owner, filled.name);
  END LOOP;
END $$;`;

export interface SandboxDatabase {
  url: string;
  /** Tells PostgreSQL how far the sandbox is ahead of the machine. */
  shift(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** A PostgreSQL of the sandbox's own with an empty database: sessions live in a Temporal that forgets, so no booking of an earlier start can go on. */
export async function startDatabase(
  dataDir: string,
  password: string,
  supervisor: Supervisor,
): Promise<SandboxDatabase> {
  const folder = join(dataDir, 'postgres');
  await initPostgres(folder, password);
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  const port = await freePort();
  // What a machine's death would lose is gone with the next start anyway.
  const more = ['fsync=off', 'synchronous_commit=off'];
  const logFile = join(dataDir, 'logs', 'postgres.log');
  await supervisor.start(await postgresProcess({ folder, port, password, logFile }, { more, graceSeconds: 5 }));
  await emptied(postgresUrl(port, password, 'postgres'));
  const url = postgresUrl(port, password);
  await migrate(url);
  const client = await connectPg(url, () => undefined);
  await client.query(MOVED_CLOCK);
  return {
    url,
    shift: (ms) => moved(client, ms),
    close: () => client.end(),
  };
}

async function emptied(url: string): Promise<void> {
  const client = await connectPg(url, () => undefined);
  try {
    await client.query('DROP DATABASE IF EXISTS nocturne WITH (FORCE)');
    await client.query('CREATE DATABASE nocturne');
  } finally {
    await client.end();
  }
}

async function moved(client: Client, ms: number): Promise<void> {
  await client.query(`UPDATE sandbox.clock SET shift = $1 * interval '1 millisecond'`, [ms]);
}
