/** Quiet hours by the clock on the guest's wall; `from` after `to` runs over midnight. */
export interface QuietHours {
  from: string;
  to: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** Minutes since local midnight. @throws RangeError for a time zone that is none */
function localMinutes(at: Date, timezone: string): number {
  const text = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: timezone,
  }).format(at);
  return minutesOf(text);
}

/** The instant at which the quiet ends, to the minute; null when it is not quiet. Follows the clock through a change of summer time. */
export function quietUntil(quiet: QuietHours | null, timezone: string, now: Date): Date | null {
  if (!quiet || quiet.from === quiet.to) return null;
  const [from, to, here] = [minutesOf(quiet.from), minutesOf(quiet.to), localMinutes(now, timezone)];
  const isQuiet = from < to ? here >= from && here < to : here >= from || here < to;
  if (!isQuiet) return null;
  const start = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const guess = start + ((to - here + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS;
  const off = ((localMinutes(new Date(guess), timezone) - to + DAY_MINUTES * 1.5) % DAY_MINUTES) - DAY_MINUTES / 2;
  const mended = new Date(guess - off * MINUTE_MS);
  // An hour that the clock skips has no minute `to`: then the first guess stands.
  return localMinutes(mended, timezone) === to ? mended : new Date(guess);
}
