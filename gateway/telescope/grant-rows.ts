import type { Grant } from '../../domain/ports.ts';
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
  /** Active grants that an earlier owner of this telescope left. */
  async active(): Promise<Grant[]> {
    if (!this.db) return [];
    const rows = await this.db.voyagerCommand.findMany({
      where: { telescopeId: this.telescopeId, method: GRANT_METHOD, state: 'active' },
    });
    return rows.map((row) => row.result as unknown as Grant);
  }
  copy(grant: Grant, state: 'active' | 'revoked' | 'over'): void {
    const { db } = this;
    if (!db) return;
    const { bookingId, telescopeId, generation, start, end, targetGuid } = grant;
    const data = {
      state,
      result: { bookingId, telescopeId, generation, start, end, targetGuid },
      updatedAt: new Date(this.now()),
    };
    const key = `grant/${this.telescopeId}/${bookingId}`;
    this.copies.put(key, () =>
      db.voyagerCommand.upsert({
        where: { key },
        create: { key, telescopeId: this.telescopeId, bookingId, method: GRANT_METHOD, ...data },
        update: data,
      }),
    );
  }
}
