import type { Database } from './database.ts';

/** Clocks of the hosts differ by less. */
const MARGIN_MS = 86_400_000;
const openFrom = (now: Date): Date => new Date(now.getTime() - MARGIN_MS);
/** Is it for the gate? What ended in the last day it judges by its own clock: one of ours that is ahead hides no window with somebody in the dome. */
export const isOpen = (to: Date, now: Date): boolean => to > openFrom(now);

/** The windows of a telescope that are on or to come, as its gateway's gate takes them, and those of the last day. */
export async function openMaintenance(
  db: Pick<Database, 'maintenance'>,
  telescopeId: string,
  now: Date,
): Promise<{ from: string; to: string }[]> {
  const rows = await db.maintenance.findMany({
    where: { telescopeId, endedAt: null, toAt: { gt: openFrom(now) } },
    orderBy: { fromAt: 'asc' },
    take: 1_000,
  });
  return rows.map(({ fromAt, toAt }) => ({ from: fromAt.toISOString(), to: toAt.toISOString() }));
}
