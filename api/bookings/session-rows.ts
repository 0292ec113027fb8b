import type { TakenFrames } from '../../domain/plan-progress.ts';
import type { Settlement } from '../../domain/contracts/ledger.ts';
import type { Database } from '../../platform/database.ts';
import type { ReceiptRow } from '../../platform/receipts.ts';
import { toSettlement } from '../../platform/settlements.ts';
import type { Booking, ManualRefund, Session, Settlement as SettlementRow } from '../../prisma/client/client.ts';

/** All that pages show of a session and that decides who may look at it. */
export interface SessionRows {
  booking: Booking;
  session: Session | null;
  /** Name of the person whose booking it is. */
  ownerName: string | null;
  counter: { epoch: number; seq: number };
  receipt: ReceiptRow | null;
  archived: { count: number; average_hfd: number | null; exposure_seconds: number | null };
  taken: TakenFrames[];
  settlement: Settlement | null;
}

type Json = Record<string, unknown>;
interface Read {
  booking: Json;
  session: Json | null;
  owner_name: string | null;
  counter: { epoch: number; seq: number } | null;
  receipt: Json | null;
  archived: SessionRows['archived'];
  taken: (Json & { count: number })[];
  settlement: Json | null;
  given: Json[];
}

/** Null when there is no such booking. */
export const readSession = async (db: Database, bookingId: string): Promise<SessionRows | null> =>
  (await readSessions(db, [bookingId])).get(bookingId) ?? null;

/** In one statement, since a crowd that comes back asks for all sessions at once; by booking, without those that are not there. */
export async function readSessions(db: Database, bookingIds: readonly string[]): Promise<Map<string, SessionRows>> {
  const read = await db.$queryRaw<Read[]>`
    SELECT to_jsonb(b) AS booking,
      (SELECT to_jsonb(s) FROM sessions s WHERE s.booking_id = b.id) AS session,
      (SELECT u.display_name FROM users u WHERE u.ref = b.user_ref) AS owner_name,
      (SELECT to_jsonb(c) FROM event_counters c WHERE c.booking_id = b.id) AS counter,
      (SELECT to_jsonb(r) FROM receipts r WHERE r.booking_id = b.id ORDER BY r.updated_at DESC LIMIT 1) AS receipt,
      (SELECT jsonb_build_object('count', count(*), 'average_hfd', avg(f.hfd), 'exposure_seconds', sum(f.exposure))
        FROM frames f WHERE f.booking_id = b.id AND f.type = 'LIGHT' AND f.state = 'archived') AS archived,
      (SELECT coalesce(jsonb_agg(g), '[]') FROM (
        SELECT f.shot_guid, f.filter, f.exposure, f.binning, f.type, count(*) AS count FROM frames f
        WHERE f.booking_id = b.id AND f.state <> 'missing' GROUP BY 1, 2, 3, 4, 5) g) AS taken,
      (SELECT to_jsonb(t) FROM settlements t WHERE t.booking_id = b.id ORDER BY t.position DESC LIMIT 1) AS settlement,
      (SELECT coalesce(jsonb_agg(m ORDER BY m.created_at, m.id), '[]') FROM manual_refunds m WHERE m.booking_id = b.id) AS given
    FROM bookings b WHERE b.id = ANY(${bookingIds})`;
  return new Map(read.map((one) => [String(one.booking.id), toRows(one)]));
}
function toRows(read: Read): SessionRows {
  const settlement = read.settlement && row<SettlementRow>(read.settlement);
  const given = settlement && settlement.byHandHundredths > 0 ? read.given.map((one) => row<ManualRefund>(one)) : [];
  return {
    booking: row<Booking>(read.booking),
    session: read.session && row<Session>(read.session),
    ownerName: read.owner_name,
    counter: { epoch: read.counter?.epoch ?? 1, seq: read.counter?.seq ?? 0 },
    receipt: read.receipt && row<ReceiptRow>(read.receipt),
    archived: read.archived,
    taken: read.taken.map(({ count, ...kind }) => ({
      ...row<Omit<TakenFrames, '_count'>>(kind),
      _count: { _all: count },
    })),
    settlement: settlement && toSettlement(settlement, given),
  };
}

/** A column of instants ends so, by the schema's own custom. */
const INSTANT = /(_at|_until)$/;
/** A row of PostgreSQL's JSON as Prisma gives it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says which table it is a row of
function row<T>(json: Json): T {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      INSTANT.test(name) && typeof value === 'string' ? new Date(value) : value,
    ]),
  ) as T;
}
