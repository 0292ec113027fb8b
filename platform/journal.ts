import type { Database } from './database.ts';

/** Whether the journal of a telescope has frames, or records of Voyager about frames, that no drain has taken; up to a position, or at all. */
export async function framesNotTaken(
  db: Database,
  telescopeId: string,
  upTo: Position = { epoch: 2 ** 31 - 1, n: 0 },
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ waiting: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM journal
      WHERE telescope_id = ${telescopeId} AND delivered_at IS NULL AND kind IN ('frame', 'shot_done') AND (epoch, n) <= (${upTo.epoch}::int, ${upTo.n}::int)
    ) AS waiting`;
  return row!.waiting;
}

/** Where a row stands in a telescope's journal. */
export type Position = { epoch: number; n: number };
/** Records of Voyager about frames that no drain has taken, at most a thousand. */
export const shotsNotTaken = (db: Database, telescopeId: string): Promise<Position[]> =>
  db.$queryRaw<
    Position[]
  >`SELECT epoch, n FROM journal WHERE telescope_id = ${telescopeId} AND delivered_at IS NULL AND kind = 'shot_done' ORDER BY epoch, n LIMIT 1000`;
/** A drain that began after these records stood has used them. */
export async function markTaken(db: Database, telescopeId: string, shots: Position[]): Promise<void> {
  if (shots.length > 0)
    await db.journal.updateMany({
      where: { telescopeId, kind: 'shot_done', deliveredAt: null, OR: shots },
      data: { deliveredAt: new Date() },
    });
}
