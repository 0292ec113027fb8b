import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { projectPath } from '../paths.ts';
import {
  backupName,
  signManifest,
  writeManifest,
  type BackupFile,
  type BackupTable,
  type Manifest,
} from './manifest.ts';
import { newSeal, sealStream } from './sealed.ts';
import { Tally, connectPlain, migrationsOf, readTable, sequencesOf, tablesOf } from './tables.ts';

export interface BackupOptions {
  databaseUrl: string;
  /** Where the gateways keep their grants and journals, below `gateway/`; what is not there is left out. */
  dataDir: string;
  /** The backup is a folder of its own below it. */
  root: string;
  /** Seals every file; without one they lie open, and the installation's own secrets stay out. */
  passphrase?: string | undefined;
  now?: Date;
}

/**
 * A backup of PostgreSQL as it is at one instant and of the gateways' state: a folder that appears when it is whole, on the disk and counted. Writers go
 * on meanwhile.
 */
export async function makeBackup(options: BackupOptions): Promise<{ folder: string; manifest: Manifest }> {
  const { databaseUrl, dataDir, root, passphrase } = options;
  const now = options.now ?? new Date();
  const folder = join(root, backupName(now));
  const partial = `${folder}.partial`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  await mkdir(partial, { mode: 0o700 });
  const sealed = passphrase ? newSeal(passphrase) : null;
  const key = sealed?.key ?? null;
  try {
    const database = await saveDatabase(databaseUrl, partial, key);
    const manifest = signManifest(
      {
        format: 1,
        made_at: now.toISOString(),
        version: (JSON.parse(await readFile(projectPath('package.json'), 'utf8')) as { version: string }).version,
        ...database,
        files: await saveFiles(dataDir, partial, key),
        seal: sealed?.seal ?? null,
        signature: null,
        verified_at: null,
      },
      key,
    );
    await writeManifest(partial, manifest);
    await rename(partial, folder);
    return { folder, manifest };
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true });
    throw thrown;
  }
}

async function saveDatabase(
  databaseUrl: string,
  folder: string,
  key: Buffer | null,
): Promise<Pick<Manifest, 'migrations' | 'tables' | 'sequences'>> {
  const client = await connectPlain(databaseUrl);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const tables: BackupTable[] = [];
    for (const shape of await tablesOf(client)) {
      const file = `table.${shape.name}.gz`;
      const { rows, sha256 } = await pack(readTable(client, shape), folder, file, key);
      tables.push({ name: shape.name, columns: shape.columns, file, rows, sha256 });
    }
    return { migrations: await migrationsOf(client), tables, sequences: await sequencesOf(client) };
  } finally {
    await client.end();
  }
}

async function saveFiles(dataDir: string, folder: string, key: Buffer | null): Promise<BackupFile[]> {
  const all = await filesBelow(join(dataDir, 'gateway'));
  // It opens what is sealed in the tables and signs tokens: never in a file that lies open.
  const secrets = join(dataDir, 'secrets.json');
  if (key && (await stat(secrets).catch(() => null))) all.push(secrets);
  const files: BackupFile[] = [];
  for (const path of all) {
    const file = `file.${files.length}.gz`;
    const packed = await pack(createReadStream(path), folder, file, key).catch((thrown: NodeJS.ErrnoException) => {
      // A segment of the journal that was delivered and removed a moment ago.
      if (thrown.code === 'ENOENT') return null;
      throw thrown;
    });
    if (!packed) continue;
    files.push({
      path: relative(dataDir, path).split(sep).join('/'),
      file,
      bytes: packed.bytes,
      sha256: packed.sha256,
    });
  }
  return files;
}
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT') return [];
      throw thrown;
    },
  );
  return entries
    .filter((entry) => entry.isFile() && !/\.(new|tmp|lock|pid)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Packs, seals and writes one stream, and waits until it is on the disk. */
async function pack(
  source: Readable,
  folder: string,
  file: string,
  key: Buffer | null,
): Promise<{ rows: number; bytes: number; sha256: string }> {
  const tally = new Tally();
  const out = createWriteStream(join(folder, file), { mode: 0o600, flush: true });
  await (key
    ? pipeline(source, tally, createGzip(), sealStream(key, file), out)
    : pipeline(source, tally, createGzip(), out));
  return { rows: tally.rows, bytes: tally.bytes, sha256: tally.digest() };
}
