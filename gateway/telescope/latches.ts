import { join } from 'node:path';
import { readJson, writeJsonDurably } from './files.ts';

/** An abort of the emergency path. `waiting`: not sent yet (Voyager's emergency, or no link); `sent`; `confirmed` by telemetry. */
export interface Latch {
  commandId: string;
  bookingId: string | null;
  targetGuids: string[];
  setGuids: string[];
  requestedBy: string;
  at: string;
  state: 'waiting' | 'sent' | 'confirmed';
}
interface Stored {
  latches: Latch[];
  /** Command ids that were released, newest last: a repeated request does not latch again. */
  released: string[];
}

/** Aborts that this gateway keeps up by itself until the session workflow has taken them over (safety.md 7); on disk before anything is sent. */
export class Latches {
  private readonly path: string;
  private stored: Stored;
  constructor(folder: string) {
    this.path = join(folder, 'latches.json');
    this.stored = (readJson(this.path) as Stored | null) ?? { latches: [], released: [] };
  }
  all(): readonly Latch[] {
    return this.stored.latches;
  }
  find(commandId: string): Latch | null {
    return this.stored.latches.find((l) => l.commandId === commandId) ?? null;
  }
  wasReleased(commandId: string): boolean {
    return this.stored.released.includes(commandId);
  }
  ofBooking(bookingId: string): Latch | null {
    return this.stored.latches.find((l) => l.bookingId === bookingId) ?? null;
  }
  holds(targetGuid: string): boolean {
    return this.stored.latches.some((l) => l.targetGuids.some((g) => g.toLowerCase() === targetGuid.toLowerCase()));
  }
  add(latch: Latch): void {
    this.write({ ...this.stored, latches: [...this.stored.latches.filter((l) => l.commandId !== latch.commandId), latch] });
  }
  setState(commandId: string, state: Latch['state']): void {
    const latch = this.find(commandId);
    if (latch && latch.state !== state) this.add({ ...latch, state });
  }
  release(commandId: string): void {
    if (!this.find(commandId) && this.wasReleased(commandId)) return;
    this.write({ latches: this.stored.latches.filter((l) => l.commandId !== commandId), released: [...this.stored.released, commandId].slice(-200) });
  }
  private write(stored: Stored): void {
    writeJsonDurably(this.path, stored);
    this.stored = stored;
  }
}
