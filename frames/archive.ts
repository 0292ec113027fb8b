import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Database } from '../platform/database.ts';
import type { Frame } from '../prisma/client/client.ts';
import { metadataOf } from './metadata.ts';
import { crc32 } from './store/crc32.ts';
import { isAbsence, requireStore } from './store/presence.ts';
import { FrameStore, statOrNull } from './store/store.ts';
import { ZipLayout, type ZipEntry } from './store/zip.ts';

export interface ManifestFile {
  /** Path inside the booking's folder and inside the ZIP. */
  name: string;
  bytes: number;
  sha256: string;
  type: string;
  filter: string | null;
  exposure_seconds: number | null;
  captured_at: string | null;
  frame_id: string;
}
export interface Manifest {
  format: 'nocturne-archive';
  version: 1;
  booking_id: string;
  telescope_id: string;
  files: ManifestFile[];
  /** Frames that are not in the archive, with the reason for each. */
  absent: { filename: string; state: string; reason: string | null }[];
}

interface Listed {
  manifest: Manifest;
  frames: Frame[];
}

/** Whether a frame's bytes stand under its human name, as long as they should be. @throws StoreAway when the store itself is not there */
async function stands(store: FrameStore, row: Frame): Promise<boolean> {
  const found = await statOrNull(store.path(row.archivePath!));
  if (!found) await requireStore(store);
  return found?.size === Number(row.sizeBytes);
}

/**
 * Frames of a booking that can be handed out, and what became of the others; null when there is no such booking. A frame that the scrub
 * found damaged, or whose file is gone or cut, is named with that reason and holds up none of the others.
 * @param mend called with a frame that does not stand; true when it does afterwards
 */
export async function listFrames(
  db: Database,
  store: FrameStore,
  bookingId: string,
  mend: (row: Frame) => Promise<boolean> = () => Promise.resolve(false),
): Promise<Listed | null> {
  const booking = await db.booking.findUnique({ where: { id: bookingId }, select: { telescopeId: true } });
  if (!booking) return null;
  const rows = await db.frame.findMany({
    where: { bookingId, trashedAt: null },
    orderBy: [{ capturedAt: 'asc' }, { id: 'asc' }],
  });
  const frames: Frame[] = [];
  const absent: Manifest['absent'] = [];
  for (const row of rows) {
    const whole =
      row.state === 'archived' &&
      row.archivePath &&
      row.sha256 &&
      row.reason !== 'damaged' &&
      ((await stands(store, row)) || (await mend(row)));
    if (whole) frames.push(row);
    else
      absent.push({
        filename: row.filename,
        state: row.state,
        reason: row.state === 'archived' && row.archivePath ? 'damaged' : row.reason,
      });
  }
  return {
    frames,
    manifest: {
      format: 'nocturne-archive',
      version: 1,
      booking_id: bookingId,
      telescope_id: booking.telescopeId,
      files: frames.map((row) => describe(row, basename(store.path(row.archivePath!)))),
      absent,
    },
  };
}

function describe(row: Frame, name: string): ManifestFile {
  return {
    name,
    bytes: Number(row.sizeBytes ?? 0),
    sha256: row.sha256!,
    type: row.type,
    filter: row.filter,
    exposure_seconds: row.exposure,
    captured_at: row.capturedAt?.toISOString() ?? null,
    frame_id: row.id,
  };
}

/** What the archive of a booking holds; null when there is no such booking. */
export const buildManifest = async (db: Database, store: FrameStore, bookingId: string): Promise<Manifest | null> =>
  (await listFrames(db, store, bookingId))?.manifest ?? null;

/** The text of SHA256SUMS, as `sha256sum -c` reads it. */
export const sumsOf = (files: readonly ManifestFile[]): string =>
  files.map((file) => `${file.sha256}  ${file.name}\n`).join('');

const CALIBRATION_DAYS = 365;
const CALIBRATION_PER_GROUP = 100;

/**
 * Calibration frames for a session's lights: same camera, binning, gain and offset; darks by exposure and temperature, bias by temperature (within
 * 1 °C), flats by filter. The newest of a year, a hundred of a kind.
 */
