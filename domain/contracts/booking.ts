import { z } from 'zod';
import { MAX_CREDITS, toCredits, toHundredths } from '../credits.ts';
import { HOLD_CAUSES, OUTCOMES, PHASES } from '../phases.ts';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Email, Guid, Instant, TelescopeId } from './common.ts';
import { DecDegrees, RaHours } from './position.ts';

export const Shot = z
  .object({
    filter: z.string().min(1).max(40),
    exposure_seconds: z.number().positive().max(7200),
    quantity: z.number().int().min(1).max(5000),
    binning: z.number().int().min(1).max(8).default(1),
    gain: z.number().int().nullable().optional(),
    offset: z.number().int().nullable().optional(),
    type: z.enum(['light', 'bias', 'dark', 'flat']).default('light'),
  })
  .meta({ id: 'Shot' });
export type Shot = z.infer<typeof Shot>;

export const Target = z.object({
  name: z.string().min(1).max(120),
  ra_hours: RaHours,
  dec_degrees: DecDegrees,
  pa_degrees: z.number().min(0).max(360).default(0),
});
export type Target = z.infer<typeof Target>;

export const Constraints = z.object({
  min_altitude_degrees: z.number().min(0).max(89).default(30),
  hour_angle_start_hours: z.number().min(-12).max(12).default(-3),
  hour_angle_end_hours: z.number().min(-12).max(12).default(3),
  priority: z.number().int().min(0).max(4).optional().describe('Server key only'),
});
export type Constraints = z.infer<typeof Constraints>;

export const BookingUser = z.object({
  ref: z.string().min(1).max(64).describe('Your own id of the person; the only trace of them outside one table'),
  display_name: z.string().max(120).optional(),
  email: Email.optional(),
  locale: z.enum(['fr', 'en']).default('fr'),
});

export const Credits = z.object({
  charged: z
    .number()
    .min(0)
    .max(MAX_CREDITS)
    .overwrite((credits) => toCredits(toHundredths(credits)))
    .default(0)
    .describe('Counted in hundredths: what is finer is rounded'),
  price: z.object({ amount_minor: z.number().int().min(0), currency: z.string().length(3) }).optional(),
});

/** Body of `PUT /api/bookings/{id}`. */
export const BookingRequest = z
  .object({
    telescope_id: TelescopeId,
    start: Instant,
    end: Instant,
    user: BookingUser,
    target: Target,
    shots: z.array(Shot).min(1, 'needs at least one shot').max(50),
    constraints: Constraints.default(Constraints.parse({})),
    credits: Credits.default({ charged: 0 }),
    rebooked_from: BookingId.optional(),
  })
  .meta({ id: 'BookingRequest' });
export type BookingRequest = z.infer<typeof BookingRequest>;
export type BookingRequestInput = z.input<typeof BookingRequest>;

/** Body of `PATCH /api/bookings/{id}`: what is given replaces what was. */
export const BookingAmendment = z
  .object({
    target: Target.optional(),
    shots: z.array(Shot).min(1).max(50).optional(),
    constraints: Constraints.optional(),
  })
  .meta({ id: 'BookingAmendment' });
export type BookingAmendment = z.infer<typeof BookingAmendment>;

export const VoyagerShot = z.object({
  guid: Guid,
  filter: z.string(),
  filter_index: z.number().int(),
  exposure_seconds: z.number(),
  quantity: z.number().int(),
  binning: z.number().int(),
  done: z.number().int(),
});
export type VoyagerShot = z.infer<typeof VoyagerShot>;

/** What every booking route answers. The seven `voyager_*`/`session_*`/`images_captured` fields are the roadmap's (2.4). */
export const Booking = z
  .object({
    id: BookingId,
    telescope_id: TelescopeId,
    workflow_id: z.string(),
    start: Instant,
    end: Instant,
    user: BookingUser,
    target: z.object({
      name: z.string(),
      ra_hours: z.number(),
      dec_degrees: z.number(),
      pa_degrees: z.number(),
      ra_text: z.string(),
      dec_text: z.string(),
      altitude_at_start_degrees: z.number().nullable().describe('null where the telescope’s site is not known'),
    }),
    shots: z.array(Shot),
    constraints: Constraints,
    credits: Credits,
    rebooked_from: BookingId.nullable(),
    generation: z.number().int(),
    phase: z.enum(PHASES),
    hold_cause: z.enum(HOLD_CAUSES).nullable(),
    reason: z.enum(REASON_CODES).nullable(),
    reason_text: z.string().nullable(),
    status: z.enum(['confirmed', 'running', 'completed', 'cancelled']),
    access_state: z.enum(['upcoming', 'active', 'finished', 'cancelled']),
    outcome: z.enum(OUTCOMES).nullable(),
    voyager_set_guid: Guid.nullable(),
    voyager_target_guid: Guid.nullable(),
    voyager_shots: z.array(VoyagerShot).nullable(),
    session_started_at: Instant.nullable(),
    session_ended_at: Instant.nullable(),
    images_captured: z.number().int(),
    session_stats: z.record(z.string(), z.unknown()).nullable(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({ id: 'Booking' });
export type Booking = z.infer<typeof Booking>;
