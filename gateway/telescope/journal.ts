import { join } from 'node:path';
import type { JournalEntry, JournalKind, JournalKinds } from '../../domain/journal.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { within } from '../../platform/waiting.ts';
import { databaseError } from './database-copies.ts';
import { DiskLog } from './disk-log.ts';
import { JournalPlaces } from './journal-places.ts';

export interface TelemetrySample {
  at: string;
  bookingId: string;
  data: Record<string, unknown>;
}

/** Undrained bytes of both logs together above which something is dropped: telemetry first, then log lines and signals, frames never. */
export const DEFAULT_QUOTA_BYTES = 256 << 20;
const DROPPABLE: ReadonlySet<JournalKind> = new Set(['log', 'signal']);
const IDLE_RETRY_MS = 2_000;
const WRITE_MS = 10_000;

export interface JournalOptions {
  telescopeId: string;
  folder: string;
  /** Null while no database is configured: everything stays on disk. */
  db: Database | null;
  logger: Logger;
  quotaBytes?: number;
  /** Called with entries that stand in PostgreSQL now, oldest first, under their numbers there. */
  onDrained?: (entries: readonly JournalEntry[]) => void;
}

/**
 * What the gateway saw, in order: first on its own disk under (epoch, n), then in table `journal`. The table is written before anybody
 * is told (docs/safety.md, 6); while PostgreSQL is away the disk keeps everything in order.
 */
export class Journal {
  private readonly log: DiskLog<JournalEntry>;
  private readonly telemetry: DiskLog<TelemetrySample>;
  private places: JournalPlaces | null = null;
  private epoch = 0;
  private n = 0;
  private wake: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private stopped = false;
  private end: () => void = () => undefined;
  private readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  private failing = false;
  /** How many entries the quota cost, by kind. */
  readonly dropped: Record<string, number> = {};

  constructor(private readonly options: JournalOptions) {
    this.log = new DiskLog(join(options.folder, 'journal'));
    this.telemetry = new DiskLog(join(options.folder, 'telemetry'));
  }

  /** Everything from now on is numbered within this epoch, from 1; where the table has such numbers already, from the next free one. */
  beginEpoch(epoch: number): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.n = 0;
  }

  /** Bytes on disk that PostgreSQL does not have yet. */
  get backlogBytes(): number {
    return this.log.backlogBytes + this.telemetry.backlogBytes;
  }
  /** True while the last attempt to drain failed. */
  get databaseAway(): boolean {
    return this.failing;
  }

  /** Resolves with the entry once it is on disk, or with null when the quota cost it. */
  async append<K extends JournalKind>(
    kind: K,
    data: JournalKinds[K],
    bookingId: string | null = null,
    at = new Date(),
  ): Promise<JournalEntry<K> | null> {
    const quota = this.options.quotaBytes ?? DEFAULT_QUOTA_BYTES;
    if (this.backlogBytes > quota) {
      const bytes = this.telemetry.dropOldest(Math.max(0, quota - this.log.backlogBytes));
      if (bytes > 0) this.count('telemetry_bytes', bytes);
      if (DROPPABLE.has(kind) && this.log.backlogBytes > quota) {
        this.count(kind);
        return null;
      }
    }
    this.n += 1;
    const entry: JournalEntry<K> = { epoch: this.epoch, n: this.n, kind, at: at.toISOString(), bookingId, data };
    await this.log.append(entry);
    this.wake?.();
    return entry;
  }

  /** A line for the graphs; the first thing that goes when space is short. */
  async sample(sample: TelemetrySample): Promise<void> {
    if (this.backlogBytes > (this.options.quotaBytes ?? DEFAULT_QUOTA_BYTES)) {
      this.count('telemetry');
      return;
    }
    await this.telemetry.append(sample);
    this.wake?.();
  }

  start(): void {
    this.running ??= this.run();
  }
  /** Ends after what is under way; the rest waits on disk for the next start. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.end();
    await this.running;
    await Promise.all([this.log.close(), this.telemetry.close()]);
  }

  private count(what: string, by = 1): void {
    this.dropped[what] = (this.dropped[what] ?? 0) + by;
    if (this.dropped[what] === by)
      this.options.logger.error({ telescope: this.options.telescopeId, what }, 'journal quota reached; dropping');
  }

  private async run(): Promise<void> {
    const { db, logger, telescopeId } = this.options;
    if (!db) return;
    while (!this.stopped) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      let busy = false;
      try {
        busy = (await this.drainJournal(db)) > 0;
        busy = (await this.drainTelemetry(db)) > 0 || busy;
        if (this.failing) logger.info({ telescope: telescopeId }, 'journal: PostgreSQL is back');
        this.failing = false;
      } catch (thrown) {
        if (!this.failing)
          logger.warn(
            { telescope: telescopeId, err: databaseError(thrown) },
            'journal: PostgreSQL is away; keeping on disk',
          );
        this.failing = true;
      }
      if (busy || this.stopped) continue;
      await firstOf(IDLE_RETRY_MS, this.ended, ...(this.failing ? [] : [woken]));
    }
  }

  private async drainJournal(db: Database): Promise<number> {
    const { entries, commit } = await this.log.read();
    if (entries.length === 0) return 0;
    this.places ??= new JournalPlaces(db, this.options.telescopeId);
    const { fresh, all } = await within(this.places.find(entries), WRITE_MS);
    const written = db.journal.createMany({
      data: fresh.map((e) => ({
        telescopeId: this.options.telescopeId,
        epoch: e.epoch,
        n: e.n,
        kind: e.kind,
        at: new Date(e.at),
        bookingId: e.bookingId,
        data: e.data as object,
      })),
    });
    await within(written, WRITE_MS);
    commit();
    this.options.onDrained?.(all);
    return entries.length;
  }
  private async drainTelemetry(db: Database): Promise<number> {
    const { entries, commit } = await this.telemetry.read();
    if (entries.length === 0) return 0;
    const written = db.telemetry.createMany({
      data: entries.map((e) => ({
        telescopeId: this.options.telescopeId,
        at: new Date(e.at),
        bookingId: e.bookingId,
        data: e.data as object,
      })),
      skipDuplicates: true,
    });
    await within(written, WRITE_MS);
    commit();
    return entries.length;
  }
}

async function firstOf(ms: number, ...promises: Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      ...promises,
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
