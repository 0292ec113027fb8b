import type { WeatherState } from '../../domain/contracts/state.ts';
import type { Reason } from '../../domain/reasons.ts';

/** What an activity may know of its own execution; the names are those of `Context.current().info`. */
export interface ActivityInfo {
  attempt: number;
  activityType: string;
  /** When it was scheduled first, and when this attempt was; Unix milliseconds. */
  scheduledTimestampMs: number;
  currentAttemptScheduledTimestampMs: number;
}
/** A span of time, half open; Unix milliseconds. */
export interface Span {
  from: number;
  to: number;
}
/**
 * Weather other than fair, from one `source` or from all. `stale`: nobody measures; `frozen`: figures stand still, or (`dated`) the line is written
 * anew with the old date.
 */
export interface WeatherSpan extends Span {
  state: WeatherState;
  reason?: Reason;
  stale?: boolean;
  source?: 'voyager' | 'boltwood';
  frozen?: 'values' | 'dated';
}
/** Somebody else's enabled target. */
export interface Foreign {
  guid: string;
  name: string;
  /** The owner does not let go of it. */
  locked?: boolean;
  /** Enabled from then on, and preferred by RoboTarget to ours. */
  takesOverAt?: number;
}
interface Nth {
  name: string;
  nth: number;
}

/** All that happens at the observatory whatever we do. */
export interface ObservatoryScript {
  weather: WeatherSpan[];
  /** Voyager does not answer the gateway. */
  linkDown: Span[];
  /** RoboTarget's list is read, and our target is not on it. */
  targetGone: Span[];
  /** Voyager answers, RoboTarget's list cannot be read. */
  unreadable: Span[];
  /** RoboTarget refuses the target: the set is made, the rest is not. */
  targetRefused: Span[];
  /** VOYSTAT says ERRORE. */
  voyagerError: Span[];
  /** Voyager carries out a suspend: it stops by itself and nothing may be sent. */
  emergency: Span[];
  /** The nth command of that name works, but its answer is lost. */
  lost: Nth[];
  /** Voyager answers the nth command of that name with an error. */
  refused: Nth[];
  siteProblem: (Span & { reason: Reason; message: string })[];
  /** Somebody at the console disables the target at these instants. */
  disabledByHand: number[];
  foreign: Foreign[];
  /** RoboTarget observes somebody else's target. */
  foreignRuns: Span[];
  /** Camera or mount are not connected. */
  unplugged: (Span & { what: 'camera' | 'mount' })[];
  /** The guide star is lost; with `waits` Voyager takes nothing until it is found, else exposures go on unguided. */
  guidingLost: (Span & { waits?: boolean })[];
  /** RoboTarget does not run from these instants until it is started. */
  scriptEnds: number[];
  /** RoboTarget takes no target, and nothing that Voyager tells says so. */
  idle: (Span & { because?: string })[];
  /** RoboTarget says that the target is finished, whatever its counts. */
  finishedFrom: number | null;
  /** Clocks of the two hosts less the true time, in milliseconds. */
  voyagerClock: (Span & { offsetMs: number })[];
  gatewayClock: (Span & { offsetMs: number })[];
  /** The gateway's process does not run: nothing guards. */
  gatewayDead: Span[];
  /** The gateway has no PostgreSQL: no booking row tells it of a wider slot. */
  databaseAway: Span[];
  /** No gateway holds the lease: nothing that moves may be sent. */
  unowned: Span[];
}
export const fullScript = (some: Partial<ObservatoryScript>): ObservatoryScript => ({
  weather: [],
  linkDown: [],
  targetGone: [],
  unreadable: [],
  targetRefused: [],
  voyagerError: [],
  emergency: [],
  lost: [],
  refused: [],
  siteProblem: [],
  disabledByHand: [],
  foreign: [],
  foreignRuns: [],
  unplugged: [],
  guidingLost: [],
  scriptEnds: [],
  idle: [],
  finishedFrom: null,
  voyagerClock: [],
  gatewayClock: [],
  gatewayDead: [],
  databaseAway: [],
  unowned: [],
  ...some,
});

/** How a stand-in moves; a world of ticks lets a command that comes some milliseconds later change nothing. */
export interface Pace {
  tickMs: number;
  /** Slew, focus and guiding before the first exposure after each enabling. */
  setupMs: number;
  betweenMs: number;
}

export const within = (spans: readonly Span[], at: number): boolean => spans.some((s) => at >= s.from && at < s.to);
export const offsetAt = (spans: readonly (Span & { offsetMs: number })[], at: number): number =>
  spans.find((s) => at >= s.from && at < s.to)?.offsetMs ?? 0;

/** Every instant at which the script changes something. */
export function changesOf(script: ObservatoryScript): number[] {
  const { weather, linkDown, targetGone, unreadable, voyagerError, emergency, foreignRuns, unplugged } = script;
  const { guidingLost, idle, voyagerClock, gatewayClock, gatewayDead, databaseAway } = script;
  const spans: Span[] = [
    ...[weather, linkDown, targetGone, unreadable, voyagerError, emergency, foreignRuns, unplugged].flat(),
    ...[guidingLost, idle, voyagerClock, gatewayClock, gatewayDead, databaseAway].flat(),
  ];
  return [
    ...spans.flatMap((s) => [s.from, s.to]),
    ...script.disabledByHand,
    ...script.scriptEnds,
    ...script.foreign.flatMap((f) => f.takesOverAt ?? []),
    ...(script.finishedFrom === null ? [] : [script.finishedFrom]),
  ];
}
