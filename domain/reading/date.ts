/**
 * Dates and times of day as headers, log lines and people write them; an impossible date is null, and a guess is marked as one. FITS Standard 4.0,
 * 9.1.1 (ISO 8601) and 4.4.2.1 (`DD/MM/YY` before 2000).
 */

export interface ReadDateTime {
  /** Milliseconds since 1970 in UTC; of the day's midnight without a time. */
  utcMs: number;
  hasTime: boolean;
  /** The text names its offset from UTC; without one UTC was assumed, as FITS has it. */
  offsetStated: boolean;
  /** Order of the date's parts; only `ymd` is never ambiguous. */
  order: 'ymd' | 'dmy' | 'mdy';
  /** The order or the century could be another one. */
  guessed: boolean;
}

interface CalendarDay {
  year: number;
  month: number;
  day: number;
  order: ReadDateTime['order'];
  guessed: boolean;
}

const MAX_LENGTH = 64;
const DAY_MS = 86_400_000;
/** With colons too, as cameras write into EXIF. */
const YEAR_FIRST = /^(\d{4})([-/.:])(\d{1,2})\2(\d{1,2})(?!\d)/;
const YEAR_FIRST_COMPACT = /^(\d{4})(\d{2})(\d{2})(?!\d)/;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/;
/** `28-Nov-2026`, `28 novembre 2026`; `2026-Nov-28`; `Nov 28, 2026`; each with the places of year, month and day. */
const NAMED: readonly [RegExp, year: number, month: number, day: number][] = [
  [/^(\d{1,2})[-/. ]([a-z]{3,9})\.?[-/. ](\d{4})(?!\d)/, 3, 2, 1],
  [/^(\d{4})[-/. ]([a-z]{3,9})\.?[-/. ](\d{1,2})(?!\d)/, 1, 2, 3],
  [/^([a-z]{3,9})\.? (\d{1,2}),? (\d{4})(?!\d)/, 3, 1, 2],
];
/** Beginnings of the months' names in English and French, without accents. */
const MONTHS = [
  'jan',
  'feb|fev',
  'mar',
  'apr|avr',
  'may|mai',
  'jun|juin',
  'jul|juil',
  'aug|aou',
  'sep',
  'oct',
  'nov',
  'dec',
];
const OFFSET = / ?(?:\(?(z|utc|gmt|ut)\)?|([+-])(\d{2}):?(\d{2})?)$/i;
/** `21:06:37.5`, `21h06`, `9:06 pm`; `210637`; `21 06 37`. */
const CLOCKS = [
  /^(\d{1,2})(?:[:h] ?(\d{1,2})(?:[:m'] ?(\d{1,2})(?:[.,](\d*))?[s"]?)?m?)? ?(am|pm)?$/i,
  /^(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d*))?)?$/,
  /^(\d{1,2}) (\d{1,2}) (\d{1,2})(?:[.,](\d*))?$/,
];

/**
 * A date with or without a time.
 * @param time time of day that stands in a field of its own; it counts where `text` has none
 */
export function readDateTime(text: string, time: string | number | null = null): ReadDateTime | null {
  if (text.length > MAX_LENGTH) return null;
  const tidy = inFigures(
    text
      .trim()
      .replace(/[\u2010-\u2013\u2212]/g, '-')
      .replace(/\s+/g, ' '),
  );
  const found = YEAR_FIRST.exec(tidy) ?? YEAR_LAST.exec(tidy) ?? YEAR_FIRST_COMPACT.exec(tidy);
  if (!found) return null;
  const after = tidy.slice(found[0].length);
  if (!/^(?:[T, ]|z?$)/i.test(after)) return null;
  const rest = after.replace(/^(?:T|, ?| )/i, '');
  const offset = OFFSET.exec(rest);
  const clock = offset ? rest.slice(0, -offset[0].length) : rest;
  const ownTime = clock === '' ? time : clock;
  const midnight = ownTime === null || ownTime === '';
  const seconds = midnight ? 0 : readTimeOfDay(ownTime);
  const day = calendarDay(found, /[ap]m$/i.test(clock));
  const offsetMinutes = offset ? minutesOf(offset) : 0;
  if (seconds === null || day === null || offsetMinutes === null) return null;
  return {
    utcMs: Date.UTC(day.year, day.month - 1, day.day) + Math.floor(seconds * 1000 + 1e-6) - offsetMinutes * 60_000,
    hasTime: !midnight,
    offsetStated: offset !== null,
    order: day.order,
    guessed: day.guessed,
  };
}

/** The hour of a clock of twelve; null for one that it does not have. */
const hoursOfHalf = (hour: number, half: string): number | null =>
  hour < 1 || hour > 12 ? null : (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);

/**
 * Seconds since midnight out of `hh:mm[:ss[.f]]`, `hhmmss`, `5h06m07s`, `11:05 pm`, or a number of seconds; null for anything else. 24:00:00 and a
 * leap second are the next day's first instant.
 */
export function readTimeOfDay(value: string | number): number | null {
  if (typeof value === 'number') return value >= 0 && value <= 86_400 ? value : null;
  if (value.length > MAX_LENGTH) return null;
  const text = value.trim().replace(OFFSET, '');
  const match = CLOCKS.map((clock) => clock.exec(text)).find((found) => found !== null);
  if (!match || match[2] === undefined) return null;
  const [, hourText, minuteText, secondText = '0', fraction = '0', half] = match;
  const hours = half ? hoursOfHalf(Number(hourText), half) : Number(hourText);
  const minutes = Number(minuteText);
  const seconds = Number(secondText);
  if (hours === null) return null;
  const total = hours * 3600 + minutes * 60 + seconds + Number(`0.${fraction}`);
  const leap = hours === 23 && minutes === 59 && seconds === 60;
  if (minutes > 59 || (seconds > 59 && !leap)) return null;
  if (leap) return 86_400;
  return total <= 86_400 ? total : null;
}

/** Milliseconds since 1970 of a modified Julian date (days since 1858-11-17), or null outside the years 1900 to 2200. */
export function fromModifiedJulianDate(days: number): number | null {
  const ms = Math.round((days - 40_587) * DAY_MS);
  return ms >= Date.UTC(1900, 0, 1) && ms < Date.UTC(2200, 0, 1) ? ms : null;
}
/** The same of a Julian date. */
export const fromJulianDate = (days: number): number | null => fromModifiedJulianDate(days - 2_400_000.5);

/** A date with its month in figures, year first; other texts as they are. */
function inFigures(text: string): string {
  const plain = text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
  for (const [pattern, year, month, day] of NAMED) {
    const found = pattern.exec(plain);
    const number = found
      ? MONTHS.findIndex((names) => names.split('|').some((name) => found[month]!.startsWith(name))) + 1
      : 0;
    if (found && number > 0) return `${found[year]}-${number}-${found[day]}${plain.slice(found[0].length)}`;
  }
  return text;
}

function calendarDay(match: RegExpExecArray, twelveHours: boolean): CalendarDay | null {
  const parts = match.slice(1).filter((part) => /^\d+$/.test(part));
  const [a, b, c] = parts.map(Number) as [number, number, number];
  if (parts[0]!.length === 4) return real({ year: a, month: b, day: c, order: 'ymd', guessed: false });
  const short = parts[2]!.length === 2;
  /** The standard knows years of two digits before 2000 only; a camera of before 1970 is not likely. */
  const year = short ? 1900 + c : c;
  const monthFirst = b > 12 || (twelveHours && a <= 12);
  const order = monthFirst ? ('mdy' as const) : ('dmy' as const);
  const [month, day] = monthFirst ? [a, b] : [b, a];
  const ambiguous = a <= 12 && b <= 12 && a !== b && !short;
  return real({ year, month, day, order, guessed: ambiguous || (short && (c < 70 || monthFirst)) });
}

/** The day, or null where the calendar does not have it. */
function real(found: CalendarDay): CalendarDay | null {
  const { year, month, day } = found;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? found : null;
}

function minutesOf(offset: RegExpExecArray): number | null {
  if (offset[1]) return 0;
  const hours = Number(offset[3]);
  const minutes = Number(offset[4] ?? 0);
  if (hours > 14 || minutes > 59) return null;
  return (offset[2] === '-' ? -1 : 1) * (hours * 60 + minutes);
}
