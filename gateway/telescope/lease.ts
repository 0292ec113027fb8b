import type pg from 'pg';
import { connectPg } from '../../platform/database.ts';
import { systemClock, type Clock, type Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { within } from '../../platform/waiting.ts';

export const LEASE_MS = 8_000;
export const RENEW_MS = 2_000;
/** A successor waits this long beyond the expiry that the database shows. */
export const GAP_MS = 1_000;
const RETRY_MS = 1_000;
const QUERY_TIMEOUT_MS = 1_500;

/** One row of `leases` by the database's clock; the only two statements that ever write it, and its release. */
export interface LeaseStore {
  /** The new epoch, or null while somebody else's lease (and the gap after it) lasts. `holder` is unique to one run of a process. */
  acquire(telescopeId: string, holder: string, floorEpoch: number): Promise<number | null>;
  /** False when the lease is no longer ours. */
  renew(telescopeId: string, holder: string, epoch: number): Promise<boolean>;
  release(telescopeId: string, holder: string, epoch: number): Promise<void>;
  close(): Promise<void>;
}

/** Over a connection of its own, so that no crowded pool delays a renewal. Reconnects on demand. */
export function pgLeaseStore(url: string): LeaseStore {
  let client: pg.Client | null = null;
  let connecting: Promise<pg.Client> | null = null;
  let closed = false;
  const drop = (): void => {
    const old = client;
    client = null;
    old?.removeAllListeners('end');
    old?.end().catch(() => undefined);
  };
  const connected = async (): Promise<pg.Client> => {
    if (client) return client;
    connecting ??= connectPg(url, drop)
      .then((fresh) => {
        fresh.on('end', drop);
        client = fresh;
        if (closed) drop();
        return fresh;
      })
      .finally(() => {
        connecting = null;
      });
    return connecting;
  };
  const query = async <T extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<T[]> => {
    const on = await within(connected(), QUERY_TIMEOUT_MS);
    try {
      return (await within(on.query<T>(text, values), QUERY_TIMEOUT_MS)).rows;
    } catch (thrown) {
      drop();
      throw thrown;
    }
  };
  return {
    async acquire(telescopeId, holder, floorEpoch) {
      const rows = await query<{ epoch: number }>(
        `INSERT INTO leases (telescope_id, holder, epoch, expires_at)
         VALUES ($1, $2, $3::int + 1, clock_timestamp() + $4 * interval '1 millisecond')
         ON CONFLICT (telescope_id) DO UPDATE
           SET holder = EXCLUDED.holder, epoch = GREATEST(leases.epoch, $3::int) + 1, expires_at = clock_timestamp() + $4 * interval '1 millisecond'
           WHERE leases.expires_at + $5 * interval '1 millisecond' < clock_timestamp() OR leases.holder = EXCLUDED.holder
         RETURNING epoch`,
        [telescopeId, holder, floorEpoch, LEASE_MS, GAP_MS],
      );
      return rows[0]?.epoch ?? null;
    },
    async renew(telescopeId, holder, epoch) {
      const rows = await query(
        `UPDATE leases SET expires_at = clock_timestamp() + $4 * interval '1 millisecond'
         WHERE telescope_id = $1 AND holder = $2 AND epoch = $3 AND expires_at > clock_timestamp() RETURNING epoch`,
        [telescopeId, holder, epoch, LEASE_MS],
      );
      return rows.length === 1;
    },
    async release(telescopeId, holder, epoch) {
      await query(
        `UPDATE leases SET expires_at = clock_timestamp() - $4 * interval '1 millisecond' WHERE telescope_id = $1 AND holder = $2 AND epoch = $3`,
        [telescopeId, holder, epoch, GAP_MS + 1],
      );
    },
    async close() {
      closed = true;
      drop();
    },
  };
}

export type LeaseState =
  /** Nobody answers yet, or somebody else holds it. */
  | 'waiting'
  | 'held'
  /** PostgreSQL is away and this gateway is the only one of the observatory (GATEWAY_SOLE). */
  | 'sole'
  | 'lost';

export interface LeaseOptions {
  telescopeId: string;
  holder: string;
  /** Null: no database is configured at all; only a sole gateway can then own anything. */
  store: LeaseStore | null;
  sole: boolean;
  /** Highest epoch this gateway's own disk has seen. */
  floorEpoch: number;
  clock?: Clock;
  logger: Logger;
  /** Ownership begins, with the epoch that everything written from now on belongs to. */
  onOwned: (epoch: number) => void;
  /** Ownership ended: from now on only what always passes. */
  onLost: (why: string) => void;
}

/**
 * Ownership of one Voyager (safety.md 6). `owns()` compares this machine's own clocks with the instant *before* the last successful
 * renewal was sent, so it ends before the database's expiry whatever the network does; wall clock too, because a machine that slept
 * may not have counted that time monotonically.
 */
export class Lease {
  state: LeaseState = 'waiting';
  epoch: number;
  /** The database said at its last answer that somebody else holds it. */
  contested = false;
  private readonly clock: Clock;
  private heldSince: { monotonic: number; wall: number } | null = null;
  private timer: Timer | null = null;
  private expiry: Timer | null = null;
  private stopped = false;
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly options: LeaseOptions) {
    this.clock = options.clock ?? systemClock;
    this.epoch = options.floorEpoch;
  }

  start(): void {
    this.schedule(0);
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
    try {
      if (!store) throw new Error('no database is configured');
      if (this.state === 'held') {
        if (await store.renew(telescopeId, holder, this.epoch)) this.hold(before);
        else {
          this.contested = true;
          this.lose('another gateway holds the lease, or it ran out');
        }
      } else {
        const epoch = await store.acquire(telescopeId, holder, this.epoch);
        this.contested = epoch === null;
        if (epoch !== null) {
          const wasSole = this.state === 'sole';
          this.epoch = epoch;
          this.state = 'held';
          this.hold(before);
          this.options.logger.info(
            { telescope: telescopeId, epoch },
            wasSole ? 'lease taken; the database is back' : 'lease taken',
          );
          this.options.onOwned(epoch);
        } else if (this.state === 'sole') this.lose('another gateway holds the lease');
      }
    } catch (thrown) {
      this.databaseAway(toError(thrown));
    }
    this.schedule(this.state === 'held' ? RENEW_MS : RETRY_MS);
  }

  private databaseAway(err: Error): void {
    if (!this.options.sole) {
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
    if (this.state === 'held' && this.options.sole && why.startsWith('no renewal')) return;
    this.state = 'lost';
    this.expiry?.cancel();
    this.options.logger.error(
      { telescope: this.options.telescopeId, why },
      'lease lost; nothing that moves is sent any more',
    );
    this.options.onLost(why);
  }
}
