import type pg from 'pg';
import { connectPg } from '../../platform/database.ts';
import { within } from '../../platform/waiting.ts';

export const LEASE_MS = 8_000;
/** A successor waits this long beyond the expiry that the database shows. */
const GAP_MS = 1_000;
const QUERY_TIMEOUT_MS = 1_500;

/** One row of `leases` by the database's clock; the only two statements that ever write it, and its release. */
export interface LeaseStore {
  /** The new epoch, or who holds it while their lease (and the gap after it) lasts. `holder` is unique to one run of a process. */
  acquire(telescopeId: string, holder: string, floorEpoch: number): Promise<number | { heldBy: string | null }>;
  /** False when the lease is no longer ours. */
  renew(telescopeId: string, holder: string, epoch: number): Promise<boolean>;
  release(telescopeId: string, holder: string, epoch: number): Promise<void>;
  close(): Promise<void>;
}

/** A connection of its own, made again on demand. */
function reconnecting(url: string) {
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
    query,
    close: (): void => {
      closed = true;
      drop();
    },
  };
}

/** Over a connection of its own, so that no crowded pool delays a renewal. Reconnects on demand. */
export function pgLeaseStore(url: string): LeaseStore {
  const { query, close } = reconnecting(url);
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
      if (rows[0]) return rows[0].epoch;
      const held = await query<{ holder: string }>('SELECT holder FROM leases WHERE telescope_id = $1', [telescopeId]);
      return { heldBy: held[0]?.holder ?? null };
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
      close();
    },
  };
}
