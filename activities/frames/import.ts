import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { FrameType } from '../../domain/contracts/image.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { UsageError } from '../../platform/errors.ts';
import type { FrameCounts } from '../../domain/ports.ts';
import { FrameIntake, type IntakeDeps } from './intake/intake.ts';
import { IMPORTED, namedFrame } from './intake/rows.ts';
import { metadataOf, type FrameMetadata } from '../../frames/metadata.ts';

export interface ImportOptions {
  folder: string;
  telescope: Telescope;
  /** Default: made from the folder's path, so that a second run goes on where the first one was. */
  bookingId?: string;
  userRef?: string;
  /** Where the frames point, when no header says it. */
  position?: { raHours: number; decDegrees: number };
  /** Called with the number of files done and of all. */
  progress: (done: number, all: number, what: string) => void;
}
export interface ImportResult extends FrameCounts {
  bookingId: string;
  files: number;
  /** Files that are copies of another one of the folder; they are kept once. */
  copies: number;
  /** What was guessed, with the number of files: "the type of frame 'xyz' is not known (3 files)". */
  notes: string[];
}

const RESOURCE = 'import';
const DAY_MS = 86_400_000;

/** The booking id that an import of this folder gets. */
export const importBookingId = (folder: string): string =>
  `import-${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12)}`;

interface Found {
  path: string;
  at: Date;
  /** The instant is out of the frame's own header. */
  dated: boolean;
  metadata: FrameMetadata | null;
}

/**
 * A folder of frames as a past session outside the calendar, from the first exposure to the end of the last, archived, previewed and measured.
 * Files are copied, never moved; the next run continues a broken one.
 * @throws UsageError when the folder holds no FITS file, no header tells a position and none is given, or the booking id belongs to a real session
 */
export async function importFolder(deps: IntakeDeps, options: ImportOptions): Promise<ImportResult> {
  const { db, mount } = deps;
  const folder = resolve(options.folder);
  const bookingId = options.bookingId ?? importBookingId(folder);
  const { telescope } = options;
  const files = await mount.list(folder, folder).catch((thrown: unknown) => {
    throw new UsageError(`${folder} cannot be read: ${(thrown as Error).message}`);
  });
  if (files.length === 0) throw new UsageError(`${folder} holds no file *.fit, *.fits, *.fts (also .gz, .fz).`);
  const known = await db.booking.findUnique({ where: { id: bookingId }, include: { session: true } });
  if (known && known.session?.workflowId !== workflowIdOf(bookingId))
    throw new UsageError(`Booking ${bookingId} is a session of its own; choose another id with --booking.`);

  const found = await readHeaders(deps, folder, files, options);
  if (!known) await createPastBooking(deps, bookingId, telescope, found, options);
  await db.frame.createMany({
    skipDuplicates: true,
    data: found.map((file) => rowOf(file, telescope.id, bookingId)),
  });
  const open = await db.frame.count({
    where: { bookingId, OR: [{ state: 'pending' }, { state: 'archived', announced: false }] },
  });
  let done = found.length - open;
  if (done > 0) options.progress(done, found.length, 'frames');
  const intake = new FrameIntake(deps);
  const caller = { heartbeat: () => undefined, signal: null };
  const counts = await intake.takePast(
    { ...telescope, path_map: [{ from: folder, to: folder }] },
    bookingId,
    caller,
    () => options.progress((done = Math.min(found.length, done + 1)), found.length, 'frames'),
  );
  await db.session.update({ where: { bookingId }, data: { imagesCaptured: counts.archived, updatedAt: new Date() } });
  const copies = await db.frame.count({
    where: { sourceKey: { startsWith: `${IMPORTED}${bookingId}/` }, state: 'skipped' },
  });
  return { ...counts, bookingId, files: found.length, copies, notes: notesOf(found) };
}

/** The files in the order of their exposures, each with what its header says. */
async function readHeaders(
  { mount, maxBytes }: IntakeDeps,
  folder: string,
  files: readonly { path: string; mtimeMs: number }[],
  { progress }: Pick<ImportOptions, 'progress'>,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const [i, file] of files.entries()) {
    const seen = await mount.probe(file.path, folder, maxBytes);
    const metadata = seen.state === 'whole' ? metadataOf(seen.header) : null;
    found.push({
      path: file.path,
      at: metadata?.startedAt ?? withinDay(metadata?.startedDay ?? null, file.mtimeMs),
      dated: metadata !== null && (metadata.startedAt ?? metadata.startedDay) !== null,
      metadata,
    });
    progress(i + 1, files.length, 'headers');
  }
  withinNight(found);
  found.sort((a, b) => a.at.getTime() - b.at.getTime() || (a.path < b.path ? -1 : 1));
  return found;
}
function rowOf({ path, at, metadata }: Found, telescopeId: string, bookingId: string) {
  return {
    ...namedFrame(telescopeId, `${IMPORTED}${bookingId}/${path}`, path),
    bookingId,
    // A file of this machine: a backslash is a letter of its name.
    filename: path.slice(path.lastIndexOf('/') + 1),
    type: (metadata?.type ?? 'LIGHT') satisfies FrameType,
    state: 'pending',
    seenAt: new Date(at.getTime() + (metadata?.exposure ?? 0) * 1000),
  };
}

