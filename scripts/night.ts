import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection, Client } from '@temporalio/client';
import type { TelescopePolicy } from '../domain/contracts/telescope.ts';
import { sessionWorkflowId } from '../domain/queues.ts';
import { FINAL_PHASES } from '../domain/phases.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { projectPath } from '../platform/paths.ts';
import { ApiClient } from '../stack/api-client.ts';
import { leftOver } from '../stack/left-over.ts';
import { NightRecords } from '../stack/records.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { stopWithParent } from '../stack/supervisor.ts';
import { highTarget } from '../stack/targets.ts';

const HELP = `npm run night -- [options]: one whole simulated night through the real processes.

  --json                 the last line of stdout is one JSON summary
  --bookings N           bookings one after another (1)
  --shots N              shots of each booking (6)
  --exposure SECONDS     exposure of each shot (2)
  --fits DIR             the camera hands out these files (*.fit*) in name order instead of rendering
  --seed S               seed of sky, noise and faults (1)
  --faults FILE          fault script of the simulator (simulator/README.md)
  --keep                 keep the night's data folder below .data/nights
Exit code 0 when every booking ended as it should and every frame is accounted for.`;

interface Options {
  json: boolean;
  bookings: number;
  shots: number;
  exposureSeconds: number;
  fitsDir: string | undefined;
  seed: number;
  faultsFile: string | undefined;
  keep: boolean;
}

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

/** The policy of a simulated night, in seconds; nothing else is shortened. Slot = shots × (exposure + 3 s) + 20 s. */
const NIGHT_POLICY = {
  prepare_lead: 5,
  check_interval: 5,
  turnaround_minutes: 0,
} as const satisfies Partial<TelescopePolicy>;
const RESUME_DEBOUNCE_SECONDS = 3;
const slotSeconds = (shots: number, exposureSeconds: number): number => Math.ceil(shots * (exposureSeconds + 3) + 20);
const FILTERS = ['L', 'R', 'G', 'B'];
const OUTBOX_WAIT_MS = 60_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function options(): Options {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      bookings: { type: 'string', default: '1' },
      shots: { type: 'string', default: '6' },
      exposure: { type: 'string', default: '2' },
      fits: { type: 'string' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    process.exit(0);
  }
  const number = (name: string, text: string, least: number, whole = true): number => {
    const value = Number(text);
    if (!Number.isFinite(value) || value < least || (whole && !Number.isInteger(value)))
      throw new UsageError(`--${name}: "${text}" is not a ${whole ? 'whole ' : ''}number of at least ${least}.`);
    return value;
  };
  const fitsDir = values.fits === undefined ? undefined : resolve(values.fits);
  if (fitsDir !== undefined) {
    const files = readdirSync(fitsDir).filter((name) => /\.fit/i.test(name));
    if (files.length === 0) throw new UsageError(`--fits: no *.fit* file in ${fitsDir}.`);
  }
  return {
    json: values.json,
    bookings: number('bookings', values.bookings, 1),
    shots: number('shots', values.shots, 1),
    exposureSeconds: number('exposure', values.exposure, 0.1, false),
    fitsDir,
    seed: number('seed', values.seed, 0),
    faultsFile: values.faults === undefined ? undefined : resolve(values.faults),
    keep: values.keep,
  };
}

