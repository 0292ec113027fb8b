import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { QUERIES } from '../domain/messages.ts';
import { sessionWorkflowId } from '../domain/queues.ts';
import { loadConfig } from '../platform/config.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { projectPath } from '../platform/paths.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { isFinal, type Phase } from '../domain/phases.ts';
import { createArchiveActivities } from '../activities/frames/archive.ts';
import { createFinaliseActivities } from '../activities/finalise/index.ts';
import {
  compareNights,
  killPlan,
  killsText,
  median,
  mostRecoverySeconds,
  type KillStep,
  type NightOutcome,
  type Victim,
} from './chaos/plan.ts';
import { effectsIn, reaches, unrecordedFrames, type Effect } from './chaos/points.ts';
import { ApiClient } from '../stack/api-client.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { answers, stopWithParent } from '../stack/supervisor.ts';
import { highTarget } from '../stack/targets.ts';

const HELP = `npm run chaos -- [--json] [--kills N] [--seed S]
A simulated night while gateway, worker, api, simulator, Temporal and PostgreSQL are killed with SIGKILL, beside the same night undisturbed.
The seed fixes who is killed, after which pause and at which point of the night; the two outcomes must be equal (docs/chaos.md).
  --kills N   how often (30)
  --seed S    seed of the plan and of sky and noise (1)
Exit code 0 when the outcomes are equal and every recovery took at most 30 s, or twice the start of the whole stack where that is more.`;

const BOOKING = 'chaos-1';
const TELESCOPE = 'night';
const EXPOSURE_SECONDS = 4;
/** Exposure, download and dither of the simulator. */
const CYCLE_SECONDS = 6.5;
/** What a kill in the middle of the preparation may cost (activities that heartbeat are given to another worker after 25 s), and the first slew and focus. */
const PREPARATION_SECONDS = 60;
const POLICY = { prepare_lead: 5, check_interval: 5, turnaround_minutes: 0, minimum_useful_seconds: 5 } as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Longest wait for a point of the night before the kill comes all the same. */
const POINT_TIMEOUT_MS = 15_000;

interface Night {
  stack: Stack;
  db: Database;
  temporal: ReturnType<typeof createTemporalClient>;
  startMs: number;
  endMs: number;
  startedSeconds: number;
}

async function begin(name: string, seed: number, slotSeconds: number, shots: number): Promise<Night> {
  mkdirSync(projectPath('.data', 'nights'), { recursive: true });
  const dataDir = mkdtempSync(projectPath('.data', 'nights', `chaos-${name}-`));
  const began = performance.now();
  const stack = await startStack({
    dataDir,
    env: process.env,
    ports: 'free',
    report: (line) => say(`[${name}] ${line}`),
    simulator: {
      seed,
      camera: { width: 752, height: 752 },
      telescope: {
        id: TELESCOPE,
        name: 'Night observatory',
        policy: { ...POLICY },
        weather: { resume_debounce_seconds: 3 },
      },
    },
  });
  const startedSeconds = (performance.now() - began) / 1000;
  const db = createDatabase(stack.databaseUrl);
  const temporal = createTemporalClient(
    loadConfig({ TEMPORAL_ADDRESS: stack.temporalAddress, TEMPORAL_NAMESPACE: stack.temporalNamespace }),
  );
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { site } = await api.call<{
    site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
  }>('GET', `/api/telescopes/${TELESCOPE}`);
  const startMs = Math.ceil((Date.now() + 8_000) / 1000) * 1000;
  const endMs = startMs + slotSeconds * 1000;
  const half = Math.floor(shots / 2);
  await api.call('PUT', `/api/bookings/${BOOKING}`, {
    telescope_id: TELESCOPE,
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    user: { ref: 'guest-1', display_name: 'Guest 1', email: 'guest-1@example.org', locale: 'en' },
    target: highTarget(site, startMs, endMs),
    shots: [
      { filter: 'L', exposure_seconds: EXPOSURE_SECONDS, quantity: shots - half },
      ...(half > 0 ? [{ filter: 'Ha', exposure_seconds: EXPOSURE_SECONDS, quantity: half }] : []),
    ],
    credits: { charged: 10 },
  });
  return { stack, db, temporal, startMs, endMs, startedSeconds };
}

/** True when everything serves again: our processes, Voyager's link, PostgreSQL behind them, and Temporal with the session's workflow. */
async function works({ stack, temporal }: Night): Promise<boolean> {
  try {
    const api = new ApiClient(stack.apiUrl, stack.apiKey);
    const probes = [
      answers(`${stack.apiUrl}/readyz`),
      answers(`${stack.gatewayUrl}/readyz`),
      answers(`${stack.workerUrl}/readyz`),
      answers(`${stack.simulatorControlUrl}/state`),
    ];
    if (!(await Promise.all(probes)).every(Boolean)) return false;
    const [link, booking] = await Promise.all([
      api.call<{ connected: boolean }>('GET', '/api/status/connection'),
      api.call<{ id: string }>('GET', `/api/bookings/${BOOKING}`),
    ]);
    if (!link.connected || booking.id !== BOOKING) return false;
    await temporal.connection.withDeadline(Date.now() + 12_000, () =>
      temporal.client.workflow.getHandle(sessionWorkflowId(BOOKING)).query(QUERIES.snapshot),
    );
    return true;
  } catch {
    return false;
  }
}

