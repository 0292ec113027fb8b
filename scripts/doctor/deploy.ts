import { BEGUN_PHASES, WAITING_PHASES } from '../../domain/phases.ts';
import { QUEUE_FINALISE, QUEUE_SESSION } from '../../domain/queues.ts';
import type { Config } from '../../platform/config.ts';
import { connectPg } from '../../platform/database.ts';
import { createTemporalClient, temporalData } from '../../platform/temporal.ts';
import { workflowCode } from '../../worker/options.ts';
import { replayOpen, type ReplayAnswer } from '../release/replay.ts';

export interface DeployAnswer {
  can_deploy: boolean;
  active: { booking_id: string; telescope_id: string; phase: string; end: string }[];
  /** Every open history with the workflow code of this build; null when Temporal does not answer. */
  replay: ReplayAnswer | null;
  /** Start of the next session, to know how much time there is. */
  next_start: string | null;
}

/** Replays what is open with this build; null when Temporal does not answer. */
export async function replayWith(config: Config): Promise<ReplayAnswer | null> {
  const { client, connection } = createTemporalClient(config);
  try {
    return await connection.withDeadline(Date.now() + 60_000, () =>
      replayOpen(client, { ...workflowCode(), ...temporalData(config) }, [QUEUE_SESSION, QUEUE_FINALISE]),
    );
  } catch {
    return null;
  } finally {
    await connection.close();
  }
}

/** The answer in words. */
export function deployText({ active, replay, next_start: next }: DeployAnswer): string {
  const failed = Object.entries(replay?.failed ?? {});
  return [
    ...(active.length === 0
      ? [`No session runs.${next ? ` The next one starts at ${next}.` : ''}`]
      : [
          'Not now:',
          ...active.map((s) => `  ${s.booking_id} on ${s.telescope_id} is ${s.phase}, slot until ${s.end}`),
        ]),
    ...(replay === null ? ['Not known whether open histories replay: Temporal does not answer.'] : []),
    ...(replay && failed.length === 0 ? [`${replay.replayed} open histories replay with this build.`] : []),
    ...failed.map(([name, why]) => `This build cannot carry on ${name}: ${why}`),
  ].join('\n');
}

/** In a phase that has begun a restart costs a guest sky time; the others sleep in Temporal and do not notice one. */
export async function deployAnswer(databaseUrl: string, replay: ReplayAnswer | null): Promise<DeployAnswer> {
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
      can_deploy: active.rows.length === 0 && replay !== null && Object.keys(replay.failed).length === 0,
      replay,
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
