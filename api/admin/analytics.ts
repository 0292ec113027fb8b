import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { Prisma } from '../../prisma/client/client.ts';
import { invalid } from '../errors.ts';
import type { Database } from '../../platform/database.ts';
import { json, route } from '../operation.ts';
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
        utilisation: z.number().nullable().describe('imaging / booked, 0 to 1'),
        hours_by_class: z.record(z.string(), z.number()),
      }),
    ),
    total_observation_hours: hours,
    images_captured: z.number().int(),
    images_by_state: z.record(z.string(), z.number().int()),
    revenue_by_month: z.array(
      z.object({
        month: z.string(),
        currency: z.string(),
        amount_minor: z.number().describe('Of settled bookings, less what was refunded'),
        credits_charged: z.number(),
        credits_refund: z.number(),
      }),
    ),
    sessions: z.object({
      total: z.number().int().describe('Sessions that were held or lost; cancelled ones stand in by_outcome alone'),
      by_outcome: z.record(z.string(), z.number().int()),
      success_rate: z.number().nullable(),
      average_minutes: z.number().nullable(),
    }),
    problems: z.array(z.object({ reason: z.string(), count: z.number().int() })),
    lost_hours_by_month: z.array(z.object({ month: z.string(), telescope_id: z.string(), class: z.string(), hours })),
  })
  .meta({ id: 'Analytics' });

export const analytics = route(
  {
    method: 'get',
    path: '/api/admin/analytics',
    id: 'analytics',
    tag: 'Admin',
    summary: 'Use, hours, images, money, success and problems',
    guard: READ,
    query: z.object({ from: Instant.optional(), to: Instant.optional(), telescope_id: TelescopeId.optional() }),
    answers: { 200: { description: 'The figures; hours come from the ledger that refunds use', schema: Analytics } },
  },
  async ({ deps, query }) => {
    const to = query.to ? new Date(query.to) : new Date(deps.now());
    const from = query.from ? new Date(query.from) : new Date(to.getTime() - 365 * 86_400_000);
    if (to <= from) throw invalid({ to: ['must be after from'] });
    const only = query.telescope_id ? Prisma.sql`AND b.telescope_id = ${query.telescope_id}` : Prisma.empty;
    const within = Prisma.sql`b.starts_at >= ${from} AND b.starts_at < ${to} ${only}`;
    return json({ from: from.toISOString(), to: to.toISOString(), ...figuresOf(await readFigures(deps.db, within)) });
  },
);

