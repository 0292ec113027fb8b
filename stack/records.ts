import type pg from 'pg';
import { connectPg } from '../platform/database.ts';

/** What a simulated night reads of the database, in plain SQL: the whole Prisma client would cost this small process 40 MB. */
export interface SessionRow {
  booking_id: string;
  phase: string;
  hold_cause: string | null;
  outcome: string | null;
  reason: string | null;
  images_captured: number;
  set_guid: string | null;
  target_guid: string | null;
  report_path: string | null;
  archive_path: string | null;
  shots: { quantity: number }[];
}
export interface FrameRow {
  state: string;
  previewed: boolean;
  archive_path: string | null;
  preview_path: string | null;
  size_bytes: number | null;
  sha256: string | null;
  shot_guid: string | null;
  shot_index: number | null;
  seen_at: Date;
  previewed_at: Date | null;
}

/** Reconnects by itself, so that a night watches on while PostgreSQL is killed. */
export class NightRecords {
  private readonly url: string;
  private client: pg.Client | null = null;
  private constructor(url: string) {
    this.url = url;
  }
  static async open(url: string): Promise<NightRecords> {
    const records = new NightRecords(url);
    await records.query('SELECT 1');
    return records;
  }
  async close(): Promise<void> {
    const client = this.client;
    this.client = null;
    await client?.end().catch(() => undefined);
  }
  private async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        this.client ??= await connectPg(this.url, () => (this.client = null));
        return (await this.client.query<T>(sql, values)).rows;
      } catch (thrown) {
        this.client = null;
        if (attempt >= 60) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
  sessions(ids: string[]): Promise<SessionRow[]> {
    return this.query<SessionRow>(
      'SELECT s.*, b.shots FROM sessions s JOIN bookings b ON b.id = s.booking_id WHERE s.booking_id = ANY($1) ORDER BY b.starts_at',
      [ids],
    );
  }
  async lastEndMs(ids: string[]): Promise<number> {
    return (
      await this.query<{ end: Date }>('SELECT max(ends_at) AS "end" FROM bookings WHERE id = ANY($1)', [ids])
    )[0]!.end.getTime();
  }
  lightFrames(bookingId: string): Promise<FrameRow[]> {
    return this.query<FrameRow>(
      "SELECT state, previewed, archive_path, preview_path, size_bytes::float8 AS size_bytes, sha256, shot_guid, shot_index, seen_at, previewed_at FROM frames WHERE booking_id = $1 AND type = 'LIGHT' ORDER BY captured_at, id",
      [bookingId],
    );
  }
  timeline(bookingId: string): Promise<{ at: Date; event: string }[]> {
    return this.query('SELECT at, event FROM timeline WHERE booking_id = $1 ORDER BY at, position', [bookingId]);
  }
  async ledgerSeconds(bookingId: string): Promise<Record<string, number>> {
    const rows = await this.query<{ class: string; seconds: number }>(
      'SELECT class, sum(extract(epoch FROM ends_at - starts_at))::float8 AS seconds FROM ledger_intervals WHERE booking_id = $1 GROUP BY class ORDER BY class',
      [bookingId],
    );
    return Object.fromEntries(rows.map((row) => [row.class, row.seconds]));
  }
  async pendingOutbox(channels: string[]): Promise<number> {
    return (
      await this.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM outbox WHERE delivered_at IS NULL AND dead_at IS NULL AND channel = ANY($1)',
        [channels],
      )
    )[0]!.n;
  }
  async deliveredOutbox(): Promise<number> {
    return (await this.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox WHERE delivered_at IS NOT NULL'))[0]!
      .n;
  }
}
