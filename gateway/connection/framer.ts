import { parseTolerant } from '../protocol/tolerant-json.ts';
import { Base64Decoder } from './base64.ts';
import { PictureBuffers } from './picture-buffers.ts';

/**
 * Bytes to lines, which end with LF after an optional CR; empty ones are passed over. The picture of NewJPGReady (`Base64Data`, up to tens of
 * megabytes) is decoded as it arrives and cut out, so that the process goes on answering: `head` looks for its key, `base64` decodes, `tail`
 * collects the rest.
 */

/** What was cut out of a line: the decoded bytes, or null where the text was not base64. */
export interface Picture {
  data: Buffer | null;
}
export interface FramerEvents {
  /** One line without its line end; `bytes` is valid during the call only. With a picture its text is `""` in the line. */
  line(bytes: Buffer, picture: Picture | null): void;
  /** The line under way has grown over the limit; nothing more comes out of this framer. */
  tooLong(bytes: number): void;
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const KEY = Buffer.from('"Base64Data"');
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
/** More blanks than this between key and picture, and the line is read as a whole. */
const MAX_BLANKS = 64;
const KEEP_HELD = 1 << 20;
const MAX_DEPTH = 64;

/** Bytes that grow by doubling. */
class Held {
  bytes = Buffer.allocUnsafeSlow(8192);
  length = 0;
  append(source: Buffer, from: number, to: number): void {
    const need = this.length + to - from;
    if (need > this.bytes.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(need, this.bytes.length * 2));
      this.bytes.copy(bigger, 0, 0, this.length);
      this.bytes = bigger;
    }
    source.copy(this.bytes, this.length, from, to);
    this.length = need;
  }
  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEEP_HELD) this.bytes = Buffer.allocUnsafeSlow(8192);
  }
}

/** Where text inside a JSON string is unescaped piece by piece; an escape cut in two waits for its rest. */
class Unescaper {
  private rest = '';
  /** @returns the unescaped text, and the index of the closing quote in `text` or -1 */
  push(text: string): { text: string; end: number } {
    const all = this.rest + text;
    let out = '';
    let at = 0;
    for (;;) {
      const slash = all.indexOf('\\', at);
      const quote = all.indexOf('"', at);
      if (quote >= 0 && (slash < 0 || quote < slash)) {
        out += all.slice(at, quote);
        const end = quote - this.rest.length;
        this.rest = '';
        return { text: out, end };
      }
      if (slash < 0) {
        this.rest = '';
        return { text: out + all.slice(at), end: -1 };
      }
      out += all.slice(at, slash);
      const length = all[slash + 1] === 'u' ? 6 : 2;
      if (slash + length > all.length) {
        this.rest = all.slice(slash);
        return { text: out, end: -1 };
      }
      if (length === 6) out += String.fromCharCode(Number.parseInt(all.slice(slash + 2, slash + 6), 16) || 0);
      else out += all[slash + 1] === '/' ? '/' : '\0';
      at = slash + length;
    }
  }
}

export class LineFramer {
  private readonly held = new Held();
  private state: 'head' | 'base64' | 'tail' | 'dead' = 'head';
  /** Bytes of the line under way, the picture's text included. */
  private lineBytes = 0;
  private scanFrom = 0;
  private mayHavePicture = true;
  private decoder: Base64Decoder | null = null;
  private unescaper: Unescaper | null = null;
  private broken = false;
  private lastPicture = 0;
  private readonly events: FramerEvents;
  private readonly maxLineBytes: number;
  private readonly pictures: PictureBuffers;
  /** @param pictures memory to be used again; whoever is done with a picture gives it back there, or leaves it to the collector */
  constructor(maxLineBytes: number, events: FramerEvents, pictures = new PictureBuffers()) {
    this.maxLineBytes = maxLineBytes;
    this.events = events;
    this.pictures = pictures;
  }

  /** Takes any piece of the stream; the buffer may be used again after the call. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.state !== 'dead')
      at = this.state === 'base64' ? this.base64(chunk, at) : this.text(chunk, at);
  }
  /** Bytes held for the line under way. */
  get pendingBytes(): number {
    return this.lineBytes;
  }

