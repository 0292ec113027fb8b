import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Frame } from '../prisma/client/client.ts';
import { RemoteStore, remoteConfig } from './store/remote.ts';
import { requireStore } from './store/presence.ts';
import { FrameStore } from './store/store.ts';

export interface RestoreResult {
  /** Out of the trash, bytes still here. */
  restored: number;
  /** Fetched back from their copy. */
  fetched: number;
  /** Gone, and no copy to fetch. */
  lost: number;
}

/**
 * Undoes deletion: frames of a booking come back from the trash, or from their copy where the trash is emptied, and the rule leaves this
 * session alone from now on. A repeat changes nothing. @throws StoreAway
 */
export async function restoreFrames(
  deps: {
    db: Database;
    config: Parameters<typeof remoteConfig>[0] & Pick<Config, 'OBSERVATIONS_STORAGE_PATH'>;
    logger: Logger;
  },
  bookingId: string,
): Promise<RestoreResult> {
  const { db, config, logger } = deps;
  const store = new FrameStore(config.OBSERVATIONS_STORAGE_PATH);
  await requireStore(store);
  const settings = remoteConfig(config);
  const remote = settings ? new RemoteStore(settings) : null;
  await db.session.updateMany({ where: { bookingId }, data: { framesKeep: true, framesExpireAt: null } });
  const { count } = await db.frame.updateMany({
    where: { bookingId, trashedAt: { not: null }, purgedAt: null },
    data: { trashedAt: null },
  });
  const result: RestoreResult = { restored: count, fetched: 0, lost: 0 };
  for (const row of await db.frame.findMany({ where: { bookingId, purgedAt: { not: null } } })) {
    try {
      if (!remote || !row.copiedAt) throw new Error('there is no copy');
      const named = await fetchBack(store, remote, row);
      await db.frame.update({
        where: { id: row.id },
        data: {
          purgedAt: null,
          trashedAt: null,
          reason: null,
          archivePath: store.relative(named),
          scrubbedAt: new Date(),
        },
      });
      result.fetched++;
    } catch (thrown) {
      logger.error({ frame: row.id, err: toError(thrown).message }, 'a deleted frame cannot be fetched back');
      result.lost++;
    }
  }
  return result;
}

async function fetchBack(store: FrameStore, remote: RemoteStore, row: Frame): Promise<string> {
  const object = await store.fetchObject(remote, row.sha256!, Number(row.sizeBytes));
  return store.name(store.bookingFolder(row.bookingId!), row.filename, object);
}
