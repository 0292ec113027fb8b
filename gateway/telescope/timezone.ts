/** Seconds east of UTC in a time zone (IANA name) at an instant; 0 for a zone that this machine does not know. */
export function siteOffsetSeconds(timeZone: string, atMs: number): number {
  let name: string | undefined;
  try {
    name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(atMs).find((part) => part.type === 'timeZoneName')?.value;
  } catch {
    return 0;
  }
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name ?? '');
  return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60) : 0;
}