/** The file's own time, where it lies within the day of its exposure or the one after; else the middle of that day. */
function withinDay(day: Date | null, mtimeMs: number): Date {
  if (day === null) return new Date(mtimeMs);
  const sinceDay = mtimeMs - day.getTime();
  return new Date(sinceDay >= 0 && sinceDay < 2 * DAY_MS ? mtimeMs : day.getTime() + DAY_MS / 2);
}

/** Files without a date of their own take none from their copy's time: they stand at the beginning or the end of the dated ones. */
function withinNight(found: Found[]): void {
  const known = found.filter((file) => file.dated).map((file) => file.at.getTime());
  if (known.length === 0) return;
  const [first, last] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  for (const file of found) if (!file.dated) file.at = new Date(Math.min(last, Math.max(first, file.at.getTime())));
}

/** What was guessed of the files, each kind once. */
function notesOf(found: readonly Found[]): string[] {
  const counts = new Map<string, number>();
  const note = (text: string): void => void counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const { metadata, dated } of found) {
    if (metadata === null) continue;
    for (const text of metadata.notes) note(text);
    if (!dated) note('no date of the exposure: the time of the file, or of the frames beside it, counts');
    if (metadata.exposure === null) note('no exposure time: told as 0 s');
    if (metadata.type === null) note('no type of frame that is known: taken for LIGHT');
  }
  return [...counts].map(([text, files]) => `${text} (${files} ${files === 1 ? 'file' : 'files'})`);
}

const workflowIdOf = (bookingId: string): string => `${RESOURCE}-${sessionWorkflowId(bookingId)}`;

/** From the first exposure to the end of the last, a second at least. */
function spanOf(found: readonly Found[]): [start: Date, end: Date] {
  const start = found[0]!.at;
  const last = found.at(-1)!;
  const end = new Date(
    Math.max(start.getTime() + 1000, last.at.getTime() + Math.ceil(last.metadata?.exposure ?? 0) * 1000),
  );
  return [start, end];
}
/** The plan that these frames would have come of. */
function shotsOf(lights: readonly Found[]) {
  const shots = new Map<
    string,
    { filter: string; exposure_seconds: number; quantity: number; binning: number; type: string }
  >();
  for (const { metadata } of lights) {
    const shot = {
      filter: metadata?.filter ?? '-',
      exposure_seconds: metadata?.exposure ?? 0,
      binning: metadata?.binning ?? 1,
      type: 'light',
    };
    const key = JSON.stringify(shot);
    shots.set(key, { ...shot, quantity: (shots.get(key)?.quantity ?? 0) + 1 });
  }
  return [...shots.values()];
}
/** @throws UsageError where nobody says where the telescope pointed */
function positionOf(found: readonly Found[], options: Pick<ImportOptions, 'position'>) {
  const position = options.position ?? found.find((f) => f.metadata?.position)?.metadata?.position;
  if (!position)
    throw new UsageError(
      'No header of the folder says where the telescope pointed (OBJCTRA and OBJCTDEC, RA and DEC, or CRVAL1 and CRVAL2): give --ra and --dec.',
    );
  return position;
}

async function createPastBooking(
  deps: IntakeDeps,
  bookingId: string,
  telescope: Telescope,
  found: readonly Found[],
  options: ImportOptions,
): Promise<void> {
  const userRef = options.userRef ?? RESOURCE;
  const lights = found.filter((f) => (f.metadata?.type ?? 'LIGHT') === 'LIGHT' && f.metadata !== null);
  const dated = lights.length > 0 ? lights : found;
  const [start, end] = spanOf(dated);
  const name = lights.find((f) => f.metadata?.object)?.metadata?.object ?? 'unknown';
  const position = positionOf(dated, options);
  await deps.db.$transaction(async (tx) => {
    await tx.user.upsert({ where: { ref: userRef }, create: { ref: userRef }, update: {} });
    await tx.booking.create({
      data: {
        id: bookingId,
        telescopeId: telescope.id,
        startsAt: start,
        endsAt: end,
        blockedUntil: end,
        occupies: false,
        userRef,
        target: {
          name,
          ra_hours: round(position.raHours, 6),
          dec_degrees: round(position.decDegrees, 5),
          pa_degrees: 0,
        },
        shots: shotsOf(lights),
        constraints: { min_altitude_degrees: 0, hour_angle_start_hours: -12, hour_angle_end_hours: 12 },
        credits: { charged: 0 },
        bodyHash: RESOURCE,
        createdAt: new Date(Math.min(Date.now(), start.getTime() - DAY_MS)),
        session: {
          create: {
            telescopeId: telescope.id,
            workflowId: workflowIdOf(bookingId),
            phase: 'completed',
            outcome: 'completed',
            transition: 1,
            sessionStartedAt: start,
            sessionEndedAt: end,
          },
        },
      },
    });
  });
}

const round = (value: number, decimals: number): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
