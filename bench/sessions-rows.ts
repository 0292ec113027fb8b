import type { Pool as Database } from 'pg';
import { ensureSession } from '../api/bookings/sessions.ts';
import type { Deps } from '../api/deps.ts';
import { Telescope, type TelescopeInput } from '../domain/contracts/telescope.ts';
import { sessionWorkflowId } from '../domain/queues.ts';
import { createLogger } from '../platform/logger.ts';
import { SIMULATED_SEQUENCE_GUID } from '../stack/processes.ts';
import { waitUntil } from '../stack/supervisor.ts';
import type { DevServer } from './sessions-worker.ts';

interface Row {
  id: string;
  telescopeId: string;
  startsAt: Date;
  endsAt: Date;
}
export async function addTelescope(db: Database, telescope: TelescopeInput): Promise<void> {
  await db.query('INSERT INTO telescopes (id, config) VALUES ($1, $2)', [
    telescope.id,
    JSON.stringify(Telescope.parse(telescope)),
  ]);
}
export const telescopeOf = (id: string, policy: TelescopeInput['policy']): TelescopeInput => ({
  id,
  name: id,
  host: '127.0.0.1',
  base_sequence_guid: SIMULATED_SEQUENCE_GUID,
  site: { latitude_degrees: 45, longitude_degrees: 0 },
  policy,
  weather: { resume_debounce_seconds: 0 },
});

/** The rows that the api writes before it starts a session, and the start; some at once, as many requests would. */
export async function startSessions(db: Database, temporal: DevServer, rows: Row[]): Promise<void> {
  const deps = {
    temporal: temporal.client,
    temporalTimeoutMs: 30_000,
    logger: createLogger('bench', 'silent'),
  } as unknown as Deps;
  for (let at = 0; at < rows.length; at += 20) {
    await Promise.all(
      rows.slice(at, at + 20).map(async ({ id, telescopeId, startsAt, endsAt }) => {
        await db.query(
          `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash) VALUES ($1, $2, $3, $4, $4, 'bench', $5, $6, $7, '{"charged": 10}', $1)`,
          [
            id,
            telescopeId,
            startsAt,
            endsAt,
            JSON.stringify({ name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1, pa_degrees: 0 }),
            JSON.stringify(
              ['L', 'R', 'G', 'B'].map((filter) => ({
                filter,
                exposure_seconds: 300,
                quantity: 12,
                binning: 1,
                type: 'light',
              })),
            ),
            JSON.stringify({ min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 }),
          ],
        );
        await db.query(
          `INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) VALUES ($1, $2, $3, 'scheduled')`,
          [id, telescopeId, sessionWorkflowId(id)],
        );
        if (!(await ensureSession(deps, { id, telescopeId, startsAt }))) throw new Error(`${id} could not be started`);
      }),
    );
  }
}
/** Waits until so many sessions whose id begins so have written their first phase, and nothing more is under way. */
export async function settled(db: Database, prefix: string, where: string, count: number): Promise<void> {
  await waitUntil(
    `${count} sessions ${prefix}`,
    async () => {
      const { rows } = await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM sessions WHERE booking_id LIKE $1 AND ${where}`,
        [`${prefix}-%`],
      );
      return rows[0]!.n >= count;
    },
    600_000,
    'The worker does not keep up.',
    500,
  );
}
