/** What a clock on the wall shows and the instant that it means, in a zone by its IANA name; the viewer's own when left out. */

const shown = new Map<string, Intl.DateTimeFormat>();
function format(zone: string | undefined): Intl.DateTimeFormat {
  const key = zone ?? '';
  let known = shown.get(key);
  if (!known) {
    const parts = {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    } as const;
    shown.set(key, (known = new Intl.DateTimeFormat('en-CA', { ...parts, ...(zone ? { timeZone: zone } : {}) })));
  }
  return known;
}

/** Milliseconds by which clocks of the zone are ahead of UTC at that instant. */
function aheadMs(atMs: number, zone: string | undefined): number {
  const part = Object.fromEntries(
    format(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return (
    Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second) -
    Math.floor(atMs / 1000) * 1000
  );
}

/** `2026-11-22T21:30`, as a field of type `datetime-local` takes it. */
export const wallTime = (atMs: number, zone?: string): string =>
  new Date(atMs + aheadMs(atMs, zone)).toISOString().slice(0, 16);

/**
 * The instants, in milliseconds and earlier first, at which the zone's clocks show that time. One as a rule, none in spring's skipped hour or for
 * no time at all, two in autumn's repeated hour.
 */
export function instantsOf(wall: string, zone?: string): number[] {
  const asUtc = Date.parse(`${wall}Z`);
  if (!Number.isFinite(asUtc)) return [];
  // Clocks change at most once within two days.
  const offsets = new Set([-1, 1].map((side) => aheadMs(asUtc + side * 86_400_000, zone)));
  return [...offsets]
    .map((offset) => asUtc - offset)
    .filter((atMs) => asUtc - atMs === aheadMs(atMs, zone))
    .toSorted((a, b) => a - b);
}
