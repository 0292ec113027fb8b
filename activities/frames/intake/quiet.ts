/** What was seen of files that are not whole yet, and which ones we may not look at. */
export class Quiet {
  /** What was seen of a file that was not whole, with the instant since when it has not changed. */
  private readonly waiting = new Map<string, { stamp: string; since: number }>();
  /** Frames of whose files the system did not say whether they are there, or that we may not look at. */
  readonly denied = new Set<string>();

  /** True once a file has kept its size, its time (and what else is compared) for the settling time. */
  settled(id: string, size: number, state: number | string, settleMs: number): boolean {
    const stamp = `${size} ${state}`;
    const known = this.waiting.get(id);
    if (known?.stamp !== stamp) {
      this.waiting.set(id, { stamp, since: Date.now() });
      return false;
    }
    return Date.now() - known.since >= settleMs;
  }
  forget(id: string): void {
    this.waiting.delete(id);
  }
}
