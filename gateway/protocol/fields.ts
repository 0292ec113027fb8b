import { readDurationSeconds } from '../../domain/reading/duration.ts';
import { readNumber, whyNoNumber } from '../../domain/reading/number.ts';

export { readNumber };

/**
 * Readers of single wire fields: each gives the value or null, and notes why it is null. Voyager's types drift between versions, and it writes "no
 * value" as a number.
 */

/**
 * Why a field that was sent is null: `off` (−123456789, not present or switched off), `error` (+123456789), `not_defined` (the field's own
 * mark such as −1 or 1000), `nan` and `infinity` (as any library writes them), `unreadable` (neither of those, nor of the field's type).
 */
export type AbsentReason = 'off' | 'error' | 'not_defined' | 'nan' | 'infinity' | 'unreadable';
export type Absent = Readonly<Record<string, AbsentReason>>;
export type JsonObject = Record<string, unknown>;

const OFF = -123_456_789;
const ERROR = 123_456_789;
/** Stands for the name of something that runs and whose name cannot be read. */
export const UNREADABLE = '(unreadable)';
const NONE: Absent = Object.freeze({});

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text as it is, anything else as JSON, nothing as the empty text. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** Boolean out of a boolean, `"true"`/`"false"` in any case, or 1/0; null when it is none. */
export function readBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 0) return value === 1;
  if (typeof value !== 'string') return null;
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : null;
}

const SCALES = [1, 60, 3600] as const;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/**
 * Hours or degrees out of `02:49:50`, `-16° 09' 55"`, `00 42 41,582`: up to three groups of digits with anything between them, since the
 * degree sign arrives in more than one encoding. Null when the text does not begin with a number or minutes or seconds reach 60.
 */
export function sexagesimal(text: string): number | null {
  const { length } = text;
  let at = 0;
  let code = text.charCodeAt(0);
  while (code === 32) code = text.charCodeAt(++at);
  const negative = code === 45 || code === 0x2212 || code === 0x2013;
  if (negative || code === 43) code = text.charCodeAt(++at);
  while (code === 32) code = text.charCodeAt(++at);
  if (!isDigit(code)) return null;
  let total = 0;
  let value = 0;
  /** Of the digits after a decimal point or comma; 0 before it. */
  let place = 0;
  let groups = 0;
  let inGroup = true;
  for (; at < length; at++) {
    code = text.charCodeAt(at);
    if (isDigit(code)) {
      if (!inGroup) {
        if (groups === 3) return null;
        inGroup = true;
        value = place = 0;
      }
      if (place === 0) value = value * 10 + code - 48;
      else {
        value += (code - 48) * place;
        place /= 10;
      }
    } else if (inGroup) {
      if (place === 0 && (code === 46 || code === 44) && isDigit(text.charCodeAt(at + 1))) place = 0.1;
      else {
        if (groups > 0 && value >= 60) return null;
        total += value / SCALES[groups++]!;
        inGroup = false;
      }
    }
  }
  if (inGroup) {
    if (groups > 0 && value >= 60) return null;
    total += value / SCALES[groups]!;
  }
  return negative ? -total : total;
}

/** Whole seconds of a duration, towards zero; null when the text is none. */
export function durationSeconds(text: string): number | null {
  const seconds = readDurationSeconds(text);
  return seconds === null ? null : Math.trunc(seconds) + 0;
}

/** Reads the fields of one object, each at most once, and counts them, so that fields nobody read are found again. */
export class FieldReader {
  private read = 0;
  private notes: Record<string, AbsentReason> | null = null;
  private readonly raw: JsonObject;
  private readonly prefix: string;
  constructor(raw: JsonObject, noted: Absent | null = null, prefix = '') {
    this.raw = raw;
    this.prefix = prefix;
    if (noted) this.notes = { ...noted };
  }
  get absent(): Absent {
    return this.notes ?? NONE;
  }
  private none(key: string, reason: AbsentReason): null {
    this.notes ??= {};
    this.notes[this.prefix + key] = reason;
    return null;
  }
  private take(key: string): unknown {
    const value = this.raw[key];
    if (value !== undefined) this.read++;
    return value;
  }

  /** A number; Voyager's two general sentinels are null. */
  num(key: string, value: unknown = this.raw[key]): number | null {
    if (value !== undefined) this.read++;
    if (typeof value === 'number') {
      if (value === OFF) return this.none(key, 'off');
      if (value === ERROR) return this.none(key, 'error');
      return Number.isFinite(value) ? value : this.none(key, 'infinity');
    }
    if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) return null;
    const number = readNumber(value);
    if (number === OFF) return this.none(key, 'off');
    if (number === ERROR) return this.none(key, 'error');
    return number ?? this.none(key, whyNoNumber(value) ?? 'unreadable');
  }
  /** A number of which one value means that there is none. */
  numBut(key: string, mark: number, value: unknown = this.raw[key]): number | null {
    const number = this.num(key, value);
    return number === mark ? this.none(key, 'not_defined') : number;
  }
  bool(key: string, value: unknown = this.raw[key]): boolean | null {
    if (value !== undefined) this.read++;
    if (typeof value === 'boolean') return value;
    if (value === undefined || value === null || value === '') return null;
    return readBoolean(value) ?? this.none(key, 'unreadable');
  }
  /** Text as sent; numbers and booleans become text. */
  text(key: string, value: unknown = this.raw[key]): string | null {
    if (value !== undefined) this.read++;
    if (typeof value === 'string') return value;
    if (value === undefined || value === null) return null;
    return typeof value === 'object' ? this.none(key, 'unreadable') : asText(value);
  }
  /** Text of which the empty one means "none". */
  name(key: string, value: unknown = this.raw[key]): string | null {
    const text = this.text(key, value);
    return text === null || text === '' || (text.charCodeAt(0) <= 32 && text.trim() === '') ? null : text;
  }
  /** The same where nothing means "nothing runs": a text that cannot be read must not look like that. */
  running(key: string, value: unknown = this.raw[key]): string | null {
    const unread = this.notes?.[key] === 'unreadable' || (typeof value === 'object' && value !== null);
    const name = this.name(key, value);
    return unread ? UNREADABLE : name;
  }
  object(key: string): JsonObject {
    const value = this.take(key);
    return isObject(value) ? value : {};
  }
  list(key: string): unknown[] {
    const value = this.take(key);
    return Array.isArray(value) ? (value as unknown[]) : [];
  }
  /** Notes of the fields of an object inside this one. */
  adopt(inner: FieldReader): void {
    if (inner.notes) this.notes = { ...this.notes, ...inner.notes };
  }
  /** Fields that were sent and not read, the `commonPresent` ones left out; null when there are none. */
  unread(commonPresent: number, common: readonly string[], known: JsonObject): JsonObject | null {
    const keys = Object.keys(this.raw);
    if (keys.length === this.read + commonPresent) return null;
    return Object.fromEntries(
      keys.filter((key) => !Object.hasOwn(known, key) && !common.includes(key)).map((key) => [key, this.raw[key]]),
    );
  }
}
