import {
  fromJulianDate,
  fromModifiedJulianDate,
  readDateTime,
  readNumber,
  readTimeOfDay,
  type ReadDateTime,
} from '../domain/reading/index.ts';

/** When an exposure began, as far as its header says it. */
export interface Observed {
  /** Null where no card gives an instant. */
  startedAt: Date | null;
  /** First instant (UTC) of the day, where only that is known. */
  day: Date | null;
  /** What was guessed or could not be read, for people. */
  notes: string[];
}

type Values = Record<string, unknown>;

/** FITS Standard 4.0, 9.5: DATE-OBS, or DATE-BEG where a program means the beginning; the others are spellings that were seen. */
const DATES = ['DATE-OBS', 'DATE-BEG', 'DATE_OBS', 'DATEOBS', 'UTDATE', 'DATE-UT'];
/** Times of day (UTC) beside a date without one. */
const TIMES = ['TIME-OBS', 'TIME_OBS', 'UTC-OBS', 'UTC_OBS', 'UTC', 'UT', 'UTSTART', 'UT-START', 'TIME-BEG', 'TIMEOBS'];
/** The same in seconds since midnight, as ESO's programs write it. */
const SECONDS = ['TM-START', 'TM_START'];
const MODIFIED_JULIAN = ['MJD-OBS', 'MJD-BEG', 'MJD_OBS', 'MJD'];
const JULIAN = ['JD', 'JD-OBS', 'JD_OBS', 'JD-BEG', 'JD_UTC'];
const HOUR_SECONDS = 3600;

/** Text of a card, or null where it has none. */
export const cardText = (value: unknown): string | null => {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
};

/** Start of the exposure by whichever card tells it; a date that no calendar has, or without a time, is no instant. */
export function observedAt(header: Values): Observed {
  const notes: string[] = [];
  const time = timeOfDay(header);
  const scale = cardText(header.TIMESYS)?.toUpperCase();
  if (scale !== undefined && !/^(?:UTC?|GMT)\b/.test(scale)) notes.push(`TIMESYS is ${scale}; times were read as UTC`);
  let day: Date | null = null;
  for (const keyword of DATES) {
    const text = cardText(header[keyword]);
    if (text === null) continue;
    const read = readDateTime(text, time);
    if (read === null) {
      notes.push(`${keyword} '${text}' is no date`);
      continue;
    }
    if (read.guessed) notes.push(guess(keyword, text, read));
    if (read.hasTime) return { startedAt: new Date(read.utcMs), day: null, notes };
    day ??= new Date(read.utcMs);
  }
  const julian = julianStart(header);
  if (julian !== null) return { startedAt: new Date(julian), day: null, notes };
  if (day) notes.push('only the day of the exposure is known');
  return { startedAt: null, day, notes };
}

const guess = (keyword: string, text: string, { order, utcMs }: ReadDateTime): string =>
  `${keyword} '${text}' was read as ${new Date(utcMs).toISOString().slice(0, 10)} (${{ ymd: 'year', dmy: 'day', mdy: 'month' }[order]} first)`;

/** A time of day that `readDateTime` takes: a text, or seconds since midnight. */
function timeOfDay(header: Values): string | number | null {
  for (const keyword of TIMES) {
    const value = header[keyword];
    if (typeof value === 'string' && readTimeOfDay(value) !== null) return value;
    // A number is UT in hours, or seconds since midnight as ESO's programs write it.
    const number = readNumber(value);
    if (number !== null && number >= 0 && number <= 86_400) return number < 24 ? number * HOUR_SECONDS : number;
    // A whole instant in a field for the time: its second half.
    const half = typeof value === 'string' ? /^\d{4}-\d\d-\d\d[T ](.+)$/.exec(value.trim())?.[1] : undefined;
    if (half !== undefined && readTimeOfDay(half) !== null) return half;
  }
  for (const keyword of SECONDS) {
    const value = header[keyword];
    const seconds = readNumber(value);
    if (seconds !== null) return readTimeOfDay(seconds);
    if (typeof value === 'string' && readTimeOfDay(value) !== null) return value;
  }
  return null;
}

function julianStart(header: Values): number | null {
  for (const keyword of MODIFIED_JULIAN) {
    const days = readNumber(header[keyword]);
    const ms = days === null ? null : fromModifiedJulianDate(days);
    if (ms !== null) return ms;
  }
  for (const keyword of JULIAN) {
    const days = readNumber(header[keyword]);
    const ms = days === null ? null : fromJulianDate(days);
    if (ms !== null) return ms;
  }
  return null;
}
