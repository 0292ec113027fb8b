import { LEDGER_CLASSES, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { Prisma } from '../../prisma/client/client.ts';
import type { Database } from '../../platform/database.ts';

export const FRAME_STATES = ['archived', 'rejected', 'missing', 'pending'] as const;

/** Sums over the sessions of one telescope, month, outcome and currency. */
export type Sums = Record<LedgerClass, number> &
  Record<(typeof FRAME_STATES)[number], number> & {
    telescope_id: string;
    month: string;
    outcome: string | null;
    currency: string;
    n: number;
    booked: number;
    lasted: number | null;
    lasting: number;
    charged: number | null;
    refund: number | null;
    revenue: number | null;
  };
export interface Figures {
  sums: Sums[];
  problems: { reason: string; count: number }[];
}
/** Bookings that start in [from, to). */
export interface Range {
  from: Date;
  to: Date;
  telescopeId: string | null;
}

const MONTH = Prisma.sql`to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM')`;
const list = (names: readonly string[]): Prisma.Sql => Prisma.raw(names.join(', '));
const SUMMED = [
  'booked_seconds',
  'session_seconds',
  ...LEDGER_CLASSES.map((name) => `${name}_seconds`),
  ...FRAME_STATES.map((name) => `frames_${name}`),
  'charged_hundredths',
  'refund_hundredths',
  'revenue_minor',
];
/** Columns of figures_by_month, and the same of one session. */
const OF_MONTH = list(['month', 'telescope_id', 'outcome', 'currency', 'n', 'lasting', 'settled', ...SUMMED]);
const OF_SESSION = Prisma.sql`${MONTH}, telescope_id, coalesce(outcome, ''), coalesce(currency, ''), 1,
  (session_seconds IS NOT NULL)::int, (charged_hundredths IS NOT NULL)::int, ${list(SUMMED.map((name) => `coalesce(${name}, 0)`))}`;
const whole = (name: string, as: string): string => `sum(${name})::float8 AS "${as}"`;
const TOTALS = list([
  ...LEDGER_CLASSES.map((name) => whole(`${name}_seconds`, name)),
  ...FRAME_STATES.map((name) => whole(`frames_${name}`, name)),
  ...['charged', 'refund'].map(
    (name) => `CASE WHEN sum(settled) > 0 THEN sum(${name}_hundredths)::float8 END AS ${name}`,
  ),
  'CASE WHEN sum(settled) > 0 THEN sum(revenue_minor)::float8 END AS revenue',
]);

/** The first instant of the UTC month of `at`, so many months later. */
const monthOf = (at: Date, later = 0): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later));

/** Which rows a range is summed from: whole months by their sums, what is left of it session by session. */
function sourcesOf({ from, to, telescopeId }: Range): { months: Prisma.Sql; edges: Prisma.Sql; all: Prisma.Sql } {
  const only = telescopeId === null ? Prisma.empty : Prisma.sql`AND telescope_id = ${telescopeId}`;
  const first = monthOf(from).getTime() === from.getTime() ? from : monthOf(from, 1);
  const last = monthOf(to);
  const between = (a: Date, b: Date): Prisma.Sql => Prisma.sql`(starts_at >= ${a} AND starts_at < ${b} ${only})`;
  const all = between(from, to);
  if (first >= last) return { months: Prisma.sql`false`, edges: all, all };
  const nameOf = (at: Date): string => at.toISOString().slice(0, 7);
  const months = Prisma.sql`month >= ${nameOf(first)} AND month < ${nameOf(last)} ${only}`;
  return { months, edges: Prisma.sql`(${between(from, first)} OR ${between(last, to)})`, all };
}

/**
 * What a range is asked with. Whole months come from figures_by_month, the days before and after them from session_figures, and sessions whose figures are
 * not kept from session_figures_now: the same rows as analytics_sessions has. Those are counted once for both answers, which come as JSON: thousands of
 * rows are parsed in a few milliseconds then.
 */
export function queryOf(range: Range): Prisma.Sql {
  const { months, edges, all } = sourcesOf(range);
  return Prisma.sql`
    WITH unkept AS MATERIALIZED (
      SELECT * FROM (SELECT n.* FROM sessions s JOIN session_figures_now n ON n.booking_id = s.booking_id
        WHERE s.figured_at IS NULL) AS now WHERE ${all}),
    apart AS (SELECT * FROM session_figures WHERE ${edges} UNION ALL SELECT * FROM unkept),
    parts (${OF_MONTH}) AS (
      SELECT ${OF_MONTH} FROM figures_by_month WHERE ${months} UNION ALL SELECT ${OF_SESSION} FROM apart),
    sums AS (
      SELECT telescope_id, month, nullif(outcome, '') AS outcome, currency, sum(n)::int AS n,
        sum(booked_seconds)::float8 AS booked, sum(session_seconds)::float8 AS lasted, sum(lasting)::int AS lasting, ${TOTALS}
      FROM parts GROUP BY parts.telescope_id, parts.month, parts.outcome, parts.currency HAVING sum(n) > 0
      ORDER BY parts.telescope_id, parts.month, parts.outcome, parts.currency),
    causes AS (
      SELECT cause, n FROM causes_by_month WHERE ${months}
      UNION ALL SELECT cause, 1 FROM apart, unnest(causes) AS cause),
    problems AS (
      SELECT cause AS reason, sum(n)::int AS count FROM causes GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1 LIMIT 12)
    SELECT (SELECT json_agg(sums) FROM sums) AS sums, (SELECT json_agg(problems) FROM problems) AS problems`;
}

/** Sums by telescope, month, outcome and currency; and the causes, counted. */
export async function readFigures(db: Database, range: Range): Promise<Figures> {
  const [found] = await db.$queryRaw<{ sums: Sums[] | null; problems: Figures['problems'] | null }[]>(queryOf(range));
  return { sums: found!.sums ?? [], problems: found!.problems ?? [] };
}
