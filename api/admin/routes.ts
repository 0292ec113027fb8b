import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { OUTBOX_TYPES } from '../../domain/contracts/event.ts';
import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { BEGUN_PHASES } from '../../domain/phases.ts';
import {
  OUTBOX_CHANNELS,
  OUTBOX_STATE_IS,
  OUTBOX_STATES,
  outboxState,
  outboxWhere,
  replayOutbox,
  type OutboxFilter,
} from '../../platform/outbox.ts';
import { Prisma } from '../../prisma/client/client.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { json, operation, type App } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';

const READ = { scopes: ['admin:read'] } as const;
const WRITE = { scopes: ['admin:write'] } as const;

const Delivery = z
  .object({
    id: z.string(),
    channel: z.enum(['webhook', 'email', 'push']),
    receiver: z
      .string()
      .nullable()
      .describe('Which receiver of webhooks, where there are several and it is not the first'),
    type: z.enum(OUTBOX_TYPES),
    booking_id: z.string().nullable(),
    telescope_id: z.string().nullable(),
    sequence: z.number().int(),
    state: z.enum(OUTBOX_STATES),
    attempts: z.number().int(),
    created_at: Instant,
    next_attempt_at: Instant.nullable(),
    delivered_at: Instant.nullable(),
    dead_at: Instant.nullable(),
    last_error: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });
const DeliveryDetail = Delivery.extend({
  data: z.record(z.string(), z.unknown()),
  log: z.array(
    z.object({
      attempt: z.number().int(),
      at: Instant,
      status: z.number().int().nullable(),
      error: z.string().nullable(),
      duration_ms: z.number().int(),
    }),
  ),
}).meta({ id: 'DeliveryDetail' });

type Row = {
  id: string;
  channel: string;
  type: string;
  bookingId: string | null;
  telescopeId: string | null;
  sequence: number;
  attempts: number;
  createdAt: Date;
  nextAttemptAt: Date;
  deliveredAt: Date | null;
  deadAt: Date | null;
  unsent: boolean;
  lastError: string | null;
};
const showDelivery = (row: Row): Record<string, unknown> => ({
  id: row.id,
  channel: row.channel.split('.')[0],
  receiver: row.channel.split('.')[1] ?? null,
  type: row.type,
  booking_id: row.bookingId,
  telescope_id: row.telescopeId,
  sequence: row.sequence,
  state: outboxState(row),
  attempts: row.attempts,
  created_at: row.createdAt.toISOString(),
  next_attempt_at: row.deliveredAt || row.deadAt ? null : row.nextAttemptAt.toISOString(),
  delivered_at: outboxState(row) === 'delivered' ? row.deliveredAt!.toISOString() : null,
  dead_at: row.deadAt?.toISOString() ?? null,
  last_error: row.lastError,
});

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

