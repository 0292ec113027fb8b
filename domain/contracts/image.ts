import { z } from 'zod';
import { BookingId, Instant } from './common.ts';

export const FRAME_TYPES = ['LIGHT', 'BIAS', 'DARK', 'FLAT'] as const;
export type FrameType = (typeof FRAME_TYPES)[number];
/** What a reader of the API sees; `pending` is the time between "seen" and one of the three ends. */
export const FRAME_STATES = ['pending', 'archived', 'rejected', 'missing'] as const;

/** Statistics over physical values (BZERO and BSCALE applied, NaN left out). */
export const FrameStats = z
  .object({
    min: z.number(),
    max: z.number(),
    mean: z.number(),
    median: z.number(),
    mad: z.number(),
    nonfinite: z.number().int(),
    saturated: z.number().int(),
    background: z.number().nullable(),
    eccentricity: z.number().nullable(),
  })
  .meta({ id: 'FrameStats' });
export type FrameStats = z.infer<typeof FrameStats>;

export const Image = z
  .object({
    id: z.string(),
    booking_id: BookingId,
    filename: z.string(),
    type: z.enum(FRAME_TYPES),
    filter: z.string().nullable(),
    exposure: z.number().nullable().describe('seconds'),
    temperature: z.number().nullable().describe('°C'),
    binning: z.number().nullable(),
    gain: z.number().nullable(),
    offset: z.number().nullable(),
    hfd: z.number().nullable().describe('half-flux diameter, pixels'),
    hfd_source: z.enum(['voyager', 'header', 'measured']).nullable(),
    star_index: z.number().nullable(),
    stars: z.number().int().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    stats: FrameStats.nullable(),
    histogram: z.array(z.number().int()).length(256).nullable(),
    captured_at: Instant.nullable(),
    state: z.enum(FRAME_STATES),
    reason: z.string().nullable(),
    measured: z.boolean(),
    previewed: z.boolean(),
    url: z.string().nullable(),
    preview_url: z.string().nullable(),
    thumbnail_url: z.string().nullable(),
    full_url: z.string().nullable().describe('stretched picture at full size, JPEG; made when first asked for'),
    quicklook_url: z.string().nullable().describe('reduced 16-bit FITS for a viewer in the browser'),
    size_bytes: z.number().int().nullable(),
    sha256: z.string().nullable(),
  })
  .meta({ id: 'Image' });
export type Image = z.infer<typeof Image>;
/** `metadata` and `histogram` are left out of lists and live events: they travel by URL (events stay under 10 KB). */
export const ImageSummary = Image.omit({ metadata: true, histogram: true }).meta({ id: 'ImageSummary' });
export type ImageSummary = z.infer<typeof ImageSummary>;
