interface Bucket {
  tokens: number;
  at: number;
}

const MOST_BUCKETS = 20_000;

/** Token buckets in memory, one per credential or address; bounded, since strangers choose the keys. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();
  constructor(
    readonly perTokenPerSecond: number,
    readonly burst: number,
    readonly authFailuresPerMinute: number,
    /** Monotonic milliseconds: a clock that is set back must lock nobody out. */
    private readonly now: () => number = () => performance.now(),
  ) {}
  /** Seconds to wait, or 0 when the request may pass. */
  take(key: string, perSecond = this.perTokenPerSecond, burst = this.burst): number {
    const now = this.now();
    const bucket = this.buckets.get(key) ?? { tokens: burst, at: now };
    // Entered anew at the end: the first of all is the one that was not asked about for longest.
    this.buckets.delete(key);
    if (this.buckets.size >= MOST_BUCKETS) this.sweep(now);
    this.buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
  }
  /** Counts a failed authentication; seconds to wait when the address has had too many. Good credentials pass all the same: many share an address. */
  failed(address: string): number {
    return this.take(`fail:${address}`, this.authFailuresPerMinute / 60, this.authFailuresPerMinute);
  }
  private sweep(now: number): void {
    for (const [key, bucket] of this.buckets) {
      if (now - bucket.at <= 60_000 && this.buckets.size < MOST_BUCKETS) return;
      this.buckets.delete(key);
    }
  }
}