  private text(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    if (lf >= 0) {
      if (!this.count(lf - at)) return chunk.length;
      if (this.held.length === 0) this.deliver(chunk, at, lf);
      else {
        this.held.append(chunk, at, lf);
        this.deliver(this.held.bytes, 0, this.held.length);
      }
      return lf + 1;
    }
    if (!this.count(chunk.length - at)) return chunk.length;
    this.held.append(chunk, at, chunk.length);
    if (this.state === 'head' && this.mayHavePicture) {
      const opened = this.findPicture();
      if (opened >= 0) {
        const back = this.held.length - opened;
        this.held.length = opened;
        return chunk.length - back;
      }
    }
    return chunk.length;
  }

  /** @returns length of the head up to and with the quote that opens the picture, or -1 */
  private findPicture(): number {
    const bytes = this.held.bytes.subarray(0, this.held.length);
    const key = bytes.indexOf(KEY, this.scanFrom);
    if (key < 0) {
      this.scanFrom = Math.max(0, bytes.length - KEY.length + 1);
      return -1;
    }
    this.scanFrom = key;
    let at = key + KEY.length;
    while (isBlank(bytes[at])) at++;
    if (bytes[at] === COLON) {
      at++;
      while (isBlank(bytes[at])) at++;
      if (bytes[at] === QUOTE) {
        if (isPictureHead(bytes.subarray(0, key))) {
          this.state = 'base64';
          this.decoder = new Base64Decoder(this.lastPicture, this.pictures);
          this.lineBytes -= bytes.length - at - 1;
          return at + 1;
        }
        this.mayHavePicture = false;
        return -1;
      }
    }
    if (at < bytes.length || at - key > KEY.length + MAX_BLANKS) this.mayHavePicture = false;
    return -1;
  }

  private base64(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    const end = lf < 0 ? chunk.length : lf;
    const piece = chunk.subarray(at, end);
    const decoder = this.decoder!;
    let close = -1;
    if (this.unescaper || piece.includes(BACKSLASH)) {
      this.unescaper ??= new Unescaper();
      const { text, end: quote } = this.unescaper.push(piece.toString('latin1'));
      decoder.push(Buffer.from(text, 'utf8'));
      close = quote;
    } else {
      close = piece.indexOf(QUOTE);
      decoder.push(close < 0 ? piece : piece.subarray(0, close));
    }
    if (close < 0) {
      if (!this.count(piece.length)) return chunk.length;
      if (lf < 0) return chunk.length;
      this.broken = true;
      this.deliver(this.held.bytes, 0, this.held.length);
      return lf + 1;
    }
    if (!this.count(close)) return chunk.length;
    this.state = 'tail';
    return at + close;
  }

  private count(bytes: number): boolean {
    this.lineBytes += bytes;
    if (this.lineBytes <= this.maxLineBytes) return true;
    this.state = 'dead';
    this.decoder = null;
    this.held.clear();
    this.events.tooLong(this.lineBytes);
    return false;
  }

  private deliver(bytes: Buffer, from: number, to: number): void {
    const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
    const picture = this.decoder && !this.broken ? { data: this.decoder.finish() } : null;
    if (picture?.data) this.lastPicture = Math.ceil(picture.data.length * 1.02);
    this.state = 'head';
    this.lineBytes = 0;
    this.scanFrom = 0;
    this.mayHavePicture = true;
    this.decoder = null;
    this.unescaper = null;
    this.broken = false;
    try {
      if (end > from) this.events.line(bytes.subarray(from, end), picture);
    } finally {
      this.held.clear();
    }
  }
}

/** Is this the beginning of a NewJPGReady object in which a key at the top level comes next? */
function isPictureHead(head: Buffer): boolean {
  let end = head.length;
  while (end > 0 && isBlank(head[end - 1])) end--;
  if (head[end - 1] !== COMMA) return false;
  const text = `${head.toString('latin1', 0, end - 1)}}`;
  try {
    return (JSON.parse(text) as { Event?: unknown }).Event === 'NewJPGReady';
  } catch {
    const tolerant = parseTolerant(text, MAX_DEPTH);
    return tolerant?.broken === false && tolerant.json.Event === 'NewJPGReady';
  }
}
