import { z } from '@hono/zod-openapi';
import { Event, LogLine } from '../../domain/contracts/event.ts';
import { toEvent } from '../../platform/bus.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from './service.ts';
import { json, route, routes } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { signImageUrls } from '../images/pixels.ts';
import { Id, READ, readBy } from './read.ts';
import { complain, listComplaints } from './complaints.ts';
import { getCredits, refundCredits } from './credits.ts';
import { getLedger, getReport } from './report.ts';
import { getStats } from './stats.ts';
import { getTelemetry } from './telemetry.ts';

const EventList = z
  .object({
    data: z.array(Event),
    meta: z.object({
      epoch: z.number().int(),
      last_seq: z.number().int(),
      complete: z.boolean().describe('false: ask again after the last one'),
    }),
  })
  .meta({ id: 'EventList' });

const LogPage = pageOf(LogLine, 'LogPage');

const listEvents = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/events',
    id: 'listEvents',
    tag: 'Sessions',
    summary: 'Stored events after a sequence number',
    description: 'Repairs a gap in the live stream: `after` is the last `seq` that was seen.',
    guard: READ,
    params: Id,
    query: z.object({
      after: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
      limit: z.coerce.number().int().min(1).max(500).default(200),
      type: Event.shape.type.optional(),
    }),
    answers: { 200: { description: 'Events in order', schema: EventList } },
  },
  async ({ deps, who, params, query }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    const [rows, counter] = await Promise.all([
      deps.db.event.findMany({
        where: { bookingId: params.id, seq: { gt: query.after }, ...(query.type ? { type: query.type } : {}) },
        orderBy: { seq: 'asc' },
        take: query.limit,
      }),
      deps.db.eventCounter.findUnique({ where: { bookingId: params.id } }),
    ]);
    const data = rows.map((row) => {
      const event = toEvent(row);
      return event.type === 'image.captured' || event.type === 'image.measured'
        ? { ...event, data: signImageUrls(deps, event.data) }
        : readBy(who, event);
    });
    return json({
      data,
      meta: { epoch: counter?.epoch ?? 1, last_seq: counter?.seq ?? 0, complete: rows.length < query.limit },
    });
  },
);

const listLogs = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/logs',
    id: 'listLogs',
    tag: 'Sessions',
    summary: 'The night log',
    guard: READ,
    params: Id,
    query: PageQuery.extend({
      level: z.enum(['INFO', 'WARNING', 'ERROR']).optional(),
      order: z.enum(['newest', 'oldest']).default('newest'),
    }),
    answers: { 200: { description: 'A page', schema: LogPage } },
  },
  async ({ deps, c, who, params, query }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    const cursor = decodeCursor(query.cursor, 'date', 'number');
    const down = query.order === 'newest';
    const at = cursor ? new Date(cursor[0]!) : null;
    const rows = await deps.db.timeline.findMany({
      where: {
        bookingId: params.id,
        ...(query.level ? { level: query.level } : {}),
        ...(at && cursor
          ? {
              OR: [
                { at: down ? { lt: at } : { gt: at } },
                { at, position: down ? { lt: BigInt(cursor[1]!) } : { gt: BigInt(cursor[1]!) } },
              ],
            }
          : {}),
      },
      orderBy: [{ at: down ? 'desc' : 'asc' }, { position: down ? 'desc' : 'asc' }],
      take: query.per_page + 1,
    });
    return json(
      page(
        c.req.url,
        query.per_page,
        rows,
        (row) =>
          readBy(who, {
            at: row.at.toISOString(),
            level: row.level,
            source: row.source,
            event: row.event,
            message: row.message,
            message_fr: row.messageFr,
            data: row.data,
          }),
        (row) => encodeCursor(row.at.toISOString(), Number(row.position)),
      ),
    );
  },
);

export const sessionDataRoutes = routes(
  listEvents,
  listLogs,
  getStats,
  getTelemetry,
  getLedger,
  getReport,
  getCredits,
  refundCredits,
  complain,
  listComplaints,
);
