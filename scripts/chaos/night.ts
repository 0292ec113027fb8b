import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QUERIES } from '../../domain/messages.ts';
import { isFinal, type Phase } from '../../domain/phases.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { loadConfig } from '../../platform/config.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { projectPath } from '../../platform/paths.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import { ApiClient } from '../../stack/api-client.ts';
import { startStack, type Stack } from '../../stack/stack.ts';
import { answers } from '../../stack/supervisor.ts';
import { highTarget } from '../../stack/targets.ts';
import type { KillStep, Victim } from './plan.ts';
import { reaches } from './points.ts';

export const BOOKING = 'chaos-1';
export const TELESCOPE = 'night';
const EXPOSURE_SECONDS = 4;
/** Exposure, download and dither of the simulator. */
export const CYCLE_SECONDS = 6.5;
/** What a kill in the middle of the preparation may cost (activities that heartbeat are given to another worker after 25 s), and the first slew and focus. */
export const PREPARATION_SECONDS = 60;
const POLICY = { prepare_lead: 5, check_interval: 5, turnaround_minutes: 0, minimum_useful_seconds: 5 } as const;

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Longest wait for a point of the night before the kill comes all the same. */
const POINT_TIMEOUT_MS = 15_000;

export interface Night {
  stack: Stack;
  db: Database;
  temporal: ReturnType<typeof createTemporalClient>;
  startMs: number;
  endMs: number;
  startedSeconds: number;
}

export async function begin(name: string, seed: number, slotSeconds: number, shots: number): Promise<Night> {
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
export async function untilPhase(night: Night, phase: 'preparing' | 'finalising'): Promise<void> {
  for (const deadline = night.endMs + 120_000; Date.now() < deadline; await sleep(50)) {
    const now = await phaseOf(night);
    if (now && (now === phase || isFinal(now) || (phase === 'preparing' && now !== 'scheduled'))) return;
  }
}

/** Waits for the kill's pause and its point of the night. */
export async function approach(night: Night, { at, pauseSeconds }: KillStep): Promise<void> {
  if (at === 'preparing' || at === 'finalising') return untilPhase(night, at);
  await sleep(pauseSeconds * 1000);
  const over = await phaseOf(night);
  if (!over || !(over === 'finalising' || isFinal(over)))
    await reaches(at, join(night.stack.simulatorDir!, 'effects.jsonl'), POINT_TIMEOUT_MS);
}

/** Kills one process and waits until everything works again. Returns the seconds that took. */
export async function killAndWait(night: Night, victim: Victim): Promise<number> {
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

export async function waitForTheEnd(night: Night): Promise<void> {
  const deadline = night.endMs + 240_000;
  while (Date.now() < deadline) {
    const phase = await phaseOf(night);
    if (phase && isFinal(phase)) return;
    await sleep(500);
  }
  throw new Error(`${BOOKING} did not come to its end`);
}