export function adminRoutes(app: App, deps: Deps): void {
  const DeliveryPage = pageOf(Delivery, 'DeliveryPage');
  const ById = z.object({ delivery_id: z.string().max(64) });

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/webhooks/deliveries',
      id: 'listDeliveries',
      tag: 'Webhooks',
      summary: 'What was, is, or could not be delivered',
      guard: READ,
      query: PageQuery.extend({
        state: z.enum(OUTBOX_STATES).optional(),
        channel: z.enum(OUTBOX_CHANNELS).optional(),
        booking_id: z.string().max(64).optional(),
        type: z.enum(OUTBOX_TYPES).optional(),
      }),
      answers: { 200: { description: 'A page', schema: DeliveryPage } },
    },
    async ({ c, query }) => {
      const cursor = decodeCursor(query.cursor, 'date', 'string');
      const at = cursor ? new Date(cursor[0]!) : null;
      const rows = await deps.db.outbox.findMany({
        where: {
          ...outboxWhere({ channel: query.channel, bookingId: query.booking_id, type: query.type, state: query.state }),
          ...(at && cursor
            ? { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: cursor[1] as string } }] }
            : {}),
        },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: query.per_page + 1,
      });
      return json(
        page(c.req.url, query.per_page, rows, showDelivery, (row) => encodeCursor(row.createdAt.toISOString(), row.id)),
      );
    },
  );
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/webhooks/deliveries/{delivery_id}',
      id: 'getDelivery',
      tag: 'Webhooks',
      summary: 'One delivery with its attempts',
      guard: READ,
      params: ById,
      answers: { 200: { description: 'The delivery', schema: DeliveryDetail } },
    },
    async ({ params }) => {
      const row = await deps.db.outbox.findUnique({ where: { id: params.delivery_id } });
      if (!row) throw new Problem('not_found', 'No such delivery.');
      const log = await deps.db.delivery.findMany({ where: { outboxId: row.id }, orderBy: { at: 'asc' }, take: 200 });
      return json({
        ...showDelivery(row),
        data: row.data,
        log: log.map((d) => ({
          attempt: d.attempt,
          at: d.at.toISOString(),
          status: d.status,
          error: d.error,
          duration_ms: d.durationMs,
        })),
      });
    },
  );
  const replay = (actor: string, filter: OutboxFilter): Promise<number> =>
    replayOutbox(deps.db, actor, outboxWhere(filter), new Date(deps.now()));
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/webhooks/deliveries/{delivery_id}/replay',
      id: 'replayDelivery',
      tag: 'Webhooks',
      summary: 'Deliver again, with the same id',
      guard: WRITE,
      params: ById,
      answers: { 202: { description: 'Queued', schema: Delivery } },
      problems: ['in_progress', 'conflict'],
    },
    async ({ c, who, params }) =>
      idempotent(deps, c, who, params, async () => {
        if ((await replay(who.name, { id: params.delivery_id })) === 0)
          throw new Problem('not_found', 'No such delivery.');
        return json(showDelivery(await deps.db.outbox.findUniqueOrThrow({ where: { id: params.delivery_id } })), 202);
      }),
  );
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/webhooks/replay',
      id: 'replayDeliveries',
      tag: 'Webhooks',
      summary: 'Deliver again all that is dead, or all of a booking',
      guard: WRITE,
      body: z
        .object({ booking_id: z.string().max(64).optional(), dead: z.boolean().optional() })
        .meta({ id: 'ReplayRequest' }),
      answers: {
        202: { description: 'Queued', schema: z.object({ count: z.number().int() }).meta({ id: 'ReplayResult' }) },
      },
      problems: ['in_progress', 'conflict'],
    },
    async ({ c, who, body }) => {
      if (!body.booking_id && !body.dead) throw invalid({ dead: ['give booking_id, or dead: true'] });
      return idempotent(deps, c, who, body, async () =>
        json(
          {
            count: await replay(who.name, {
              channel: 'webhook',
              bookingId: body.booking_id,
              ...(body.dead ? { state: 'dead' } : {}),
            }),
          },
          202,
        ),
      );
    },
  );

  operation(
    app,
    deps,
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
    async ({ query }) => {
      const to = query.to ? new Date(query.to) : new Date(deps.now());
      const from = query.from ? new Date(query.from) : new Date(to.getTime() - 365 * 86_400_000);
      if (to <= from) throw invalid({ to: ['must be after from'] });
      const only = query.telescope_id ? Prisma.sql`AND b.telescope_id = ${query.telescope_id}` : Prisma.empty;
      const within = Prisma.sql`b.starts_at >= ${from} AND b.starts_at < ${to} ${only}`;
      const { db } = deps;
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
      const total = outcomes.filter((o) => o.outcome !== 'cancelled').reduce((n, o) => n + o.n, 0);
      const imaging = classes.filter((c) => c.class === 'imaging').reduce((n, c) => n + c.hours, 0);
      const byState = Object.fromEntries(frames.map((f) => [f.state, f.n]));
      return json({
        from: from.toISOString(),
        to: to.toISOString(),
        utilisation: booked.map((row) => {
          const own = new Map(
            classes.filter((c) => c.telescope_id === row.telescope_id).map((c) => [c.class, c.hours]),
          );
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
      });
    },
  );

  const AuditPage = pageOf(
    z
      .object({
        id: z.string(),
        at: Instant,
        actor: z.string(),
        action: z.string(),
        booking_id: z.string().nullable(),
        telescope_id: z.string().nullable(),
        data: z.record(z.string(), z.unknown()),
      })
      .meta({ id: 'AuditLine' }),
    'AuditPage',
  );
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/admin/audit',
      id: 'listAudit',
      tag: 'Admin',
      summary: 'Who did what',
      guard: READ,
      query: PageQuery.extend({ booking_id: z.string().max(64).optional(), action: z.string().max(60).optional() }),
      answers: { 200: { description: 'A page, newest first', schema: AuditPage } },
    },
    async ({ c, query }) => {
      const cursor = decodeCursor(query.cursor, 'date', 'string');
      const at = cursor ? new Date(cursor[0]!) : null;
      const rows = await deps.db.audit.findMany({
        where: {
          ...(query.booking_id ? { bookingId: query.booking_id } : {}),
          ...(query.action ? { action: query.action } : {}),
          ...(at && cursor ? { OR: [{ at: { lt: at } }, { at, id: { lt: cursor[1] as string } }] } : {}),
        },
        orderBy: [{ at: 'desc' }, { id: 'desc' }],
        take: query.per_page + 1,
      });
      return json(
        page(
          c.req.url,
          query.per_page,
          rows,
          (row) => ({
            id: row.id,
            at: row.at.toISOString(),
            actor: row.actor,
            action: row.action,
            booking_id: row.bookingId,
            telescope_id: row.telescopeId,
            data: row.data,
          }),
          (row) => encodeCursor(row.at.toISOString(), row.id),
        ),
      );
    },
  );

  const Overview = z
    .object({
      now: Instant,
      telescopes: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          connected: z.boolean().nullable(),
          stale: z.boolean().nullable(),
          voyager_status: z.string().nullable(),
          weather: z.string().nullable(),
          booking_id: z.string().nullable(),
          phase: z.string().nullable(),
          next_booking: z.object({ id: z.string(), start: Instant }).nullable(),
        }),
      ),
      outbox: z.object({ waiting: z.number().int(), dead: z.number().int(), oldest_waiting_at: Instant.nullable() }),
      viewers: z.number().int(),
    })
    .meta({ id: 'AdminOverview' });
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/admin/overview',
      id: 'adminOverview',
      tag: 'Admin',
      summary: 'All telescopes at a glance',
      guard: READ,
      answers: { 200: { description: 'Now', schema: Overview } },
    },
    async () => {
      const now = new Date(deps.now());
      const telescopes = await deps.telescopes.list();
      const [active, upcoming, waiting, dead, oldest] = await Promise.all([
        deps.db.session.findMany({ where: { phase: { in: [...BEGUN_PHASES] } } }),
        deps.db.booking.findMany({
          where: { occupies: true, startsAt: { gt: now } },
          orderBy: { startsAt: 'asc' },
          distinct: ['telescopeId'],
        }),
        deps.db.outbox.count({ where: { deliveredAt: null, deadAt: null } }),
        deps.db.outbox.count({ where: OUTBOX_STATE_IS.dead }),
        deps.db.outbox.findFirst({
          where: { deliveredAt: null, deadAt: null },
          orderBy: { createdAt: 'asc' },
          select: { createdAt: true },
        }),
      ]);
      return json({
        now: now.toISOString(),
        telescopes: telescopes.map((telescope) => {
          const state = deps.mirror.peek(telescope.id);
          const session =
            active.find((s) => s.telescopeId === telescope.id && s.phase !== 'finalising') ??
            active.find((s) => s.telescopeId === telescope.id);
          const next = upcoming.find((b) => b.telescopeId === telescope.id);
          return {
            id: telescope.id,
            name: telescope.name,
            connected: state?.connection.connected ?? null,
            stale: state?.stale ?? null,
            voyager_status: state?.voyager.status ?? null,
            weather: state && state.weather.reason !== 'weather_unknown' ? state.weather.state : null,
            booking_id: session?.bookingId ?? null,
            phase: session?.phase ?? null,
            next_booking: next ? { id: next.id, start: next.startsAt.toISOString() } : null,
          };
        }),
        outbox: { waiting, dead, oldest_waiting_at: oldest?.createdAt.toISOString() ?? null },
        viewers: deps.live.hub.viewers.size,
      });
    },
  );
}
