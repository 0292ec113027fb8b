import { readNumber, whyNoNumber } from '../../domain/reading/number.ts';
import type { AbsentReason, JsonObject } from './fields.ts';

/**
 * One JSON object out of a line that is not quite JSON, in linear time: Voyager prints bare NaN, decimal commas and raw control characters. What
 * cannot be understood is null and noted under its dotted path.
 */
export interface TolerantJson {
  json: JsonObject;
  noted: Record<string, AbsentReason>;
  /** Structure was lost: a value had to be skipped, or the line ends too early. */
  broken: boolean;
  /** The text of the object's last value, where the line ends within it. */
  cut: { key: string; text: string } | null;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Thrown inside this module alone; one for all, since a line may be spoilt in a hundred thousand places and stacks are dear. */
const SPOILT = new Error('spoilt');

/** Null where the text is no object at all, or is nested deeper than `maxDepth`. */
export function parseTolerant(text: string, maxDepth: number): TolerantJson | null {
  const scanner = new Scanner(text, maxDepth);
  try {
    return scanner.line();
  } catch (thrown) {
    if (thrown === SPOILT) return null;
    throw thrown;
  }
}

class Scanner {
  private at = 0;
  private noted: Record<string, AbsentReason> = {};
  private broken = false;
  private cut: TolerantJson['cut'] = null;
  private tooDeep = false;
  /** What came of a string that never ends. */
  private openText: string | null = null;
  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  line(): TolerantJson | null {
    this.blanks();
    if (this.text[this.at] !== '{') return null;
    const json = this.object('', 0);
    this.blanks();
    if (this.at < this.text.length) this.broken = true;
    return this.tooDeep ? null : { json, noted: this.noted, broken: this.broken, cut: this.cut };
  }

  /** @param path dotted path of the object, with a dot at its end; members of the outermost one are saved one by one */
  private object(path: string, depth: number): JsonObject {
    const out: JsonObject = {};
    const outermost = depth === 0;
    let last: string | null = null;
    this.at++;
    for (;;) {
      this.blanks();
      if (this.eat('}')) return out;
      if (outermost && this.ended()) return out;
      if (this.text[this.at] !== '"') {
        if (!outermost) throw SPOILT;
        this.stray(out, last);
        continue;
      }
      const key = outermost ? this.outermostKey() : this.string();
      if (key === null) return out;
      this.blanks();
      if (!this.eat(':')) {
        if (!outermost) throw SPOILT;
        this.lose(out, key);
        continue;
      }
      put(out, key, outermost ? this.member(key) : this.value(path + key, depth));
      last = key;
      this.blanks();
      if (this.text[this.at] === '}' || this.eat(',')) continue;
      if (!outermost) throw SPOILT;
      this.broken = true;
    }
  }
  private ended(): boolean {
    this.broken ||= this.at >= this.text.length;
    return this.at >= this.text.length;
  }
  /** Null where the line ends within the key. */
  private outermostKey(): string | null {
    try {
      return this.string();
    } catch (thrown) {
      if (thrown !== SPOILT) throw thrown;
      this.broken = true;
      this.at = this.text.length;
      return null;
    }
  }
  /** What stands where a key should: a comma too many, or a part of the value before it, which is then not known. */
  private stray(out: JsonObject, last: string | null): void {
    if (this.eat(',')) return;
    if (last === null) this.broken = true;
    else this.lose(out, last);
    this.skip();
  }
  private lose(out: JsonObject, key: string): void {
    this.broken = true;
    put(out, key, null);
    this.noted[key] = 'unreadable';
  }

  /** A value of the outermost object: where it is spoilt it is null, and the next member is looked for. */
  private member(key: string): unknown {
    const start = this.at;
    const notedBefore = this.noted;
    this.noted = {};
    try {
      const value = this.value(key, 0);
      this.blanks();
      if (this.at >= this.text.length || this.text[this.at] === ',' || this.text[this.at] === '}') {
        this.noted = Object.assign(notedBefore, this.noted);
        return value;
      }
    } catch (thrown) {
      if (thrown !== SPOILT) throw thrown;
      if (this.openText !== null && this.isText(start)) this.cut = { key, text: this.openText };
    }
    this.broken = true;
    this.at = start;
    this.skip();
    this.noted = notedBefore;
    this.noted[key] = 'unreadable';
    return null;
  }

  private value(path: string, depth: number): unknown {
    this.blanks();
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first !== '{' && first !== '[') return this.bare(path, true);
    if (depth + 1 >= this.maxDepth) {
      this.tooDeep = true;
      throw SPOILT;
    }
    return first === '{' ? this.object(`${path}.`, depth + 1) : this.list(path, depth + 1);
  }

