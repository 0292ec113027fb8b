import type { Database } from '../../platform/database.ts';

const DAY_MS = 86_400_000;

/** Deletes what is old enough, and the names of people who asked to be forgotten. */
export async function applyRetention(
  db: Database,
  nowMs: number,
): Promise<{ telemetry: number; timeline: number; people: number; keys: number }> {
  const before = (days: number): Date => new Date(nowMs - days * DAY_MS);
  const telemetry = await db.telemetry.deleteMany({ where: { at: { lt: before(90) } } });
  const timeline = await db.timeline.deleteMany({ where: { at: { lt: before(365) } } });
  await db.event.deleteMany({ where: { ts: { lt: before(365) } } });
  const people = await db.user.updateMany({
    where: { eraseAt: { lte: new Date(nowMs) }, erasedAt: null },
    data: { displayName: null, email: null, erasedAt: new Date(nowMs) },
  });
  const keys = await db.idempotencyKey.deleteMany({ where: { createdAt: { lt: before(2) } } });
  return { telemetry: telemetry.count, timeline: timeline.count, people: people.count, keys: keys.count };
}
