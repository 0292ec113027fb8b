import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { LEDGER_CLASSES, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { FIGURES } from '../../domain/definitions.ts';
import { toCredits } from '../../domain/credits.ts';
import { Prisma } from '../../prisma/client/client.ts';
import { invalid } from '../errors.ts';
import type { Deps } from '../deps.ts';
import { json, route } from '../operation.ts';
import { FRAME_STATES, readFigures, type Figures, type Sums } from './figures.ts';
import { READ } from './scopes.ts';

const hours = z.number().describe('hours');

const Analytics = z
  .object({
    from: Instant,
    to: Instant,
    utilisation: z.array(
      z.object({
        telescope_id: z.string(),
        booked_hours: hours,
        imaging_hours: hours,
        utilisation: z.number().nullable().describe(`${FIGURES.utilisation.is.en} 0 to 1`),
        hours_by_class: z.record(z.string(), z.number()),
      }),
    ),
    total_observation_hours: z.number().describe(FIGURES.hours.is.en),
    images_captured: z.number().int(),
    images_by_state: z.record(z.string(), z.number().int()).describe(FIGURES.frames.is.en),
    revenue_by_month: z.array(
      z.object({
        month: z.string(),
        currency: z.string(),
        amount_minor: z.number().int().describe(FIGURES.revenue.is.en),
        credits_charged: z.number(),
        credits_refund: z.number(),
      }),
    ),
    sessions: z.object({
      total: z.number().int().describe('Sessions that were held or lost; cancelled ones stand in by_outcome alone'),
      by_outcome: z.record(z.string(), z.number().int()),
      success_rate: z.number().nullable().describe(FIGURES.success.is.en),
      average_minutes: z.number().nullable().describe(FIGURES.mean_session.is.en),
    }),
    problems: z.array(z.object({ reason: z.string(), count: z.number().int() })).describe(FIGURES.problems.is.en),
    lost_hours_by_month: z.array(z.object({ month: z.string(), telescope_id: z.string(), class: z.string(), hours })),
  })
  .meta({ id: 'Analytics' });

export const AnalyticsQuery = z.object({
  from: Instant.optional(),
  to: Instant.optional(),
  telescope_id: TelescopeId.optional(),
});

/** The sessions that are meant: those that start in [from, to), a year up to now by default. @throws Problem `invalid` */
export function rangeOf(
  deps: Deps,
  query: z.infer<typeof AnalyticsQuery>,
): { from: Date; to: Date; within: Prisma.Sql } {
  const to = query.to ? new Date(query.to) : new Date(deps.now());
  const from = query.from ? new Date(query.from) : new Date(to.getTime() - 365 * 86_400_000);
  if (to <= from) throw invalid({ to: ['must be after from'] });
  const only = query.telescope_id ? Prisma.sql`AND telescope_id = ${query.telescope_id}` : Prisma.empty;
  return { from, to, within: Prisma.sql`starts_at >= ${from} AND starts_at < ${to} ${only}` };
}

export const analytics = route(
  {
    method: 'get',
    path: '/api/admin/analytics',
    id: 'analytics',
    tag: 'Admin',
    summary: 'Use, hours, images, money, success and problems',
    description:
      'By the start of each booking, from the views session_figures_now and analytics_sessions, whose columns say what they count (docs/analytics.md).',
    guard: READ,
    query: AnalyticsQuery,
    answers: { 200: { description: 'The figures; hours come from the ledger that refunds use', schema: Analytics } },
  },
  async ({ deps, query }) => {
    const { from, to } = rangeOf(deps, query);
    const figures = await readFigures(deps.db, { from, to, telescopeId: query.telescope_id ?? null });
    return json({ from: from.toISOString(), to: to.toISOString(), ...figuresOf(figures) });
  },
);

const total = (rows: readonly Sums[], value: (row: Sums) => number | null): number =>
  rows.reduce((sum, row) => sum + (value(row) ?? 0), 0);
/** Rows by a key, in the order in which each key first stands. */
function by(rows: readonly Sums[], key: (row: Sums) => string): [string, Sums[]][] {
  const groups = new Map<string, Sums[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return [...groups];
}
const LOST: readonly LedgerClass[] = ['unsafe', 'outage', 'foreign', 'weather_hold', 'user_pause'];

function figuresOf({ sums, problems }: Figures) {
  const states = FRAME_STATES.map((name) => [name, total(sums, (row) => row[name])] as const).filter(([, n]) => n > 0);
  return {
    utilisation: by(sums, (row) => row.telescope_id).map(([id, rows]) => utilisationOf(id, rows)),
    total_observation_hours: total(sums, (row) => row.imaging) / 3600,
    images_captured: states.reduce((sum, [, n]) => sum + n, 0),
    images_by_state: Object.fromEntries(states),
    revenue_by_month: revenueOf(sums.filter((row) => row.charged !== null)),
    sessions: sessionsOf(sums),
    problems,
    lost_hours_by_month: by(sums, (row) => `${row.month} ${row.telescope_id}`)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, rows]) =>
        LOST.map((name) => ({
          month: rows[0]!.month,
          telescope_id: rows[0]!.telescope_id,
          class: name,
          hours: total(rows, (row) => row[name]) / 3600,
        })).filter(({ hours: lost }) => lost > 0),
      ),
  };
}

function utilisationOf(telescope_id: string, rows: Sums[]) {
  const booked = total(
    rows.filter((row) => row.outcome !== 'cancelled'),
    (row) => row.booked,
  );
  const imaging = total(rows, (row) => row.imaging);
  return {
    telescope_id,
    booked_hours: booked / 3600,
    imaging_hours: imaging / 3600,
    utilisation: booked > 0 ? imaging / booked : null,
    hours_by_class: Object.fromEntries(LEDGER_CLASSES.map((name) => [name, total(rows, (row) => row[name]) / 3600])),
  };
}

const revenueOf = (settled: Sums[]) =>
  by(settled, (row) => `${row.month} ${row.currency}`)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, rows]) => ({
      month: rows[0]!.month,
      currency: rows[0]!.currency,
      amount_minor: total(rows, (row) => row.revenue),
      credits_charged: toCredits(total(rows, (row) => row.charged)),
      credits_refund: toCredits(total(rows, (row) => row.refund)),
    }));

function sessionsOf(sums: Sums[]) {
  const over = sums.filter((row) => row.outcome !== null);
  const outcomes = new Map(by(over, (row) => row.outcome!).map(([name, rows]) => [name, total(rows, (row) => row.n)]));
  const of = (name: string): number => outcomes.get(name) ?? 0;
  const tried = of('completed') + of('aborted') + of('failed');
  const lasting = total(sums, (row) => row.lasting);
  return {
    total: tried + of('weathered_out'),
    by_outcome: Object.fromEntries(outcomes),
    success_rate: tried === 0 ? null : of('completed') / tried,
    average_minutes: lasting === 0 ? null : total(sums, (row) => row.lasted) / lasting / 60,
  };
}
