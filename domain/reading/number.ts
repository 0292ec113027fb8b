/**
 * Numbers as programs of many languages write them into JSON texts and FITS cards.
 * A number is read only where every character is accounted for; anything else is null, never a part of it.
 */

/** Why a text is no number: the writer's own word for "not a number" or "infinite", or a text that is neither. */
export type NoNumber = 'nan' | 'infinity' | 'unreadable';

const MAX_LENGTH = 64;
/** Minus sign U+2212, en dash U+2013, hyphen U+2010 and U+2011, small and full-width hyphen. */
const DASHES = /[\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d]/g;
const BLANKS = /[\u00a0\u2007\u2009\u202f]/g;

/** What .NET's cultures print for Double.NaN and the infinities; the other forms are those of C libraries. */
const NAN_WORDS = new Set(['nan', 'nan(ind)', 'nan(snan)', 'non un numero reale', 'non numérique', 'n. def.', 'neun']);
const INFINITY_WORDS = new Set(['inf', 'infinity', '∞', 'infini', 'infinito', 'unendlich']);
/** Microsoft's C library before 2015: `1.#QNAN`, `1.#IND`, `1.#INF`, cut or padded to the places asked for (`1.#J`, `1.#INF00`). */
const OLD_MICROSOFT = /^1[.,]([#$])([a-z]*)\d*$/;

const PLAIN = /^(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[ed][+-]?\d+)?$/;
const GROUPED_BY_POINT = /^\d{1,3}(?:\.\d{3})+(?:,\d+)?$/;
const GROUPED_BY_COMMA = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const GROUPED_BY_BLANK = /^\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?$/;

/**
 * Number out of a number or of a text: decimal point or comma, thousands, quotes around, Fortran's D exponent, typographic minus.
 * `1,234` is read as a decimal comma, since programs that localise write one far more often than they group.
 */
export function readNumber(value: unknown): number | null {
  const read = parse(value);
  return typeof read === 'number' ? read : null;
}

/** Why `readNumber` gives null for a value that is there; null where it gives a number. */
export function whyNoNumber(value: unknown): NoNumber | null {
  const read = parse(value);
  return typeof read === 'number' ? null : read;
}

/**
 * A number with one of the named units behind it, or none: `readQuantity('-10,5 °C', 'C', '°C')`.
 * The units are compared without case.
 */
export function readQuantity(value: unknown, ...units: string[]): number | null {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return readNumber(value);
  const text = unquoted(value).toLowerCase();
  const unit = units.find(
    (name) => text.endsWith(name.toLowerCase()) && readNumber(text.slice(0, -name.length)) !== null,
  );
  return readNumber(unit === undefined ? text : text.slice(0, -unit.length));
}

function parse(value: unknown): number | NoNumber {
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'nan';
    return Number.isFinite(value) ? value : 'infinity';
  }
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return 'unreadable';
  const text = unquoted(value.replace(DASHES, '-').replace(BLANKS, ' ')).toLowerCase();
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.startsWith('-') || text.startsWith('+') ? text.slice(1).trimStart() : text;
  const digits = decimalPoint(body);
  if (digits === null) return wordFor(body);
  const number = sign * Number(digits);
  return Number.isFinite(number) ? number : 'infinity';
}

/** The digits with a decimal point and without thousands; null when they are no number. */
function decimalPoint(text: string): string | null {
  if (GROUPED_BY_BLANK.test(text)) return text.replace(/[ '’]/g, '').replace(',', '.');
  const points = text.split('.').length - 1;
  const commas = text.split(',').length - 1;
  if (points + commas > 1) {
    if (GROUPED_BY_POINT.test(text)) return text.replaceAll('.', '').replace(',', '.');
    return GROUPED_BY_COMMA.test(text) ? text.replaceAll(',', '') : null;
  }
  return PLAIN.test(text) ? text.replace(',', '.').replace('d', 'e') : null;
}

function wordFor(text: string): NoNumber {
  if (NAN_WORDS.has(text)) return 'nan';
  if (INFINITY_WORDS.has(text)) return 'infinity';
  const old = OLD_MICROSOFT.exec(text);
  if (!old) return 'unreadable';
  return old[1] === '$' || old[2]!.startsWith('inf') ? 'infinity' : 'nan';
}

function unquoted(value: string): string {
  const text = value.trim();
  const quote = text[0];
  const paired = text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote);
  return paired ? text.slice(1, -1).trim() : text;
}
