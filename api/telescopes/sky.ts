import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { hasSite, type SitedTelescope, type Telescope } from '../../domain/contracts/telescope.ts';
import { altAz, hourAngleHours, moon, sunAltitudeDegrees, usableWindows, horizonAltitude } from '../../domain/sky.ts';
import { COORDINATE_PROBLEMS, readDecDegrees, readRaHours } from '../../domain/coordinates.ts';
import { Problem, invalid } from '../errors.ts';
import { json, route } from '../operation.ts';
import { Id, READ, seesAll } from './view.ts';

const Availability = z
  .object({
    telescope_id: TelescopeId,
    from: Instant,
    to: Instant,
    taken: z.array(
      z.object({
        start: Instant,
        end: Instant,
        kind: z.enum(['booking', 'maintenance']),
        booking_id: z.string().optional(),
      }),
    ),
    nights: z.array(z.object({ start: Instant, end: Instant })).describe('Dark at the site'),
    free: z.array(z.object({ start: Instant, end: Instant })).describe('Dark and not taken'),
  })
  .meta({ id: 'Availability' });

const Visibility = z
  .object({
    telescope_id: TelescopeId,
    from: Instant,
    to: Instant,
    step_seconds: z.number(),
    t: z.array(z.number().int()).describe('Unix seconds'),
    altitude: z.array(z.number()).describe('degrees'),
    azimuth: z.array(z.number()),
    hour_angle: z.array(z.number()).describe('hours'),
    horizon: z.array(z.number()).describe('degrees, in the direction of the target'),
    sun_altitude: z.array(z.number()),
    moon: z.object({ illuminated_share: z.number(), separation_degrees: z.number(), altitude_degrees: z.number() }),
    windows: z
      .array(z.object({ start: Instant, end: Instant }))
      .describe('Dark, above the limit, inside the hour angles'),
    best: z.object({ at: Instant, altitude_degrees: z.number() }).nullable(),
    minimum_altitude_degrees: z.number(),
    sun_limit_degrees: z.number(),
  })
  .meta({ id: 'Visibility' });

/** @throws Problem 409 while nobody said where the telescope stands: nothing of its sky is known */
function sited(telescope: Telescope): SitedTelescope {
  if (hasSite(telescope)) return telescope;
  throw new Problem(
    'site_unknown',
    `nobody said where ${telescope.name} stands: it can be watched, not booked; its operator sets site (SITE_LATITUDE_DEGREES, SITE_LONGITUDE_DEGREES, SITE_TIMEZONE)`,
  );
}

const round = (value: number, decimals = 2): number => Math.round(value * 10 ** decimals) / 10 ** decimals;

const iso = (ms: number): string => new Date(ms).toISOString();

/** Spans in which `free` is left after `taken` is cut out. */
function without(
  spans: { start: number; end: number }[],
  taken: { start: number; end: number }[],
): { start: number; end: number }[] {
  let left = spans;
  for (const cut of taken)
    left = left.flatMap((s) =>
      cut.end <= s.start || cut.start >= s.end
        ? [s]
        : [
            { start: s.start, end: Math.max(s.start, cut.start) },
            { start: Math.min(s.end, cut.end), end: s.end },
          ],
    );
  return left.filter((s) => s.end - s.start >= 60_000);
}

/** Spans in which the Sun is below the night limit, to the minute. */
function nights(telescope: SitedTelescope, from: number, to: number): { start: number; end: number }[] {
  const dark = (at: number): boolean => sunAltitudeDegrees(telescope.site, at) <= telescope.night.sun_altitude_degrees;
  const spans: { start: number; end: number }[] = [];
  const STEP = 600_000;
  const edge = (a: number, b: number): number => {
    let low = a;
    let high = b;
    while (high - low > 30_000) {
      const middle = (low + high) / 2;
      if (dark(middle) === dark(a)) low = middle;
      else high = middle;
    }
    return Math.round(high / 60_000) * 60_000;
  };
  let open = dark(from) ? from : null;
  for (let at = from; at < to; at += STEP) {
    const next = Math.min(to, at + STEP);
    const now = dark(next);
    if (now && open === null) open = edge(at, next);
    else if (!now && open !== null) {
      spans.push({ start: open, end: edge(at, next) });
      open = null;
    }
  }
  if (open !== null) spans.push({ start: open, end: to });
  return spans;
}