async function main(): Promise<void> {
  const opts = options();
  const began = Date.now();
  mkdirSync(projectPath('.data', 'nights'), { recursive: true });
  const dataDir = mkdtempSync(
    projectPath('.data', 'nights', `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}-`),
  );
  let stack: Stack | null = null;
  let starting: Promise<Stack> | null = null;
  const letGo = stopWithParent((reason) => {
    say(`Stopping (${reason}) …`);
    void (starting ?? Promise.resolve(null))
      .catch(() => null)
      .then((s) => s?.stop())
      .finally(() => process.exit(130));
  });

  starting = startStack({
    dataDir,
    env: process.env,
    ports: 'free',
    report: say,
    simulator: {
      seed: opts.seed,
      ...(opts.fitsDir ? { fitsDir: opts.fitsDir } : {}),
      ...(opts.faultsFile ? { faultsFile: opts.faultsFile } : {}),
      telescope: {
        id: 'night',
        name: 'Night observatory',
        policy: { ...NIGHT_POLICY },
        weather: { resume_debounce_seconds: RESUME_DEBOUNCE_SECONDS },
      },
    },
  });
  stack = await starting;
  const db = await NightRecords.open(stack.databaseUrl);
  let summary: NightSummary;
  try {
    const ids = await book(stack, opts);
    await waitForTheEnd(stack, db, ids);
    summary = await summarise(stack, db, ids, opts);
  } finally {
    await db.close();
    await stack.stop();
  }
  summary.orphans = await leftOver(dataDir);
  if (summary.orphans > 0) summary.problems.push(`${summary.orphans} processes are left`);
  summary.wall_seconds = Math.round((Date.now() - began) / 100) / 10;
  summary.ok = summary.problems.length === 0;
  letGo();
  for (const problem of summary.problems) say(`PROBLEM ${problem}`);
  say(
    summary.ok
      ? `The night is over: all well, ${summary.wall_seconds} s.`
      : `The night is over with ${summary.problems.length} problems. Data: ${dataDir}`,
  );
  if (summary.ok && !opts.keep) {
    // The report and the archive are named in the summary; what else the night needed goes.
    for (const entry of readdirSync(dataDir))
      if (!['observations', 'reports', 'logs'].includes(entry))
        rmSync(join(dataDir, entry), { recursive: true, force: true });
  }
  if (opts.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else printSummary(summary);
  process.exit(summary.ok ? 0 : 1);
}

/** Puts the bookings through the API, back to back, as Laravel would. */
async function book(stack: Stack, opts: Options): Promise<string[]> {
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { site } = await api.call<{
    site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
  }>('GET', '/api/telescopes/night');
  const slotMs = slotSeconds(opts.shots, opts.exposureSeconds) * 1000;
  const first = Date.now() + (NIGHT_POLICY.prepare_lead + 1) * 1000;
  const target = highTarget(site, first, first + slotMs * opts.bookings);
  const ids: string[] = [];
  for (let n = 1; n <= opts.bookings; n++) {
    const start = first + (n - 1) * slotMs;
    const id = `night-${n}`;
    await api.call('PUT', `/api/bookings/${id}`, {
      telescope_id: 'night',
      start: new Date(start).toISOString(),
      end: new Date(start + slotMs).toISOString(),
      user: {
        ref: `guest-${n}`,
        display_name: `Guest ${n}`,
        email: `guest-${n}@example.org`,
        locale: n % 2 ? 'fr' : 'en',
      },
      target,
      shots: plan(opts.shots, opts.exposureSeconds),
      credits: { charged: 10 },
    });
    say(
      `Booking ${id}: ${target.name}, ${opts.shots} × ${opts.exposureSeconds} s from ${new Date(start).toISOString()}.`,
    );
    ids.push(id);
  }
  return ids;
}
/** N shots spread over the filters, each filter one line of the plan. */
function plan(
  shots: number,
  exposureSeconds: number,
): { filter: string; exposure_seconds: number; quantity: number }[] {
  return FILTERS.flatMap((filter, i) => {
    const quantity = Math.floor(shots / FILTERS.length) + (i < shots % FILTERS.length ? 1 : 0);
    return quantity > 0 ? [{ filter, exposure_seconds: exposureSeconds, quantity }] : [];
  });
}

async function waitForTheEnd(stack: Stack, db: NightRecords, ids: string[]): Promise<void> {
  const phases = new Map<string, string>();
  const deadline = (await db.lastEndMs(ids)) + 240_000;
  while (Date.now() < deadline) {
    const sessions = await db.sessions(ids);
    for (const s of sessions) {
      const now = `${s.phase}${s.hold_cause ? ` (${s.hold_cause})` : ''}, ${s.images_captured} frames`;
      if (phases.get(s.booking_id) !== now) say(`${s.booking_id}: ${now}`);
      phases.set(s.booking_id, now);
    }
    if (sessions.length === ids.length && sessions.every((s) => (FINAL_PHASES as readonly string[]).includes(s.phase)))
      break;
    await sleep(500);
  }
  const wait = Date.now() + OUTBOX_WAIT_MS;
  while (Date.now() < wait && (await pendingOutbox(db)) > 0) await sleep(250);
}

/** Rows that a configured receiver has not got yet; without a receiver nobody waits for them. */
async function pendingOutbox(db: NightRecords): Promise<number> {
  const channels = [...(process.env.WEBHOOK_URL ? ['webhook'] : []), ...(process.env.SMTP_URL ? ['email'] : [])];
  return channels.length === 0 ? 0 : db.pendingOutbox(channels);
}

async function summarise(stack: Stack, db: NightRecords, ids: string[], opts: Options): Promise<NightSummary> {
  const problems: string[] = [];
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const temporal = new Client({ connection, namespace: stack.temporalNamespace });
  const bookings: NightSummary['bookings'] = [];
  const delays: number[] = [];
  try {
    for (const id of ids) {
      const session = (await db.sessions([id]))[0];
      if (!session) {
        problems.push(`${id} has no session row`);
        continue;
      }
      const frames = await db.lightFrames(id);
      const timeline = await db.timeline(id);
      const described = await temporal.workflow.getHandle(sessionWorkflowId(id)).describe();
      const planned = session.shots.reduce((sum, shot) => sum + shot.quantity, 0);
      const count = (state: string): number => frames.filter((f) => f.state === state).length;
      const archived = frames.filter(
        (f) => f.state === 'archived' && f.archive_path !== null && fileSize(stack, f.archive_path) === f.size_bytes,
      );
      const previewed = frames.filter(
        (f) => f.previewed && f.preview_path !== null && fileSize(stack, f.preview_path) > 0,
      );
      for (const frame of frames)
        if (frame.previewed_at) delays.push(frame.previewed_at.getTime() - frame.seen_at.getTime());
      bookings.push({
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
          archived: archived.length,
          previewed: previewed.length,
          rejected: count('rejected'),
          missing: count('missing'),
        },
        report_path: session.report_path,
        archive_path: session.archive_path,
      });
      if (!(FINAL_PHASES as readonly string[]).includes(session.phase))
        problems.push(`${id} is still ${session.phase}`);
      else if (session.phase !== 'completed' && !opts.faultsFile)
        problems.push(`${id} ended as ${session.phase} (${session.reason ?? 'no reason'})`);
      if (count('archived') !== archived.length)
        problems.push(
          `${id}: ${count('archived') - archived.length} archived frames are not in the store with their size`,
        );
      const accounted = count('archived') + count('rejected') + count('missing');
      if (accounted !== frames.length) problems.push(`${id}: ${frames.length - accounted} frames have no final state`);
      if (!opts.faultsFile && accounted !== planned)
        problems.push(`${id}: ${planned} frames expected, ${accounted} accounted for`);
      if (session.report_path === null && session.phase !== 'cancelled') problems.push(`${id}: there is no report`);
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
function printSummary(summary: NightSummary): void {
  for (const b of summary.bookings) {
    process.stdout.write(
      `${b.id}: ${b.phase}, ${b.frames.archived} of ${b.frames.expected} frames archived, ${b.frames.rejected} rejected, ${b.frames.missing} missing\n  report  ${b.report_path}\n  archive ${b.archive_path}\n`,
    );
  }
}

main().catch((thrown: unknown) => {
  say(thrown instanceof UsageError ? thrown.message : (toError(thrown).stack ?? String(thrown)));
  process.exit(thrown instanceof UsageError ? 2 : 1);
});
