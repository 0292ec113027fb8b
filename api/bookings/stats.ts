import { z } from '@hono/zod-openapi';
import { BookingId } from '../../domain/contracts/common.ts';
import { FIGURES } from '../../domain/definitions.ts';
import { guidingFigures, imageFigures } from '../../domain/figures.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from './load.ts';
import { json, route } from '../operation.ts';
import { Id, READ } from './read.ts';

const HfdFrames = z.number().int().describe('frames of which the HFD is known; the mean is over these');
const Stats = z
  .object({
    booking_id: BookingId,
    elapsed_seconds: z.number().describe(FIGURES.elapsed.is.en),
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
        hfd_frames: HfdFrames,
      }),
    ),
    total_exposure_seconds: z.number().describe(FIGURES.exposure.is.en),
    average_hfd: z.number().nullable().describe(FIGURES.hfd.is.en),
    hfd_frames: HfdFrames,
    guiding: z.object({
      success_rate: z.number().nullable().describe(`${FIGURES.guiding.is.en} 0 to 1; as guiding_uptime in the report`),
      average_rms_px: z.number().nullable().describe(FIGURES.rms.is.en),
      rms_samples: z.number().int().describe('samples in which the RMS is known; the mean is over these'),
      samples: z.number().int(),
    }),
  })
  .meta({ id: 'SessionStats' });

export const getStats = route(
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
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    const { booking, session } = await loadBooking(deps, who, params.id);
    const from = session?.sessionStartedAt?.getTime();
    const to = session?.sessionEndedAt?.getTime() ?? Math.min(deps.now(), booking.endsAt.getTime());
    const measuredUntil = new Date(Math.min(to, booking.endsAt.getTime()));
    const [frames, telemetry] = await Promise.all([
      deps.db.frame.findMany({
        where: { bookingId: params.id },
        select: { type: true, state: true, filter: true, exposure: true, hfd: true, capturedAt: true },
      }),
      deps.db.$queryRaw<{ at: Date; status: string | null; rms: number | null }[]>`
        SELECT at, data #>> '{guiding_status}' AS status, (data #>> '{guiding_rms}')::float8 AS rms
        FROM telemetry WHERE booking_id = ${params.id} AND at >= ${booking.startsAt} AND at < ${measuredUntil} ORDER BY at`,
    ]);
    const { captured, archived, rejected, missing, pending, ...exposed } = imageFigures(frames);
    const guiding = guidingFigures(
      telemetry.map(({ at, status, rms }) => ({ atMs: at.getTime(), status, rms })),
      frames,
    );
    return json({
      booking_id: params.id,
      elapsed_seconds: from === undefined ? 0 : Math.max(0, Math.round((to - from) / 1000)),
      slot_seconds: Math.round((booking.endsAt.getTime() - booking.startsAt.getTime()) / 1000),
      images: { captured, archived, rejected, missing, pending },
      ...exposed,
      guiding: {
        success_rate: guiding.uptime,
        average_rms_px: guiding.averageRms,
        rms_samples: guiding.rmsSamples,
        samples: telemetry.length,
      },
    });
  },
);
