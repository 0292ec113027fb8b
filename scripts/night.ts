import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FINAL_PHASES } from '../domain/phases.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { projectPath } from '../platform/paths.ts';
import { ApiClient } from '../stack/api-client.ts';
import { leftOver } from '../stack/left-over.ts';
import { NightRecords } from '../stack/records.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { stopWithParent } from '../stack/supervisor.ts';
import { highTarget } from '../stack/targets.ts';
import { NIGHT_POLICY, RESUME_DEBOUNCE_SECONDS, slotSeconds } from './night/policy.ts';
import { pendingOutbox, printSummary, summarise, type NightSummary } from './night/summary.ts';

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

/** The stack with a simulated observatory of the night's own. */
const startNight = (dataDir: string, opts: Options): Promise<Stack> =>
  startStack({
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

/** The report and the archive are named in the summary; what else the night needed goes. */
function tidy(dataDir: string): void {
  for (const entry of readdirSync(dataDir))
    if (!['observations', 'reports', 'logs'].includes(entry))
      rmSync(join(dataDir, entry), { recursive: true, force: true });
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

  starting = startNight(dataDir, opts);
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
  if (summary.ok && !opts.keep) tidy(dataDir);
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

main().catch((thrown: unknown) => {
  say(thrown instanceof UsageError ? thrown.message : (toError(thrown).stack ?? String(thrown)));
  process.exit(thrown instanceof UsageError ? 2 : 1);
});
