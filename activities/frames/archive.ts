import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FinaliseActivities } from '../../domain/ports.ts';
import { listFrames, sumsOf } from '../../frames/archive.ts';
import { writeWhole } from '../../frames/files.ts';
import { FrameStore, statOrNull } from '../../frames/store/store.ts';
import { ensureTimelapse } from '../../frames/timelapse.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { currentCaller } from './caller.ts';
import { storeOrAlert } from './store-alert.ts';

export type ArchiveActivities = Pick<FinaliseActivities, 'buildArchive'>;

/** Manifest and checksums beside the human-named files; a repeat writes the same. */
export function createArchiveActivities(deps: {
  db: Database;
  config: Pick<Config, 'OBSERVATIONS_STORAGE_PATH'>;
  logger: Logger;
}): ArchiveActivities {
  const store = new FrameStore(deps.config.OBSERVATIONS_STORAGE_PATH);
  return {
    buildArchive: async ({ bookingId }) => {
      await storeOrAlert(deps.db, store);
      const mend = async (row: Frame): Promise<boolean> => {
        const object = await statOrNull(store.objectPath(row.sha256!));
        const whole = object?.size === Number(row.sizeBytes);
        deps.logger.warn(
          { bookingId, frame: row.id, whole },
          whole ? 'a file of the archive is made again from the store' : 'a file of the archive is missing or cut',
        );
        if (whole) await store.restoreNamed(store.path(row.archivePath!), row.sha256!);
        return whole;
      };
      const listed = await listFrames(deps.db, store, bookingId, mend);
      const folder = store.bookingFolder(bookingId);
      await mkdir(folder, { recursive: true });
      const files = listed?.manifest.files ?? [];
      if (listed)
        await writeWhole(join(folder, 'manifest.json'), Buffer.from(`${JSON.stringify(listed.manifest, null, 2)}\n`));
      await writeWhole(join(folder, 'SHA256SUMS'), Buffer.from(sumsOf(files)));
      // The archive is whole without it.
      await ensureTimelapse(deps.db, store, bookingId, () => currentCaller().heartbeat({ timelapse: bookingId })).catch(
        (thrown: unknown) => deps.logger.warn({ bookingId, err: toError(thrown).message }, 'no timelapse'),
      );
      return { archivePath: folder, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
    },
  };
}
