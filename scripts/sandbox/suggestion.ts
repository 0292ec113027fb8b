import type { BookingRequest } from '../../domain/contracts/booking.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { highTarget } from '../../stack/targets.ts';
import type { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** More than a day ahead, so that the preparation lies ahead too. */
const AHEAD_MS = 25 * 60 * MINUTE_MS;

/** A body for `PUT /api/bookings/{id}` that is taken as it is: an hour about the next midnight but one, with an object that stands high. */
export function suggestion(telescope: Telescope, nowMs: number): z.input<typeof BookingRequest> {
  const site = telescope.site!;
  const noonToUtcMs = (site.longitude_degrees / 360) * DAY_MS;
  const midnightMs = Math.ceil((nowMs + AHEAD_MS + noonToUtcMs) / DAY_MS) * DAY_MS - noonToUtcMs;
  const startMs = Math.round(midnightMs / MINUTE_MS - 30) * MINUTE_MS;
  const endMs = startMs + 60 * MINUTE_MS;
  return {
    telescope_id: telescope.id,
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    user: { ref: 'guest-1', display_name: 'Camille', email: 'camille@example.org', locale: 'fr' },
    target: highTarget(site, startMs, endMs),
    shots: [
      { filter: 'L', exposure_seconds: 300, quantity: 2 },
      { filter: 'R', exposure_seconds: 120, quantity: 1 },
    ],
    credits: { charged: 30 },
  };
}
