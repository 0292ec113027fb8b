import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { NightRecords } from '../../stack/records.ts';
import type { Stack } from '../../stack/stack.ts';
import { NIGHT_POLICY, RESUME_DEBOUNCE_SECONDS, slotSeconds } from './policy.ts';

/** What `--json` prints; every figure is read from the run: files, database, Temporal, the simulator's own log. */
export interface NightSummary {
  ok: boolean;
  wall_seconds: number;
  policy: Record<string, number>;
  bookings: {
    id: string;
    phase: string;
    outcome: string | null;
    reason: string | null;
    workflow_id: string;
    history_events: number;
    set_guid: string | null;
    target_guid: string | null;
    shots_planned: number;
    timeline: { at: string; event: string }[];
    frames: {
      expected: number;
      captured: number;
      archived: number;
      previewed: number;
      rejected: number;
      missing: number;
    };
    report_path: string | null;
    archive_path: string | null;
  }[];
  voyager: { commands: number; repeated_with_effect: number };
  frame_to_preview_ms: { p50: number | null; p95: number | null };
  outbox: { pending: number; delivered: number };
  /** Resident set of our Node processes at the end of the night. */
  memory_mb: Record<string, number>;
  orphans: number;
  problems: string[];
}

type BookingSummary = NightSummary['bookings'][number];
type SessionRow = Awaited<ReturnType<NightRecords['sessions']>>[number];
type FrameRow = Awaited<ReturnType<NightRecords['lightFrames']>>[number];
type Options = { shots: number; exposureSeconds: number; faultsFile: string | undefined };

/** Rows that a configured receiver has not got yet; without a receiver nobody waits for them. */
export async function pendingOutbox(db: NightRecords): Promise<number> {
  const channels = [...(process.env.WEBHOOK_URL ? ['webhook'] : []), ...(process.env.SMTP_URL ? ['email'] : [])];
  return channels.length === 0 ? 0 : db.pendingOutbox(channels);
}

/** One booking as the run has left it. */
async function bookingOf(
  { stack, db, temporal }: { stack: Stack; db: NightRecords; temporal: Client },
  session: SessionRow,
  frames: FrameRow[],
): Promise<BookingSummary> {
  const id = session.booking_id;
  const described = await temporal.workflow.getHandle(sessionWorkflowId(id)).describe();
  const planned = session.shots.reduce((sum, shot) => sum + shot.quantity, 0);
  const timeline = await db.timeline(id);
  return {
    id,
    phase: session.phase,
    outcome: session.outcome,
    reason: session.reason,
    workflow_id: sessionWorkflowId(id),
    history_events: described.historyLength,
    set_guid: session.set_guid,
    target_guid: session.target_guid,
    shots_planned: planned,
    timeline: timeline.map((line) => ({ at: line.at.toISOString(), event: line.event })),
    frames: {
      expected: planned,
      captured: frames.length,
      archived: frames.filter(
        (f) => f.state === 'archived' && f.archive_path !== null && fileSize(stack, f.archive_path) === f.size_bytes,
      ).length,
      previewed: frames.filter((f) => f.previewed && f.preview_path !== null && fileSize(stack, f.preview_path) > 0)
        .length,
      rejected: counted(frames, 'rejected'),
      missing: counted(frames, 'missing'),
    },
    report_path: session.report_path,
    archive_path: session.archive_path,
  };
}
const counted = (frames: readonly FrameRow[], state: string): number => frames.filter((f) => f.state === state).length;

