/**
 * Angles as people paste them from catalogues, papers and other programs: `5 h 35 min 17.3 s`, `05ʰ35ᵐ17ˢ.3`, `−5° 23′ 28″`,
 * `05 35.288`, `83.82d`, `5° 23' 28" S (J2000)`. Every character is accounted for, in time linear to the text.
 */

export interface ReadAngle {
  /** In hours or degrees, as `unit` says. */
  value: number;
  /** `null`: none was written. */
  unit: 'hours' | 'degrees' | null;
  /** A letter of the compass stood behind it, so it is a declination. */
  compass: boolean;
}
/** `sixty`: minutes or seconds reach sixty. */
export type NoAngle = 'unreadable' | 'sixty';

/** Longer than any angle; asked before any pattern. */
export const MAX_ANGLE_LENGTH = 64;

type Rank = 'hours' | 'degrees' | 'minutes' | 'seconds';
const UNITS: Readonly<Record<Rank, readonly string[]>> = {
  hours: ['h', 'hr', 'hrs', 'hour', 'hours', 'heure', 'heures'],
  degrees: ['d', '°', 'deg', 'degs', 'degree', 'degrees', 'degré', 'degrés', '*'],
  minutes: ['m', "'", 'min', 'mins', 'mn', 'minute', 'minutes', 'arcmin'],
  seconds: ['s', '"', 'sec', 'secs', 'second', 'seconds', 'seconde', 'secondes', 'arcsec'],
};
const RANK_OF = new Map(Object.entries(UNITS).flatMap(([rank, names]) => names.map((name) => [name, rank as Rank])));

const LABEL =
  /^(?:r\.? ?a\.?|a\.? ?d\.?|α|d[eé]c(?:l|linaison|lination)?\.?|right ascension|ascension droite|δ) ?[:=]? ?(?=[-+\d.,])/;
/** What people copy along: brackets and quotes around the whole, a comma behind it, and the equinox that is meant anyway. */
const AROUND = /^[("'[](?=[-+\d.,a-zαδ])|[,;)\]]{1,2}$/g;
const EQUINOX = /[ ,(]{1,2}(?:icrs|(?:eq(?:uinox)?\.? )?j ?2000(?:\.0)?)\)?$|^\(?(?:icrs|j ?2000(?:\.0)?)\)?[ :]{1,2}/;
const GROUP = /(\d{1,3}|(?=[.,]\d))(?:[.,](\d{0,24}))? ?([:'"*°]|[a-zé]{1,8}\.?)? ?/y;
/** `17s.3` and `17.s3`, where the unit stands over the point. */
const UNIT_AT_THE_POINT = /(?:([hmds°'"])\.|\.([hmds°'"]))(\d{1,24})$/;
/** `28" S`, `23° north`: behind a sign of degrees, since a bare `s` is seconds. */
const COMPASS = /(?:[°'"] ?|\d[dms] )(n|north|nord|s|south|sud)$/;

interface Group {
  digits: string;
  fraction: string | undefined;
  unit: string | undefined;
}

/** Value and unit of a text, or why it has none. */
export function readAngle(text: string): ReadAngle | NoAngle {
  if (text.length > MAX_ANGLE_LENGTH) return 'unreadable';
  const { figures, negative, compass } = signOf(
    plain(text).replace(EQUINOX, '').replace(AROUND, '').replace(LABEL, ''),
  );
  const groups = figures === null ? null : groupsOf(atThePoint(figures));
  if (groups === null) return 'unreadable';
  const [first, minutes, seconds] = groups;
  const unit = first!.unit === undefined || first!.unit === ':' ? null : RANK_OF.get(first!.unit);
  if (unit === 'minutes' || unit === 'seconds' || unit === undefined) return 'unreadable';
  if (!ranked(minutes, 'minutes') || !ranked(seconds, 'seconds')) return 'unreadable';
  const parts = groups.map(({ digits, fraction }) => Number(`${digits}.${fraction || '0'}`));
  const [whole, m = 0, s = 0] = parts as [number, number?, number?];
  if (m >= 60 || s >= 60) return 'sixty';
  const value = whole + m / 60 + s / 3600;
  return { value: negative ? -value : value, unit, compass };
}

/** The figures without what says which way they count; null where a sign and a letter of the compass both do. */
function signOf(text: string): { figures: string | null; negative: boolean; compass: boolean } {
  const letter = COMPASS.exec(text)?.[1];
  const figures = text.replace(/^[-+] ?/, '');
  if (letter === undefined) return { figures, negative: text.startsWith('-'), compass: false };
  const unsigned = figures === text ? text.slice(0, -letter.length).trimEnd() : null;
  return { figures: unsigned, negative: letter.startsWith('s'), compass: true };
}

const atThePoint = (text: string): string =>
  text.replace(
    UNIT_AT_THE_POINT,
    (_, before?: string, after?: string, digits?: string) => `.${digits}${before ?? after}`,
  );

/** One spelling for each sign. */
const plain = (text: string): string =>
  text
    .replace(/[\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/[\uff10-\uff1a]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u2010-\u2015\u207b\u2212\ufe63\uff0d]/g, '-')
    .replace(/\u2236/g, ':')
    .replace(/[\u02b0]/g, 'h')
    .replace(/[\u1d50]/g, 'm')
    .replace(/[\u02e2]/g, 's')
    .replace(/[\u1d48\u1d52\u00ba\u02da\u2070\u2218\u00b0]/g, '°')
    .replace(/[\u2032\u2018\u2019\u201b\u00b4\u02b9\u02bc`]/g, "'")
    .replace(/[\u2033\u201c\u201d\u201f\u02ba\u02dd\u3003]|''/g, '"')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();

/** One to three groups of digits, of which the last alone may have decimals; null where anything else stands between them. */
function groupsOf(text: string): Group[] | null {
  const groups: Group[] = [];
  GROUP.lastIndex = 0;
  while (GROUP.lastIndex < text.length) {
    const match = GROUP.exec(text);
    if (!match || groups.length === 3 || groups.at(-1)?.fraction !== undefined) return null;
    const [whole, digits, fraction, unit] = match;
    if (whole.length === 0 || (digits === '' && groups.length > 0) || (groups.length > 0 && digits!.length > 2))
      return null;
    const last = match.index + whole.length >= text.length;
    if (!last && unit === undefined && !whole.endsWith(' ')) return null;
    if (last && unit === ':') return null;
    groups.push({ digits: digits! || '0', fraction, unit: unit?.replace('.', '') });
  }
  return groups.length > 0 ? groups : null;
}

/** May this group be of that rank? A colon, a blank or nothing behind it says nothing. */
const ranked = (group: Group | undefined, rank: Rank): boolean =>
  group?.unit === undefined || group.unit === ':' || RANK_OF.get(group.unit) === rank;
