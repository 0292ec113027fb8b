import { rm } from 'node:fs/promises';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { channelsFor } from '../../domain/messages/table.ts';
import type { KeepingActivities } from '../../domain/ports.ts';
import { appendLog } from '../session/records.ts';
import { buildManifest } from '../../frames/archive.ts';
import { currentCaller } from './caller.ts';
import { forecastDisk } from './forecast.ts';
import { RemoteStore, remoteConfig } from '../../frames/store/remote.ts';
import { FrameStore } from '../../frames/store/store.ts';
import { requireStore } from '../../frames/store/presence.ts';
import { storeOrAlert } from './store-alert.ts';
import { scrubFrames } from './upkeep.ts';

export interface KeepingDeps {
  db: Database;
  config: Pick<
    Config,
    | 'OBSERVATIONS_STORAGE_PATH'
    | 'S3_ENDPOINT'
    | 'S3_BUCKET'
    | 'S3_REGION'
    | 'S3_ACCESS_KEY_ID'
    | 'S3_SECRET_ACCESS_KEY'
    | 'FRAMES_KEEP_DAYS'
    | 'FRAMES_DELETE_WITHOUT_COPY'
  >;
  logger: Logger;
  now?: () => number;
}

const DAY_MS = 86_400_000;
/** A session's frames are announced this long before they go, and lie in the trash this long after (docs/frames.md). */
export const NOTICE_DAYS = 14;
export const TRASH_DAYS = 14;
const REASON_EXPIRED = 'expired';

/**
 * What keeps the archive: reading back, copying elsewhere, deleting by rule, looking ahead at the disk. Each is a pass that may be
 * repeated and cut off at any time; none can hold up a night.
 */
export function createKeepingActivities(deps: KeepingDeps): KeepingActivities {
  const { db, logger, config } = deps;
  const now = deps.now ?? Date.now;
  const store = new FrameStore(config.OBSERVATIONS_STORAGE_PATH);
  const settings = remoteConfig(config);
  const remote = settings ? new RemoteStore(settings) : null;
  return {
    scrubFrames: ({ budgetSeconds, onlyNew }) => {
      const caller = currentCaller();
      return scrubFrames(
        { db, store, logger, remote },
        budgetSeconds * 1000,
        (frameId) => caller.heartbeat({ frame: frameId }),
        onlyNew,
      );
    },
    copyFrames: async ({ budgetSeconds }) => {
      if (!remote) return { copied: 0, known: 0, failed: 0, waiting: 0 };
      await storeOrAlert(db, store);
      return copyFrames(deps, store, remote, Date.now() + budgetSeconds * 1000);
    },
    expireFrames: async () => {
      await storeOrAlert(db, store);
      return {
        announced: await announce(deps, now()),
        trashed: await moveToTrash(deps, now()),
        purged: await purge(deps, store, remote, now()),
      };
    },
    forecastDisk: async () => {
      await storeOrAlert(db, store);
      return forecastDisk(db, store, now());
    },
  };
}

/** Copies what has no verified copy yet, oldest first, and then the manifests of sessions that are complete there. */
async function copyFrames(
  deps: KeepingDeps,
  store: FrameStore,
  remote: RemoteStore,
  deadline: number,
): Promise<{ copied: number; known: number; failed: number; waiting: number }> {
  const { db, logger } = deps;
  const caller = currentCaller();
  const result = { copied: 0, known: 0, failed: 0, waiting: 0 };
  const where = {
    state: 'archived',
    copiedAt: null,
    purgedAt: null,
    archivePath: { not: null },
    sha256: { not: null },
  } as const;
  const touched = new Set<string>();
  const failed: string[] = [];
  while (Date.now() < deadline && failed.length < 3) {
    caller.signal?.throwIfAborted();
    const row = await db.frame.findFirst({
      where: { ...where, id: { notIn: failed }, OR: [{ reason: null }, { reason: { not: 'damaged' } }] },
      orderBy: [{ archivedAt: 'asc' }, { id: 'asc' }],
    });
    if (!row) break;
    caller.heartbeat({ frame: row.id });
    try {
      const done = await remote.put(RemoteStore.objectKey(row.sha256!), store.path(row.archivePath!), row.sha256!);
      await db.frame.update({ where: { id: row.id }, data: { copiedAt: new Date() } });
      result[done === 'stored' ? 'copied' : 'known']++;
      if (row.bookingId) touched.add(row.bookingId);
    } catch (thrown) {
      logger.warn({ frame: row.id, err: toError(thrown).message }, 'frame not copied yet');
      failed.push(row.id);
      result.failed++;
    }
  }
  for (const bookingId of touched) {
    if ((await db.frame.count({ where: { ...where, bookingId } })) > 0) continue;
    const manifest = await buildManifest(db, store, bookingId);
    if (!manifest) continue;
    await remote
      .putText(`bookings/${encodeURIComponent(bookingId)}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`)
      .catch((thrown: unknown) => logger.warn({ bookingId, err: toError(thrown).message }, 'manifest not copied'));
  }
  result.waiting = await db.frame.count({ where });
  return result;
}

