import type { Snapshot } from './types.ts';

/** What the socket brings while a repair asks for what was missed. */
export class Meanwhile {
  private seq = 0;
  private brought: { snapshot: Snapshot; atMs: number } | null = null;

  begin(): void {
    this.seq = 0;
    this.brought = null;
  }
  /** There are events up to `seq`. */
  hear(seq: number): void {
    this.seq = Math.max(this.seq, seq);
  }
  /** A part of a snapshot answers for nothing. */
  bring(snapshot: Snapshot): void {
    this.brought = snapshot.partial ? null : { snapshot, atMs: Date.now() };
  }
  /** Whether more was heard of than has been read. */
  isAhead(seq: number | null): boolean {
    return seq !== null && this.seq > seq;
  }
  /** The snapshot that knows all that was read, its clock gone on since it came; null where none does. */
  snapshotOf(epoch: number, seq: number | null): Snapshot | null {
    if (!this.brought || seq === null) return null;
    const { snapshot, atMs } = this.brought;
    if (snapshot.epoch !== epoch || snapshot.seq < seq) return null;
    return { ...snapshot, now: new Date(Date.parse(snapshot.now) + Date.now() - atMs).toISOString() };
  }
}
