import type { Grant, GrantState } from '../../domain/grant.ts';
import type { Database } from '../../platform/database.ts';
import { within } from '../../platform/waiting.ts';
import type { DatabaseCopies } from './database-copies.ts';

const GRANT_METHOD = '#grant';
const ASK_MS = 2_000;

/** What PostgreSQL knows of grants: their copies, and the slots of their bookings. */
export class GrantRows {
  constructor(
    private readonly telescopeId: string,
    private readonly db: Database | null,
    private readonly copies: DatabaseCopies,
    private readonly now: () => number,
  ) {}

  /** The slot as the booking row has it; null while the database cannot be asked, or has no such booking. */
  async slotOf(bookingId: string): Promise<{ start: number; end: number } | null> {
    if (!this.db) return null;
    try {
      const row = await within(
        this.db.booking.findUnique({ where: { id: bookingId }, select: { startsAt: true, endsAt: true } }),
        ASK_MS,
      );
      return row ? { start: row.startsAt.getTime(), end: row.endsAt.getTime() } : null;
    } catch {
      return null;
    }
  }
  /** The copies of active grants, and of these bookings in whatever state. */
  async known(bookingIds: readonly string[]): Promise<{ grant: Grant; state: GrantState }[]> {
    if (!this.db) return [];
    const rows = await this.db.voyagerCommand.findMany({
      where: {
        telescopeId: this.telescopeId,
        method: GRANT_METHOD,
        OR: [{ state: 'active' }, { bookingId: { in: [...bookingIds] } }],
      },
    });
    return rows.map((row) => ({ grant: row.result as unknown as Grant, state: row.state as GrantState }));
  }
  /** A copy of something newer stays: a folder that was restored knows less than PostgreSQL. */
  copy(grant: Grant, state: GrantState): void {
    const { db, telescopeId } = this;
    if (!db) return;
    const { bookingId, generation, revision = 0, start, end, targetGuid } = grant;
    const result = JSON.stringify({ bookingId, telescopeId, generation, revision, start, end, targetGuid });
    const key = `grant/${telescopeId}/${bookingId}`;
    const at = new Date(this.now());
    this.copies.put(
      key,
      () => db.$executeRaw`
        INSERT INTO voyager_commands (key, telescope_id, booking_id, method, state, result, created_at, updated_at)
        VALUES (${key}, ${telescopeId}, ${bookingId}, ${GRANT_METHOD}, ${state}, ${result}::jsonb, ${at}, ${at})
        ON CONFLICT (key) DO UPDATE SET state = EXCLUDED.state, result = EXCLUDED.result, updated_at = EXCLUDED.updated_at
        WHERE ((voyager_commands.result->>'generation')::int, coalesce((voyager_commands.result->>'revision')::int, 0))
          <= (${generation}::int, ${revision}::int)`,
    );
  }
}
