import { z } from '@hono/zod-openapi';
import { Event } from '../../domain/contracts/event.ts';
import { textWithoutNames } from '../../domain/others.ts';
import { toEvent } from '../../platform/bus.ts';
import { requireBooking, requireOwner, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { loadBooking } from './load.ts';
import { jsonText, route, routes } from '../operation.ts';
import { signImageUrls } from '../images/pixels.ts';
import { Id, READ, seesNames } from './read.ts';
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

interface Asked {
  after: number;
  limit: number;
  type?: Event['type'] | undefined;
}
interface Told {
  events: Event[];
  epoch: number;
  lastSeq: number;
}
async function stored(deps: Deps, who: Identity, bookingId: string, { after, limit, type }: Asked): Promise<Told> {
  await loadBooking(deps, who, bookingId);
  const [rows, counter] = await Promise.all([
    deps.db.event.findMany({
      where: { bookingId, seq: { gt: after }, ...(type ? { type } : {}) },
      orderBy: { seq: 'asc' },
      take: limit,
    }),
    deps.db.eventCounter.findUnique({ where: { bookingId } }),
  ]);
  return { events: rows.map(toEvent), epoch: counter?.epoch ?? 1, lastSeq: counter?.seq ?? 0 };
}
/** Pages hear the stream beside it, so that memory is new enough for them: thousands ask at once when an api comes back. */
async function remembered(deps: Deps, who: Identity, bookingId: string, asked: Asked): Promise<Told> {
  const rows = await deps.snapshots.rows(bookingId);
  if (!rows) throw new Problem('not_found', `No booking ${bookingId}.`);
  requireOwner(who, rows.booking);
  const known = asked.type ? null : await deps.recent.after(bookingId, asked.after);
  if (!known) return stored(deps, who, bookingId, asked);
  return { events: known.events.slice(0, asked.limit), epoch: rows.counter.epoch, lastSeq: known.lastSeq };
}

/** What guests read of an event that is remembered, made once for all of a crowd. */
const forGuests = new WeakMap<Event, string>();
function textFor(deps: Deps, who: Identity, event: Event): string {
  if (event.type === 'image.captured' || event.type === 'image.measured')
    return JSON.stringify({ ...event, data: signImageUrls(deps, event.data) });
  if (seesNames(who)) return JSON.stringify(event);
  const known = forGuests.get(event);
  if (known !== undefined) return known;
  const text = textWithoutNames(event);
  forGuests.set(event, text);
  return text;
}

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
    const { events, epoch, lastSeq } = await (who.kind === 'key' ? stored : remembered)(deps, who, params.id, query);
    const data = events.map((event) => textFor(deps, who, event));
    const meta = JSON.stringify({ epoch, last_seq: lastSeq, complete: events.length < query.limit });
    return jsonText(`{"data":[${data.join(',')}],"meta":${meta}}`);
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