export async function matchingCalibration(
  db: Database,
  telescopeId: string,
  lights: readonly Frame[],
): Promise<Frame[]> {
  const wanted = lights.filter((row) => row.type === 'LIGHT');
  if (wanted.length === 0) return [];
  const library = await db.frame.findMany({
    where: {
      telescopeId,
      bookingId: null,
      state: 'archived',
      trashedAt: null,
      type: { in: ['DARK', 'FLAT', 'BIAS'] },
      seenAt: { gte: new Date(wanted[0]!.seenAt.getTime() - CALIBRATION_DAYS * 86_400_000) },
    },
    orderBy: [{ capturedAt: 'desc' }, { id: 'asc' }],
    take: 5_000,
  });
  const camera = (row: Frame): string | null => metadataOf((row.metadata ?? {}) as Record<string, unknown>).camera;
  const near = (a: number | null, b: number | null): boolean => a !== null && b !== null && Math.abs(a - b) <= 1;
  const fits = (light: Frame, cal: Frame): boolean =>
    camera(light) === camera(cal) &&
    light.binning === cal.binning &&
    light.gain === cal.gain &&
    light.offset === cal.offset &&
    (cal.type === 'FLAT'
      ? light.filter === cal.filter
      : near(light.temperature, cal.temperature) && (cal.type === 'BIAS' || light.exposure === cal.exposure));
  const groups = new Map<string, number>();
  return library.filter((cal) => {
    if (!wanted.some((light) => fits(light, cal))) return false;
    const group = [
      cal.type,
      cal.filter,
      cal.exposure,
      cal.temperature === null ? null : Math.round(cal.temperature),
    ].join('/');
    const n = groups.get(group) ?? 0;
    groups.set(group, n + 1);
    return n < CALIBRATION_PER_GROUP;
  });
}

/** A session as one ZIP: its length and every range of it are known beforehand, so a broken download goes on where it was. */
export interface ArchiveDownload {
  size: number;
  /** Changes when the content does. */
  etag: string;
  filename: string;
  files: number;
  stream(range?: { start: number; end: number }): Readable;
}

/**
 * The ZIP of a booking's archived frames with manifest, checksums, report and matching calibration frames; null when there is no such
 * booking or no frame. Works while the session runs, too; a later call then has more files and another `etag`.
 * @throws StoreAway
 */
export async function streamArchive(
  deps: { db: Database; storagePath: string },
  bookingId: string,
): Promise<ArchiveDownload | null> {
  const store = new FrameStore(deps.storagePath);
  const listed = await listFrames(deps.db, store, bookingId);
  if (!listed || listed.frames.length === 0) return null;
  const calibration: Frame[] = [];
  for (const row of await matchingCalibration(deps.db, listed.manifest.telescope_id, listed.frames))
    if (await stands(store, row)) calibration.push(row);
  const files = [
    ...listed.manifest.files,
    ...calibration.map((row) =>
      describe(row, `calibration/${row.type.toLowerCase()}/${basename(store.path(row.archivePath!))}`),
    ),
  ];
  const rows = [...listed.frames, ...calibration];
  const newest = rows.reduce((at, row) => (row.archivedAt && row.archivedAt > at ? row.archivedAt : at), new Date(0));
  const entries: ZipEntry[] = [];
  const inMemory = (name: string, text: string | Buffer): void => {
    const bytes = Buffer.from(text);
    entries.push({
      name: `${bookingId}/${name}`,
      size: bytes.length,
      crc32: crc32(bytes),
      modified: newest,
      content: { bytes },
    });
  };
  inMemory('manifest.json', `${JSON.stringify({ ...listed.manifest, files }, null, 2)}\n`);
  inMemory('SHA256SUMS', sumsOf(files));
  const report = await readFile(join(store.bookingFolder(bookingId), 'report.json')).catch((thrown: unknown) => {
    if (isAbsence(thrown)) return null;
    throw thrown;
  });
  if (report) inMemory('report.json', report);
  for (const [i, file] of files.entries()) {
    const path = store.path(rows[i]!.archivePath!);
    entries.push({
      name: `${bookingId}/${file.name}`,
      size: file.bytes,
      crc32: await store.crcOf(file.sha256, path),
      modified: rows[i]!.capturedAt ?? newest,
      content: { path },
    });
  }
  const layout = new ZipLayout(entries);
  const hash = createHash('sha256');
  for (const entry of entries)
    hash.update(`${entry.name}\n${entry.size}\n${entry.crc32}\n${entry.modified.getTime()}\n`);
  return {
    size: layout.size,
    etag: hash.digest('hex').slice(0, 32),
    filename: `${bookingId}.zip`,
    files: entries.length,
    stream: (range) => layout.stream(range?.start, range?.end),
  };
}
