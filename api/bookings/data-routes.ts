import { z } from '@hono/zod-openapi';
import { Event } from '../../domain/contracts/event.ts';
import { toEvent } from '../../platform/bus.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from './load.ts';
import { json, route, routes } from '../operation.ts';
import { signImageUrls } from '../images/pixels.ts';
import { Id, READ, readBy } from './read.ts';
import { complain, listComplaints } from './complaints.ts';
import { getCredits, refundCredits } from './credits.ts';
import { listLogs } from './logs.ts';
import { getLedger, getReport, getReportPdf } from './report.ts';
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

export const sessionDataRoutes = routes(
  listEvents,
  listLogs,
  getStats,
  getTelemetry,
  getLedger,
  getReport,
  getReportPdf,
  getCredits,
  refundCredits,
  complain,
  listComplaints,
);
