import { FRAME_TYPES } from '../../../domain/contracts/image.ts';
import { stableId } from '../../../domain/ids.ts';
import type { JournalKinds } from '../../../domain/journal.ts';
import type { FrameCounts } from '../../../domain/ports.ts';
import type { Database } from '../../../platform/database.ts';
import { skeletonSql } from './path-sql.ts';
import { comparable, splitPath } from './paths.ts';

/** `sourceKey` of rows that an import wrote begins so. */
export const IMPORTED = 'import/';

/** What names a frame: one row for each source of a telescope, however often it is told of. */
export const namedFrame = (telescopeId: string, sourceKey: string, sourcePath: string) => ({
  id: stableId('frame', telescopeId, sourceKey),
  telescopeId,
  sourceKey,
  sourcePath,
  filename: splitPath(sourcePath).name,
});

/** Rows for frames that the journal names and nobody has begun. */
export async function discover(db: Database, telescopeId: string): Promise<void> {
  const rows = await db.$queryRaw<{ epoch: number; n: number; at: Date; data: JournalKinds['frame'] }[]>`
    SELECT j.epoch, j.n, j.at, j.data FROM journal j
    LEFT JOIN frames f ON f.telescope_id = j.telescope_id AND f.source_key = 'event/' || j.epoch || '/' || j.n
    WHERE j.telescope_id = ${telescopeId} AND j.kind = 'frame' AND f.id IS NULL AND j.at > now() - interval '30 days'
    ORDER BY j.epoch, j.n LIMIT 1000`;
  if (rows.length === 0) return;
  await db.frame.createMany({
    skipDuplicates: true,
    data: rows.map((row) => {
      const kept = row.data.voy_type === 'SYNC' || row.data.voy_type === 'TEST';
      return {
        ...namedFrame(telescopeId, `event/${row.epoch}/${row.n}`, row.data.file),
        type: FRAME_TYPES[row.data.type] ?? 'LIGHT',
        voyType: row.data.voy_type,
        state: kept ? 'skipped' : 'pending',
        reason: kept ? `voyager_${row.data.voy_type!.toLowerCase()}` : null,
        seenAt: row.at,
      };
    }),
  });
  await db.journal.updateMany({
    where: { telescopeId, kind: 'frame', deliveredAt: null, OR: rows.map(({ epoch, n }) => ({ epoch, n })) },
    data: { deliveredAt: new Date() },
  });
}

/** Frames that were nobody's are looked at again once the shot-done list knows them as a booking's. */
export async function recall(db: Database, telescopeId: string): Promise<void> {
  const rows = await db.$queryRaw<{ id: string; source: string; path: string | null; byGuid: boolean }[]>`
    SELECT f.id, f.source_path AS source, j.data->>'path' AS path, f.shot_done_guid IS NOT NULL AS "byGuid" FROM frames f, journal j, sessions s
    WHERE f.telescope_id = ${telescopeId} AND f.state = 'unassigned' AND f.seen_at > now() - interval '7 days'
      AND j.telescope_id = f.telescope_id AND j.kind = 'shot_done' AND j.at > now() - interval '8 days'
      AND (lower(j.data->>'guid') = f.shot_done_guid
        OR (f.shot_done_guid IS NULL AND ${skeletonSql("j.data->>'path'")} = ${skeletonSql('f.source_path')}))
      AND s.telescope_id = f.telescope_id AND lower(s.target_guid) = lower(j.data->>'target_guid')`;
  const named = rows.filter((row) => row.byGuid || comparable(row.path ?? '') === comparable(row.source));
  if (named.length > 0)
    await db.frame.updateMany({
      where: { id: { in: named.map((row) => row.id) }, state: 'unassigned' },
      data: { state: 'pending', reason: null },
    });
}

/**
 * Nobody's frames of the slot, whose file never came, are waited for no longer unless younger than `youngestMs`. A later record can still make one
 * a booking's.
 */
export async function closeStrays(
  db: Database,
  telescopeId: string,
  bookingId: string,
  youngestMs: number,
): Promise<void> {
  const booking = await db.booking.findUnique({ where: { id: bookingId }, select: { startsAt: true, endsAt: true } });
  if (!booking) return;
  await db.frame.updateMany({
    where: {
      telescopeId,
      bookingId: null,
      state: 'pending',
      sourceKey: { not: { startsWith: IMPORTED } },
      seenAt: {
        gte: booking.startsAt,
        lte: new Date(Math.min(booking.endsAt.getTime(), Date.now() - youngestMs)),
      },
    },
    data: { state: 'unassigned', reason: 'file_absent' },
  });
}

/** How the frames of a booking stand. */
export async function frameCounts(db: Database, bookingId: string): Promise<FrameCounts> {
  const groups = await db.frame.groupBy({ by: ['state'], where: { bookingId }, _count: { _all: true } });
  const of = (state: string): number => groups.find((g) => g.state === state)?._count._all ?? 0;
  const [archived, rejected, missing, pending] = [of('archived'), of('rejected'), of('missing'), of('pending')];
  return { captured: archived + rejected + missing + pending, archived, rejected, missing, pending };
}
