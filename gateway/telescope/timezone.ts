const formats = new Map<string, Intl.DateTimeFormat | null>();
/** Made once for each zone: it costs some hundred microseconds. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  let format = formats.get(timeZone);
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    } catch {
      format = null;
    }
    formats.set(timeZone, format);
  }
  return format;
}

/** An IANA name, or seconds east of UTC that hold all year. */
export type Zone = string | number;

/** Seconds east of UTC in a time zone at an instant; 0 for a zone that this machine does not know. */
export function siteOffsetSeconds(timeZone: Zone, atMs: number): number {
  if (typeof timeZone === 'number') return timeZone;
  const name = formatOf(timeZone)
    ?.formatToParts(atMs)
    .find((part) => part.type === 'timeZoneName')?.value;
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name ?? '');
  return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60) : 0;
}

/**
 * The instants at which a zone's clock shows a local time, earlier first, all in Unix milliseconds (the local time as if UTC). Two in the repeated
 * hour of autumn; in the skipped hour of spring, one by the offset before it.
 */
export function instantsOf(localMs: number, timeZone: Zone): [number, ...number[]] {
  const offsets = [...new Set([-1, 1].map((side) => siteOffsetSeconds(timeZone, localMs + side * DAY_MS)))];
  const found = offsets
    .map((offset) => ({ offset, at: localMs - offset * 1000 }))
    .filter(({ offset, at }) => siteOffsetSeconds(timeZone, at) === offset)
    .map(({ at }) => at)
    .toSorted((a, b) => a - b);
  const [first, ...more] = found;
  return first === undefined ? [localMs - offsets[0]! * 1000] : [first, ...more];
}
const DAY_MS = 86_400_000;

/** What a clock of a zone shows at an instant, in Unix milliseconds as if it were UTC. */
export const localOf = (atMs: number, timeZone: Zone): number => atMs + siteOffsetSeconds(timeZone, atMs) * 1000;
