/**
 * Equatorial coordinates as people and Voyager write them.
 * RA is in hours [0, 24), Dec in degrees [-90, 90]. Voyager writes RA as `02:49:50` and angles as `-16° 09' 55"`,
 * and some of its answers carry a decimal comma (voyager-protocol: section 5, RemoteSearchTarget).
 */

const SEXAGESIMAL =
  /^\s*([+-]?)\s*(\d{1,3})\s*[:hd°\s]\s*(\d{1,2})\s*(?:[:m'′\s]\s*(\d{1,2}(?:[.,]\d+)?)\s*[s"″]?\s*)?$/u;
const DECIMAL = /^\s*[+-]?\d{1,3}(?:[.,]\d+)?\s*$/;

/** Degrees or hours out of `d:m:s`, `d° m' s"`, `h m s` or a decimal; null when it is none of them. */
export function parseSexagesimal(text: string): number | null {
  if (DECIMAL.test(text)) return Number(text.replace(',', '.'));
  const match = SEXAGESIMAL.exec(text.replace(/[″”]/g, '"').replace(/[′’]/g, "'"));
  if (!match) return null;
  const [, sign, whole, minutes, seconds = '0'] = match;
  const m = Number(minutes);
  const s = Number(seconds.replace(',', '.'));
  if (m >= 60 || s >= 60) return null;
  const value = Number(whole) + m / 60 + s / 3600;
  return sign === '-' ? -value : value;
}

/** RA in hours [0, 24), or null. */
export function parseRaHours(value: number | string): number | null {
  const hours = typeof value === 'number' ? value : parseSexagesimal(value);
  return hours !== null && Number.isFinite(hours) && hours >= 0 && hours < 24 ? hours : null;
}

/** Declination in degrees [-90, 90], or null. */
export function parseDecDegrees(value: number | string): number | null {
  const degrees = typeof value === 'number' ? value : parseSexagesimal(value);
  return degrees !== null && Number.isFinite(degrees) && degrees >= -90 && degrees <= 90 ? degrees : null;
}

function parts(value: number, secondDecimals: number): [whole: number, minutes: number, seconds: number] {
  const scale = 10 ** secondDecimals;
  const total = Math.round(Math.abs(value) * 3600 * scale);
  return [Math.floor(total / (3600 * scale)), Math.floor(total / (60 * scale)) % 60, (total % (60 * scale)) / scale];
}
const two = (n: number, decimals = 0): string => n.toFixed(decimals).padStart(decimals ? 3 + decimals : 2, '0');

/** `02h49m50.0s` */
export function formatRa(hours: number): string {
  const [h, m, s] = parts(hours, 1);
  return `${two(h % 24)}h${two(m)}m${two(s, 1)}s`;
}
/** `+47°20'07"` */
export function formatDec(degrees: number): string {
  const [d, m, s] = parts(degrees, 0);
  return `${degrees < 0 ? '-' : '+'}${two(d)}°${two(m)}'${two(s)}"`;
}
/** Voyager's own form of RA: `02:49:50`. */
export function formatVoyagerHours(hours: number): string {
  const [h, m, s] = parts(((hours % 24) + 24) % 24, 0);
  return `${two(h % 24)}:${two(m)}:${two(s)}`;
}
/** Voyager's own form of an angle: `-16° 09' 55"`. */
export function formatVoyagerAngle(degrees: number): string {
  const [d, m, s] = parts(degrees, 0);
  return `${degrees < 0 ? '-' : ''}${two(d)}° ${two(m)}' ${two(s)}"`;
}
