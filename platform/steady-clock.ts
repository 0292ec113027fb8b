import type { Clock, Timer } from './clock.ts';

/** A wall clock that differs by more than this from what the monotonic one has counted was set. */
const JUMP_MS = 2_000;
/** For so long a set clock must stand before the second witness is asked: its own median has then forgotten the time before. */
const SETTLE_MS = 60_000;
/** Two clocks agree within this (docs/safety.md, 11). */
const AGREE_SECONDS = 60;

/**
 * The host's wall clock as far as it can be believed: it is followed while it goes on evenly, and after a jump only when a second clock agrees with it.
 * Until then time is counted on by the monotonic clock, so that no length and no slot's end depends on one clock that somebody sets.
 */
export class SteadyClock implements Clock {
  private wallMs: number;
  private readAtMs: number;
  private jumpedAtMs: number | null = null;

  /** @param offsetSeconds the inner wall clock less the second witness's; null while there is none */
  constructor(
    private readonly inner: Clock,
    private readonly offsetSeconds: () => number | null,
  ) {
    this.wallMs = inner.now();
    this.readAtMs = inner.monotonicMs();
  }

  now(): number {
    const monotonic = this.inner.monotonicMs();
    const wall = this.inner.now();
    const counted = this.wallMs + monotonic - this.readAtMs;
    if (Math.abs(wall - counted) <= JUMP_MS) {
      this.jumpedAtMs = null;
      return this.follow(wall, monotonic);
    }
    this.jumpedAtMs ??= monotonic;
    const offset = monotonic - this.jumpedAtMs >= SETTLE_MS ? this.offsetSeconds() : null;
    if (offset !== null && Math.abs(offset) <= AGREE_SECONDS) {
      this.jumpedAtMs = null;
      return this.follow(wall, monotonic);
    }
    return counted;
  }
  monotonicMs(): number {
    return this.inner.monotonicMs();
  }
  setTimeout(fn: () => void, delayMs: number): Timer {
    return this.inner.setTimeout(fn, delayMs);
  }
  /** The time by which both clocks are past an instant: the earlier of ours and of the second witness's, where they contradict each other. */
  witnessedNow(): number {
    const now = this.now();
    const offset = this.offsetSeconds();
    if (offset === null || Math.abs(offset) <= AGREE_SECONDS) return now;
    return Math.min(now, this.inner.now() - offset * 1000);
  }

  private follow(wall: number, monotonic: number): number {
    this.wallMs = wall;
    this.readAtMs = monotonic;
    return wall;
  }
}
