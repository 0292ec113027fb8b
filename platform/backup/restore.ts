import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type pg from 'pg';
import { connectPg } from '../database.ts';
import { UsageError } from '../errors.ts';
import { knownMigrations, migrate } from '../migrate.ts';
import { isSignedBy, readManifest, writeManifest, type Manifest } from './manifest.ts';
import { keyFor, openStream } from './sealed.ts';
import { Tally, connectPlain, digestOf, fillTable, migrationsOf, quoted, tablesOf } from './tables.ts';

export interface OpenBackup {
  folder: string;
  manifest: Manifest;
  key: Buffer | null;
}

/** Opens a backup. @throws UsageError when the folder is none, the passphrase is missing or wrong, or a newer version made it */
export async function openBackup(folder: string, passphrase?: string): Promise<OpenBackup> {
  const manifest = await readManifest(folder);
  const known = new Set(await knownMigrations());
  const newer = manifest.migrations.filter((name) => !known.has(name));
  if (newer.length > 0)
    throw new UsageError(`This backup was made by a newer version (${manifest.version}); restore it with that one.`);
  if (!manifest.seal) return { folder, manifest, key: null };
  if (!passphrase) throw new UsageError('This backup is encrypted: give BACKUP_PASSPHRASE or BACKUP_PASSPHRASE_FILE.');
  const key = keyFor(manifest.seal, passphrase);
  if (!key) throw new UsageError('BACKUP_PASSPHRASE is not the one that this backup was encrypted with.');
  if (!isSignedBy(manifest, key))
    throw new UsageError(`${folder}: manifest.json was changed since the backup was made.`);
  return { folder, manifest, key };
}

/** The stages that turn a file of the backup into what was packed. */
function unpacked(backup: OpenBackup, file: string): [NodeJS.ReadableStream, ...NodeJS.ReadWriteStream[]] {
  const source = createReadStream(join(backup.folder, file));
  return backup.key ? [source, openStream(backup.key, file), createGunzip()] : [source, createGunzip()];
}

/** Reads every file of the backup against its checksum before anything is touched. @throws Error naming the first that is not whole */
export async function checkFiles(backup: OpenBackup): Promise<void> {
  for (const { file, sha256 } of [...backup.manifest.tables, ...backup.manifest.files]) {
    const tally = new Tally();
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    await pipeline([...unpacked(backup, file), tally, nowhere]).catch((thrown: unknown) => {
      throw new Error(`${file} of the backup is damaged: ${(thrown as Error).message}`, { cause: thrown });
    });
    if (tally.digest() !== sha256) throw new Error(`${file} of the backup is damaged: its checksum differs.`);
  }
}

