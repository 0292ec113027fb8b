import { readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DEMO_PREFIX, DEMO_USER } from '../domain/demo.ts';
import { FrameStore } from '../frames/store/store.ts';
import { connectPg } from '../platform/database.ts';

/** Demo nights whose frames are kept, the newest first. A night of twenty minutes has about 600 MB in the store. */
const NIGHTS_KEPT = 2;
/** What the simulated camera wrote is copied to the store within seconds; older files of its own go. */
const SOURCE_KEPT_MS = 30 * 60_000;

/** Keeps the demo's disk bounded: frames and previews of older demo nights go, as the rule of deletion would let them go; every other booking's stay. */
export async function trimDemo(databaseUrl: string, storagePath: string, simulatorDir: string | null): Promise<number> {
  const store = new FrameStore(storagePath);
  const client = await connectPg(databaseUrl, () => undefined);
  try {
    const old = await client.query<{ id: string; archive_path: string; sha256: string }>(
      `WITH gone AS (SELECT id FROM bookings WHERE user_ref = $1 AND id LIKE $2 ORDER BY starts_at DESC OFFSET $3)
       UPDATE frames f SET trashed_at = now(), purged_at = now(), reason = 'expired', archive_path = NULL, previewed = false, preview_path = NULL, thumbnail_path = NULL
       FROM frames before WHERE before.id = f.id AND f.booking_id IN (SELECT id FROM gone) AND f.purged_at IS NULL AND f.archive_path IS NOT NULL
       RETURNING f.id, before.archive_path, f.sha256`,
      [DEMO_USER, `${DEMO_PREFIX}%`, NIGHTS_KEPT],
    );
    for (const frame of old.rows) {
      await rm(store.path(frame.archive_path), { force: true });
      await rm(store.derivedFolder(frame.id), { recursive: true, force: true });
      const others = await client.query(
        `SELECT 1 FROM frames WHERE sha256 = $1 AND purged_at IS NULL AND state = 'archived' LIMIT 1`,
        [frame.sha256],
      );
      if (others.rowCount === 0) await store.removeObject(frame.sha256);
    }
    if (simulatorDir) removeOldSources(join(simulatorDir, 'fits'), Date.now() - SOURCE_KEPT_MS);
    return old.rows.length;
  } finally {
    await client.end();
  }
}

function removeOldSources(folder: string, beforeMs: number): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && found.mtimeMs < beforeMs) rmSync(path, { force: true });
  }
}
