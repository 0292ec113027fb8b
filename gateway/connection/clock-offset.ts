const SAMPLES = 20;

/** Our clock less Voyager's: the median over the last 20 events, so that a few that were held up on the way do not count. */
export class ClockOffset {
  private samples: number[] = [];
  private next = 0;
  add(seconds: number): void {
    if (!Number.isFinite(seconds)) return;
    this.samples[this.next] = seconds;
    this.next = (this.next + 1) % SAMPLES;
  }
  clear(): void {
    this.samples = [];
    this.next = 0;
  }
  /** Seconds, or null before the first event of a connection. */
  median(): number | null {
    if (this.samples.length === 0) return null;
    const sorted = [...this.samples].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }
}
