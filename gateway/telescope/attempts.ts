import type { Clock } from '../../platform/clock.ts';

const REMEMBERED = 200;

/** What is tried again and again: one attempt of a key at a time, the next after its interval. */
export class Attempts {
  private readonly tried = new Map<string, { atMs: number; running: boolean }>();
  constructor(private readonly clock: Clock) {}

  due(key: string, everyMs: number): boolean {
    const before = this.tried.get(key);
    return !before || (!before.running && this.clock.now() - before.atMs >= everyMs);
  }
  /** Calls `work` at once, in the same turn; the interval counts from its end. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = { atMs: this.clock.now(), running: true };
    this.tried.set(key, entry);
    try {
      return await work();
    } finally {
      entry.running = false;
      entry.atMs = this.clock.now();
    }
  }
  /** Forgets the oldest of many that are over. */
  forget(): void {
    for (const [key, { running }] of this.tried) if (this.tried.size > REMEMBERED && !running) this.tried.delete(key);
  }
}
