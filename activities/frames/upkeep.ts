import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { logFrame } from './announce.ts';
import { reasonText } from '../../frames/reasons.ts';
import { toError } from '../../platform/errors.ts';
import type { RemoteStore } from '../../frames/store/remote.ts';
import { hashFile, statOrNull, type FrameStore } from '../../frames/store/store.ts';

export interface UpkeepDeps {
  db: Database;
  store: FrameStore;
  logger: Logger;
  /** Where damaged contents can be had again. */
  remote?: RemoteStore | null;
}
export interface ScrubResult {
  checked: number;
  /** Human names made again from their content, and contents fetched again from their copy. */
  restored: number;
  damaged: string[];
}

const DAY_MS = 86_400_000;
/** A content that was read back and found right is read again after this time. */
const AGAIN_AFTER_MS = 30 * DAY_MS;
const STAGING_AGE_MS = 2 * DAY_MS;

/**
 * Reads archived frames back from the disk and compares them with the hash of their copy: those never read back first, then the longest
 * ago (or with `onlyNew` none of those), until `budgetMs` is used. A damaged frame keeps its place, gets the reason `damaged` and a line in the night log; repeating changes
 * nothing. `alive` is called before each file.
 */
export async function scrubFrames(
  deps: UpkeepDeps,
  budgetMs: number,
  alive: (frameId: string) => void = () => undefined,
  onlyNew = false,
): Promise<ScrubResult> {
  const { db, store } = deps;
  const end = Date.now() + budgetMs;
  const result: ScrubResult = { checked: 0, restored: 0, damaged: [] };
  const seen = new Set<string>();
  for (;;) {
    const rows = await db.frame.findMany({
      where: {
        state: 'archived',
        trashedAt: null,
        sha256: { not: null },
        archivePath: { not: null },
        OR: [{ scrubbedAt: null }, ...(onlyNew ? [] : [{ scrubbedAt: { lt: new Date(Date.now() - AGAIN_AFTER_MS) } }])],
      },
      orderBy: [{ scrubbedAt: { sort: 'asc', nulls: 'first' } }, { archivedAt: 'asc' }],
      take: 50,
    });
    const fresh = rows.filter((row) => !seen.has(row.id));
    if (fresh.length === 0) break;
    for (const row of fresh) {
      if (Date.now() >= end) return result;
      seen.add(row.id);
      alive(row.id);
      result.checked++;
      const state = await checkOne(deps, row);
      if (state === 'restored') result.restored++;
      if (state === 'damaged') {
        result.damaged.push(row.id);
        await markDamaged(deps, row);
      }
      await db.frame.update({ where: { id: row.id }, data: { scrubbedAt: new Date() } });
    }
  }
  await store.sweepStaging(Date.now() - STAGING_AGE_MS);
  return result;
}

async function checkOne({ store, remote, logger }: UpkeepDeps, row: Frame): Promise<'whole' | 'restored' | 'damaged'> {
  const named = store.path(row.archivePath!);
  const object = store.objectPath(row.sha256!);
  if ((await statOrNull(named)) && (await hashFile(named)) === row.sha256) return 'whole';
  if (!(await statOrNull(object)) || (await hashFile(object)) !== row.sha256) {
    if (!remote || !row.copiedAt) return 'damaged';
    try {
      await store.fetchObject(remote, row.sha256!, Number(row.sizeBytes));
    } catch (thrown) {
      logger.warn(
        { frame: row.id, err: toError(thrown).message },
        'a damaged frame could not be fetched from its copy',
      );
      return 'damaged';
    }
  }
  await store.restoreNamed(named, row.sha256!);
  return 'restored';
}

async function markDamaged(deps: UpkeepDeps, row: Frame): Promise<void> {
  deps.logger.error({ frame: row.id, bookingId: row.bookingId }, 'an archived frame is damaged on disk');
  const text = reasonText('damaged');
  await deps.db.$transaction(async (tx) => {
    await tx.frame.update({ where: { id: row.id }, data: { reason: 'damaged' } });
    await logFrame(tx, row, {
      level: 'ERROR',
      event: 'frame_damaged',
      message: `Frame ${row.filename} is damaged in the archive: ${text.en}.`,
      messageFr: `L'image ${row.filename} est endommagée dans l'archive : ${text.fr}.`,
      data: { sha256: row.sha256 },
      at: new Date(),
    });
  });
}
