import { TELEMETRY_SERIES, type TelemetrySeriesName } from '../../domain/telemetry.ts';
import { z } from '@hono/zod-openapi';
import { BookingId, Instant } from '../../domain/contracts/common.ts';
import { Event, LogLine } from '../../domain/contracts/event.ts';
import { LEDGER_CLASSES, Ledger, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { Report } from '../../domain/contracts/report.ts';
import { toEvent } from '../../platform/bus.ts';
import { latestSettlement, toSettlement } from '../../platform/settlements.ts';
import { exposuresOf, guidingUptime } from '../../domain/guiding.ts';
import { withoutNames } from '../../domain/others.ts';
import { requireBooking, seesPerson, type Identity } from '../auth.ts';
import { loadBooking } from './service.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, operation, type App } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { signImageUrls, signLive } from '../images/pixels.ts';

const Id = z.object({ id: BookingId });
const READ = { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'] } as const;

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

const Stats = z
  .object({
    booking_id: BookingId,
    elapsed_seconds: z.number(),
    slot_seconds: z.number(),
    images: z.object({
      captured: z.number().int(),
      archived: z.number().int(),
      rejected: z.number().int(),
      missing: z.number().int(),
      pending: z.number().int(),
    }),
    by_filter: z.array(
      z.object({
        filter: z.string(),
        count: z.number().int(),
        exposure_seconds: z.number(),
        average_hfd: z.number().nullable(),
      }),
    ),
    total_exposure_seconds: z.number(),
    average_hfd: z.number().nullable(),
    guiding: z.object({
      success_rate: z.number().nullable().describe('share of samples with the guider running, 0 to 1'),
      average_rms_px: z.number().nullable(),
      samples: z.number().int(),
    }),
  })
  .meta({ id: 'SessionStats' });

/** Names of other people's targets are for servers and admins. */
const readBy = <T>(who: Identity, value: T): T =>
  who.kind === 'key' || who.kind === 'admin' ? value : withoutNames(value);

const SERIES_NAMES = Object.keys(TELEMETRY_SERIES) as TelemetrySeriesName[];

const TelemetrySeries = z
  .object({
    booking_id: BookingId,
    from: Instant,
    to: Instant,
    bucket_seconds: z.number(),
    samples: z.number().int(),
    t: z.array(z.number().int()).describe('Unix seconds, start of each bucket'),
    series: z.record(
      z.string(),
      z.object({
        mean: z.array(z.number().nullable()),
        min: z.array(z.number().nullable()),
        max: z.array(z.number().nullable()),
      }),
    ),
  })
  .meta({ id: 'TelemetrySeries' });

export function sessionDataRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
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
    async ({ who, params, query }) => {
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

  operation(
    app,
    deps,
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
    async ({ c, who, params, query }) => {
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

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/stats',
      id: 'getStats',
      tag: 'Sessions',
      summary: 'Figures of the session so far',
      guard: READ,
      params: Id,
      answers: { 200: { description: 'The figures', schema: Stats } },
    },
    async ({ who, params }) => {
      requireBooking(who, params.id);
      const { booking, session } = await loadBooking(deps, who, params.id);
      const [states, filters, telemetry, exposed] = await Promise.all([
        deps.db.frame.groupBy({ by: ['state'], where: { bookingId: params.id }, _count: { _all: true } }),
        deps.db.frame.groupBy({
          by: ['filter'],
          where: { bookingId: params.id, state: 'archived', type: 'LIGHT' },
          _count: { _all: true },
          _sum: { exposure: true },
          _avg: { hfd: true },
        }),
        deps.db.$queryRaw<{ at: Date; status: string | null; rms: number | null }[]>`
          SELECT at, data #>> '{guiding_status}' AS status, (data #>> '{guiding_rms}')::float8 AS rms
          FROM telemetry WHERE booking_id = ${params.id} AND at >= ${booking.startsAt} AND at < ${booking.endsAt}`,
        deps.db.frame.findMany({
          where: { bookingId: params.id, state: 'archived' },
          select: { capturedAt: true, exposure: true },
        }),
      ]);
      const count = (state: string): number => states.find((s) => s.state === state)?._count._all ?? 0;
      const archived = count('archived');
      const hfdFrames = filters.filter((f) => f._avg.hfd !== null);
      const hfdCount = hfdFrames.reduce((n, f) => n + f._count._all, 0);
      const rms = telemetry.flatMap((sample) => (sample.rms === null ? [] : [sample.rms]));
      const from = session?.sessionStartedAt?.getTime();
      const to = session?.sessionEndedAt?.getTime() ?? Math.min(deps.now(), booking.endsAt.getTime());
      return json({
        booking_id: params.id,
        elapsed_seconds: from === undefined ? 0 : Math.max(0, Math.round((to - from) / 1000)),
        slot_seconds: Math.round((booking.endsAt.getTime() - booking.startsAt.getTime()) / 1000),
        images: {
          captured: session?.imagesCaptured ?? archived,
          archived,
          rejected: count('rejected'),
          missing: count('missing'),
          pending: count('pending'),
        },
        by_filter: filters.map((f) => ({
          filter: f.filter ?? '',
          count: f._count._all,
          exposure_seconds: f._sum.exposure ?? 0,
          average_hfd: f._avg.hfd,
        })),
        total_exposure_seconds: filters.reduce((n, f) => n + (f._sum.exposure ?? 0), 0),
        average_hfd: hfdCount === 0 ? null : hfdFrames.reduce((n, f) => n + f._avg.hfd! * f._count._all, 0) / hfdCount,
        guiding: {
          success_rate: guidingUptime(
            telemetry.map(({ at, status }) => ({ atMs: at.getTime(), status })),
            exposuresOf(exposed),
          ),
          average_rms_px: rms.length === 0 ? null : rms.reduce((sum, x) => sum + x, 0) / rms.length,
          samples: telemetry.length,
        },
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/telemetry',
      id: 'getTelemetry',
      tag: 'Sessions',
      summary: 'Series for graphs, down-sampled here',
      description: 'Mean, least and greatest of each bucket; null where nothing was measured.',
      guard: READ,
      params: Id,
      query: z.object({
        series: z
          .string()
          .max(400)
          .optional()
          .describe(`Comma-separated out of: ${SERIES_NAMES.join(', ')}; all when left out`),
        points: z.coerce.number().int().min(10).max(2_000).default(300),
        from: Instant.optional(),
        to: Instant.optional(),
      }),
      answers: { 200: { description: 'The series', schema: TelemetrySeries } },
    },
    async ({ who, params, query }) => {
      requireBooking(who, params.id);
      const { booking } = await loadBooking(deps, who, params.id);
      const names = query.series ? query.series.split(',').map((s) => s.trim()) : SERIES_NAMES;
      const unknown = names.find((name) => !Object.hasOwn(TELEMETRY_SERIES, name));
      if (unknown !== undefined)
        throw new Problem('invalid', `Unknown series "${unknown}".`, {
          message: `Unknown series "${unknown}".`,
          errors: { series: [`unknown "${unknown}"; there are ${SERIES_NAMES.join(', ')}`] },
        });
      const from = query.from ? Date.parse(query.from) : booking.startsAt.getTime() - 600_000;
      const to = query.to ? Date.parse(query.to) : Math.min(deps.now(), booking.endsAt.getTime() + 600_000);
      const bucket = Math.max(1, Math.ceil((Math.max(1_000, to - from) / 1000 / query.points) * 10) / 10);
      const rows = await deps.db.$queryRaw<
        { b: number; n: string; mean: number; low: number; high: number; samples: number }[]
      >`
        SELECT floor(extract(epoch FROM t.at - ${new Date(from)}::timestamptz) / ${bucket}::float8)::int AS b, s.name AS n,
               avg(s.value) AS mean, min(s.value) AS low, max(s.value) AS high, count(*)::int AS samples
        FROM telemetry t
        CROSS JOIN LATERAL (
          SELECT p.name, (t.data #>> string_to_array(p.path, ','))::float8 AS value
          FROM unnest(${names}::text[], ${names.map((name) => TELEMETRY_SERIES[name as TelemetrySeriesName].join(','))}::text[]) AS p(name, path)
        ) s
        WHERE t.booking_id = ${params.id} AND t.at >= ${new Date(from)} AND t.at <= ${new Date(to)} AND s.value IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1`;
      const buckets = [...new Set(rows.map((r) => r.b))];
      const index = new Map(buckets.map((b, i) => [b, i]));
      const series: Record<string, { mean: (number | null)[]; min: (number | null)[]; max: (number | null)[] }> = {};
      const blank = (): (number | null)[] => Array.from<number | null>({ length: buckets.length }).fill(null);
      for (const name of names) series[name] = { mean: blank(), min: blank(), max: blank() };
      for (const row of rows) {
        const i = index.get(row.b)!;
        const one = series[row.n]!;
        one.mean[i] = row.mean;
        one.min[i] = row.low;
        one.max[i] = row.high;
      }
      return json({
        booking_id: params.id,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        bucket_seconds: bucket,
        samples: rows.reduce((n, r) => Math.max(n, r.samples), 0),
        t: buckets.map((b) => Math.floor(from / 1000 + b * bucket)),
        series,
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/ledger',
      id: 'getLedger',
      tag: 'Sessions',
      summary: 'Where every second of the slot went, and what that means in credits',
      guard: READ,
      params: Id,
      answers: { 200: { description: 'The ledger; without intervals until the session is settled', schema: Ledger } },
    },
    async ({ who, params }) => {
      requireBooking(who, params.id);
      const { booking } = await loadBooking(deps, who, params.id);
      const [intervals, settlement] = await Promise.all([
        deps.db.ledgerInterval.findMany({ where: { bookingId: params.id }, orderBy: { startsAt: 'asc' } }),
        latestSettlement(deps.db, params.id),
      ]);
      const seconds = Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])) as Record<LedgerClass, number>;
      for (const row of intervals)
        seconds[row.class as LedgerClass] += Math.round((row.endsAt.getTime() - row.startsAt.getTime()) / 1000);
      return json({
        booking_id: params.id,
        start: booking.startsAt.toISOString(),
        end: booking.endsAt.toISOString(),
        intervals: intervals.map((row) => ({
          start: row.startsAt.toISOString(),
          end: row.endsAt.toISOString(),
          class: row.class,
          cause: row.cause,
        })),
        seconds,
        settlement: settlement ? toSettlement(settlement) : null,
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings/{id}/report',
      id: 'getReport',
      tag: 'Sessions',
      summary: 'The session report',
      guard: { ...READ, signedUrl: true },
      params: Id,
      answers: { 200: { description: 'The report', schema: Report } },
    },
    async ({ who, params }) => {
      requireBooking(who, params.id);
      const { booking, user } = await loadBooking(deps, who, params.id);
      const row = await deps.db.report.findUnique({ where: { bookingId: params.id } });
      if (!row) throw new Problem('not_found', 'The report is made when the session has ended.');
      const report = readBy(who, row.body as unknown as z.infer<typeof Report>);
      return json({
        ...report,
        summary: { ...report.summary, user: seesPerson(who) ? (user?.displayName ?? booking.userRef) : 'guest' },
        files: {
          ...report.files,
          download_link: report.files.count > 0 ? signLive(deps, `/api/bookings/${params.id}/archive.zip`) : null,
          ...(report.files.timelapse_link ? { timelapse_link: signLive(deps, report.files.timelapse_link) } : {}),
        },
      });
    },
  );
}