export const getAvailability = route(
  {
    method: 'get',
    path: '/api/telescopes/{id}/availability',
    id: 'getAvailability',
    tag: 'Telescopes',
    summary: 'Free nights and taken slots',
    guard: { scopes: [...READ.scopes, 'session:view'], costly: true },
    params: Id,
    query: z.object({ from: Instant.optional(), to: Instant.optional().describe('At most 62 days after `from`') }),
    answers: { 200: { description: 'Taken, dark and free', schema: Availability } },
  },
  async ({ deps, who, params, query }) => {
    const telescope = sited(await deps.telescopes.get(params.id));
    const from = query.from ? Date.parse(query.from) : deps.now();
    const to = query.to ? Date.parse(query.to) : from + 7 * 86_400_000;
    if (to <= from || to - from > 62 * 86_400_000) throw invalid({ to: ['must be after from, by 62 days at most'] });
    const [bookings, maintenance] = await Promise.all([
      deps.db.booking.findMany({
        where: {
          telescopeId: params.id,
          occupies: true,
          startsAt: { lt: new Date(to) },
          blockedUntil: { gt: new Date(from) },
        },
        orderBy: { startsAt: 'asc' },
      }),
      deps.db.maintenance.findMany({
        where: { telescopeId: params.id, endedAt: null, fromAt: { lt: new Date(to) }, toAt: { gt: new Date(from) } },
        orderBy: { fromAt: 'asc' },
      }),
    ]);
    const taken = [
      ...bookings.map((b) => ({
        start: b.startsAt.getTime(),
        end: b.blockedUntil.getTime(),
        kind: 'booking' as const,
        id: b.id,
      })),
      ...maintenance.map((m) => ({
        start: m.fromAt.getTime(),
        end: m.toAt.getTime(),
        kind: 'maintenance' as const,
        id: null,
      })),
    ].sort((a, b) => a.start - b.start);
    const dark = nights(telescope, from, to);
    return json({
      telescope_id: params.id,
      from: iso(from),
      to: iso(to),
      taken: taken.map((t) => ({
        start: iso(t.start),
        end: iso(t.end),
        kind: t.kind,
        ...(t.id && seesAll(who) ? { booking_id: t.id } : {}),
      })),
      nights: dark.map((n) => ({ start: iso(n.start), end: iso(n.end) })),
      free: without(dark, taken).map((n) => ({ start: iso(n.start), end: iso(n.end) })),
    });
  },
);

export const getVisibility = route(
  {
    method: 'get',
    path: '/api/telescopes/{id}/visibility',
    id: 'getVisibility',
    tag: 'Telescopes',
    summary: 'A target’s way over the site’s sky in one night',
    guard: { scopes: [...READ.scopes, 'session:view'], costly: true },
    params: Id,
    query: z.object({
      ra_hours: z.string().max(64).describe('hours, or like 02:49:50'),
      dec_degrees: z.string().max(64).describe('degrees, or like +47:20:07'),
      date: z.iso.date().optional().describe('Evening of the night, at the site; tonight when left out'),
      from: Instant.optional(),
      to: Instant.optional().describe('At most 48 h after `from`'),
      min_altitude_degrees: z.coerce.number().min(0).max(89).default(30),
      hour_angle_start_hours: z.coerce.number().min(-12).max(12).default(-12),
      hour_angle_end_hours: z.coerce.number().min(-12).max(12).default(12),
    }),
    answers: { 200: { description: 'The curve', schema: Visibility } },
  },
  async ({ deps, params, query }) => {
    const telescope = sited(await deps.telescopes.get(params.id));
    const position = positionOf(query);
    const { from, to } = spanOf(telescope, query, deps.now());
    const step = Math.max(60, Math.ceil((to - from) / 1000 / 288 / 60) * 60);
    const curve = curveOf(telescope, position, from, to, step);
    const best = highest(telescope, curve);
    const { min_altitude_degrees, hour_angle_start_hours, hour_angle_end_hours } = query;
    const constraints = { min_altitude_degrees, hour_angle_start_hours, hour_angle_end_hours };
    const windows = usableWindows(telescope, position, constraints, from, to);
    return json({
      telescope_id: params.id,
      from: iso(from),
      to: iso(to),
      step_seconds: step,
      ...curve,
      moon: moonOf(telescope, position, best?.at ?? (from + to) / 2),
      windows: windows.map((w) => ({ start: iso(w.startMs), end: iso(w.endMs) })),
      best: best ? { at: iso(best.at), altitude_degrees: best.altitude } : null,
      minimum_altitude_degrees: min_altitude_degrees,
      sun_limit_degrees: telescope.night.sun_altitude_degrees,
    });
  },
);

