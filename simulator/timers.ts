import type { Clock, Timer } from '../platform/clock.ts';
import { Aborted, abortReason } from './context.ts';

/** The timers of one Voyager: all of them end with it. */
export class Timers {
  private readonly stopping = new AbortController();
  private readonly timers = new Set<Timer>();
  constructor(private readonly clock: Clock) {}

  /** Runs `fn` after that time unless the instance stops first. */
  readonly later = (seconds: number, fn: () => void): void => {
    if (this.stopping.signal.aborted) return;
    const timer = this.clock.setTimeout(() => {
      this.timers.delete(timer);
      fn();
    }, seconds * 1000);
    this.timers.add(timer);
  };
  every(seconds: number, fn: () => void): void {
    this.later(seconds, () => {
      fn();
      this.every(seconds, fn);
    });
  }
  /** @throws Aborted when the signal fires, or the instance stops, first. */
  readonly wait = (seconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const signals = signal ? [signal, this.stopping.signal] : [this.stopping.signal];
      const fired = signals.find((s) => s.aborted);
      if (fired) {
        reject(new Aborted(abortReason(fired)));
        return;
      }
      const done = (): void => {
        this.timers.delete(timer);
        for (const s of signals) s.removeEventListener('abort', stopped);
      };
      const stopped = (event: Event): void => {
        timer.cancel();
        done();
        reject(new Aborted(abortReason(event.target as AbortSignal)));
      };
      const timer = this.clock.setTimeout(() => {
        done();
        resolve();
      }, seconds * 1000);
      this.timers.add(timer);
      for (const s of signals) s.addEventListener('abort', stopped, { once: true });
    });
  stop(): void {
    this.stopping.abort('stopping');
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }
}

/** A wait ends with Aborted when the instance stops meanwhile; nothing more is to do then. */
export const quietly = (work: Promise<unknown>): void =>
  void work.catch((thrown: unknown) => {
    if (!(thrown instanceof Aborted)) throw thrown;
  });
