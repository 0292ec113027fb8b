import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../platform/logger.ts';

/** The file is written anew after so many superseded lines: months of sessions, since writing anew waits for the disk. */
const SLACK_LINES = 20_000;

/** One change; without a value the record was deleted. */
interface Line {
  part: string;
  key: string;
  value?: unknown;
}

/**
 * Small records by key that outlive this process: grants, latched aborts, sent commands. A change is one appended line, in the kernel when `set`
 * returns and on the disk when `flush` resolves; another thread syncs, so that no abort waits for a disk (docs/adr/0007).
 */
export class StateFile {
  private readonly parts = new Map<string, Map<string, unknown>>();
  private fd: number;
  private handle: FileHandle | null = null;
  private lines = 0;
  /** The file may lack a line that memory has; it is written anew at the next chance. */
  private failure: Error | null = null;
  private dirty = false;
  private syncing: Promise<void> | null = null;
  private folderSynced = false;

  /** @throws Error when the file can neither be read nor made */
  constructor(
    private readonly path: string,
    private readonly logger?: Logger,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    this.load();
    // Anew at each start: a power cut may have left half a line at the end.
    this.fd = this.rewrite();
  }

  part<T>(name: string): Records<T> {
    return new Records<T>(this.records(name) as Map<string, T>, (key, value) =>
      this.append({ part: name, key, value }),
    );
  }

  /** Resolves when everything set so far is on disk. @throws Error when it cannot be */
  async flush(): Promise<void> {
    if (this.failure) this.append(null);
    while (this.syncing) await this.syncing;
    if (this.failure) throw this.failure;
  }
  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
    await this.handle?.close();
    this.handle = null;
  }

  private append(line: Line | null): void {
    try {
      if (this.failure || this.lines > SLACK_LINES) {
        const before = this.fd;
        this.fd = this.rewrite();
        closeSync(before);
        this.failure = null;
      } else {
        writeFileSync(this.fd, `${JSON.stringify(line)}\n`);
        this.lines += 1;
      }
    } catch (thrown) {
      this.fail(thrown as Error);
      return;
    }
    this.dirty = true;
    this.syncing ??= this.sync().finally(() => {
      this.syncing = null;
    });
  }
  private async sync(): Promise<void> {
    while (this.dirty) {
      this.dirty = false;
      try {
        this.handle ??= await open(this.path, 'r+');
        await this.handle.datasync();
        if (this.folderSynced) continue;
        const folder = await open(dirname(this.path), 'r');
        try {
          await folder.sync();
          this.folderSynced = true;
        } finally {
          await folder.close();
        }
      } catch (thrown) {
        this.fail(thrown as Error);
      }
    }
  }
  private fail(thrown: Error): void {
    if (!this.failure) this.logger?.error({ file: this.path, err: thrown.message }, 'state cannot be kept on disk');
    this.failure = thrown;
  }

  private records(part: string): Map<string, unknown> {
    let records = this.parts.get(part);
    if (!records) this.parts.set(part, (records = new Map()));
    return records;
  }
  private load(): void {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw thrown;
    }
    for (const written of text.split('\n')) {
      let line: Line;
      try {
        line = JSON.parse(written) as Line;
      } catch {
        continue;
      }
      const records = this.records(line.part);
      records.delete(line.key);
      if (line.value !== undefined) records.set(line.key, line.value);
    }
  }
  /** What stands, in a new file under the old name; the old one is whole until the new one is on disk. Returns the new one's descriptor. */
  private rewrite(): number {
    const next = `${this.path}.${process.pid}.tmp`;
    rmSync(next, { force: true });
    const fd = openSync(next, 'a', 0o600);
    try {
      const lines = [...this.parts].flatMap(([part, records]) =>
        [...records].map(([key, value]) => `${JSON.stringify({ part, key, value } satisfies Line)}\n`),
      );
      writeFileSync(fd, lines.join(''));
      fsyncSync(fd);
      renameSync(next, this.path);
      this.lines = 0;
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
    void this.handle?.close().catch(() => undefined);
    this.handle = null;
    this.folderSynced = false;
    return fd;
  }
}

/** One kind of records in a state file; a record that is set again becomes the newest. */
export class Records<T> {
  constructor(
    private readonly records: Map<string, T>,
    private readonly append: (key: string, value?: T) => void,
  ) {}
  get(key: string): T | null {
    return this.records.get(key) ?? null;
  }
  /** Oldest first. */
  all(): T[] {
    return [...this.records.values()];
  }
  get size(): number {
    return this.records.size;
  }
  keys(): string[] {
    return [...this.records.keys()];
  }
  set(key: string, value: T): void {
    this.records.delete(key);
    this.records.set(key, value);
    this.append(key, value);
  }
  delete(key: string): void {
    if (this.records.delete(key)) this.append(key);
  }
}
