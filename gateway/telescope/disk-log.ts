import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const SEGMENT_BYTES = 1 << 20;
const READ_BYTES = 1 << 18;
/** The cursor is overwritten in place, always at this length. */
const CURSOR_BYTES = 64;

interface Cursor {
  segment: number;
  offset: number;
}

/**
 * An append-only log of JSON lines on disk, in segments of about 1 MB, read in order through a cursor that survives a restart. One batch is fsynced
 * at a time, so an entry waits for at most one fsync before its own (milliseconds; the contract is 100).
 */
export class DiskLog<T> {
  private segment: number;
  private handle: FileHandle | null = null;
  /** Bytes of the active segment that are durable; the reader goes no further. */
  private flushed = 0;
  private readonly sizes = new Map<number, number>();
  private cursor: Cursor;
  private readonly cursorFd: number;
  private queue: { line: string; done: () => void; fail: (err: Error) => void }[] = [];
  private writing: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    const segments = readdirSync(folder)
      .map((name) => /^(\d+)\.jsonl$/.exec(name)?.[1])
      .filter((n) => n !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
    for (const n of segments) this.sizes.set(n, statSync(this.file(n)).size);
    // Always a new segment: the last one may end in half a line.
    this.segment = (segments.at(-1) ?? 0) + 1;
    const stored = this.storedCursor();
    this.cursorFd = openSync(this.cursorFile(), existsSync(this.cursorFile()) ? 'r+' : 'w+', 0o600);
    this.cursor =
      stored && segments.includes(stored.segment)
        ? stored
        : { segment: segments.find((n) => n > (stored?.segment ?? 0)) ?? this.segment, offset: 0 };
    for (const n of segments) if (n < this.cursor.segment) this.remove(n);
  }

  /** Bytes that nobody has drained yet. */
  get backlogBytes(): number {
    let total = 0;
    for (const [n, size] of this.sizes) total += n === this.cursor.segment ? size - this.cursor.offset : size;
    return total;
  }

  /** Resolves when the entry is on disk. */
  append(entry: T): Promise<void> {
    if (this.closed) return Promise.reject(new Error('the log is closed'));
    return new Promise((done, fail) => {
      this.queue.push({ line: `${JSON.stringify(entry)}\n`, done, fail });
      this.writing ??= this.flushAll().finally(() => {
        this.writing = null;
      });
    });
  }

  /**
   * Entries after the cursor, oldest first, up to about 256 KB of them; `commit()` moves the cursor past them and lets go of segments
   * that are done with. A line that a power cut left unfinished is passed over.
   */
  async read(): Promise<{ entries: T[]; commit: () => void }> {
    for (;;) {
      const at = this.cursor;
      const end = at.segment === this.segment ? this.flushed : (this.sizes.get(at.segment) ?? 0);
      if (at.offset >= end) {
        if (at.segment >= this.segment) return { entries: [], commit: () => undefined };
        const next = [...this.sizes.keys()].filter((n) => n > at.segment).sort((a, b) => a - b)[0] ?? this.segment;
        this.cursor = { segment: next, offset: 0 };
        this.remove(at.segment);
        continue;
      }
      const chunk = await this.readAt(at.segment, at.offset, Math.min(end - at.offset, READ_BYTES));
      const lastBreak = chunk.lastIndexOf(0x0a);
      if (lastBreak < 0) {
        if (chunk.length === READ_BYTES)
          throw new Error(`${this.file(at.segment)}: a line of more than ${READ_BYTES} bytes`);
        this.cursor = { segment: at.segment, offset: end };
        continue;
      }
      const entries: T[] = [];
      for (const line of chunk.subarray(0, lastBreak).toString('utf8').split('\n')) {
        try {
          entries.push(JSON.parse(line) as T);
        } catch {
          // Half a line before a later one: a torn write of an earlier run.
        }
      }
      const next = { segment: at.segment, offset: at.offset + lastBreak + 1 };
      return {
        entries,
        commit: () => {
          this.cursor = next;
          // Not synced: after a power cut an older cursor stands, and what was drained is drained again.
          writeSync(this.cursorFd, JSON.stringify(next).padEnd(CURSOR_BYTES), 0);
        },
      };
    }
  }

  /** Drops whole old segments until at most `maxBytes` are left undrained; returns how many bytes went. */
  dropOldest(maxBytes: number): number {
    let dropped = 0;
    for (const n of [...this.sizes.keys()].sort((a, b) => a - b)) {
      if (this.backlogBytes <= maxBytes || n === this.segment) break;
      const before = this.backlogBytes;
      if (this.cursor.segment === n) this.cursor = { segment: n + 1, offset: 0 };
      this.remove(n);
      dropped += before - this.backlogBytes;
    }
    return dropped;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
    await this.handle?.close();
    this.handle = null;
    closeSync(this.cursorFd);
  }

  private async flushAll(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        await this.write(Buffer.from(batch.map((e) => e.line).join('')));
        for (const entry of batch) entry.done();
      } catch (thrown) {
        await this.abandonSegment();
        for (const entry of batch) entry.fail(thrown as Error);
      }
    }
  }
  private async write(bytes: Buffer): Promise<void> {
    if (this.handle && this.flushed >= SEGMENT_BYTES) {
      await this.handle.close();
      this.handle = null;
      this.segment += 1;
      this.flushed = 0;
    }
    if (!this.handle) {
      this.handle = await open(this.file(this.segment), 'a', 0o600);
      const folder = await open(this.folder, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    }
    await this.handle.appendFile(bytes);
    await this.handle.datasync();
    this.flushed += bytes.length;
    this.sizes.set(this.segment, this.flushed);
  }
  /** After a failed write the segment may end in half a line: what comes next begins a new one. */
  private async abandonSegment(): Promise<void> {
    await this.handle?.close().catch(() => undefined);
    this.handle = null;
    if (existsSync(this.file(this.segment))) this.sizes.set(this.segment, statSync(this.file(this.segment)).size);
    this.segment += 1;
    this.flushed = 0;
  }
  private async readAt(segment: number, offset: number, length: number): Promise<Buffer> {
    const handle = await open(this.file(segment), 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
  private remove(segment: number): void {
    this.sizes.delete(segment);
    if (segment !== this.segment && existsSync(this.file(segment))) rmSync(this.file(segment));
  }
  private file(segment: number): string {
    return join(this.folder, `${String(segment).padStart(8, '0')}.jsonl`);
  }
  /** Null where there is none, or none that can be read: then everything that is left is drained again. */
  private storedCursor(): Cursor | null {
    try {
      return JSON.parse(readFileSync(this.cursorFile(), 'utf8')) as Cursor;
    } catch {
      return null;
    }
  }
  private cursorFile(): string {
    return join(this.folder, 'cursor.json');
  }
}
