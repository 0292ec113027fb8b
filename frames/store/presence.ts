import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../../platform/database.ts';

/**
 * Whether the store's disk is there, shown by a file in its root. An unmounted disk leaves an empty folder, in which every frame would look lost
 * and every copy would fill the wrong disk.
 */
export const MARKER = '.nocturne-store';
const MARKER_TEXT =
  'This folder is the frame store of nocturne. Without this file nothing is read, written or judged here.\n';
/** Frames looked for in a folder without marker, to tell a store of an older version from the empty place of one. */
const SAMPLE = 20;

/** The store's disk is not there: an outage that passes, never the loss of a frame. */
export class StoreAway extends Error {
  override name = 'StoreAway';
  constructor(root: string, options?: ErrorOptions) {
    super(
      `store_away: the frame store is not at ${root}: mount its disk again (if this is the store, create ${MARKER} in it)`,
      options,
    );
  }
}

/** What of a store its disk is known by. */
interface Place {
  readonly root: string;
  path(stored: string): string;
  objectPath(sha256: string): string;
}

/** What the system answers where a path leads nowhere. Any other error says nothing about whether the file exists. */
const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR']);
export const isAbsence = (thrown: unknown): boolean =>
  NOTHING_THERE.has((thrown as NodeJS.ErrnoException | null)?.code ?? '');

/** Whether the marker stands. @throws StoreAway when that cannot be told */
export async function storeStands(store: Pick<Place, 'root'>): Promise<boolean> {
  try {
    return (await stat(join(store.root, MARKER))).isFile();
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw new StoreAway(store.root, { cause: thrown });
  }
}

/** @throws StoreAway when the store's disk is not there */
export async function requireStore(store: Pick<Place, 'root'>): Promise<void> {
  if (!(await storeStands(store))) throw new StoreAway(store.root);
}

/**
 * The same, for whoever may begin a store: a folder becomes one when the database knows no archived content, or when contents that it
 * knows lie in it.
 * @throws StoreAway
 */
export async function openStore(db: Database, store: Place): Promise<void> {
  if (await storeStands(store)) return;
  const known = await db.frame.findMany({
    where: { state: 'archived', sha256: { not: null }, archivePath: { not: null } },
    orderBy: { archivedAt: 'desc' },
    take: SAMPLE,
    select: { sha256: true, archivePath: true },
  });
  const found = await Promise.all(
    known.flatMap((row) => [store.path(row.archivePath!), store.objectPath(row.sha256!)]).map((path) => exists(path)),
  );
  if (known.length > 0 && !found.includes(true)) throw new StoreAway(store.root);
  await mkdir(store.root, { recursive: true });
  await writeFile(join(store.root, MARKER), MARKER_TEXT, { flag: 'wx' }).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw thrown;
  }
}
