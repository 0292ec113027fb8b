/**
 * Durations as .NET writes them (TimeSpan, formats "c" and "g": `[-][d.]hh:mm:ss[.fffffff]`, `[-]d:hh:mm:ss`), and as clocks show them
 * (`mm:ss`, `ss`). Source: Microsoft's page "Standard TimeSpan format strings".
 */

const MAX_LENGTH = 64;
const MINUS = /[\u2010\u2011\u2012\u2013\u2212]/g;
/** `2d`, `2 days`, `2 jours`, `2 giorni`, before a clock. */
const DAY_WORD = /^([+-]?\d{1,8}) ?(?:d|days?|j|jours?|g|giorn[io])[ ,]*(?=\d)/i;
/** TimeSpan.MaxValue and MinValue, which stand for "no value": 10,675,199 days. */
const NO_VALUE_DAYS = 10_675_199;

/**
 * Seconds, negative after a minus; characters of no meaning are passed over, since Voyager's SEQREMAIN carries some. Null when nothing is left, or
 * a part reaches its bound.
 */
export function readDurationSeconds(value: string): number | null {
  if (value.length > MAX_LENGTH) return null;
  const text = bare(value);
  const [whole = '', fraction = '', ...more] = text.replace(/^[+-]/, '').split(/[.,](?=\d*$)/);
  const groups = withDays(whole.split(':'));
  if (more.length > 0 || groups === null || !groups.every((group) => /^\d{1,8}$/.test(group))) return null;
  const [seconds, minutes = 0, hours = 0, days = 0] = groups.map(Number).reverse() as [
    number,
    number?,
    number?,
    number?,
  ];
  if (days >= NO_VALUE_DAYS || (groups.length > 3 && hours >= 24)) return null;
  if ((groups.length > 2 && minutes >= 60) || (groups.length > 1 && seconds >= 60)) return null;
  const total = days * 86_400 + hours * 3600 + minutes * 60 + seconds + Number(`0.${fraction || '0'}`);
  return text.startsWith('-') && total !== 0 ? -total : total;
}

/** One to four groups, days apart from hours; null for more, or for days without a clock behind them. */
function withDays(groups: string[]): string[] | null {
  const first = (groups[0] ?? '').split(/[. ]/);
  if (first.length > 1) return first.length === 2 && groups.length === 3 ? [...first, ...groups.slice(1)] : null;
  return groups.length <= 4 ? groups : null;
}

/** The text without what is no part of a duration, days as .NET writes them. */
function bare(value: string): string {
  const text = value.replace(MINUS, '-').trim().replace(DAY_WORD, '$1.');
  const kept = text
    .replace(/[^\d:.,+\- ]/g, '')
    .trim()
    .replace(/^([+-]) /, '$1')
    .replace(/ ?: ?/g, ':');
  let [from, to] = [/^[+-]/.test(kept) ? 1 : 0, kept.length];
  const sign = kept.slice(0, from);
  while (from < to && ':.,'.includes(kept[from]!)) from++;
  while (to > from && ':.,'.includes(kept[to - 1]!)) to--;
  return sign + kept.slice(from, to);
}
