import { type LeaseStore, LEASE_MS } from './lease-store.ts';
import { systemClock, type Clock, type Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';

const RENEW_MS = 2_000;
const RETRY_MS = 1_000;

export type LeaseState =
  /** Nobody answers yet, or somebody else holds it. */
  | 'waiting'
  | 'held'
  /** PostgreSQL is away and this gateway is the only one of the observatory (GATEWAY_SOLE). */
  | 'sole'
  | 'lost';

/** What this gateway knows of other owners; it outlives the process. */
export interface LeaseMemory {
  /** Another gateway was seen to hold this telescope, and PostgreSQL has not shown since that nobody else does. */
  contested: boolean;
  /** Under which names this gateway itself held the lease: a lease of its own that has not run out is nobody else's. */
  readonly names: readonly string[];
  remember(name: string): void;
}

/** So long PostgreSQL must show nobody else before this gateway may ever go on without it. */
const ALONE_MS = 10_000;

export interface LeaseOptions {
  telescopeId: string;
  holder: string;
  /** Null: no database is configured at all; only a sole gateway can then own anything. */
  store: LeaseStore | null;
  sole: boolean;
  /** Highest epoch this gateway's own disk has seen. */
  floorEpoch: number;
  /** What an earlier run of this gateway left on its disk, and where this one keeps it. */
  memory?: LeaseMemory;
  clock?: Clock;
  logger: Logger;
  /** Ownership begins, with the epoch that everything written from now on belongs to. */
  onOwned: (epoch: number) => void;
  /** Ownership ended: from now on only what always passes. */
  onLost: (why: string) => void;
}

/**
 * Ownership of one Voyager (docs/safety.md, 6). `owns()` counts by this machine's clocks, monotonic and wall, from *before* the last renewal was
 * sent, so it always ends before the database's expiry.
 */
export class Lease {
  state: LeaseState = 'waiting';
  epoch: number;
  private readonly memory: LeaseMemory;
  private readonly clock: Clock;
  /** Monotonic instant since when the database has shown nobody but us. */
  private aloneSince: number | null = null;
  private heldSince: { monotonic: number; wall: number } | null = null;
  private timer: Timer | null = null;
  private expiry: Timer | null = null;
  private stopped = false;
  /** PostgreSQL did not answer this newcomer: somebody who was here before may have gone on without it. */
  private shutOut = false;
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly options: LeaseOptions) {
    this.clock = options.clock ?? systemClock;
    this.memory = options.memory ?? { contested: false, names: [], remember: () => undefined };
    this.epoch = options.floorEpoch;
  }

  start(): void {
    this.schedule(0);
  }

  /** Another gateway holds this telescope, as far as this one knows: that one keeps the promises. */
  get contested(): boolean {
    return this.memory.contested && !this.owns();
  }
  /** True while lines that start or change something may leave the socket. */
  owns(): boolean {
    if (this.state === 'sole') return true;
    if (this.state !== 'held' || !this.heldSince) return false;
    return (
      this.clock.monotonicMs() - this.heldSince.monotonic < LEASE_MS &&
      this.clock.now() - this.heldSince.wall < LEASE_MS
    );
  }

  /** The lease in PostgreSQL is ours now, and not only the word that this gateway is the only one. */
  get held(): boolean {
    return this.state === 'held' && this.owns();
  }

  /** Lets go at once, so that a successor need not wait. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.expiry?.cancel();
    await this.working;
    const held = this.state === 'held';
    this.state = 'lost';
    if (held)
      await this.options.store
        ?.release(this.options.telescopeId, this.options.holder, this.epoch)
        .catch(() => undefined);
    await this.options.store?.close();
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = this.clock.setTimeout(() => {
      this.working = this.beat();
    }, delayMs);
  }

  private async beat(): Promise<void> {
    const { store, telescopeId, holder } = this.options;
    const before = { monotonic: this.clock.monotonicMs(), wall: this.clock.now() };
    let othersFirstMs = 0;
    try {
      if (!store) throw new Error('no database is configured');
      if (this.shutOut) {
        // It holds nothing to renew, so this only shows that PostgreSQL answers.
        await store.renew(telescopeId, holder, this.epoch);
        this.shutOut = false;
        othersFirstMs = LEASE_MS;
      } else if (this.state === 'held') {
        if (await store.renew(telescopeId, holder, this.epoch)) this.hold(before);
        else {
          this.memory.contested = true;
          this.lose('another gateway holds the lease, or it ran out');
        }
      } else {
        const epoch = await store.acquire(telescopeId, holder, this.epoch);
        if (typeof epoch === 'number') {
          const wasSole = this.state === 'sole';
          this.aloneSince = null;
          this.memory.remember(holder);
          this.epoch = epoch;
          this.state = 'held';
          this.hold(before);
          this.options.logger.info(
            { telescope: telescopeId, epoch },
            wasSole ? 'lease taken; the database is back' : 'lease taken',
          );
          this.options.onOwned(epoch);
        } else {
          if (epoch.heldBy !== null && !this.memory.names.includes(epoch.heldBy)) this.memory.contested = true;
          if (this.state === 'sole') this.lose('another gateway holds the lease');
        }
      }
    } catch (thrown) {
      this.databaseAway(toError(thrown));
    }
    this.schedule(othersFirstMs || (this.state === 'held' ? RENEW_MS : RETRY_MS));
  }

  private databaseAway(err: Error): void {
    // A gateway that knows of another one waits for PostgreSQL's word, whatever it was told of being the only one (docs/safety.md, 6).
    // One whose disk never saw a lease may be a second one that somebody has just started: it waits too.
    const newcomer = this.options.store !== null && this.epoch === 0;
    if (newcomer) this.shutOut = true;
    if (!this.options.sole || this.memory.contested || newcomer) {
      if (this.state === 'held' && !this.owns()) this.lose(`no renewal for ${LEASE_MS / 1000} s: ${err.message}`);
      return;
    }
    if (this.state === 'sole' || this.stopped) return;
    const owned = this.state === 'held';
    this.state = 'sole';
    this.expiry?.cancel();
    this.options.logger.warn(
      { telescope: this.options.telescopeId, err: err.message },
      'the database is away; this gateway is the only one and goes on',
    );
    if (!owned) {
      this.epoch += 1;
      this.options.onOwned(this.epoch);
    }
  }

  private hold(before: { monotonic: number; wall: number }): void {
    this.heldSince = before;
    this.aloneSince ??= before.monotonic;
    if (this.memory.contested && before.monotonic - this.aloneSince >= ALONE_MS) this.memory.contested = false;
    this.expire(before.monotonic);
  }
  /** Says so when the lease runs out. A timer may come a moment early, and is then set again. */
  private expire(since: number): void {
    this.expiry?.cancel();
    if (this.stopped) return;
    const left = LEASE_MS - (this.clock.monotonicMs() - since);
    this.expiry = this.clock.setTimeout(
      () => {
        if (this.state !== 'held') return;
        if (this.owns()) this.expire(since);
        else this.lose(`no renewal for ${LEASE_MS / 1000} s`);
      },
      Math.max(1, left + 1),
    );
  }

  private lose(why: string): void {
    if (this.state !== 'held' && this.state !== 'sole') return;
    // A sole gateway that cannot reach the database goes on; databaseAway() decides that at the next beat.
    if (this.state === 'held' && this.options.sole && !this.memory.contested && why.startsWith('no renewal')) return;
    this.state = 'lost';
    this.expiry?.cancel();
    this.options.logger.error(
      { telescope: this.options.telescopeId, why },
      'lease lost; nothing that moves is sent any more',
    );
    this.options.onLost(why);
  }
}
