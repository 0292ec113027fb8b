import { decodeText, readNumber } from '../../domain/reading/index.ts';
import { FitsError } from './errors.ts';
import type { ByteSource } from './source.ts';

/**
 * FITS headers (FITS Standard 4.0, chapter 4; the CONTINUE and HIERARCH conventions). Cards are 80 bytes, blocks 2,880.
 */
export const BLOCK = 2880;
const CARD = 80;
/** 1 MB of header; the largest seen in real files is a tenth of it. */
const MAX_HEADER_BYTES = BLOCK * 364;

export type HeaderValue = string | number | boolean | null | { re: number; im: number };

export interface Card {
  keyword: string;
  value: HeaderValue | undefined;
  comment: string;
}

/** The cards of one header in order, and a look-up by keyword (the first one counts, as with astropy's reader). */
export class Header {
  readonly cards: Card[];
  private readonly index = new Map<string, Card>();
  constructor(cards: Card[]) {
    this.cards = cards;
    for (const card of cards)
      if (card.value !== undefined && !this.index.has(card.keyword)) this.index.set(card.keyword, card);
  }
  get(keyword: string): HeaderValue | undefined {
    return this.index.get(keyword)?.value;
  }
  number(keyword: string): number | null {
    return readNumber(this.get(keyword));
  }
  /** A whole number, or null; strings are not taken for numbers here, since structure hangs on it. */
  integer(keyword: string): number | null {
    const value = this.get(keyword);
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
  }
  string(keyword: string): string | null {
    const value = this.get(keyword);
    return typeof value === 'string' ? value : null;
  }
  /** Flat record for JSON: value cards by keyword; COMMENT and HISTORY as lists. */
  toJSON(): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const texts: Record<string, string[]> = {};
    for (const card of this.cards) {
      if (card.value === undefined) {
        if (card.keyword === 'COMMENT' || card.keyword === 'HISTORY') (texts[card.keyword] ??= []).push(card.comment);
        continue;
      }
      if (!Object.hasOwn(out, card.keyword)) out[card.keyword] = card.value;
    }
    return { ...out, ...texts };
  }
}

/** UTF-8, else windows-1252 (the standard knows ASCII only); NUL, with which C programs fill up, is a blank, other control characters are `?`. */
function clean(bytes: Uint8Array): string {
  const text = bytes.some((byte) => byte >= 0x80)
    ? decodeText(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return text.replaceAll('\0', ' ').replace(/[\p{Cc}]/gu, '?');
}

function parseNumber(text: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text.replace(/[Dd]/, 'e'));
  return Number.isNaN(value) ? null : value;
}

/** Value and comment of the part after `= `; a string's doubled quotes are one quote, blanks at its end do not count. */
function parseValue(field: string): { value: HeaderValue; comment: string } {
  const text = field.trimStart();
  if (text.startsWith("'")) {
    let out = '';
    let i = 1;
    for (; i < text.length; i++) {
      if (text[i] !== "'") out += text[i];
      else if (text[i + 1] === "'") {
        out += "'";
        i++;
      } else break;
    }
    const slash = text.indexOf('/', i + 1);
    return {
      value: out.length > 0 && out.trimEnd() === '' ? '' : out.trimEnd(),
      comment: slash < 0 ? '' : text.slice(slash + 1).trim(),
    };
  }
  const slash = text.indexOf('/');
  const raw = (slash < 0 ? text : text.slice(0, slash)).trim();
  const comment = slash < 0 ? '' : text.slice(slash + 1).trim();
  if (raw === '') return { value: null, comment };
  if (raw === 'T' || raw === 'F') return { value: raw === 'T', comment };
  const complex = /^\(\s*([^,\s]+)\s*,\s*([^)\s]+)\s*\)$/.exec(raw);
  if (complex) {
    const re = parseNumber(complex[1]!);
    const im = parseNumber(complex[2]!);
    if (re !== null && im !== null) return { value: { re, im }, comment };
  }
  return { value: parseNumber(raw) ?? raw, comment };
}

