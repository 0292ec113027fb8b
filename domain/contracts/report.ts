import { z } from 'zod';
import { FIGURES } from '../definitions.ts';
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
      duration_actual_seconds: z.number().int().describe(FIGURES.duration.is.en),
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
      rejected: z.number().int().describe(FIGURES.rejected.is.en),
      missing: z.number().int().describe(FIGURES.missing.is.en),
      by_filter: z.array(
        z.object({
          filter: z.string(),
          count: z.number().int(),
          exposure_seconds: z.number(),
          average_hfd: z.number().nullable(),
          hfd_frames: HfdFrames,
        }),
      ),
      total_exposure_seconds: z.number().describe(FIGURES.exposure.is.en),
      average_hfd: z.number().nullable().describe(FIGURES.hfd.is.en),
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
      average_rms_px: z.number().nullable().describe(FIGURES.rms.is.en),
      guiding_uptime: z.number().nullable().describe(`${FIGURES.guiding.is.en} 0 to 1`),
    }),
    issues: z.object({
      errors_count: z.number().int().describe(FIGURES.errors.is.en),
      pauses_count: z.number().int().describe(FIGURES.pauses.is.en),
      pauses_duration_seconds: z.number().int(),
      holds: z.array(z.object({ start: Instant, end: Instant, reason: z.string() })),
    }),
    ledger: z.object({
      seconds: z.record(z.enum(LEDGER_CLASSES), z.number().int()),
      intervals: z.array(LedgerInterval),
    }),
    credits: Settlement.nullable(),
    changes: z
      .object({
        since: Instant.describe('When the night was first settled'),
        frames: z.array(z.object({ id: z.string(), filename: z.string() })).describe('Frames that were archived later'),
        exposure_seconds: z.number().describe('Of these frames, added to the total exposure'),
        credits_refund_before: z.number(),
        credits_refund_now: z.number(),
      })
      .nullable()
      .optional()
      .describe('What has come since the first report; null where nothing has'),
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
