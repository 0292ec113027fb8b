import { TELEMETRY_SERIES, type TelemetrySeriesName } from '../../domain/telemetry.ts';
import { z } from '@hono/zod-openapi';
import { BookingId, Instant } from '../../domain/contracts/common.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from './load.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { Id, READ } from './read.ts';

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

export const getTelemetry = route(
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
  async ({ deps, who, params, query }) => {
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
