import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { BEGUN_PHASES } from '../../domain/phases.ts';
import { OUTBOX_STATE_IS } from '../../platform/outbox.ts';
import { json, route } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { READ } from './scopes.ts';

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

export const listAudit = route(
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
  async ({ deps, c, query }) => {
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

export const adminOverview = route(
  {
    method: 'get',
    path: '/api/admin/overview',
    id: 'adminOverview',
    tag: 'Admin',
    summary: 'All telescopes at a glance',
    guard: READ,
    narrows: true,
    answers: { 200: { description: 'Now', schema: Overview } },
  },
  async ({ deps, who }) => {
    const now = new Date(deps.now());
    const telescopes = (await deps.telescopes.list()).filter(({ id }) => who.telescopes?.includes(id) ?? true);
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
