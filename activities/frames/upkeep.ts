import { rm } from 'node:fs/promises';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { logFrame } from './announce.ts';
import { reasonText } from '../../frames/reasons.ts';
import { toError } from '../../platform/errors.ts';
import type { RemoteStore } from '../../frames/store/remote.ts';
import { StoreAway } from '../../frames/store/presence.ts';
import { alertOfStore, storeOrAlert } from './store-alert.ts';
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
  /** Frames that were called damaged and are whole. */
  revised: number;
  damaged: string[];
  /** Frames that could not be judged: the system did not say whether their file is there. */
  unjudged: number;
  /** So many were lost at once that no frame was judged: a fault of the disk, and the operator's affair. */
  stopped: boolean;
}

const DAY_MS = 86_400_000;
/** A content that was read back and found right is read again after this time. */
const AGAIN_AFTER_MS = 30 * DAY_MS;
/** A frame that was found damaged is looked at again by each pass: what was away may be back. */
const DAMAGED_AGAIN_MS = 3_600_000;
const STAGING_AGE_MS = 2 * DAY_MS;
/** Losses above this number and this share of the frames read are no accident of single files. */
const FEW_LOSSES = 5;
const MOST_LOST = 0.2;
/** The share is not asked for before so many have been read. */
const FAIR_SAMPLE = 25;
/** Frames without a verdict that one pass keeps in mind. */
const MOST_HELD = 10_000;
/** A file of this name in the store's root says that the operator knows of the losses: the next pass judges them. */
export const LOSSES_ACCEPTED = 'accept-losses';

type Verdict = 'whole' | 'restored' | 'damaged' | 'unjudged';

/**
 * Reads archived frames back, never-read ones first and then the oldest (`onlyNew`: the former alone), until `budgetMs` is used; `alive` is called
 * before each. A damaged frame keeps its place with the reason `damaged`, a mended one loses it, and nothing is judged where too many would be bad.
 * @throws StoreAway, before anything is judged
 */
export async function scrubFrames(
  deps: UpkeepDeps,
  budgetMs: number,
  alive: (frameId: string) => void = () => undefined,
  onlyNew = false,
): Promise<ScrubResult> {
  const { db, store } = deps;
  await storeOrAlert(db, store);
  const end = Date.now() + budgetMs;
  const result: ScrubResult = { checked: 0, restored: 0, revised: 0, damaged: [], unjudged: 0, stopped: false };
  const accepted = await statOrNull(store.path(LOSSES_ACCEPTED));
  const lost: Frame[] = [];
  const tooMany = (): boolean => {
    const bad = lost.filter((row) => row.reason !== 'damaged').length + result.unjudged;
    return !accepted && bad >= FEW_LOSSES && bad > MOST_LOST * result.checked;
  };
  /** Frames of this pass that have no verdict yet, and so would be found again. */
  const held = new Set<string>();
  for await (const row of framesToRead(deps, onlyNew, held)) {
    if (Date.now() >= end || (result.checked >= FAIR_SAMPLE && tooMany())) break;
    alive(row.id);
    result.checked++;
    const verdict = await checkOne(deps, row);
    if (verdict === 'unjudged' || verdict === 'damaged') {
      held.add(row.id);
      if (verdict === 'damaged') lost.push(row);
      else result.unjudged++;
    } else {
      if (verdict === 'restored') result.restored++;
      if (row.reason === 'damaged') result.revised++;
      await passOne(deps, row);
    }
  }
  await storeOrAlert(db, store);
  if (tooMany()) {
    await stopFor(deps, lost.length, result);
    return { ...result, stopped: true };
  }
  for (const row of lost) {
    result.damaged.push(row.id);
    await markDamaged(deps, row);
  }
  if (accepted) await rm(store.path(LOSSES_ACCEPTED), { force: true });
  await store.sweepStaging(Date.now() - STAGING_AGE_MS);
  return result;
}

