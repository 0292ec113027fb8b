import type { Event } from '../../domain/contracts/event.ts';
import { isVolatile } from '../../domain/event-types.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { textWithoutNames } from '../../domain/others.ts';
import { toEvent, type BusMessage } from '../../platform/bus.ts';
import { toError } from '../../platform/errors.ts';
import type { ReceiptWaiters } from '../bookings/receipts.ts';
import type { RecentEvents } from '../bookings/recent-events.ts';
import type { SnapshotCache } from '../bookings/snapshot.ts';
import type { Ground } from '../ground.ts';
import { signImageUrls } from '../images/pixels.ts';
import { isOwnPicture, seenBy, stateOf, type Tenancy } from '../telescopes/mirror.ts';
import type { Hub } from './hub.ts';
import { ADMIN_CHANNEL, sessionChannel, stateChannel } from './protocol.ts';
import type { Relay } from './relay.ts';
import type { LiveSnapshots } from './snapshots.ts';
import { Tenancies } from './tenancies.ts';

const MAX_RELAYED_BOOKINGS = 2_000;
/** What tells of a stop waits for nothing that happens beside it. */
const AT_ONCE: ReadonlySet<Event['type']> = new Set(['receipt.changed', 'session.changed']);

/** A booking whose events somebody here watches. */
interface Watched {
  lastSeq: number | null;
  epoch: number;
  /** Work that must keep its order; null while nothing is under way. */
  chain: Promise<void> | null;
}

/** The ground and what a change on the bus wakes or makes stale. */
export type LiveDeps = Ground & { receipts: ReceiptWaiters; snapshots: SnapshotCache; recent: RecentEvents };

/** From the bus to the channels: in order for each booking, what is missing read again. */
export class Feed {
  private readonly watched = new Map<string, Watched>();
  readonly tenancies: Tenancies;
  private rev = 0;

  constructor(
    private readonly deps: LiveDeps,
    private readonly hub: Hub,
    private readonly relay: Relay | null,
    private readonly snapshots: LiveSnapshots,
  ) {
    this.tenancies = new Tenancies(deps.db, deps.logger);
  }

  /** What only changes: which booking each telescope works for. */
  loadActive(): Promise<void> {
    return this.tenancies.load();
  }

  take(event: Event): void {
    this.deps.mirror.take(event);
    this.deps.receipts.take(event);
    this.deps.snapshots.take(event);
    this.deps.recent.take(event);
    if (isVolatile(event.type)) {
      this.passing(event);
      return;
    }
    const bookingId = event.booking_id;
    if (bookingId === null) {
      this.admin(event);
      return;
    }
    if (event.type === 'session.changed') this.tenancies.note(event);
    const watched = this.watchedFor(bookingId, event.epoch, event.seq);
    if (!watched) this.admin(event);
    else this.inOrder(bookingId, watched, () => this.stored(bookingId, watched, event));
  }
  /** An event too large for the bus: only its place came. */
  takeReference(ref: Extract<BusMessage, { kind: 'ref' }>): void {
    this.deps.snapshots.forget(ref.booking_id);
    this.deps.recent.forget(ref.booking_id);
    const watched = this.watchedFor(ref.booking_id, ref.epoch, ref.seq);
    if (watched) this.inOrder(ref.booking_id, watched, () => this.readMissing(ref.booking_id, watched));
  }
  /** Everything watched is brought up to date before it is served again. */
  catchUp(): void {
    for (const [bookingId, watched] of this.watched)
      this.inOrder(bookingId, watched, () => this.readMissing(bookingId, watched));
  }

  /** Not stored: the newest replaces the older. Carries the last stored `seq` and its own `rev`. */
  private passing(event: Event): void {
    const tenancy = this.tenancies.of(event.telescope_id);
    const bookingId = event.booking_id ?? tenancy?.bookingId ?? null;
    if (this.hub.has(ADMIN_CHANNEL) && event.type === 'control.updated')
      this.hub.broadcast(ADMIN_CHANNEL, event.type, event);
    if (bookingId === null) return;
    const data = passingFor(event, tenancy?.bookingId === bookingId ? tenancy : null);
    if (data === null) return;
    const channel = sessionChannel(bookingId);
    const watched = this.watched.get(bookingId);
    const full: Event = {
      ...event,
      data,
      booking_id: bookingId,
      seq: watched?.lastSeq ?? event.seq,
      epoch: watched?.epoch ?? event.epoch,
      rev: event.rev ?? ++this.rev,
    };
    if (this.hub.has(channel)) this.hub.broadcast(channel, event.type, full, { replaces: true });
    this.relay?.push(channel, full.type, full, true);
  }