export function parseCard(bytes: Uint8Array): Card {
  const text = clean(bytes);
  // The standard has capitals only; some programs write small letters.
  const keyword = text.slice(0, 8).trimEnd().toUpperCase();
  if (keyword === 'HIERARCH') {
    const at = text.indexOf('=');
    if (at > 9) return { keyword: text.slice(9, at).trim(), ...parseValue(text.slice(at + 1)) };
  }
  if (keyword === 'CONTINUE' && text.slice(8, 10) !== '= ') return { keyword, ...parseValue(text.slice(8)) };
  if (keyword === 'COMMENT' || keyword === 'HISTORY' || keyword === '' || text.slice(8, 10) !== '= ')
    return { keyword, value: undefined, comment: text.slice(8).trimEnd() };
  return { keyword, ...parseValue(text.slice(10)) };
}

/** Line feed, carriage return or tab: a header has none, a text that shows one does. */
const isLineBreak = (byte: number): boolean => byte === 0x0a || byte === 0x0d || byte === 0x09;

export interface ParsedHeader {
  header: Header;
  /** First byte after the header's last block. */
  end: number;
}

/**
 * Reads one header at `start`, block by block, until its END card.
 * @throws FitsError not_fits (no SIMPLE or XTENSION), truncated (the file ends before END), bad_header (no END within 1 MB)
 */
export function readHeader(source: ByteSource, start: number): ParsedHeader {
  const primary = start === 0;
  const block = new Uint8Array(BLOCK);
  const cards: Card[] = [];
  let at = start;
  for (;;) {
    const n = source.read(block, at, BLOCK);
    if (at === start) {
      const first = clean(block.subarray(0, Math.min(n, 10)));
      const good = primary ? isPrimary(block.subarray(0, n)) : first.startsWith('XTENSION');
      if (!good) {
        const head = clean(block.subarray(0, Math.min(n, 16)));
        throw new FitsError(
          primary ? 'not_fits' : 'bad_header',
          primary ? `does not begin with SIMPLE but with "${head}"` : `no XTENSION at byte ${start} but "${head}"`,
        );
      }
    }
    for (let c = 0; c + CARD <= n; c += CARD) {
      const bytes = block.subarray(c, c + CARD);
      if (primary && cards.length < 3 && bytes.some(isLineBreak))
        throw new FitsError('not_fits', 'it is a text that quotes a FITS header, with line breaks between the cards');
      if (bytes[0] === 0x45 && bytes[1] === 0x4e && bytes[2] === 0x44 && (bytes[3] === 0x20 || bytes[3] === 0)) {
        if (clean(bytes.subarray(0, 8)).trimEnd() === 'END')
          return { header: new Header(joinContinued(cards)), end: at + BLOCK };
      }
      cards.push(parseCard(bytes));
    }
    if (n < BLOCK) throw new FitsError('truncated', `the header has no END card; the file ends at byte ${source.size}`);
    at += BLOCK;
    if (at - start > MAX_HEADER_BYTES)
      throw new FitsError('bad_header', `no END card within ${MAX_HEADER_BYTES} bytes`);
  }
}

/** SIMPLE with a logical value; F means a file that departs from the standard, which is read as far as it goes (4.4.1.1). */
function isPrimary(block: Uint8Array): boolean {
  const first = block.length < CARD ? null : parseCard(block.subarray(0, CARD));
  return first?.keyword === 'SIMPLE' && typeof first.value === 'boolean';
}

/** A string that ends in `&` goes on in the CONTINUE card after it. */
function joinContinued(cards: Card[]): Card[] {
  const out: Card[] = [];
  for (const card of cards) {
    const last = out.at(-1);
    if (
      card.keyword === 'CONTINUE' &&
      last &&
      typeof last.value === 'string' &&
      last.value.endsWith('&') &&
      typeof card.value === 'string'
    ) {
      last.value = last.value.slice(0, -1) + card.value;
      if (card.comment) last.comment = last.comment ? `${last.comment} ${card.comment}` : card.comment;
      continue;
    }
    out.push({ ...card });
  }
  return out;
}
