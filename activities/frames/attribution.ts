import type { JournalKinds } from '../../domain/journal.ts';
import { objectGuid } from '../../domain/ids.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { shotsOf } from '../../platform/booking-columns.ts';
import type { Database } from '../../platform/database.ts';
import { metadataOf } from '../../frames/metadata.ts';
import { skeletonSql } from './intake/path-sql.ts';
import { comparable, skeleton, splitPath } from './intake/paths.ts';

/** Whose frame it is, and by which of the three proofs (docs/safety.md, 9): never by time or by the target's name. */
export interface Owner {
  bookingId: string;
  shotGuid: string | null;
  shotDoneGuid: string | null;
  /** Place of the shot in the booking's plan, 0-based. */
  shotIndex: number | null;
  by: 'rtshot' | 'shot_done_list' | 'set_tag';
}

/** The columns of a frame's row that say whose it is. */
export const ownedBy = (owner: Owner): Omit<Owner, 'by'> => ({
  bookingId: owner.bookingId,
  shotGuid: owner.shotGuid,
  shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null,
  shotIndex: owner.shotIndex,
});

export type ShotDoneRecord = JournalKinds['shot_done'];

const same = (a: string | null | undefined, b: string | null | undefined): boolean =>
  !!a && !!b && a.toLowerCase() === b.toLowerCase();
const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;

/** The shot-done GUID that Voyager writes into the header, or null. */
export function rtShotOf(header: Record<string, unknown>): string | null {
  const value = header.RTSHOT;
  return typeof value === 'string' ? (GUID.exec(value.trim())?.[1]?.toLowerCase() ?? null) : null;
}

/** Full path of a shot-done record: the list gives the path with or without the name. */
export function pathOf(record: Pick<ShotDoneRecord, 'path' | 'filename'>): string {
  if (!record.path) return record.filename;
  return comparable(splitPath(record.path).name) === comparable(splitPath(record.filename).name)
    ? record.path
    : `${record.path.replace(/[\\/]+$/, '')}\\${splitPath(record.filename).name}`;
}

/** The tag that a booking's set has in RoboTarget, and its frames in their headers. */
export const setTag = (telescope: Telescope, bookingId: string, userRef: string): string =>
  telescope.templates.set_tag.replaceAll('{booking}', bookingId).replaceAll('{user}', userRef);

/**
 * Tags of RoboTarget in a header (RTSETTAG, RTTAG). Other texts prove nothing: a guest chooses the name of a target, and it stands in
 * OBJECT.
 */
export function tagsOf(header: Record<string, unknown>): Set<string> {
  const tags = Object.entries(header).filter(
    ([keyword, value]) => /^RT[A-Z]*TAG$/.test(keyword) && typeof value === 'string',
  );
  return new Set(tags.map(([, value]) => (value as string).trim()));
}

/** The newest shot-done record with this GUID, or without a GUID the newest with the frame's own path. */
async function recordFor(
  db: Database,
  telescopeId: string,
  since: Date,
  guid: string | null,
  sourcePath: string,
): Promise<ShotDoneRecord | null> {
  const name = skeleton(splitPath(sourcePath).name);
  const rows = guid
    ? await db.$queryRaw<{ data: ShotDoneRecord }[]>`
        SELECT data FROM journal WHERE telescope_id = ${telescopeId} AND kind = 'shot_done' AND at >= ${since} AND lower(data->>'guid') = ${guid.toLowerCase()}
        ORDER BY epoch DESC, n DESC LIMIT 1`
    : await db.$queryRaw<{ data: ShotDoneRecord }[]>`
        SELECT data FROM journal WHERE telescope_id = ${telescopeId} AND kind = 'shot_done' AND at >= ${since}
          AND (position(${name} in ${skeletonSql("data->>'path'")}) > 0 OR position(${name} in ${skeletonSql("data->>'filename'")}) > 0)
        ORDER BY epoch DESC, n DESC LIMIT 50`;
  return (
    rows
      .map((row) => row.data)
      .find((record) => guid !== null || comparable(pathOf(record)) === comparable(sourcePath)) ?? null
  );
}

interface Candidate {
  bookingId: string;
  targetGuids: string[];
  generation: number;
  shots: { filter?: string; exposure_seconds?: number; binning?: number }[];
  tag: string;
}

