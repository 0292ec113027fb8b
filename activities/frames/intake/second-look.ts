import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { Database } from '../../../platform/database.ts';
import type { Logger } from '../../../platform/logger.ts';
import { eachLimited } from '../../../frames/limited.ts';
import type { FrameStore } from '../../../frames/store/store.ts';
import type { Caller } from '../caller.ts';
import type { Mount } from './mount.ts';
import { mapPath } from './paths.ts';
import { MAY_GROW } from './take.ts';

interface LookDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  mount: Mount;
  maxBytes: number;
}

/** A file that was cut when it was refused, or not there when it was missed, may be whole by now: the last reconciliation looks once more. */
export async function reopen(deps: LookDeps, telescope: Telescope, bookingId: string): Promise<void> {
  const { db, mount, maxBytes } = deps;
  for (const row of await db.frame.findMany({
    where: { bookingId, OR: [{ state: 'rejected', reason: { in: [...MAY_GROW] } }, { state: 'missing' }] },
  })) {
    const mapped = mapPath(row.sourcePath, telescope.path_map);
    const seen = mapped ? await mount.probe(mapped.path, mapped.root, maxBytes).catch(() => null) : null;
    if (seen?.state === 'whole' && seen.hasImage)
      await db.frame.update({ where: { id: row.id }, data: { state: 'pending', reason: null } });
  }
}

/**
 * Frames whose file holds other pixels now than those that were copied: it was still being written when it was taken. They are taken
 * again; the picture that was announced is replaced.
 */
export async function takeChanged(
  deps: LookDeps,
  telescope: Telescope,
  bookingId: string,
  caller: Caller,
): Promise<void> {
  const { db, mount, store, maxBytes } = deps;
  const rows = await db.frame.findMany({
    where: {
      bookingId,
      state: 'archived',
      trashedAt: null,
      purgedAt: null,
      sha256: { not: null },
      archivePath: { not: null },
    },
  });
  await eachLimited(rows, 2, async (row) => {
    caller.heartbeat({ frame: row.id, step: 'compared' });
    caller.signal?.throwIfAborted();
    const mapped = mapPath(row.sourcePath, telescope.path_map);
    const source = mapped ? await mount.probe(mapped.path, mapped.root, maxBytes).catch(() => null) : null;
    if (source?.state !== 'whole' || !source.sample || source.sample.blank) return;
    const copy = await mount.probe(store.path(row.archivePath!), store.root, maxBytes).catch(() => null);
    if (copy?.state !== 'whole' || !copy.sample || copy.sample.stamp === source.sample.stamp) return;
    deps.logger.warn({ frame: row.id, bookingId }, 'the file of a frame holds other pixels now: taken again');
    await db.frame.update({
      where: { id: row.id },
      data: { state: 'pending', reason: null, previewed: false, measured: false },
    });
  });
}
