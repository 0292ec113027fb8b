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

/** Seconds east of UTC in a time zone (IANA name) at an instant; 0 for a zone that this machine does not know. */
export function siteOffsetSeconds(timeZone: string, atMs: number): number {
  const name = formatOf(timeZone)
    ?.formatToParts(atMs)
    .find((part) => part.type === 'timeZoneName')?.value;
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name ?? '');
  return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60) : 0;
}
