import { z } from 'zod';
import { HOLD_CAUSES, OUTCOMES, PHASES } from '../phases.ts';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Instant, TelescopeId } from './common.ts';
import { Receipt } from './control.ts';
import { TelescopeState } from './state.ts';

export const PlanLine = z.object({
  guid: z.string().nullable(),
  filter: z.string(),
  exposure_seconds: z.number(),
  quantity: z.number().int(),
  done: z.number().int(),
  binning: z.number().int(),
  type: z.string(),
});
export type PlanLine = z.infer<typeof PlanLine>;

/** What a page needs on joining, under 8 KB: one body instead of a dozen polls. Lists (images, logs, series) come by URL. */
export const Snapshot = z
  .object({
    seq: z.number().int(),
    epoch: z.number().int(),
    ts: Instant,
    booking_id: BookingId,
    telescope_id: TelescopeId,
    telescope_name: z.string(),
    timezone: z.string(),
    start: Instant,
    end: Instant,
    now: Instant,
    target: z.object({
      name: z.string(),
      ra_hours: z.number(),
      dec_degrees: z.number(),
      ra_text: z.string(),
      dec_text: z.string(),
    }),
    phase: z.enum(PHASES),
    hold_cause: z.enum(HOLD_CAUSES).nullable(),
    reason: z.enum(REASON_CODES).nullable(),
    status: z.string(),
    access_state: z.string(),
    outcome: z.enum(OUTCOMES).nullable(),
    next: z.object({ what: z.string(), at: Instant }).nullable(),
    session_started_at: Instant.nullable(),
    session_ended_at: Instant.nullable(),
    plan: z.array(PlanLine),
    progress: z.object({
      shots_done: z.number().int(),
      shots_total: z.number().int(),
      integration_seconds: z.number(),
      percent: z.number(),
    }),
    credits: z.object({
      charged: z.number(),
      used: z
        .number()
        .describe('What stays charged: all of it until the settlement, then less the refund, as in the report'),
      refund: z.number().nullable(),
      explanation: z
        .object({ en: z.string(), fr: z.string() })
        .optional()
        .describe('Of the settlement, once there is one'),
    }),
    images: z.object({ captured: z.number().int(), archived: z.number().int(), average_hfd: z.number().nullable() }),
    controls: z
      .object({
        pause: z.enum(REASON_CODES).nullable(),
        resume: z.enum(REASON_CODES).nullable(),
        abort: z.enum(REASON_CODES).nullable(),
      })
      .describe('null when possible, else why not'),
    last_receipt: Receipt.nullable(),
    telescope: TelescopeState.nullable(),
    partial: z
      .literal(true)
      .optional()
      .describe('Only on the state channel, where the plan is too long for it: `GET …/snapshot` has all'),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof Snapshot>;
