import type { Clock, Timer } from './clock.ts';

/** The promise, or an error after `ms`: a database behind a broken link may never answer at all. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  promise.catch(() => undefined);
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer of PostgreSQL within ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** The outcome, or null when it takes longer. */
export async function atMost<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: Timer | undefined;
  const late = new Promise<null>((resolve) => {
    timer = clock.setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.cancel();
  }
}

/** Waits that end together with whoever waits: after `end` none begins and none goes on. */
export class Waits {
  private readonly running = new Set<() => void>();
  private over = false;
  constructor(private readonly clock: Clock) {}

  get ended(): boolean {
    return this.over;
  }
  /** Until the time is over, somebody finishes it, or all waits end. */
  wait(ms: number, listen?: (finish: () => void) => () => void): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.running.delete(finish);
        unlisten?.();
        resolve();
      };
      const timer = this.clock.setTimeout(finish, ms);
      this.running.add(finish);
      const unlisten = listen?.(finish);
    });
  }
  end(): void {
    this.over = true;
    for (const finish of this.running) finish();
  }
}
