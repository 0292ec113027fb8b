import { BEGUN_PHASES, WAITING_PHASES } from '../../domain/phases.ts';
import { connectPg } from '../../platform/database.ts';

export interface DeployAnswer {
  can_deploy: boolean;
  active: { booking_id: string; telescope_id: string; phase: string; end: string }[];
  /** Start of the next session, to know how much time there is. */
  next_start: string | null;
}

/** In a phase that has begun a restart costs a guest sky time; the others sleep in Temporal and do not notice one. */
export async function deployAnswer(databaseUrl: string): Promise<DeployAnswer> {
  const client = await connectPg(databaseUrl, () => undefined);
  try {
    const active = await client.query<{ booking_id: string; telescope_id: string; phase: string; ends_at: Date }>(
      `SELECT s.booking_id, s.telescope_id, s.phase, b.ends_at FROM sessions s JOIN bookings b ON b.id = s.booking_id WHERE s.phase = ANY($1) ORDER BY b.ends_at`,
      [BEGUN_PHASES],
    );
    const next = await client.query<{ at: Date | null }>(
      `SELECT min(b.starts_at) AS at FROM sessions s JOIN bookings b ON b.id = s.booking_id WHERE s.phase = ANY($1)`,
      [WAITING_PHASES],
    );
    return {
      can_deploy: active.rows.length === 0,
      active: active.rows.map((row) => ({
        booking_id: row.booking_id,
        telescope_id: row.telescope_id,
        phase: row.phase,
        end: row.ends_at.toISOString(),
      })),
      next_start: next.rows[0]?.at?.toISOString() ?? null,
    };
  } finally {
    await client.end();
  }
}