/** Sessions whose time comes within the notice: told once, with the day; the day is never nearer than the whole notice. */
async function announce(deps: KeepingDeps, now: number): Promise<string[]> {
  const { db, config } = deps;
  if (config.FRAMES_KEEP_DAYS === undefined) return [];
  const keepMs = config.FRAMES_KEEP_DAYS * DAY_MS;
  const due = await db.$queryRaw<{ id: string; telescopeId: string; endsAt: Date }[]>`
    SELECT b.id, b.telescope_id AS "telescopeId", b.ends_at AS "endsAt" FROM bookings b JOIN sessions s ON s.booking_id = b.id
    WHERE b.ends_at <= ${new Date(now - keepMs + NOTICE_DAYS * DAY_MS)} AND s.frames_expire_at IS NULL AND NOT s.frames_keep AND s.phase = ANY(${[...FINAL_PHASES]})
      AND EXISTS (SELECT 1 FROM frames f WHERE f.booking_id = b.id AND f.state = 'archived' AND f.trashed_at IS NULL AND f.purged_at IS NULL)
    ORDER BY b.ends_at LIMIT 500`;
  const told: string[] = [];
  for (const booking of due) {
    const expires = new Date(Math.max(booking.endsAt.getTime() + keepMs, now + NOTICE_DAYS * DAY_MS));
    const scope = { bookingId: booking.id, telescopeId: booking.telescopeId };
    const frames = await db.frame.count({ where: { bookingId: booking.id, state: 'archived', trashedAt: null } });
    await db.$transaction(async (tx) => {
      const { count } = await tx.session.updateMany({
        where: { bookingId: booking.id, framesExpireAt: null, framesKeep: false },
        data: { framesExpireAt: expires },
      });
      if (count === 0) return;
      await appendLog(tx, scope, `expiry/${expires.getTime()}`, new Date(now), {
        level: 'INFO',
        event: 'frames_expiring',
        message: `${frames} frames will be deleted on ${expires.toISOString().slice(0, 10)}.`,
        messageFr: `${frames} images seront supprimées le ${expires.toISOString().slice(0, 10)}.`,
        data: { expires_at: expires.toISOString() },
      });
      await enqueueOutbox(tx, {
        key: `images.expiring/${expires.getTime()}`,
        type: 'images.expiring',
        ...scope,
        data: { expires_at: expires.toISOString(), images: frames },
        channels: channelsFor('images.expiring'),
      });
      told.push(booking.id);
    });
  }
  return told;
}

/** Frames whose day has come leave lists and downloads; their bytes stay for the time of the trash. Frames without a verified copy stay, as the rule says. */
async function moveToTrash(deps: KeepingDeps, now: number): Promise<number> {
  const { db, config } = deps;
  if (config.FRAMES_KEEP_DAYS === undefined) return 0;
  const sessions = await db.session.findMany({
    where: { framesExpireAt: { lte: new Date(now) }, framesKeep: false },
    select: { bookingId: true },
    take: 500,
  });
  const { count } = await db.frame.updateMany({
    where: {
      bookingId: { in: sessions.map((s) => s.bookingId) },
      state: 'archived',
      trashedAt: null,
      purgedAt: null,
      ...(config.FRAMES_DELETE_WITHOUT_COPY ? {} : { copiedAt: { not: null } }),
    },
    data: { trashedAt: new Date(now) },
  });
  return count;
}

/** Bytes of frames that have lain in the trash long enough go; where the rule asks for a copy, it is looked at once more before. */
async function purge(deps: KeepingDeps, store: FrameStore, remote: RemoteStore | null, now: number): Promise<number> {
  const { db, config, logger } = deps;
  const caller = currentCaller();
  const rows = await db.frame.findMany({
    where: {
      trashedAt: { lte: new Date(now - TRASH_DAYS * DAY_MS) },
      purgedAt: null,
      archivePath: { not: null },
      sha256: { not: null },
    },
    orderBy: { trashedAt: 'asc' },
    take: 1_000,
  });
  let purged = 0;
  for (const row of rows) {
    caller.heartbeat({ frame: row.id });
    caller.signal?.throwIfAborted();
    if (!config.FRAMES_DELETE_WITHOUT_COPY) {
      const stands = await remote
        ?.verify(RemoteStore.objectKey(row.sha256!), row.sha256!, Number(row.sizeBytes))
        .catch(() => false);
      if (!stands) {
        logger.warn({ frame: row.id }, 'frame stays in the trash: its copy cannot be confirmed');
        continue;
      }
    }
    await requireStore(store);
    // The row first: an undo that comes now finds either a whole frame or one that is gone, never half.
    const { count } = await db.frame.updateMany({
      where: { id: row.id, trashedAt: { not: null }, purgedAt: null },
      data: { purgedAt: new Date(now), archivePath: null, reason: REASON_EXPIRED },
    });
    if (count === 0) continue;
    await rm(store.path(row.archivePath!), { force: true });
    const others = await db.frame.count({ where: { sha256: row.sha256, purgedAt: null, state: 'archived' } });
    if (others === 0) await store.removeObject(row.sha256!);
    purged++;
  }
  return purged;
}
