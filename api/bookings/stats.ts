import { z } from '@hono/zod-openapi';
import { BookingId } from '../../domain/contracts/common.ts';
import { exposuresOf, guidingUptime } from '../../domain/guiding.ts';
import { requireBooking } from '../auth.ts';
import { loadBooking } from './service.ts';
import { json, route } from '../operation.ts';
import { Id, READ } from './read.ts';

const HfdFrames = z.number().int().describe('frames of which the HFD is known; the mean is over these');
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
        hfd_frames: HfdFrames,
      }),
    ),
    total_exposure_seconds: z.number(),
    average_hfd: z.number().nullable(),
    hfd_frames: HfdFrames,
    guiding: z.object({
      success_rate: z.number().nullable().describe('share of samples with the guider running, 0 to 1'),
      average_rms_px: z.number().nullable(),
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
    const [states, filters, telemetry, exposed] = await Promise.all([
      deps.db.frame.groupBy({ by: ['state'], where: { bookingId: params.id }, _count: { _all: true } }),
      deps.db.frame.groupBy({
        by: ['filter'],
        where: { bookingId: params.id, state: 'archived', type: 'LIGHT' },
        _count: { _all: true, hfd: true },
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
    const hfdFrames = filters.reduce((n, f) => n + f._count.hfd, 0);
    const hfdSum = filters.reduce((sum, f) => sum + (f._avg.hfd ?? 0) * f._count.hfd, 0);
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
        hfd_frames: f._count.hfd,
      })),
      total_exposure_seconds: filters.reduce((n, f) => n + (f._sum.exposure ?? 0), 0),
      average_hfd: hfdFrames === 0 ? null : hfdSum / hfdFrames,
      hfd_frames: hfdFrames,
      guiding: {
        success_rate: guidingUptime(
          telemetry.map(({ at, status }) => ({ atMs: at.getTime(), status })),
          exposuresOf(exposed),
        ),
        average_rms_px: rms.length === 0 ? null : rms.reduce((sum, x) => sum + x, 0) / rms.length,
        rms_samples: rms.length,
        samples: telemetry.length,
      },
    });
  },
);
