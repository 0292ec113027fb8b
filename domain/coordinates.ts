import { readAngle } from './reading/angle.ts';

/**
 * Equatorial coordinates as people and Voyager write them: RA in hours [0, 24), Dec in degrees [-90, 90]. Voyager writes `02:49:50` and `-16° 09'
 * 55"`, with a decimal comma in some answers (RemoteSearchTarget).
 */

/** Why a text is no position, each with a sentence for whoever wrote it. */
export const COORDINATE_PROBLEMS = {
  ra_unreadable: {
    en: 'write the right ascension like 5h 35m 17s, 5:35:17 or 5.588h',
    fr: 'écrivez l’ascension droite comme 5h 35m 17s, 5:35:17 ou 5,588h',
  },
  ra_above_24: {
    en: 'right ascension goes from 0 up to but not 24 hours; for degrees write d or ° after the number, like 83.82°',
    fr: 'l’ascension droite va de 0 à moins de 24 heures ; pour des degrés, écrivez d ou ° après le nombre, comme 83,82°',
  },
  ra_above_360: {
    en: 'right ascension goes from 0° up to but not 360°',
    fr: 'l’ascension droite va de 0° à moins de 360°',
  },
  ra_negative: { en: 'right ascension is never negative', fr: 'l’ascension droite n’est jamais négative' },
  dec_unreadable: {
    en: 'write the declination like -5° 23\' 28", -5:23:28 or -5.391',
    fr: 'écrivez la déclinaison comme -5° 23\' 28", -5:23:28 ou -5,391',
  },
  dec_beyond_90: { en: 'declination goes from -90 to 90 degrees', fr: 'la déclinaison va de -90 à 90 degrés' },
  dec_in_hours: {
    en: 'declination is in degrees, from -90 to 90, not in hours',
    fr: 'la déclinaison est en degrés, de -90 à 90, et non en heures',
  },
  sixty: {
    en: 'minutes and seconds stay below 60',
    fr: 'les minutes et les secondes restent inférieures à 60',
  },
} as const satisfies Record<string, { en: string; fr: string }>;
export type CoordinateProblem = keyof typeof COORDINATE_PROBLEMS;

/** As programs print a number, with all its decimals or an exponent: what a page or a shop puts into an address. */
const isPrinted = (text: string): boolean => String(Number(text)) === text;

/** RA in hours [0, 24), or what is wrong. A number, or a text without a unit, is hours; degrees say so. */
export function readRaHours(value: number | string): number | CoordinateProblem {
  if (typeof value === 'number' || isPrinted(value)) return raInRange(Number(value), null);
  const angle = readAngle(value);
  if (angle === 'sixty') return angle;
  if (angle === 'unreadable' || angle.compass) return 'ra_unreadable';
  return raInRange(angle.unit === 'degrees' ? angle.value / 15 : angle.value, angle.unit);
}
function raInRange(hours: number, unit: 'hours' | 'degrees' | null): number | CoordinateProblem {
  if (!Number.isFinite(hours)) return 'ra_unreadable';
  if (hours < 0) return 'ra_negative';
  if (hours >= 24) return unit === 'degrees' ? 'ra_above_360' : 'ra_above_24';
  return hours;
}

/** Declination in degrees [-90, 90], or what is wrong. */
export function readDecDegrees(value: number | string): number | CoordinateProblem {
  const angle = typeof value === 'number' || isPrinted(value) ? { value: Number(value), unit: null } : readAngle(value);
  if (angle === 'sixty') return angle;
  if (angle === 'unreadable' || !Number.isFinite(angle.value)) return 'dec_unreadable';
  if (angle.unit === 'hours') return 'dec_in_hours';
  return Math.abs(angle.value) <= 90 ? angle.value : 'dec_beyond_90';
}

const orNull = (read: number | CoordinateProblem): number | null => (typeof read === 'number' ? read : null);

/** RA in hours [0, 24), or null. */
export const parseRaHours = (value: number | string): number | null => orNull(readRaHours(value));
/** Declination in degrees [-90, 90], or null. */
export const parseDecDegrees = (value: number | string): number | null => orNull(readDecDegrees(value));

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