/** Tables of a database that hold rows; none of one that is empty or not ours. */
export async function filledTables(databaseUrl: string): Promise<string[]> {
  const client = await connectPlain(databaseUrl);
  try {
    const filled: string[] = [];
    for (const { name } of await tablesOf(client))
      if ((await client.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`)).rowCount) filled.push(name);
    return filled;
  } finally {
    await client.end();
  }
}

/** Programs that are connected to the database beside the one that asks. */
export async function connectedTo(databaseUrl: string): Promise<number> {
  const client = await connectPg(databaseUrl, () => undefined);
  try {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    return rows[0]!.n;
  } finally {
    await client.end();
  }
}

/** Makes the database of the address where the server has none of that name. @returns whether it was made now */
export async function ensureDatabase(databaseUrl: string): Promise<boolean> {
  const url = new URL(databaseUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  url.pathname = '/postgres';
  const client = await connectPg(url.href, () => undefined);
  try {
    if ((await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount) return false;
    await client.query(`CREATE DATABASE ${quoted(name)}`);
    return true;
  } finally {
    await client.end();
  }
}

/**
 * Fills the database with the backup, whole or not at all: the schema of the backup's own version first, then its rows, compared by count and
 * checksum inside the same transaction, then the migrations that have come since.
 * @param database `overwrite`: what stands in it is dropped. @returns the migrations that were new
 */
export async function restoreDatabase(
  backup: OpenBackup,
  database: { url: string; overwrite?: boolean },
): Promise<{ rows: number; migrated: string[] }> {
  const { manifest } = backup;
  const filled = database.overwrite ? [] : await filledTables(database.url);
  if (filled.length > 0)
    throw new UsageError(
      `The database is not empty (${filled.join(', ')}). Restore into an empty one, or give --force.`,
    );
  const client = await connectPlain(database.url);
  try {
    const stands = await migrationsOf(client);
    if (database.overwrite || stands.some((name) => !manifest.migrations.includes(name)))
      await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await migrate(database.url, manifest.migrations);
    await client.query('BEGIN');
    await fill(client, backup);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
  const { applied } = await migrate(database.url);
  return { rows: manifest.tables.reduce((sum, { rows }) => sum + rows, 0), migrated: applied };
}

/** What our triggers wrote when a row came stands in the backup itself: credits must not be held twice. References are checked all the same. */
async function ownTriggers(
  client: pg.Client,
  tables: readonly { name: string }[],
  state: 'ENABLE' | 'DISABLE',
): Promise<void> {
  for (const { name } of tables) await client.query(`ALTER TABLE ${quoted(name)} ${state} TRIGGER USER`);
}

async function fill(client: pg.Client, backup: OpenBackup): Promise<void> {
  const { tables, sequences } = backup.manifest;
  const shapes = new Map((await tablesOf(client)).map((shape) => [shape.name, shape]));
  const differ = tables.filter(({ name, columns }) => shapes.get(name)?.columns.join() !== columns.join());
  if (differ.length > 0 || shapes.size !== tables.length)
    throw new Error(`The schema differs from the backup’s: ${differ.map(({ name }) => name).join(', ') || 'tables'}.`);
  await ownTriggers(client, tables, 'DISABLE');
  await client.query(`TRUNCATE ${tables.map(({ name }) => quoted(name)).join(', ')}`);
  for (const table of tables) await fillTable(client, table, unpacked(backup, table.file));
  await ownTriggers(client, tables, 'ENABLE');
  for (const { name, value, called } of sequences)
    await client.query('SELECT setval($1::regclass, $2::bigint, $3)', [quoted(name), value, called]);
  for (const { name, rows, sha256 } of tables) {
    const got = await digestOf(client, shapes.get(name)!);
    if (got.rows !== rows || got.sha256 !== sha256)
      throw new Error(`Table ${name} came back with ${got.rows} rows of ${rows}, and another checksum.`);
  }
}

/**
 * What must not go on from where the backup stood: numbers of events, which viewers have seen further, begin a new epoch, so that every page reads
 * its session anew.
 */
export async function beginAfterRestore(databaseUrl: string): Promise<void> {
  const client = await connectPg(databaseUrl, () => undefined);
  try {
    await client.query('UPDATE event_counters SET epoch = epoch + 1');
  } finally {
    await client.end();
  }
}

/** Files of the backup that stand in the data folder already; they would be overwritten. */
export const standingFiles = (backup: OpenBackup, dataDir: string): string[] =>
  backup.manifest.files.map(({ path }) => path).filter((path) => existsSync(join(dataDir, path)));

/** Writes the gateways' state into the data folder. With `overwrite` the state that stands is removed first. */
export async function restoreFiles(backup: OpenBackup, dataDir: string, overwrite: boolean): Promise<number> {
  if (overwrite && backup.manifest.files.some(({ path }) => path.startsWith('gateway/')))
    await rm(join(dataDir, 'gateway'), { recursive: true, force: true });
  for (const { path, file } of backup.manifest.files) {
    const target = join(dataDir, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await pipeline([...unpacked(backup, file), createWriteStream(`${target}.new`, { mode: 0o600, flush: true })]);
    await rename(`${target}.new`, target);
  }
  return backup.manifest.files.length;
}

/**
 * Proves a backup: restores it into a database of its own beside the one that it was taken of, compares, and drops it again.
 * @returns why it could not be tried, where this user may not make a database; null when it is proven
 */
export async function verifyBackup(backup: OpenBackup, databaseUrl: string, now = new Date()): Promise<string | null> {
  await checkFiles(backup);
  const url = new URL(databaseUrl);
  const name = `nocturne_verify_${process.pid}_${now.getTime()}`;
  url.pathname = `/${name}`;
  const client = await connectPg(databaseUrl, () => undefined);
  try {
    await client.query(`CREATE DATABASE ${quoted(name)}`);
  } catch (thrown) {
    await client.end();
    return (thrown as Error).message;
  }
  try {
    await restoreDatabase(backup, { url: url.href });
    await writeManifest(backup.folder, { ...backup.manifest, verified_at: now.toISOString() });
    return null;
  } finally {
    await client.query(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`);
    await client.end();
  }
}

/** The backup that a name means: a backup itself, or a folder of backups, of which the newest is taken. @throws UsageError when there is none */
export async function findBackup(path: string): Promise<string> {
  if (existsSync(join(path, 'manifest.json'))) return path;
  const names = existsSync(path) ? await readdir(path) : [];
  const newest = names
    .filter((name) => /^nocturne-\d{8}T\d{6}Z$/.test(name))
    .sort()
    .at(-1);
  if (!newest) throw new UsageError(`There is no backup at ${path}.`);
  return join(path, newest);
}
