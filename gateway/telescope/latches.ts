import type { Reason } from '../../domain/reasons.ts';
import type { Records, StateFile } from './state-file.ts';

/** An abort of the emergency path. `waiting`: not sent yet (Voyager's emergency, or no link); `sent`; `confirmed` by telemetry. */
export interface Latch {
  commandId: string;
  bookingId: string | null;
  targetGuids: string[];
  setGuids: string[];
  requestedBy: string;
  /** Under whose name the session files it; absent in a latch of an older gateway. */
  reason?: Reason;
  at: string;
  state: 'waiting' | 'sent' | 'confirmed';
}
const KEPT_RELEASED = 200;

/** Aborts that this gateway keeps up by itself until the session workflow has taken them over (safety.md 7); in the journal file before anything is sent. */
export class Latches {
  private readonly latches: Records<Latch>;
  /** Command ids that were released: a repeated request does not latch again. */
  private readonly released: Records<true>;
  constructor(state: StateFile) {
    this.latches = state.part('latch');
    this.released = state.part('released-latch');
  }
  all(): readonly Latch[] {
    return this.latches.all();
  }
  find(commandId: string): Latch | null {
    return this.latches.get(commandId);
  }
  wasReleased(commandId: string): boolean {
    return this.released.get(commandId) === true;
  }
  ofBooking(bookingId: string): Latch | null {
    return this.latches.all().find((l) => l.bookingId === bookingId) ?? null;
  }
  holds(targetGuid: string): boolean {
    return this.latches.all().some((l) => l.targetGuids.some((g) => g.toLowerCase() === targetGuid.toLowerCase()));
  }
  add(latch: Latch): void {
    this.latches.set(latch.commandId, latch);
  }
  setState(commandId: string, state: Latch['state']): void {
    const latch = this.find(commandId);
    if (latch && latch.state !== state) this.add({ ...latch, state });
  }
  release(commandId: string): void {
    if (!this.find(commandId) && this.wasReleased(commandId)) return;
    this.latches.delete(commandId);
    this.released.set(commandId, true);
    for (const old of this.released.keys().slice(0, -KEPT_RELEASED)) this.released.delete(old);
  }
}
