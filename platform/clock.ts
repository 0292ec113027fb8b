/** Time as a dependency, so that tests and virtual nights own it. Milliseconds since the epoch, and a monotonic count that never jumps. */
export interface Clock {
  now(): number;
  monotonicMs(): number;
  setTimeout(fn: () => void, delayMs: number): Timer;
}
export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, delayMs) => {
    const handle = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A clock that moves only when told to; timers fire in order of their instant. */
export class ManualClock implements Clock {
  private timers: { at: number; order: number; fn: () => void }[] = [];
  private order = 0;
  private current: number;
  constructor(startMs = Date.UTC(2026, 0, 15)) {
    this.current = startMs;
  }
  now(): number {
    return this.current;
  }
  monotonicMs(): number {
    return this.current;
  }
  setTimeout(fn: () => void, delayMs: number): Timer {
    const timer = { at: this.current + Math.max(0, delayMs), order: this.order++, fn };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((t) => t !== timer);
      },
    };
  }
  /** Moves time forward by `ms`, firing what falls due at its own instant. */
  advance(ms: number): void {
    const end = this.current + ms;
    for (;;) {
      const due = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.timers = this.timers.filter((t) => t !== due);
      this.current = due.at;
      due.fn();
    }
    this.current = end;
  }
}