interface Position {
  ra_hours: number;
  dec_degrees: number;
}
function positionOf(query: { ra_hours: string; dec_degrees: string }): Position {
  const ra = readRaHours(query.ra_hours);
  const dec = readDecDegrees(query.dec_degrees);
  if (typeof ra === 'string' || typeof dec === 'string')
    throw invalid({
      ...(typeof ra === 'string' ? { ra_hours: [COORDINATE_PROBLEMS[ra].en] } : {}),
      ...(typeof dec === 'string' ? { dec_degrees: [COORDINATE_PROBLEMS[dec].en] } : {}),
    });
  return { ra_hours: ra, dec_degrees: dec };
}
/** What was asked for, else noon to noon at the site's longitude: the whole night lies inside. Milliseconds. */
function spanOf(
  telescope: SitedTelescope,
  query: { date?: string | undefined; from?: string | undefined; to?: string | undefined },
  nowMs: number,
): { from: number; to: number } {
  const offsetMs = (telescope.site.longitude_degrees / 15) * 3_600_000;
  const localNow = new Date(nowMs + offsetMs - 12 * 3_600_000).toISOString().slice(0, 10);
  const noon = Date.parse(`${query.date ?? localNow}T12:00:00Z`) - offsetMs;
  const from = query.from ? Date.parse(query.from) : noon;
  const to = query.to ? Date.parse(query.to) : from + 86_400_000;
  if (to <= from || to - from > 48 * 3_600_000) throw invalid({ to: ['must be after from, by 48 hours at most'] });
  return { from, to };
}
function curveOf(
  telescope: SitedTelescope,
  { ra_hours: ra, dec_degrees: dec }: Position,
  from: number,
  to: number,
  step: number,
) {
  const curve = {
    t: [] as number[],
    altitude: [] as number[],
    azimuth: [] as number[],
    hour_angle: [] as number[],
    horizon: [] as number[],
    sun_altitude: [] as number[],
  };
  for (let at = from; at <= to; at += step * 1000) {
    const { altitudeDegrees, azimuthDegrees } = altAz(telescope.site, ra, dec, at);
    curve.t.push(Math.floor(at / 1000));
    curve.altitude.push(round(altitudeDegrees));
    curve.azimuth.push(round(azimuthDegrees));
    curve.hour_angle.push(round(hourAngleHours(telescope.site, ra, dec, at), 3));
    curve.horizon.push(round(horizonAltitude(telescope, azimuthDegrees)));
    curve.sun_altitude.push(round(sunAltitudeDegrees(telescope.site, at)));
  }
  return curve;
}
/** When the target stands highest while the sun is low enough; null when it never is. */
function highest(
  telescope: SitedTelescope,
  { t, altitude, sun_altitude: sun }: { t: number[]; altitude: number[]; sun_altitude: number[] },
): { at: number; altitude: number } | null {
  let best: { at: number; altitude: number } | null = null;
  for (const [i, seconds] of t.entries())
    if (sun[i]! <= telescope.night.sun_altitude_degrees && (best === null || altitude[i]! > best.altitude))
      best = { at: seconds * 1000, altitude: altitude[i]! };
  return best;
}
function moonOf(telescope: SitedTelescope, { ra_hours, dec_degrees }: Position, at: number) {
  const { illuminatedShare, separationDegrees, altitudeDegrees } = moon(telescope.site, ra_hours, dec_degrees, at);
  return {
    illuminated_share: round(illuminatedShare, 3),
    separation_degrees: round(separationDegrees, 1),
    altitude_degrees: round(altitudeDegrees, 1),
  };
}