  /** One thing after another for a booking, without a promise while nothing waits. */
  private inOrder(bookingId: string, watched: Watched, work: () => Promise<void> | undefined): void {
    if (watched.chain === null) {
      const running = work();
      if (!running) return;
      this.setChain(bookingId, watched, running);
    } else this.setChain(bookingId, watched, watched.chain.then(work));
  }
  private setChain(bookingId: string, watched: Watched, running: Promise<void>): void {
    const chain = running
      .catch((thrown: unknown) =>
        this.deps.logger.warn({ err: toError(thrown).message, bookingId }, 'live: events not read'),
      )
      .then(() => {
        if (watched.chain === chain) watched.chain = null;
      });
    watched.chain = chain;
  }

  private stored(bookingId: string, watched: Watched, event: Event): Promise<void> | undefined {
    if (watched.epoch !== event.epoch) {
      watched.epoch = event.epoch;
      watched.lastSeq = event.seq - 1;
    }
    if (watched.lastSeq !== null && event.seq <= watched.lastSeq) return undefined;
    if (watched.lastSeq !== null && event.seq > watched.lastSeq + 1) return this.readMissing(bookingId, watched);
    this.deliver(watched, event);
    return undefined;
  }
  private deliver(watched: Watched, event: Event): void {
    watched.lastSeq = event.seq;
    const bookingId = event.booking_id!;
    const channel = sessionChannel(bookingId);
    const shown =
      event.type === 'image.captured' || event.type === 'image.measured'
        ? JSON.stringify({ ...event, data: signImageUrls(this.deps, event.data) })
        : textWithoutNames(event);
    if (this.hub.has(channel)) this.hub.broadcast(channel, event.type, shown, { atOnce: AT_ONCE.has(event.type) });
    if (event.type === 'session.changed') void this.snapshots.broadcast(bookingId);
    this.admin(event);
    this.relay?.push(channel, event.type, shown, false);
  }
  private admin(event: Event): void {
    if (this.hub.has(ADMIN_CHANNEL) && event.type !== 'log.appended' && event.type !== 'image.measured')
      this.hub.broadcast(ADMIN_CHANNEL, event.type, event);
  }
  /** Reads what lies between the last `seq` sent and the newest stored one. */
  private async readMissing(bookingId: string, watched: Watched): Promise<void> {
    for (;;) {
      const rows = await this.deps.db.event.findMany({
        where: { bookingId, seq: { gt: watched.lastSeq ?? 0 } },
        orderBy: { seq: 'asc' },
        take: 200,
      });
      for (const row of rows) this.deliver(watched, toEvent(row));
      if (rows.length < 200) return;
    }
  }

  /** The booking as somebody here watches it; a relay watches all of them, from the first event on. */
  private watchedFor(bookingId: string, epoch: number, seq: number): Watched | undefined {
    const known = this.watched.get(bookingId);
    if (known || !this.relay) return known;
    if (this.watched.size >= MAX_RELAYED_BOOKINGS)
      for (const id of this.watched.keys()) if (!this.hasViewers(id)) this.watched.delete(id);
    const watched: Watched = { lastSeq: seq - 1, epoch, chain: null };
    this.watched.set(bookingId, watched);
    return watched;
  }
  private hasViewers(bookingId: string): boolean {
    return this.hub.has(sessionChannel(bookingId)) || this.hub.has(stateChannel(bookingId));
  }
  watch(bookingId: string): void {
    if (this.watched.has(bookingId)) return;
    const watched: Watched = { lastSeq: null, epoch: 1, chain: null };
    this.watched.set(bookingId, watched);
    this.inOrder(bookingId, watched, async () => {
      const rows = await this.deps.snapshots.rows(bookingId);
      watched.epoch = rows?.counter.epoch ?? 1;
      watched.lastSeq = rows?.counter.seq ?? 0;
    });
  }
  /** A viewer has left: a booking that nobody watches any more is forgotten. */
  unwatch(bookingId: string): void {
    if (!this.relay && !this.hasViewers(bookingId)) this.watched.delete(bookingId);
  }

  refreshSnapshots(): void {
    for (const bookingId of this.watched.keys())
      if (this.hub.has(stateChannel(bookingId))) void this.snapshots.broadcast(bookingId);
  }
  /** Who watches by the customer's own server is not seen here. */
  relaySnapshots(): void {
    if (!this.relay) return;
    for (const { bookingId } of this.tenancies.all())
      if (this.watched.has(bookingId) && !this.hub.has(stateChannel(bookingId)))
        void this.snapshots.broadcast(bookingId);
  }
}

/** What of a passing event the people of a session may see; null when nothing. */
function passingFor(event: Event, tenancy: Tenancy | null): Event['data'] | null {
  if (event.type === 'control.updated') {
    const state = stateOf(event);
    return state && seenBy(state, tenancy);
  }
  if (!tenancy || tenancy.reason === 'foreign_target' || tenancy.phase === 'starting') return null;
  if (event.type === 'preview.ready')
    return isOwnPicture(event.data as unknown as NonNullable<TelescopeState['preview']>, tenancy) ? event.data : null;
  return event.data;
}
