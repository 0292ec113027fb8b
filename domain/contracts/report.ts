import { z } from 'zod';
import { OUTCOMES } from '../phases.ts';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Instant, TelescopeId } from './common.ts';
import { LEDGER_CLASSES, LedgerInterval, Settlement } from './ledger.ts';

/** Reports from before this was counted do not say it. */
const HfdFrames = z.number().int().optional().describe('frames of which the HFD is known; the mean is over these');
/** The session report (roadmap 7.1): built once at the end, the same from the same rows. */
export const Report = z
  .object({
    summary: z.object({
      booking_id: BookingId,
      user: z.string(),
      telescope_id: TelescopeId,
      equipment: z.string(),
      target: z.string(),
      ra_text: z.string(),
      dec_text: z.string(),
      date: Instant,
      end: Instant,
      duration_planned_seconds: z.number().int(),
      duration_actual_seconds: z.number().int(),
      outcome: z.enum(OUTCOMES),
      reason: z.enum(REASON_CODES).nullable(),
    }),
    weather: z.object({
      average_temperature: z.number().nullable(),
      average_humidity: z.number().nullable(),
      average_seeing: z.number().nullable(),
      cloud_coverage: z.number().nullable(),
      samples: z.number().int(),
    }),
    images: z.object({
      planned: z.number().int().describe('Exposures that were asked for'),
      total_captured: z.number().int().describe('Frames of every type that are not missing'),
      archived: z.number().int().describe('Of these, those that stand in the archive'),
      rejected: z.number().int().describe('Of these, those that were refused, each with its reason'),
      missing: z.number().int().describe('Frames that Voyager announced and nobody found'),
      by_filter: z.array(
        z.object({
          filter: z.string(),
          count: z.number().int(),
          exposure_seconds: z.number(),
          average_hfd: z.number().nullable(),
          hfd_frames: HfdFrames,
        }),
      ),
      total_exposure_seconds: z.number().describe('Of light frames in the archive'),
      average_hfd: z.number().nullable(),
      hfd_frames: HfdFrames,
      frames: z.array(
        z.object({
          id: z.string(),
          filename: z.string(),
          filter: z.string().nullable(),
          exposure: z.number().nullable(),
          hfd: z.number().nullable(),
          captured_at: Instant.nullable(),
          state: z.string(),
          reason: z.string().nullable(),
          sha256: z.string().nullable(),
        }),
      ),
    }),
    tracking: z.object({
      average_rms_px: z.number().nullable().describe('Mean of the samples of the slot that have one, in pixels'),
      guiding_uptime: z.number().nullable().describe('seconds guiding / seconds of guided exposure, 0 to 1'),
    }),
    issues: z.object({
      errors_count: z.number().int().describe('Faults: lines of one message within a minute are one'),
      pauses_count: z.number().int().describe('The guest’s own pauses; what weather and faults took stands in holds'),
      pauses_duration_seconds: z.number().int(),
      holds: z.array(z.object({ start: Instant, end: Instant, reason: z.string() })),
    }),
    ledger: z.object({
      seconds: z.record(z.enum(LEDGER_CLASSES), z.number().int()),
      intervals: z.array(LedgerInterval),
    }),
    credits: Settlement.nullable(),
    files: z.object({
      download_link: z.string().nullable(),
      timelapse_link: z.string().nullable().optional(),
      total_size_bytes: z.number().int(),
      count: z.number().int(),
    }),
    timeline: z.array(z.object({ at: Instant, event: z.string(), level: z.string(), message: z.string() })),
    generated_at: Instant,
  })
  .meta({ id: 'Report' });
export type Report = z.infer<typeof Report>;