const phaseOf = async ({ db }: Night): Promise<Phase | null> =>
  ((await db.session.findUnique({ where: { bookingId: BOOKING } }).catch(() => null))?.phase as Phase | undefined) ??
  null;
/** Waits until the session is in that phase or past it. */
async function untilPhase(night: Night, phase: 'preparing' | 'finalising'): Promise<void> {
  for (const deadline = night.endMs + 120_000; Date.now() < deadline; await sleep(50)) {
    const now = await phaseOf(night);
    if (now && (now === phase || isFinal(now) || (phase === 'preparing' && now !== 'scheduled'))) return;
  }
}

/** Waits for the kill's pause and its point of the night. */
async function approach(night: Night, { at, pauseSeconds }: KillStep): Promise<void> {
  if (at === 'preparing' || at === 'finalising') return untilPhase(night, at);
  await sleep(pauseSeconds * 1000);
  const over = await phaseOf(night);
  if (!over || !(over === 'finalising' || isFinal(over)))
    await reaches(at, join(night.stack.simulatorDir!, 'effects.jsonl'), POINT_TIMEOUT_MS);
}

/** Kills one process and waits until everything works again. Returns the seconds that took. */
async function killAndWait(night: Night, victim: Victim): Promise<number> {
  const { supervisor } = night.stack;
  const before = supervisor.pid(victim);
  const began = Date.now();
  supervisor.kill(victim);
  const deadline = began + 90_000;
  while (Date.now() < deadline) {
    await sleep(200);
    if (supervisor.pid(victim) !== before && (await works(night))) break;
  }
  return (Date.now() - began) / 1000;
}

async function waitForTheEnd(night: Night): Promise<void> {
  const deadline = night.endMs + 240_000;
  while (Date.now() < deadline) {
    const phase = await phaseOf(night);
    if (phase && isFinal(phase)) return;
    await sleep(500);
  }
  throw new Error(`${BOOKING} did not come to its end`);
}

/** Reads the outcome from database, files, RoboTarget and the simulator's own log. */
async function outcomeOf({ stack, db }: Night): Promise<NightOutcome> {
  const session = await db.session.findUniqueOrThrow({ where: { bookingId: BOOKING } });
  const booking = await db.booking.findUniqueOrThrow({ where: { id: BOOKING } });
  const frames = await db.frame.findMany({
    where: { bookingId: BOOKING, type: 'LIGHT' },
    orderBy: { capturedAt: 'asc' },
  });
  const counts = new Map<number | null, number>();
  const archived: string[] = [];
  let unverified = 0;
  let unexplained = 0;
  for (const frame of frames) {
    if (frame.state !== 'archived') {
      if (!frame.reason) unexplained++;
      continue;
    }
    const index = (counts.get(frame.shotIndex) ?? 0) + 1;
    counts.set(frame.shotIndex, index);
    archived.push(
      `${frame.shotIndex === null ? 'a frame of no line of the plan' : `shot ${frame.shotIndex + 1}`}, frame ${index}`,
    );
    if (fileHash(resolve(stack.storagePath, frame.archivePath ?? '')) !== frame.sha256) unverified++;
  }
  const ledger = await db.ledgerInterval.findMany({ where: { bookingId: BOOKING } });
  const seconds: Record<string, number> = {};
  for (const line of ledger)
    seconds[line.class] = (seconds[line.class] ?? 0) + (line.endsAt.getTime() - line.startsAt.getTime()) / 1000;

  const stored = await db.report.findUnique({ where: { bookingId: BOOKING } });
  const config = loadConfig({
    ...process.env,
    DATABASE_URL: stack.databaseUrl,
    OBSERVATIONS_STORAGE_PATH: stack.storagePath,
  });
  const logger = createLogger('chaos', 'silent');
  const finalise = createFinaliseActivities({
    db,
    storagePath: stack.storagePath,
    archive: createArchiveActivities({ db, config, logger }),
  });
  await finalise.rebuildReport({ bookingId: BOOKING, telescopeId: TELESCOPE });
  const rebuilt = await db.report.findUnique({ where: { bookingId: BOOKING } });

  return {
    phase: session.phase,
    objects: await roboTargetObjects(stack),
    archived,
    unrecorded: unrecordedFrames(effects(stack)),
    unexplained,
    unverified,
    ledger: seconds,
    slotSeconds: (booking.endsAt.getTime() - booking.startsAt.getTime()) / 1000,
    repeatedWithEffect: effects(stack).filter((entry) => entry.repeated_effect),
    reportStands: stored !== null && JSON.stringify(stored.body) === JSON.stringify(rebuilt?.body),
  };
}

