import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { within } from '../../platform/waiting.ts';

const WRITE_MS = 5_000;
const RETRY_MS = 2_000;

/** What a database error says, on one line: Prisma puts the call's source text before it. */
export const databaseError = (thrown: unknown): string => toError(thrown).message.trim().split('\n').at(-1)!;

/**
 * Copies of what stands on this gateway's disk, written to PostgreSQL behind its back: the newest state of each key, one at a time, tried
 * again until it is taken. Nothing waits for it but an orderly stop.
 */
export class DatabaseCopies {
  private readonly waiting = new Map<string, () => Promise<unknown>>();
  private working: Promise<void> | null = null;
  private retry: NodeJS.Timeout | null = null;
  private failing = false;
  private stopped = false;
  constructor(
    private readonly telescopeId: string,
    private readonly logger: Logger,
  ) {}

  put(key: string, write: () => Promise<unknown>): void {
    this.waiting.delete(key);
    this.waiting.set(key, write);
    if (!this.failing) this.begin();
  }
  /** Waits until everything is taken, but not for a database that is away; then no more is tried. */
  async stop(): Promise<void> {
    if (!this.failing) await within(this.working ?? Promise.resolve(), WRITE_MS).catch(() => undefined);
    this.stopped = true;
    if (this.retry) clearTimeout(this.retry);
  }

  private begin(): void {
    if (this.stopped) return;
    this.working ??= this.drain().finally(() => {
      this.working = null;
    });
  }
  private async drain(): Promise<void> {
    for (
      let next = this.waiting.entries().next().value;
      next && !this.stopped;
      next = this.waiting.entries().next().value
    ) {
      const [key, write] = next;
      try {
        await within(write(), WRITE_MS);
        if (this.waiting.get(key) === write) this.waiting.delete(key);
        this.failing = false;
      } catch (thrown) {
        if (!this.failing)
          this.logger.warn(
            { telescope: this.telescopeId, key, err: databaseError(thrown) },
            'not in PostgreSQL yet; it stands on disk',
          );
        this.failing = true;
        this.retry = setTimeout(() => this.begin(), RETRY_MS);
        this.retry.unref();
        return;
      }
    }
  }
}
