import { z } from '@hono/zod-openapi';
import { BookingRequest } from '../../domain/contracts/booking.ts';
import { Instant } from '../../domain/contracts/common.ts';
import { hasSite } from '../../domain/contracts/telescope.ts';
import { altAz, usableWindows } from '../../domain/sky.ts';
import { planErrors, planSeconds } from './rules.ts';
import { invalid } from '../errors.ts';
import { json, route } from '../operation.ts';

const CheckResult = z
  .object({
    ok: z.boolean(),
    errors: z.record(z.string(), z.array(z.string())),
    frames: z.number().int(),
    exposure_seconds: z.number(),
    estimated_seconds: z.number().describe('Exposures and a usual overhead per frame'),
    slot_seconds: z.number(),
    usable_seconds: z.number().describe('Dark and inside the constraints'),
    fits: z.boolean(),
    altitude_at_start_degrees: z.number().nullable().describe('null where the telescope’s site is not known'),
    windows: z.array(z.object({ start: Instant, end: Instant })),
    credits: z
      .number()
      .nullable()
      .describe('Slot × credits_per_hour: that of the body, else that of the telescope; null without either'),
    conflict: z
      .object({ start: Instant, end: Instant })
      .nullable()
      .describe('A slot in the way; whose it is stays unsaid'),
  })
  .meta({ id: 'BookingCheck' });

export const checkBooking = route(
  {
    method: 'post',
    path: '/api/bookings/check',
    id: 'checkBooking',
    tag: 'Bookings',
    summary: 'Would this booking be taken, and what would it cost',
    description:
      'Nothing is written. Problems come in `errors` with status 200; a body that is not a booking at all is 422.',
    guard: { scopes: ['bookings:write', 'bookings:read', 'session:view'], costly: true },
    body: BookingRequest.extend({ credits_per_hour: z.number().min(0).optional() }).meta({
      id: 'BookingCheckRequest',
    }),
    answers: { 200: { description: 'The verdict', schema: CheckResult } },
  },
  async ({ deps, body }) => {
    const telescope = await deps.telescopes.find(body.telescope_id);
    if (!telescope) throw invalid({ telescope_id: [`there is no telescope "${body.telescope_id}"`] });
    const now = deps.now();
    const errors = planErrors(telescope, body, now);
    const startMs = Date.parse(body.start);
    const endMs = Date.parse(body.end);
    const sane = endMs > startMs && endMs - startMs <= 24 * 3_600_000;
    const windows =
      sane && hasSite(telescope)
        ? usableWindows(telescope, body.target, body.constraints, Math.max(startMs, Math.min(now, endMs)), endMs)
        : [];
    const usable = windows.reduce((n, w) => n + (w.endMs - w.startMs) / 1000, 0);
    const { exposure, estimated, frames } = planSeconds(body.shots);
    const blocked = new Date(endMs + telescope.policy.turnaround_minutes * 60_000);
    const other = sane
      ? await deps.db.booking.findFirst({
          where: {
            telescopeId: telescope.id,
            occupies: true,
            startsAt: { lt: blocked },
            blockedUntil: { gt: new Date(startMs) },
          },
          orderBy: { startsAt: 'asc' },
        })
      : null;
    const slot = sane ? (endMs - startMs) / 1000 : 0;
    const rate = body.credits_per_hour ?? telescope.credits_per_hour;
    return json({
      ok: Object.keys(errors).length === 0 && !other,
      errors,
      frames,
      exposure_seconds: exposure,
      estimated_seconds: estimated,
      slot_seconds: slot,
      usable_seconds: usable,
      fits: estimated <= usable,
      altitude_at_start_degrees:
        telescope.site === null
          ? null
          : Math.round(
              altAz(telescope.site, body.target.ra_hours, body.target.dec_degrees, startMs).altitudeDegrees * 10,
            ) / 10,
      windows: windows.map((w) => ({
        start: new Date(w.startMs).toISOString(),
        end: new Date(w.endMs).toISOString(),
      })),
      credits: rate === undefined ? null : Math.round((slot / 3600) * rate * 100) / 100,
      conflict: other ? { start: other.startsAt.toISOString(), end: other.blockedUntil.toISOString() } : null,
    });
  },
);
