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
/** All that happens at the observatory whatever we do. */
export interface ObservatoryScript {
  /** Weather other than ok; `stale`: nobody measures any more. */
  weather: (Span & { state: WeatherState; reason: Reason; stale?: boolean })[];
  linkDown: Span[];
  /** VOYSTAT says ERRORE. */
  voyagerError: Span[];
  /** Voyager carries out a suspend: it stops by itself and nothing may be sent. */
  emergency: Span[];
  cameraAway: Span[];
  guidingLost: Span[];
  /** RoboTarget observes somebody else's target. */
  foreignRuns: Span[];
  /** The clocks differ by more than a minute. */
  clockOff: Span[];
  /** RoboTarget's script does not run. */
  roboTargetOff: Span[];
  /** The nth command of that name works, but its answer is lost. */
  lostAnswers: { name: string; nth: number }[];
  /** Voyager refuses the nth command of that name. */
  refusals: { name: string; nth: number }[];
  siteProblem: (Span & { reason: Reason; message: string })[];
  /** Somebody at the console disables the target. */
  disabledByHand: number[];
  /** RoboTarget calls the target finished from here on. */
  finishedFrom: number | null;
  foreign: { guid: string; name: string; locked: boolean }[];
}
