import type { Database } from './database.ts';

/** The windows of a telescope that are on or to come, as its gateway's gate takes them. */
export async function openMaintenance(
  db: Pick<Database, 'maintenance'>,
  telescopeId: string,
  now: Date,
): Promise<{ from: string; to: string }[]> {
  const rows = await db.maintenance.findMany({
    where: { telescopeId, endedAt: null, toAt: { gt: now } },
    orderBy: { fromAt: 'asc' },
    take: 1_000,
  });
  return rows.map(({ fromAt, toAt }) => ({ from: fromAt.toISOString(), to: toAt.toISOString() }));
}
