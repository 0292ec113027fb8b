import type { Snapshot } from './types.ts';

/** A part that the state channel has room for, with what it lacks from the last snapshot; a change in that part comes with an event, and is read. */
export function wholeOf(snapshot: Snapshot, last: Snapshot | null): Snapshot {
  if (!snapshot.partial || last?.epoch !== snapshot.epoch) return snapshot;
  const plan = [...snapshot.plan, ...last.plan.slice(snapshot.plan.length)];
  return { ...snapshot, telescope: last.telescope, plan };
}

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
