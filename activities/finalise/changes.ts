import type { Report } from '../../domain/contracts/report.ts';
import { toCredits } from '../../domain/credits.ts';
import type { Database } from '../../platform/database.ts';
import type { Frame } from '../../prisma/client/client.ts';

/**
 * What has come since the night was first settled: frames that were archived later, and what that gives back. Made from the same rows as the report, so that
 * it says the same whenever it is made again; null where nothing came.
 */
export async function changesSince(
  db: Database,
  bookingId: string,
  frames: readonly Frame[],
): Promise<Report['changes']> {
  const [first, last] = await Promise.all([
    db.settlement.findFirst({ where: { bookingId }, orderBy: { position: 'asc' } }),
    db.settlement.findFirst({ where: { bookingId }, orderBy: { position: 'desc' } }),
  ]);
  if (!first || !last) return null;
  const late = frames.filter(({ archivedAt }) => archivedAt !== null && archivedAt > first.createdAt);
  if (late.length === 0 && first.refundHundredths === last.refundHundredths) return null;
  return {
    since: first.createdAt.toISOString(),
    frames: late.map(({ id, filename }) => ({ id, filename })),
    exposure_seconds: late
      .filter(({ type, state }) => type === 'LIGHT' && state === 'archived')
      .reduce((sum, { exposure }) => sum + (exposure ?? 0), 0),
    credits_refund_before: toCredits(first.refundHundredths),
    credits_refund_now: toCredits(last.refundHundredths),
  };
}
