import { clockIsOff } from '../../domain/clock-offset.ts';
import { ledgerOfFault } from '../../domain/holds.ts';
import type { Observation, SessionBooking, Span } from '../../domain/ports.ts';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import type { HoldCause } from '../../domain/phases.ts';
import type { Reason } from '../../domain/reasons.ts';

/** Decisions of a night as pure functions: what was seen goes in, what to do comes out. */

/** What an emergency, an outage or a guest asks of the target. `none`: send nothing, either because nothing may be sent or because nothing can. */
export type HoldAction = 'none' | 'disable' | 'stop';
export type Verdict =
  /** `advisory`: the target may run, and this is why it does not show yet. */
  | { go: true; advisory: Reason | null }
  | { go: false; cause: HoldCause; reason: Reason; ledger: LedgerClass; action: HoldAction };

const hold = (cause: HoldCause, reason: Reason, ledger: LedgerClass, action: HoldAction): Verdict => ({
  go: false,
  cause,
  reason,
  ledger,
  action,
});

export interface Circumstances {
  now: number;
  policy: SessionBooking['policy'];
  /** The target was enabled by us, confirmed, and not disabled since. */
  engaged: boolean;
  /** Holds the target too where the hold itself would send nothing. */
  userPaused: boolean;
  maintenance: SessionBooking['maintenance'];
  /** Somebody works at the telescope as announced: what is away or taken over by hand meanwhile is that, and no fault. */
  plannedWork: boolean;
  /** What is left of the plan needs no clear sky, and policy lets it go on. */
  calibrating: boolean;
  /** A step towards motion was refused a moment ago, with this reason. */
  refusal: Reason | null;
  /** Voyager's emergency began in weather that was known to be bad (`badWeatherSeen`). */
  emergencyForWeather?: boolean;
  /** Our target is enabled, the sky permits, and for long nothing has begun (progress.ts). */
  stalled?: boolean;
}

/**
 * May the target run now? In the ledger's order of precedence (docs/credits.md), so that a second goes to the strongest cause:
 * emergency, outage, unsafe weather, foreign, weather hold, user. `seen` null: the gateway did not answer.
 */
export function judge(seen: Observation | null, c: Circumstances): Verdict {
  if (seen === null)
    return c.plannedWork
      ? hold('maintenance', 'maintenance', 'outage', 'none')
      : hold('fault', 'gateway_away', 'outage', 'none');
  if (seen.emergency !== null)
    return c.emergencyForWeather
      ? hold('weather', 'weather_unsafe', 'unsafe', 'none')
      : hold('fault', 'voyager_emergency', 'unsafe', 'none');
  const weather = seen.weather;
  if (!seen.connected) {
    // Weather that nobody knows because Voyager is away is Voyager's absence.
    const ledger = weather.reason === 'weather_unsafe' && !weather.stale ? 'unsafe' : 'outage';
    return c.plannedWork
      ? hold('maintenance', 'maintenance', ledger, 'none')
      : hold('fault', 'voyager_away', ledger, 'none');
  }
  if (weather.state === 'unsafe' || weather.stale)
    return hold('weather', weather.reason ?? (weather.stale ? 'weather_unknown' : 'weather_unsafe'), 'unsafe', 'stop');
  if (inMaintenance(c.maintenance, c.now))
    return hold(c.plannedWork ? 'maintenance' : 'fault', 'maintenance', 'outage', 'disable');
  if (clockIsOff(seen.clockOffsetSeconds)) return hold('fault', 'clock_offset', 'outage', 'disable');
  if (seen.voyagerStatus === 'ERROR')
    return hold('fault', 'voyager_error', 'outage', c.userPaused ? paused(c.policy) : 'none');
  if (seen.mountConnected === false || seen.cameraConnected === false)
    return hold('fault', 'equipment_error', 'outage', 'disable');
  if (c.engaged && seen.target?.enabled === false) return hold('fault', 'local_operator', 'outage', 'none');
  // The gate knows of the maintenance before the session does.
  if (c.refusal === 'maintenance') return hold('maintenance', 'maintenance', 'outage', 'none');
  if (c.refusal !== null && !isWeather(c.refusal)) return hold('fault', c.refusal, ledgerOfFault(c.refusal), 'none');
  if (weather.state === 'hold' && !(c.calibrating && c.engaged))
    return hold('weather', weather.reason ?? 'weather_hold', 'weather_hold', 'disable');
  if (!c.engaged && debounceLeftMs(seen, c.policy, c.now) > 0)
    return hold('weather', 'weather_debounce', 'weather_hold', 'disable');
  if (c.refusal !== null) return hold('weather', c.refusal, 'weather_hold', 'none');
  if (c.userPaused) return hold('user', 'user_pause', 'user_pause', paused(c.policy));
  if (c.stalled) return hold('fault', 'robotarget_not_running', 'outage', 'none');
  return { go: true, advisory: advisory(seen, c) };
}