/** Bookings of a telescope that a frame seen at `seenAt` can belong to: generous in time, since time decides nothing here. */
async function candidates(db: Database, telescope: Telescope, seenAt: Date): Promise<Candidate[]> {
  const day = 86_400_000;
  const rows = await db.booking.findMany({
    where: {
      telescopeId: telescope.id,
      startsAt: { lte: new Date(seenAt.getTime() + 2 * day) },
      endsAt: { gte: new Date(seenAt.getTime() - 7 * day) },
    },
    include: { session: { select: { targetGuid: true, generation: true } } },
  });
  return rows.map((row) => {
    const generation = Math.max(row.generation, row.session?.generation ?? 0);
    const guids = Array.from({ length: generation + 1 }, (_, g) => objectGuid(row.id, g, 'target').toLowerCase());
    if (row.session?.targetGuid) guids.push(row.session.targetGuid.toLowerCase());
    return {
      bookingId: row.id,
      targetGuids: guids,
      generation,
      shots: shotsOf(row),
      tag: setTag(telescope, row.id, row.userRef),
    };
  });
}

function shotIndexOf(
  candidate: Pick<Candidate, 'bookingId' | 'generation' | 'shots'>,
  shotGuid: string | null,
): number | null {
  if (!shotGuid) return null;
  for (let g = candidate.generation; g >= 0; g--)
    for (let i = 0; i < candidate.shots.length; i++)
      if (same(objectGuid(candidate.bookingId, g, `shot/${i}`), shotGuid)) return i;
  return null;
}

/** Tells the place in a booking's plan by a shot's GUID, whatever generation made it. */
export async function planIndex(db: Database, bookingId: string): Promise<(shotGuid: string | null) => number | null> {
  const row = await db.booking.findUnique({
    where: { id: bookingId },
    include: { session: { select: { generation: true } } },
  });
  if (!row) return () => null;
  const candidate = {
    bookingId,
    generation: Math.max(row.generation, row.session?.generation ?? 0),
    shots: shotsOf(row),
  };
  return (shotGuid) => shotIndexOf(candidate, shotGuid);
}

/** The one line of the plan that the header's own filter, exposure and binning can be of; null when none or several can. */
function shotByHeader(candidate: Candidate, header: Record<string, unknown>): number | null {
  const { filter, exposure, binning } = metadataOf(header);
  const fitting = candidate.shots.flatMap((shot, i) => {
    const otherFilter = filter !== null && shot.filter !== undefined && !same(filter, shot.filter);
    const otherExposure =
      exposure === null ||
      shot.exposure_seconds === undefined ||
      Math.abs(exposure - shot.exposure_seconds) > 0.01 * shot.exposure_seconds;
    const otherBinning = binning !== null && shot.binning !== undefined && binning !== shot.binning;
    return otherFilter || otherExposure || otherBinning ? [] : [i];
  });
  return fitting.length === 1 ? fitting[0]! : null;
}

/**
 * The booking of a frame: by the shot-done record that RTSHOT names, else by the record with the frame's path, else by the set's tag. Null:
 * nobody's as far as we know.
 */
export async function findOwner(
  db: Database,
  telescope: Telescope,
  frame: { sourcePath: string; seenAt: Date; shotDoneGuid: string | null; header: Record<string, unknown> },
): Promise<{ owner: Owner | null; record: ShotDoneRecord | null }> {
  const guid = rtShotOf(frame.header) ?? frame.shotDoneGuid;
  const record = await recordFor(
    db,
    telescope.id,
    new Date(frame.seenAt.getTime() - 2 * 86_400_000),
    guid,
    frame.sourcePath,
  );
  const possible = await candidates(db, telescope, frame.seenAt);
  if (record) {
    const candidate = possible.find((c) => c.targetGuids.includes(record.target_guid.toLowerCase()));
    const owner = candidate
      ? {
          bookingId: candidate.bookingId,
          shotGuid: record.shot_guid,
          shotDoneGuid: record.guid,
          shotIndex: shotIndexOf(candidate, record.shot_guid),
          by: guid ? ('rtshot' as const) : ('shot_done_list' as const),
        }
      : null;
    return { owner, record };
  }
  const tags = tagsOf(frame.header);
  const tagged = possible.filter((c) => tags.has(c.tag));
  const [only] = tagged.length === 1 ? tagged : [];
  const owner = only
    ? {
        bookingId: only.bookingId,
        shotGuid: null,
        shotDoneGuid: guid,
        shotIndex: shotByHeader(only, frame.header),
        by: 'set_tag' as const,
      }
    : null;
  return { owner, record: null };
}
