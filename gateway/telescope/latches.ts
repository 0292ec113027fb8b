import type { StopReason } from '../../domain/contracts/control.ts';
import type { Records, StateFile } from './state-file.ts';

/** An abort of the emergency path. `waiting`: not sent yet (Voyager's emergency, or no link); `sent`; `confirmed` by telemetry. */
export interface Latch {
  commandId: string;
  bookingId: string | null;
  targetGuids: string[];
  setGuids: string[];
  requestedBy: string;
  /** Under whose name the session files it; absent in a latch of an older gateway. */
  reason?: StopReason;
  at: string;
  state: 'waiting' | 'sent' | 'confirmed';
}

/** A confirmed latch whose session is over is let go after this long. */
export const ORPHAN_LATCH_MS = 600_000;

/** Aborts that this gateway keeps up by itself until the session workflow has taken them over (docs/safety.md, 7); in the journal file before anything is sent. */
export class Latches {
  private readonly latches: Records<Latch>;
  constructor(state: Pick<StateFile, 'part'>) {
    this.latches = state.part('latch');
  }
  all(): readonly Latch[] {
    return this.latches.all();
  }
  find(commandId: string): Latch | null {
    return this.latches.get(commandId);
  }
  ofBooking(bookingId: string): Latch | null {
    return this.latches.all().find((l) => l.bookingId === bookingId) ?? null;
  }
  ofTarget(targetGuid: string): Latch | null {
    const guid = targetGuid.toLowerCase();
    return this.latches.all().find((l) => l.targetGuids.some((g) => g.toLowerCase() === guid)) ?? null;
  }
  add(latch: Latch): void {
    this.latches.set(latch.commandId, latch);
  }
  setState(commandId: string, state: Latch['state']): void {
    const latch = this.find(commandId);
    if (latch && latch.state !== state) this.add({ ...latch, state });
  }
  release(commandId: string): void {
    this.latches.delete(commandId);
  }
}
