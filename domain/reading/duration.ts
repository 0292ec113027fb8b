/**
 * Durations as .NET writes them (TimeSpan, formats "c" and "g": `[-][d.]hh:mm:ss[.fffffff]`, `[-]d:hh:mm:ss`), and as clocks show them
 * (`mm:ss`, `ss`). Source: Microsoft's page "Standard TimeSpan format strings".
 */

const MAX_LENGTH = 64;
const MINUS = /[\u2010\u2011\u2012\u2013\u2212]/g;
/** `2d`, `2 days`, `2 jours`, `2 giorni`, before a clock. */
const DAY_WORD = /^([+-]?\d{1,8}) ?(?:d|days?|j|jours?|g|giorn[io])[ ,]*(?=\d)/i;
const SPAN = /^([+-])?(?:(\d{1,8})[. :](?=\d+:\d+:))?(?:(?:(\d{1,8}):)?(\d{1,8}):)?(\d{1,8})(?:[.,](\d*))?$/;
/** TimeSpan.MaxValue and MinValue, which stand for "no value": 10,675,199 days. */
const NO_VALUE_DAYS = 10_675_199;

/**
 * Seconds; a sign in front makes them negative. Characters besides digits, colons, points and the sign are passed over, since
 * Voyager's SEQREMAIN and its like carry some. Null when nothing is left, or minutes, seconds or hours beside days reach their bound.
 */
export function readDurationSeconds(value: string): number | null {
  if (value.length > MAX_LENGTH) return null;
  const match = SPAN.exec(bare(value));
  if (!match) return null;
  const [, sign, dayText, hourText, minuteText, secondText, fraction = ''] = match;
  const days = Number(dayText ?? 0);
  const hours = Number(hourText ?? 0);
  const minutes = Number(minuteText ?? 0);
  const seconds = Number(secondText);
  if (days >= NO_VALUE_DAYS) return null;
  if (dayText !== undefined && hours >= 24) return null;
  if (hourText !== undefined && minutes >= 60) return null;
  if (minuteText !== undefined && seconds >= 60) return null;
  const total = days * 86_400 + hours * 3600 + minutes * 60 + seconds + Number(`0.${fraction || '0'}`);
  return sign === '-' && total !== 0 ? -total : total;
}

/** The text without what is no part of a duration, days as .NET writes them. */
function bare(value: string): string {
  const text = value.replace(MINUS, '-').trim().replace(DAY_WORD, '$1.');
  return text
    .replace(/[^\d:.,+\- ]/g, '')
    .trim()
    .replace(/^([+-]) /, '$1')
    .replace(/ ?: ?/g, ':')
    .replace(/^([+-]?)[:.,]+|[:.,]+$/g, '$1');
}
