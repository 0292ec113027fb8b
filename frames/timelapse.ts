import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../platform/database.ts';
import { writeWhole } from './files.ts';
import { requireStore } from './store/presence.ts';
import { statOrNull, type FrameStore } from './store/store.ts';

/** Frames in a timelapse at most, evenly out of the night; bounds memory (80 pictures of 640 × 640) and length (12 s). */
export const TIMELAPSE_FRAMES = 80;
export const TIMELAPSE_SIDE = 640;
const FRAME_MS = 150;
const LAST_FRAME_MS = 1_500;

const folderOf = (store: FrameStore): string => join(store.root, 'derived', 'timelapse');

/** Previews that a booking's timelapse is made of, in the order of the night; fewer than two make none. */
async function previewsOf(db: Database, bookingId: string): Promise<string[]> {
  const rows = await db.frame.findMany({
    where: { bookingId, type: 'LIGHT', state: 'archived', previewed: true, previewPath: { not: null } },
    orderBy: [{ capturedAt: 'asc' }, { id: 'asc' }],
    select: { previewPath: true },
  });
  if (rows.length <= TIMELAPSE_FRAMES) return rows.map((row) => row.previewPath!);
  return Array.from(
    { length: TIMELAPSE_FRAMES },
    (_, i) => rows[Math.round((i * (rows.length - 1)) / (TIMELAPSE_FRAMES - 1))]!.previewPath!,
  );
}

/** Where the timelapse of these frames stands or will stand; another night's worth of frames has another name. */
const pathOf = (store: FrameStore, bookingId: string, previews: readonly string[]): string =>
  join(
    folderOf(store),
    `${bookingId}-${createHash('sha256').update(previews.join('\n')).digest('hex').slice(0, 12)}.webp`,
  );

/**
 * The night as an animated WebP out of the previews, made anew when frames have come; null with fewer than two. Each picture keeps its own stretch,
 * as in the list.
 * @throws StoreAway
 */
export async function ensureTimelapse(
  db: Database,
  store: FrameStore,
  bookingId: string,
  alive: () => void = () => undefined,
): Promise<string | null> {
  const previews = await previewsOf(db, bookingId);
  if (previews.length < 2) return null;
  await requireStore(store);
  const path = pathOf(store, bookingId, previews);
  if (await statOrNull(path)) return path;
  const { default: sharp } = await import('sharp');
  const first = await sharp(store.path(previews[0]!)).metadata();
  const shrink = Math.min(1, TIMELAPSE_SIDE / Math.max(first.width, first.height));
  const size = {
    width: Math.max(1, Math.round(first.width * shrink)),
    height: Math.max(1, Math.round(first.height * shrink)),
  };
  const pictures: Buffer[] = [];
  for (const preview of previews) {
    alive();
    pictures.push(
      await sharp(store.path(preview))
        .resize({ ...size, fit: 'contain', background: '#000' })
        .toColourspace('srgb')
        .jpeg({ quality: 92 })
        .toBuffer(),
    );
  }
  const delay = pictures.map((_, i) => (i === pictures.length - 1 ? LAST_FRAME_MS : FRAME_MS));
  const webp = await sharp(pictures, { join: { animated: true } })
    .webp({ quality: 70, effort: 2, loop: 0, delay })
    .toBuffer();
  alive();
  await mkdir(folderOf(store), { recursive: true });
  await writeWhole(path, webp);
  for (const name of await readdir(folderOf(store)))
    if (
      name.endsWith('.webp') &&
      name.slice(0, -'-0123456789ab.webp'.length) === bookingId &&
      join(folderOf(store), name) !== path
    )
      await rm(join(folderOf(store), name), { force: true });
  return path;
}
