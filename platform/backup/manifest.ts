import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { signatureOf } from './sealed.ts';

const Instant = z.iso.datetime();
const Table = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  file: z.string(),
  rows: z.number().int(),
  /** Of the table's text as COPY writes it in the order of its key, before it is packed. */
  sha256: z.string(),
});
const File = z.object({
  /** Relative to the data folder, with `/`. */
  path: z.string().refine((path) => !path.split('/').includes('..') && !path.startsWith('/'), 'leaves the data folder'),
  file: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
});

/** What a backup holds. It stands beside the files in the clear: names, counts and checksums, nothing of a person. */
export const Manifest = z.object({
  format: z.literal(1),
  made_at: Instant,
  version: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(Table),
  sequences: z.array(z.object({ name: z.string(), value: z.string(), called: z.boolean() })),
  files: z.array(File),
  /** null: not encrypted. */
  seal: z.object({ kdf: z.literal('scrypt'), salt: z.string(), proof: z.string() }).nullable(),
  /** Of everything above, with the key of the seal. */
  signature: z.string().nullable(),
  /** When it was restored into an empty database and compared; null: it was not. */
  verified_at: Instant.nullable(),
});
export type Manifest = z.infer<typeof Manifest>;
export type BackupTable = z.infer<typeof Table>;
export type BackupFile = z.infer<typeof File>;

const NAME = /^nocturne-\d{8}T\d{6}Z$/;
export const backupName = (at: Date): string =>
  `nocturne-${at.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '')}`;

const signed = (manifest: Manifest): string =>
  JSON.stringify({ ...manifest, signature: undefined, verified_at: undefined });
export const signManifest = (manifest: Manifest, key: Buffer | null): Manifest => ({
  ...manifest,
  signature: key && signatureOf(key, signed(manifest)),
});
export const isSignedBy = (manifest: Manifest, key: Buffer): boolean =>
  manifest.signature === signatureOf(key, signed(manifest));

/** Written whole or not at all. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const file = join(folder, 'manifest.json');
  await writeFile(`${file}.new`, `${JSON.stringify(manifest, null, 1)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}
/** @throws UsageError when the folder is none of a backup */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => null);
  if (text === null) throw new UsageError(`${folder} is no backup: it has no manifest.json.`);
  try {
    return Manifest.parse(JSON.parse(text));
  } catch {
    throw new UsageError(`${folder} is no backup that this version reads: its manifest.json is not of format 1.`);
  }
}

export interface KnownBackup {
  folder: string;
  manifest: Manifest;
}
/** Complete backups below a folder, the oldest first; one under way or broken off is none. A folder that is not there has none. */
export async function listBackups(root: string): Promise<KnownBackup[]> {
  const names = await readdir(root).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  const found: KnownBackup[] = [];
  for (const name of names.filter((name) => NAME.test(name)).sort()) {
    const manifest = await readManifest(join(root, name)).catch(() => null);
    if (manifest) found.push({ folder: join(root, name), manifest });
  }
  return found;
}

const DAY_MS = 86_400_000;
/**
 * Removes backups older than `keepDays` and what was broken off more than a day ago. The newest verified one always stays, and the newest of all.
 * @returns the folders that were removed
 */
export async function expireBackups(root: string, keepDays: number, nowMs = Date.now()): Promise<string[]> {
  const known = await listBackups(root);
  const kept = new Set([known.at(-1)?.folder, known.findLast(({ manifest }) => manifest.verified_at)?.folder]);
  const old = known.filter(
    ({ folder, manifest }) => !kept.has(folder) && Date.parse(manifest.made_at) < nowMs - keepDays * DAY_MS,
  );
  const removed = old.map(({ folder }) => folder);
  for (const name of await readdir(root)) {
    if (!/^nocturne-\d{8}T\d{6}Z\.partial$/.test(name)) continue;
    const { mtimeMs } = await stat(join(root, name));
    if (mtimeMs < nowMs - DAY_MS) removed.push(join(root, name));
  }
  for (const folder of removed) await rm(folder, { recursive: true, force: true });
  return removed;
}
