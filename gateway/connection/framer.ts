/**
 * Bytes to lines. A line ends with LF, with or without CR before it; empty lines are passed over. The picture of a NewJPGReady line
 * (`Base64Data`, up to tens of megabytes) is decoded chunk by chunk as it arrives and cut out of the line, so that no long text is ever
 * held, joined or parsed: the rest of the process keeps answering while it comes in.
 *
 * Three states per line: `head` collects bytes and looks for the picture's key, `base64` decodes, `tail` collects what follows the picture.
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
const FIRST_PICTURE = 256 * 1024;

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

/** Base64 text, in pieces of any size, to bytes. Strict: anything but whole groups with padding at the very end spoils the picture. */
export class Base64Decoder {
  private target: Buffer;
  private used = 0;
  private carry = '';
  private ended = false;
  private corrupt = false;
  constructor(expectedBytes: number) {
    this.target = Buffer.allocUnsafeSlow(Math.max(expectedBytes, 64));
  }
  push(text: string): void {
    if (this.corrupt || text.length === 0) return;
    if (this.ended) {
      this.corrupt = true;
      return;
    }
    const joined = this.carry + text;
    const whole = joined.length - (joined.length % 4);
    this.carry = joined.slice(whole);
    if (whole === 0) return;
    const most = (whole / 4) * 3;
    if (this.used + most > this.target.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(this.used + most, this.target.length * 2));
      this.target.copy(bigger, 0, 0, this.used);
      this.target = bigger;
    }
    const padding = joined[whole - 1] === '=' ? (joined[whole - 2] === '=' ? 2 : 1) : 0;
    const written = this.target.write(whole === joined.length ? joined : joined.slice(0, whole), this.used, 'base64');
    this.used += written;
    this.ended = padding > 0;
    if (written !== most - padding) this.corrupt = true;
  }
  /** The bytes, or null where the text was not base64. A rest without padding is accepted, as decoders commonly do. */
  finish(): Buffer | null {
    if (this.carry.length === 1) this.corrupt = true;
    if (this.carry.length > 1) this.push('='.repeat(4 - this.carry.length));
    if (this.corrupt) return null;
    return this.used > this.target.length * 0.75 ? this.target.subarray(0, this.used) : Buffer.from(this.target.subarray(0, this.used));
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
      out += length === 6 ? String.fromCharCode(Number.parseInt(all.slice(slash + 2, slash + 6), 16) || 0) : all[slash + 1] === '/' ? '/' : '\0';
      at = slash + length;
    }
  }
  get pending(): boolean {
    return this.rest !== '';
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
  private lastPicture = FIRST_PICTURE;
  private readonly events: FramerEvents;
  private readonly maxLineBytes: number;
  constructor(maxLineBytes: number, events: FramerEvents) {
    this.maxLineBytes = maxLineBytes;
    this.events = events;
  }

  /** Takes any piece of the stream; the buffer may be used again after the call. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.state !== 'dead') at = this.state === 'base64' ? this.base64(chunk, at) : this.text(chunk, at);
  }
  /** Bytes held for the line under way. */
  get pendingBytes(): number {
    return this.lineBytes;
  }

  private text(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    if (lf >= 0) {
      if (!this.count(lf - at)) return chunk.length;
      if (this.held.length === 0) this.deliver(chunk.subarray(at, lf));
      else {
        this.held.append(chunk, at, lf);
        this.deliver(this.held.bytes.subarray(0, this.held.length));
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
          this.decoder = new Base64Decoder(this.lastPicture);
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
      decoder.push(text);
      close = quote;
    } else {
      close = piece.indexOf(QUOTE);
      decoder.push(piece.toString('latin1', 0, close < 0 ? piece.length : close));
    }
    if (close < 0) {
      if (!this.count(piece.length)) return chunk.length;
      if (lf < 0) return chunk.length;
      this.broken = true;
      this.deliver(this.held.bytes.subarray(0, this.held.length));
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

  private deliver(line: Buffer): void {
    let end = line.length;
    if (end > 0 && line[end - 1] === CR) end--;
    const picture = this.decoder && !this.broken ? { data: this.decoder.finish() } : null;
    if (picture?.data) this.lastPicture = Math.max(FIRST_PICTURE, Math.ceil(picture.data.length * 1.02));
    this.state = 'head';
    this.lineBytes = 0;
    this.scanFrom = 0;
    this.mayHavePicture = true;
    this.decoder = null;
    this.unescaper = null;
    this.broken = false;
    try {
      if (end > 0) this.events.line(line.subarray(0, end), picture);
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
  const text = head.toString('latin1', 0, end - 1);
  try {
    return (JSON.parse(`${text.replace(/:\s*-?(?:NaN|Infinity)\s*(?=,|$)/g, ':0')}}`) as { Event?: unknown }).Event === 'NewJPGReady';
  } catch {
    return false;
  }
}