  private list(path: string, depth: number): unknown[] {
    const out: unknown[] = [];
    this.at++;
    this.blanks();
    if (this.eat(']')) return out;
    for (;;) {
      const item = `${path}.${out.length}`;
      this.blanks();
      const first = this.text[this.at];
      out.push(first === '"' || first === '{' || first === '[' ? this.value(item, depth) : this.bare(item, false));
      this.blanks();
      if (this.eat(']')) return out;
      if (!this.eat(',')) throw SPOILT;
    }
  }

  /** A string with raw control characters and unknown escapes kept; an inner quote does not end it. */
  private string(): string {
    let out = '';
    let from = ++this.at;
    for (; this.at < this.text.length; this.at++) {
      const char = this.text[this.at];
      if (char === '\\') {
        out += this.text.slice(from, this.at) + this.escape();
        from = this.at + 1;
      } else if (char === '"' && this.endsHere()) {
        out += this.text.slice(from, this.at++);
        return out;
      }
    }
    this.openText = out + this.text.slice(from);
    throw SPOILT;
  }
  /** Stands at a backslash; leaves `at` on the escape's last character. */
  private escape(): string {
    const letter = this.text[this.at + 1];
    const hex = letter === 'u' ? /^[0-9a-fA-F]{4}/.exec(this.text.slice(this.at + 2, this.at + 6))?.[0] : undefined;
    if (hex !== undefined) {
      this.at += 5;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (letter === undefined || !Object.hasOwn(SHORT_ESCAPES, letter)) return '\\';
    this.at++;
    return SHORT_ESCAPES[letter]!;
  }
  /** Is the quote at `at` one after which JSON goes on? */
  private endsHere(): boolean {
    let next = this.at + 1;
    while (isBlank(this.text.charCodeAt(next))) next++;
    return next >= this.text.length || ',:}]'.includes(this.text[next]!);
  }

  /** A number, a word, or whatever stands there up to the next comma or bracket. */
  private bare(path: string, inObject: boolean): unknown {
    let token = this.token();
    const decimals = inObject ? this.decimalsBehindComma(token) : null;
    if (decimals !== null) {
      token += `,${decimals}`;
      this.at += decimals.length + 1;
    }
    if (token === '') throw SPOILT;
    const word = token.toLowerCase();
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null' || word === 'none' || word === 'undefined') return null;
    const number = readNumber(token);
    if (number !== null) return number;
    this.noted[path] = whyNoNumber(token) ?? 'unreadable';
    return null;
  }
  private token(): string {
    const from = this.at;
    while (this.at < this.text.length && !',}]{["'.includes(this.text[this.at]!)) this.at++;
    return this.text.slice(from, this.at).trim();
  }
  /** `-10,5`: in an object a key follows a comma, so digits there are decimals. */
  private decimalsBehindComma(token: string): string | null {
    if (this.text[this.at] !== ',' || !/^[+-]?\d[\d.]*$/.test(token)) return null;
    let end = this.at + 1;
    while (isDigit(this.text.charCodeAt(end))) end++;
    let next = end;
    while (isBlank(this.text.charCodeAt(next))) next++;
    const decimals = this.text.slice(this.at + 1, end);
    return decimals !== '' && ',}'.includes(this.text[next] ?? '}') ? decimals : null;
  }

  /** To the comma or bracket that ends a spoilt value of the outermost object, or to the next key where the comma is missing. */
  private skip(): void {
    const from = this.at;
    let depth = 0;
    for (; this.at < this.text.length; this.at++) {
      const char = this.text[this.at]!;
      if (char === '"') {
        const start = this.at;
        this.skipString();
        if (depth === 0 && start > from && /^"\s?:/.test(this.text.slice(this.at, this.at + 3))) {
          this.at = start;
          return;
        }
      } else if (char === '{' || char === '[') depth++;
      else if (depth === 0 && (char === ',' || char === '}')) return;
      else if (char === '}' || char === ']') depth--;
    }
  }
  private skipString(): void {
    for (this.at++; this.at < this.text.length; this.at++) {
      if (this.text[this.at] === '\\') this.at++;
      else if (this.text[this.at] === '"' && this.endsHere()) return;
    }
  }
  private isText(start: number): boolean {
    return /^\s*"/.test(this.text.slice(start, start + 16));
  }
  private eat(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }
  private blanks(): void {
    while (isBlank(this.text.charCodeAt(this.at))) this.at++;
  }
}

/** Blank, or a control character that has no business outside a text. */
const isBlank = (code: number): boolean => code <= 0x20;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** As JSON.parse does: `__proto__` is a key like any other. */
function put(target: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
