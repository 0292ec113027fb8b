/**
 * Durations as .NET writes them (TimeSpan, formats "c" and "g": `[-][d.]hh:mm:ss[.fffffff]`, `[-]d:hh:mm:ss`), and as clocks show them
 * (`mm:ss`, `ss`). Source: Microsoft's page "Standard TimeSpan format strings".
 */

const MAX_LENGTH = 64;
const MINUS = /[\u2010-\u2015\u207b\u2212\ufe63\uff0d]/g;
/** `2d`, `2 days`, `2 jours`, `2 giorni`, before a clock. */
const DAY_WORD = /^([+-]?\d{1,8}) ?(?:d|days?|j|jours?|g|giorn[io])[ ,]*(?=\d)/i;
/** TimeSpan.MaxValue and MinValue, which stand for "no value": 10,675,199 days. */
const NO_VALUE_DAYS = 10_675_199;

/** Seconds of each unit, the longest first, by the words for it: `1h30m10s`, `1 h 30 min`, and ISO 8601's `P1DT2H`. */
const UNITS: readonly [seconds: number, words: readonly string[]][] = [
  [86_400, ['d', 'day', 'days', 'j', 'jour', 'jours']],
  [3600, ['h', 'hour', 'hours', 'heure', 'heures']],
  [60, ['m', 'mn', 'min', 'minute', 'minutes']],
  [1, ['s', 'sec', 'second', 'seconds', 'seconde', 'secondes']],
];
const IN_WORDS = /^(\d{1,8}(?:[.,]\d{1,9})?) ?([a-z]{1,8}),? ?/;

/**
 * Seconds, negative after a minus; characters around the figures that mean nothing are passed over, since Voyager's SEQREMAIN carries some. Null
 * when nothing is left, a part reaches its bound, or a word stands among the figures.
 */
export function readDurationSeconds(value: string): number | null {
  if (value.length > MAX_LENGTH) return null;
  const plain = secondsOfPlainClock(value);
  if (plain !== null) return plain;
  const worded = secondsInWords(value.replace(MINUS, '-').trim().toLowerCase());
  return worded ?? secondsOfClock(bare(value));
}

/** Two digits as a number, NaN where others stand. */
function twoDigits(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 48, text.charCodeAt(at + 1) - 48];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
/** `hh:mm:ss` or `-hh:mm:ss`, which Voyager sends in nearly every line; null for all else. */
function secondsOfPlainClock(text: string): number | null {
  const from = text.startsWith('-') ? 1 : 0;
  if (text.length !== from + 8 || text[from + 2] !== ':' || text[from + 5] !== ':') return null;
  const [minutes, seconds] = [twoDigits(text, from + 3), twoDigits(text, from + 6)];
  const total = twoDigits(text, from) * 3600 + minutes * 60 + seconds;
  if (Number.isNaN(total) || minutes >= 60 || seconds >= 60) return null;
  return from === 1 && total !== 0 ? -total : total;
}

function secondsOfClock(text: string): number | null {
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

/** Null where the text is anything but figures with units, each unit once and the longest first. */
function secondsInWords(text: string): number | null {
  const unsigned = text.replace(/^[+-] ?/, '');
  let rest = unsigned.startsWith('p') ? unsigned.slice(1).replace('t', '') : unsigned;
  let total = 0;
  let rank = 0;
  while (rest !== '') {
    const found = IN_WORDS.exec(rest);
    const at = found ? UNITS.findIndex(([, words]) => words.includes(found[2]!)) : -1;
    if (!found || at < rank) return null;
    total += Number(found[1]!.replace(',', '.')) * UNITS[at]![0];
    rank = at + 1;
    rest = rest.slice(found[0].length);
  }
  if (rank === 0) return null;
  return text.startsWith('-') && total !== 0 ? -total : total;
}

/** One to four groups, days apart from hours; null for more, or for days without a clock behind them. */
function withDays(groups: string[]): string[] | null {
  const first = (groups[0] ?? '').split(/[. ]/);
  if (first.length > 1) return first.length === 2 && groups.length === 3 ? [...first, ...groups.slice(1)] : null;
  return groups.length <= 4 ? groups : null;
}

/** Anything but figures where figures belong: `00:00:NaN`, `10:00:00 UTC+2`, `1/250`. */
function isSpoilt(text: string): boolean {
  let [from, to] = [0, text.length];
  while (from < to && !/[\d:]/.test(text[from]!)) from++;
  while (to > from && !/\d/.test(text[to - 1]!)) to--;
  return /[^\d:.,+\- ]/.test(text.slice(from, to)) || /:[+-]?\p{L}/u.test(text) || /\p{L}:/u.test(text);
}

/** The text without what is no part of a duration, days as .NET writes them; empty where words spoil it. */
function bare(value: string): string {
  const text = value.replace(MINUS, '-').trim().replace(DAY_WORD, '$1.');
  if (isSpoilt(text)) return '';
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
