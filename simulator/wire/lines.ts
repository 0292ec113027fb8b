/** Bytes to lines: LF ends a line, CR before it is dropped, empty lines are kept back. */
export class LineReader {
  private parts: Buffer[] = [];
  private held = 0;
  private readonly maxBytes: number;
  constructor(maxBytes = 4 * 1024 * 1024) {
    this.maxBytes = maxBytes;
  }
  /** @throws RangeError when a line grows over the limit. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.parts.push(chunk.subarray(from, at));
      const line = Buffer.concat(this.parts).toString('utf8').replace(/\r$/, '');
      this.parts = [];
      this.held = 0;
      from = at + 1;
      if (line.trim() !== '') lines.push(line);
    }
    if (from < chunk.length) {
      const rest = chunk.subarray(from);
      this.parts.push(rest);
      this.held += rest.length;
      if (this.held > this.maxBytes) throw new RangeError(`line over ${this.maxBytes} bytes`);
    }
    return lines;
  }
}

/** Epoch seconds with at most five decimals, as Voyager prints them: 1556734985.077, 1647176657.5084. */
export const voyagerSeconds = (ms: number): number => Math.round(ms * 100) / 100_000;

/** Booleans come as such or as text. */
export const truthy = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true');

const two = (n: number): string => String(n).padStart(2, '0');
/** `YYYY-MM-DD HH:MM:SS` of a shifted instant. */
export const voyagerDateTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
/** `dd/MM/yyyy HH:mm:ss`, the form of Voyager's log texts. */
export function italianDateTime(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getUTCDate())}/${two(d.getUTCMonth() + 1)}/${d.getUTCFullYear()} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}
/** `hh:mm:ss` of a duration, with a leading minus where negative. */
export function clockTime(seconds: number): string {
  const total = Math.round(Math.abs(seconds));
  return `${seconds < 0 ? '-' : ''}${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}

/** Stands in an event for a bare NaN, which JSON cannot say but the wire does. */
export const NAN_MARK = '\u0000NaN\u0000';
const NAN_TEXT = JSON.stringify(NAN_MARK);
/** One message as a line without its CR LF. */
export function toLine(message: Record<string, unknown>): string {
  const line = JSON.stringify(message);
  return line.includes(NAN_TEXT) ? line.replaceAll(NAN_TEXT, 'NaN') : line;
}
