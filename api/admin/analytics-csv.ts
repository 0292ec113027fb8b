import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { Prisma } from '../../prisma/client/client.ts';
import type { Database } from '../../platform/database.ts';
import { route } from '../operation.ts';
import { AnalyticsQuery, rangeOf } from './analytics.ts';
import { READ } from './scopes.ts';

const COLUMNS = [
  'booking_id',
  'telescope_id',
  'starts_at',
  'outcome',
  'booked_seconds',
  'session_seconds',
  ...LEDGER_CLASSES.map((name) => `${name}_seconds`),
  'frames_archived',
  'frames_rejected',
  'frames_missing',
  'frames_pending',
  'charged_hundredths',
  'refund_hundredths',
  'currency',
  'revenue_minor',
  'causes',
] as const;
const PAGE = 2_000;

type Value = string | number | bigint | Date | string[] | null;
type Row = Record<(typeof COLUMNS)[number], Value> & { booking_id: string; starts_at: Date };

/** A field as RFC 4180 has it. Nothing here begins a formula: ids, codes, times and numbers. */
function field(value: Value): string {
  if (value === null) return '';
  const plain = value instanceof Date ? value.toISOString() : value;
  const text = Array.isArray(plain) ? plain.join(' ') : String(plain);
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A page of lines at a time, so that years of sessions need no memory. */
async function* lines(db: Database, within: Prisma.Sql): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  let after = Prisma.empty;
  for (;;) {
    const rows = await db.$queryRaw<Row[]>`
      SELECT ${Prisma.raw(COLUMNS.join(', '))} FROM analytics_sessions WHERE ${within} ${after}
      ORDER BY starts_at, booking_id LIMIT ${PAGE}`;
    if (rows.length > 0)
      yield rows.map((row) => `${COLUMNS.map((name) => field(row[name] ?? null)).join(',')}\r\n`).join('');
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = Prisma.sql`AND (starts_at, booking_id) > (${last.starts_at}, ${last.booking_id})`;
  }
}

export const analyticsCsv = route(
  {
    method: 'get',
    path: '/api/admin/analytics.csv',
    id: 'analyticsCsv',
    tag: 'Admin',
    summary: 'The same figures, a line for each session',
    description:
      'Credits in hundredths, money in the smallest unit of its currency; every sum of the analytics is a sum of these lines.',
    guard: READ,
    query: AnalyticsQuery,
    answers: { 200: { description: 'CSV (RFC 4180) with a line of names', media: 'text/csv' } },
  },
  ({ deps, query }) => {
    const { within } = rangeOf(deps, query);
    const text = lines(deps.db, within);
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await text.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: async () => void (await text.return(undefined)),
    });
    return new Response(stream, {
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': 'attachment; filename="nocturne-sessions.csv"',
        'cache-control': 'no-store',
      },
    });
  },
);