const fileHash = (path: string): string | null => {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
};
const effects = (stack: Stack): Effect[] => effectsIn(join(stack.simulatorDir!, 'effects.jsonl'));
/** RoboTarget's objects as `kind guid status`, through the drop-in routes. */
async function roboTargetObjects(stack: Stack): Promise<string[]> {
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const list = async (path: string): Promise<Record<string, unknown>[]> => {
    const answer = await api.call<{ data?: Record<string, unknown>[] } | Record<string, unknown>[]>('GET', path);
    return Array.isArray(answer) ? answer : (answer.data ?? []);
  };
  const field = (item: Record<string, unknown>, pattern: RegExp): string => {
    const value = Object.entries(item).find(([name]) => pattern.test(name))?.[1];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const found: string[] = [];
  for (const set of await list('/api/robotarget/sets')) {
    const setGuid = field(set, /^guid$/i);
    found.push(`set ${setGuid} ${field(set, /^status$/i)}`);
    for (const target of await list(`/api/robotarget/targets?setGuid=${setGuid}`)) {
      const targetGuid = field(target, /^guidtarget$|^guid$/i);
      found.push(`target ${targetGuid} ${field(target, /^status$/i)}`);
      for (const shot of await list(`/api/robotarget/shots?targetGuid=${targetGuid}`))
        found.push(`shot ${field(shot, /^guidshot$|^guid$/i)} ${field(shot, /^quantity$/i)}`);
    }
  }
  return found.sort();
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      kills: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const whole = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new UsageError(`--${name}: "${text}" is not a whole number of at least ${least}.`);
    return value;
  };
  const kills = whole('kills', values.kills, 1);
  const seed = whole('seed', values.seed, 0);
  const began = Date.now();
  const plan = killPlan(seed, kills);
  // Room for each pause and a quick recovery; a plan of shots that fills half of it leaves room for the slow ones.
  const slotSeconds = Math.ceil(PREPARATION_SECONDS + plan.reduce((sum, step) => sum + step.pauseSeconds + 11, 0));
  const shots = Math.max(2, Math.floor((slotSeconds - PREPARATION_SECONDS) / 2 / CYCLE_SECONDS));

  const nights: Night[] = [];
  const stopAll = async (): Promise<void> => {
    await Promise.all(
      nights.map((night) => Promise.allSettled([night.db.$disconnect(), night.temporal.connection.close()])),
    );
    await Promise.all(nights.map((night) => night.stack.stop()));
  };
  const letGo = stopWithParent((reason) => {
    say(`Stopping (${reason}) …`);
    void stopAll().finally(() => process.exit(130));
  });
  try {
    say(`${kills} kills in a slot of ${slotSeconds} s with ${shots} shots, beside an undisturbed night.`);
    const quiet = await begin('quiet', seed, slotSeconds, shots);
    nights.push(quiet);
    const wild = await begin('killed', seed, slotSeconds, shots);
    nights.push(wild);

    const killed: Partial<Record<Victim, number>> = {};
    const recoveries: number[] = [];
    const strike = async (step: KillStep): Promise<void> => {
      const seconds = await killAndWait(wild, step.victim);
      recoveries.push(seconds);
      killed[step.victim] = (killed[step.victim] ?? 0) + 1;
      say(
        `kill ${recoveries.length} of ${kills}: ${step.victim}${step.at === 'any' ? '' : ` (${step.at})`}, working again after ${seconds.toFixed(1)} s`,
      );
    };
    const last = plan.find((step) => step.at === 'finalising');
    // The session may be over before all its kills are: the one that strikes the wrapping up does not wait for its turn.
    const wrappingUp = last ? untilPhase(wild, 'finalising') : new Promise<void>(() => undefined);
    let struck = !last;
    for (const step of plan.filter((s) => s !== last)) {
      const ready = approach(wild, step);
      if (!struck && (await Promise.race([ready.then(() => false), wrappingUp.then(() => true)]))) {
        struck = true;
        await strike(last!);
      }
      await ready;
      await strike(step);
    }
    if (!struck) {
      await wrappingUp;
      await strike(last!);
    }
    await Promise.all([waitForTheEnd(quiet), waitForTheEnd(wild)]);
    const down = recoveries.reduce((sum, seconds) => sum + seconds, 0);
    const differences = compareNights(await outcomeOf(quiet), await outcomeOf(wild), down);
    const bound = mostRecoverySeconds(quiet.startedSeconds, wild.startedSeconds);
    const summary = {
      kills: recoveries.length,
      killed,
      max_recovery_s: Math.round(Math.max(...recoveries) * 10) / 10,
      recovery_bound_s: Math.round(bound),
      median_recovery_s: Math.round(median(recoveries) * 10) / 10,
      equal_to_undisturbed: differences.length === 0,
      differences,
      seed,
      down_s: Math.round(down),
      wall_seconds: Math.round((Date.now() - began) / 1000),
    };
    process.stdout.write(`${values.json ? JSON.stringify(summary) : killsText(summary)}\n`);
    return differences.length === 0 && summary.max_recovery_s <= bound ? 0 : 1;
  } finally {
    await stopAll();
    letGo();
  }
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    say(thrown instanceof UsageError ? thrown.message : (toError(thrown).stack ?? String(thrown)));
    process.exit(thrown instanceof UsageError ? 2 : 1);
  },
);