const paused = (policy: SessionBooking['policy']): HoldAction => (policy.pause_mode === 'abort' ? 'stop' : 'disable');

function advisory(seen: Observation, c: Circumstances): Reason | null {
  if (seen.running === 'foreign') return 'foreign_target';
  if (seen.weather.state === 'hold') return seen.weather.reason ?? 'weather_hold';
  if (seen.roboTargetRunning === false) return 'robotarget_not_running';
  if (c.engaged && seen.target?.statusOp === 'no_ephemeris') return 'target_below_limit';
  if (seen.guiding === 'TIMEOUT') return 'guiding_lost';
  return null;
}

const isWeather = (reason: string): boolean => reason.startsWith('weather_');

/**
 * Was the weather known to be bad at the last look, or before the emergency that Voyager still carries out? During an emergency the monitor may
 * fall silent, so what stood before is remembered; unknown weather does not count.
 */
export function badWeatherSeen(seen: Observation, before: boolean): boolean {
  const { state, reason, stale } = seen.weather;
  if (!stale && state !== 'ok' && (reason === 'weather_unsafe' || reason === 'weather_hold')) return true;
  return before && seen.emergency !== null;
}

/** How a hold in the preparation counts: unsafe weather and Voyager's emergency outrank our own trouble, as the ledger has it. */
export function preparationHold(
  problem: Reason,
  verdict: Verdict | null,
): { cause: HoldCause; reason: Reason; ledger: LedgerClass } {
  if (verdict && !verdict.go && verdict.ledger === 'unsafe') return verdict;
  return { cause: 'fault', reason: problem, ledger: ledgerOfFault(problem) };
}

/** Whose seconds a span is when a slot without a frame is explained. */
function blamed({ class: ledger, cause }: Span): 'weather' | 'fault' | 'rest' {
  if (ledger === 'weather_hold') return 'weather';
  if (ledger === 'unsafe')
    return cause === 'voyager_emergency' || cause === 'safety_monitor_missing' ? 'fault' : 'weather';
  return ledger === 'outage' || ledger === 'foreign' ? 'fault' : 'rest';
}
/** Did bad weather take the slot? It outweighs what failed, and all else too unless the slot ended in it (`holding`). */
export function lostToWeather(spans: readonly Span[], untilMs: number, holding: boolean): boolean {
  const lost = { weather: 0, fault: 0, rest: 0 };
  for (const span of spans)
    lost[blamed(span)] += (span.end === null ? untilMs : Date.parse(span.end)) - Date.parse(span.start);
  return lost.weather > 0 && lost.weather >= lost.fault && (holding || lost.weather >= lost.rest);
}

/** Milliseconds until the weather has been safe for the debounce time; the whole of it while nobody says since when it is safe. */
export function debounceLeftMs(seen: Observation, policy: SessionBooking['policy'], now: number): number {
  const debounceMs = policy.resume_debounce_seconds * 1000;
  if (debounceMs === 0) return 0;
  if (seen.weather.ok_since === null) return debounceMs;
  return Math.max(0, Date.parse(seen.weather.ok_since) + debounceMs - now);
}

export function inMaintenance(maintenance: SessionBooking['maintenance'], now: number): boolean {
  return maintenance !== null && now >= Date.parse(maintenance.from) && now < Date.parse(maintenance.to);
}

/** RoboTarget's list was read, our target is not on it, and nothing of ours runs: there is nothing to stop. */
export const notThere = (seen: Observation): boolean => seen.targetAbsent === true && seen.running !== 'ours';