/** Archived frames whose turn it is, each once. */
async function* framesToRead({ db }: UpkeepDeps, onlyNew: boolean, held: ReadonlySet<string>): AsyncGenerator<Frame> {
  const seen = new Set<string>();
  while (held.size < MOST_HELD) {
    const rows = await db.frame.findMany({
      where: {
        state: 'archived',
        trashedAt: null,
        sha256: { not: null },
        archivePath: { not: null },
        id: { notIn: [...held] },
        OR: [
          { scrubbedAt: null },
          { reason: 'damaged', scrubbedAt: { lt: new Date(Date.now() - DAMAGED_AGAIN_MS) } },
          ...(onlyNew ? [] : [{ scrubbedAt: { lt: new Date(Date.now() - AGAIN_AFTER_MS) } }]),
        ],
      },
      orderBy: [{ scrubbedAt: { sort: 'asc', nulls: 'first' } }, { archivedAt: 'asc' }],
      take: 50,
    });
    const fresh = rows.filter((row) => !seen.has(row.id));
    if (fresh.length === 0) return;
    for (const row of fresh) {
      seen.add(row.id);
      yield row;
    }
  }
}

async function checkOne(deps: UpkeepDeps, row: Frame): Promise<Verdict> {
  try {
    return await readBack(deps, row);
  } catch (thrown) {
    // No descriptor left, no right to read, a disk that answers with errors: nothing is known of the frame.
    if (thrown instanceof StoreAway) throw thrown;
    deps.logger.error({ frame: row.id, err: toError(thrown).message }, 'an archived frame could not be read back');
    return 'unjudged';
  }
}

async function readBack({ db, store, remote, logger }: UpkeepDeps, row: Frame): Promise<Verdict> {
  const named = store.path(row.archivePath!);
  const object = store.objectPath(row.sha256!);
  if ((await statOrNull(named)) && (await hashFile(named)) === row.sha256) return 'whole';
  if (!(await statOrNull(object)) || (await hashFile(object)) !== row.sha256) {
    await storeOrAlert(db, store);
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

/** Too many losses for single files: nobody is told that a frame is damaged, the operator is told that the disk is. */
async function stopFor(deps: UpkeepDeps, lost: number, { checked, unjudged }: ScrubResult): Promise<void> {
  const { db, store, logger } = deps;
  logger.error({ lost, unjudged, checked }, 'reading back stopped: too many frames are lost at once');
  await alertOfStore(
    db,
    'frames_lost',
    `Of ${checked} archived frames that were read back, ${lost} are missing or damaged and ${unjudged} could not be read. No frame was marked. Look at the disk of ${store.root}; when the frames are lost for good, create the file ${LOSSES_ACCEPTED} in that folder, and the next pass marks them.`,
  );
}

/** A frame that is whole: the day is noted, and a verdict of before is taken back. */
async function passOne({ db }: UpkeepDeps, row: Frame): Promise<void> {
  await db.$transaction(async (tx) => {
    await tx.frame.update({
      where: { id: row.id },
      data: { scrubbedAt: new Date(), ...(row.reason === 'damaged' ? { reason: null } : {}) },
    });
    if (row.reason === 'damaged')
      await logFrame(tx, row, {
        level: 'INFO',
        event: 'frame_whole',
        message: `Frame ${row.filename} is whole: it was wrongly called damaged.`,
        messageFr: `L'image ${row.filename} est intacte : elle avait été déclarée endommagée à tort.`,
        data: { sha256: row.sha256 },
        at: new Date(),
      });
  });
}

async function markDamaged(deps: UpkeepDeps, row: Frame): Promise<void> {
  if (row.reason !== 'damaged')
    deps.logger.error({ frame: row.id, bookingId: row.bookingId }, 'an archived frame is damaged on disk');
  const text = reasonText('damaged');
  await deps.db.$transaction(async (tx) => {
    await tx.frame.update({ where: { id: row.id }, data: { reason: 'damaged', scrubbedAt: new Date() } });
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