/** What is wrong with a booking; a night with faults may end otherwise than it was planned. */
function problemsOf(booking: BookingSummary, frames: readonly FrameRow[], hasFaults: boolean): string[] {
  const { id, phase, reason, shots_planned: planned } = booking;
  const problems: string[] = [];
  if (!(FINAL_PHASES as readonly string[]).includes(phase)) problems.push(`${id} is still ${phase}`);
  else if (phase !== 'completed' && !hasFaults) problems.push(`${id} ended as ${phase} (${reason ?? 'no reason'})`);
  const lost = counted(frames, 'archived') - booking.frames.archived;
  if (lost !== 0) problems.push(`${id}: ${lost} archived frames are not in the store with their size`);
  const accounted = counted(frames, 'archived') + booking.frames.rejected + booking.frames.missing;
  if (accounted !== frames.length) problems.push(`${id}: ${frames.length - accounted} frames have no final state`);
  if (!hasFaults && accounted !== planned)
    problems.push(`${id}: ${planned} frames expected, ${accounted} accounted for`);
  if (booking.report_path === null && phase !== 'cancelled') problems.push(`${id}: there is no report`);
  return problems;
}

/** Reads the night's figures from the run, while its stack still stands. */
export async function summarise(stack: Stack, db: NightRecords, ids: string[], opts: Options): Promise<NightSummary> {
  const problems: string[] = [];
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const temporal = new Client({ connection, namespace: stack.temporalNamespace });
  const bookings: BookingSummary[] = [];
  const delays: number[] = [];
  try {
    for (const id of ids) {
      const session = (await db.sessions([id]))[0];
      if (!session) {
        problems.push(`${id} has no session row`);
        continue;
      }
      const frames = await db.lightFrames(id);
      for (const frame of frames)
        if (frame.previewed_at) delays.push(frame.previewed_at.getTime() - frame.seen_at.getTime());
      const booking = await bookingOf({ stack, db, temporal }, session, frames);
      bookings.push(booking);
      problems.push(...problemsOf(booking, frames, opts.faultsFile !== undefined));
    }
  } finally {
    await connection.close();
  }
  const effects = simulatorLog(stack);
  const repeated = effects.filter((e) => e.repeated_effect).length;
  if (repeated > 0) problems.push(`${repeated} commands to Voyager had the same effect twice`);
  delays.sort((a, b) => a - b);
  const quantile = (q: number): number | null =>
    delays.length === 0 ? null : delays[Math.min(delays.length - 1, Math.ceil(q * delays.length) - 1)]!;
  return {
    ok: false,
    wall_seconds: 0,
    policy: {
      ...NIGHT_POLICY,
      resume_debounce_seconds: RESUME_DEBOUNCE_SECONDS,
      slot_seconds: slotSeconds(opts.shots, opts.exposureSeconds),
    },
    bookings,
    voyager: { commands: effects.filter((e) => e.kind === 'command').length, repeated_with_effect: repeated },
    frame_to_preview_ms: { p50: quantile(0.5), p95: quantile(0.95) },
    outbox: { pending: await pendingOutbox(db), delivered: await db.deliveredOutbox() },
    memory_mb: memory(stack),
    orphans: 0,
    problems,
  };
}

const fileSize = (stack: Stack, path: string): number => {
  try {
    return statSync(resolve(stack.storagePath, path)).size;
  } catch {
    return -1;
  }
};
function simulatorLog(stack: Stack): { kind: string; repeated_effect?: boolean }[] {
  if (!stack.simulatorDir) return [];
  try {
    return readFileSync(join(stack.simulatorDir, 'effects.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { kind: string; repeated_effect?: boolean });
  } catch {
    return [];
  }
}
function memory(stack: Stack): Record<string, number> {
  const { gateway, worker, api, simulator } = stack.pids();
  const each = Object.fromEntries(
    Object.entries({ gateway, worker, api, simulator, night: process.pid }).map(([name, pid]) => [
      name,
      Math.round(pid ? residentMb(pid) : 0),
    ]),
  );
  return { ...each, total: Object.values(each).reduce((sum, mb) => sum + mb, 0) };
}
function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
export function printSummary(summary: NightSummary): void {
  for (const b of summary.bookings) {
    process.stdout.write(
      `${b.id}: ${b.phase}, ${b.frames.archived} of ${b.frames.expected} frames archived, ${b.frames.rejected} rejected, ${b.frames.missing} missing\n  report  ${b.report_path}\n  archive ${b.archive_path}\n`,
    );
  }
}
