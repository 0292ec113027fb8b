import { stableId } from '../../domain/ids.ts';
import type { VOLATILE_EVENTS } from '../../domain/event-types.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { publish } from '../../platform/bus.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { within } from '../../platform/waiting.ts';
import { databaseError } from './database-copies.ts';

const WRITE_MS = 3_000;
type Volatile = (typeof VOLATILE_EVENTS)[number];

/**
 * The live mirror on the bus: volatile events that carry the last stored `seq` of the booking whose slot runs. One at a time; while
 * PostgreSQL is slow or away the newest of each type waits and older ones are forgotten.
 */
export class Publisher {
  private readonly waiting = new Map<
    Volatile,
    { data: Record<string, unknown>; rev: number; bookingId: string | null }
  >();
  private working: Promise<void> | null = null;
  private failedAtMs = -Infinity;
  constructor(
    private readonly telescopeId: string,
    private readonly db: Database | null,
    private readonly logger: Logger,
  ) {}

  control(state: TelescopeState, bookingId: string | null): void {
    this.put('control.updated', state, state.rev, bookingId);
  }
  progress(exposure: NonNullable<TelescopeState['exposure']>, rev: number, bookingId: string | null): void {
    this.put('shot.progress', { ...exposure }, rev, bookingId);
  }
  preview(meta: NonNullable<TelescopeState['preview']>, rev: number, bookingId: string | null): void {
    this.put('preview.ready', { ...meta }, rev, bookingId);
  }
  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.working;
  }

  private put(type: Volatile, data: Record<string, unknown>, rev: number, bookingId: string | null): void {
    // A database that was away a moment ago is not asked once for every event.
    if (!this.db || performance.now() - this.failedAtMs < 2_000) return;
    this.waiting.set(type, { data, rev, bookingId });
    this.working ??= this.drain(this.db).finally(() => {
      this.working = null;
    });
  }
  private async drain(db: Database): Promise<void> {
    try {
      for (let next = this.waiting.entries().next().value; next; next = this.waiting.entries().next().value) {
        const [type, { data, rev, bookingId }] = next;
        this.waiting.delete(type);
        const counter =
          bookingId === null ? null : await within(db.eventCounter.findUnique({ where: { bookingId } }), WRITE_MS);
        const ts = new Date().toISOString();
        const sent = publish(db, {
          kind: 'event',
          event: {
            id: stableId('volatile', this.telescopeId, type, rev, ts),
            type,
            seq: counter?.seq ?? 0,
            epoch: counter?.epoch ?? 1,
            ts,
            booking_id: bookingId,
            telescope_id: this.telescopeId,
            rev,
            data,
          },
        });
        await within(sent, WRITE_MS);
      }
    } catch (thrown) {
      if (performance.now() - this.failedAtMs > 60_000)
        this.logger.warn(
          { telescope: this.telescopeId, err: databaseError(thrown) },
          'live events wait: PostgreSQL does not take them',
        );
      this.failedAtMs = performance.now();
      this.waiting.clear();
    }
  }
}
