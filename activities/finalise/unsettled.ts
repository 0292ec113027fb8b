import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';

/** A gateway that was cut off delivers within days; what comes later is looked at by people. */
const LOOK_BACK_MS = 3 * 86_400_000;
const AT_ONCE = 20;

/** Nights that were settled on less of the gateway's record than there is by now. */
export async function settledOnLess(
  db: Database,
  nowMs: number,
): Promise<{ bookingId: string; telescopeId: string }[]> {
  return db.$queryRaw<{ bookingId: string; telescopeId: string }[]>`
    SELECT s.booking_id AS "bookingId", s.telescope_id AS "telescopeId"
    FROM sessions s
    JOIN bookings b ON b.id = s.booking_id
    CROSS JOIN LATERAL (
      SELECT samples FROM settlements WHERE booking_id = s.booking_id ORDER BY created_at DESC LIMIT 1
    ) settled
    WHERE s.session_ended_at > ${new Date(nowMs - LOOK_BACK_MS)}
      AND s.phase = ANY(${[...FINAL_PHASES]})
      AND settled.samples < (
        SELECT count(*) FROM telemetry t
        WHERE t.booking_id = s.booking_id
          AND t.at >= greatest(b.starts_at, b.created_at) AND t.at < least(b.ends_at, s.session_ended_at)
      )
    ORDER BY s.session_ended_at
    LIMIT ${AT_ONCE}`;
}
