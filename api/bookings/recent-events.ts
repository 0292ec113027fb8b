import type { Event } from '../../domain/contracts/event.ts';
import { isVolatile } from '../../domain/event-types.ts';
import { toEvent, type BusListener } from '../../platform/bus.ts';
import type { Database } from '../../platform/database.ts';

/** Kept of each session, and sessions: a page that was away for a minute has missed fewer. */
const EVENTS_KEPT = 100;
const SESSIONS_KEPT = 300;

/** The last stored events of a session without a gap; `since` is the `seq` before the first. */
interface Tail {
  since: number;
  events: Event[];
}
interface Reading {
  tail: Promise<Tail | null>;
  /** What the bus has brought meanwhile, in order. */
  heard: Event[];
}

/**
 * The last stored events of sessions that pages ask about, kept up by the bus, so that a crowd that comes back is answered from memory. Behind the
 * database by the bus's delay: enough for who hears the bus itself beside it.
 */
export class RecentEvents {
  private readonly tails = new Map<string, Tail>();
  private readonly readings = new Map<string, Reading>();
  constructor(
    private readonly db: Database,
    private readonly bus: BusListener,
  ) {}

  take(event: Event): void {
    const bookingId = event.booking_id;
    if (bookingId === null || isVolatile(event.type)) return;
    this.readings.get(bookingId)?.heard.push(event);
    const tail = this.tails.get(bookingId);
    if (tail && !follow(tail, event)) this.tails.delete(bookingId);
  }
  /** Something of this booking was not heard in full. */
  forget(bookingId: string): void {
    this.tails.delete(bookingId);
    this.readings.delete(bookingId);
  }
  forgetAll(): void {
    this.tails.clear();
    this.readings.clear();
  }

  /** What follows `seq`, and the last `seq` of all; null when memory does not reach there or may have missed something. */
  async after(bookingId: string, seq: number): Promise<{ events: Event[]; lastSeq: number } | null> {
    if (!this.bus.proven) return null;
    const tail = this.tails.get(bookingId) ?? (await this.read(bookingId));
    if (!tail || seq < tail.since || seq > lastOf(tail)) return null;
    return { events: tail.events.slice(Math.max(0, seq - tail.since)), lastSeq: lastOf(tail) };
  }
  private read(bookingId: string): Promise<Tail | null> {
    const known = this.readings.get(bookingId);
    if (known) return known.tail;
    const heard: Event[] = [];
    const tail = this.readTail(bookingId, heard).finally(() => {
      if (this.readings.get(bookingId) === reading) this.readings.delete(bookingId);
    });
    const reading: Reading = { tail, heard };
    this.readings.set(bookingId, reading);
    return tail;
  }
  private async readTail(bookingId: string, heard: readonly Event[]): Promise<Tail | null> {
    const rows = await this.db.event.findMany({
      where: { bookingId },
      orderBy: { seq: 'desc' },
      take: EVENTS_KEPT,
    });
    const oldest = rows.at(-1);
    if (!oldest) return null;
    const tail: Tail = { since: oldest.seq - 1, events: rows.reverse().map(toEvent) };
    const whole = heard.every((event) => follow(tail, event));
    if (!whole || this.readings.get(bookingId)?.heard !== heard) return whole ? tail : null;
    if (this.tails.size >= SESSIONS_KEPT) this.tails.delete(this.tails.keys().next().value!);
    this.tails.set(bookingId, tail);
    return tail;
  }
}

const lastOf = ({ since, events }: Tail): number => since + events.length;

/** Takes the next event; false where one is missing, or the counting has begun anew. */
function follow(tail: Tail, event: Event): boolean {
  if (event.epoch !== tail.events.at(-1)!.epoch) return false;
  if (event.seq <= lastOf(tail)) return true;
  if (event.seq > lastOf(tail) + 1) return false;
  tail.events.push(event);
  if (tail.events.length > EVENTS_KEPT) {
    tail.events.shift();
    tail.since++;
  }
  return true;
}