/** All that is asked of the tables, for the bookings that the condition names. */
async function readFigures(db: Database, within: Prisma.Sql) {
  const [booked, classes, frames, revenue, outcomes, duration, problems, lost] = await Promise.all([
    db.$queryRaw<{ telescope_id: string; hours: number }[]>`
      SELECT b.telescope_id, sum(extract(epoch FROM b.ends_at - b.starts_at))::float8 / 3600 AS hours
      FROM bookings b JOIN sessions s ON s.booking_id = b.id WHERE ${within} AND s.phase <> 'cancelled' GROUP BY 1 ORDER BY 1`,
    db.$queryRaw<{ telescope_id: string; class: string; hours: number }[]>`
      SELECT b.telescope_id, l.class, sum(extract(epoch FROM l.ends_at - l.starts_at))::float8 / 3600 AS hours
      FROM ledger_intervals l JOIN bookings b ON b.id = l.booking_id WHERE ${within} GROUP BY 1, 2`,
    db.$queryRaw<{ state: string; n: number }[]>`
      SELECT f.state, count(*)::int AS n FROM frames f JOIN bookings b ON b.id = f.booking_id WHERE ${within} GROUP BY 1`,
    db.$queryRaw<{ month: string; currency: string; amount: number; charged: number; refund: number }[]>`
      SELECT to_char(b.starts_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, coalesce(b.credits #>> '{price,currency}', '') AS currency,
             coalesce(sum((b.credits #>> '{price,amount_minor}')::float8
               * (1 - least(1, x.credits_refund / nullif(x.credits_charged, 0)))), 0)::float8 AS amount,
             sum(x.credits_charged)::float8 AS charged, sum(x.credits_refund)::float8 AS refund
      FROM bookings b
      JOIN LATERAL (SELECT * FROM settlements WHERE booking_id = b.id ORDER BY created_at DESC LIMIT 1) x ON true
      WHERE ${within} GROUP BY 1, 2 ORDER BY 1, 2`,
    db.$queryRaw<{ outcome: string; n: number }[]>`
      SELECT s.outcome, count(*)::int AS n FROM sessions s JOIN bookings b ON b.id = s.booking_id WHERE ${within} AND s.outcome IS NOT NULL GROUP BY 1`,
    db.$queryRaw<{ minutes: number | null }[]>`
      SELECT avg(extract(epoch FROM s.session_ended_at - s.session_started_at))::float8 / 60 AS minutes
      FROM sessions s JOIN bookings b ON b.id = s.booking_id WHERE ${within} AND s.session_ended_at IS NOT NULL AND s.session_started_at IS NOT NULL`,
    db.$queryRaw<{ reason: string; n: number }[]>`
      SELECT l.cause AS reason, count(*)::int AS n FROM ledger_intervals l JOIN bookings b ON b.id = l.booking_id
      WHERE ${within} AND l.cause IS NOT NULL AND l.class NOT IN ('imaging', 'overhead', 'other', 'user_pause') GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12`,
    db.$queryRaw<{ month: string; telescope_id: string; class: string; hours: number }[]>`
      SELECT to_char(l.starts_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, b.telescope_id, l.class, sum(extract(epoch FROM l.ends_at - l.starts_at))::float8 / 3600 AS hours
      FROM ledger_intervals l JOIN bookings b ON b.id = l.booking_id
      WHERE ${within} AND l.class IN ('unsafe', 'outage', 'foreign', 'weather_hold', 'user_pause') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  ]);
  return { booked, classes, frames, revenue, outcomes, duration, problems, lost };
}
function figuresOf(read: Awaited<ReturnType<typeof readFigures>>) {
  const { booked, classes, frames, revenue, outcomes, duration, problems, lost } = read;
  const total = outcomes.filter((o) => o.outcome !== 'cancelled').reduce((n, o) => n + o.n, 0);
  const imaging = classes.filter((c) => c.class === 'imaging').reduce((n, c) => n + c.hours, 0);
  const byState = Object.fromEntries(frames.map((f) => [f.state, f.n]));
  return {
    utilisation: booked.map((row) => {
      const own = new Map(classes.filter((c) => c.telescope_id === row.telescope_id).map((c) => [c.class, c.hours]));
      const hoursImaging = own.get('imaging') ?? 0;
      return {
        telescope_id: row.telescope_id,
        booked_hours: row.hours,
        imaging_hours: hoursImaging,
        utilisation: row.hours > 0 ? hoursImaging / row.hours : null,
        hours_by_class: Object.fromEntries(LEDGER_CLASSES.map((name) => [name, own.get(name) ?? 0])),
      };
    }),
    total_observation_hours: imaging,
    images_captured: Object.values(byState).reduce((n, x) => n + x, 0),
    images_by_state: byState,
    revenue_by_month: revenue.map((r) => ({
      month: r.month,
      currency: r.currency,
      amount_minor: r.amount,
      credits_charged: r.charged,
      credits_refund: r.refund,
    })),
    sessions: {
      total,
      by_outcome: Object.fromEntries(outcomes.map((o) => [o.outcome, o.n])),
      success_rate: total === 0 ? null : (outcomes.find((o) => o.outcome === 'completed')?.n ?? 0) / total,
      average_minutes: duration[0]?.minutes ?? null,
    },
    problems: problems.map((p) => ({ reason: p.reason, count: p.n })),
    lost_hours_by_month: lost,
  };
}
