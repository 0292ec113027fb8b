/** Seconds between our clock and Voyager's that are told (docs/safety.md, 11). */
const WARNING_SECONDS = 2;
/** Seconds above which no session is started and none goes on. */
export const CLOCK_LIMIT_SECONDS = 60;

/** What an offset means; null is unknown, and nothing follows from it alone. */
export function clockVerdict(offsetSeconds: number | null): 'ok' | 'warning' | 'off' | 'unknown' {
  if (offsetSeconds === null) return 'unknown';
  if (Math.abs(offsetSeconds) > CLOCK_LIMIT_SECONDS) return 'off';
  return Math.abs(offsetSeconds) > WARNING_SECONDS ? 'warning' : 'ok';
}
/** The clocks are so far apart that a slot cannot be kept. */
export const clockIsOff = (offsetSeconds: number | null): boolean => clockVerdict(offsetSeconds) === 'off';
