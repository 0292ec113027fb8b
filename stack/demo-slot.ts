import { DEMO_PREFIX, DEMO_USER } from '../domain/demo.ts';
import { midnightLongitudeDegrees } from '../domain/sky.ts';
import type { ApiClient } from './api-client.ts';
import { highTarget } from './targets.ts';

export const DEMO_ID = 'demo';

/** Twenty minutes of eight-second frames through four filters; a frame lands about every 9 s. */
const SLOT_SECONDS = 20 * 60;
/** A shorter gap between two bookings is left empty. */
const LEAST_SLOT_SECONDS = 180;
const EXPOSURE_SECONDS = 6;
const FILTERS = ['L', 'R', 'G', 'B'];
/** Times through the filters, so that each colour comes early. */
const ROUNDS = 3;

interface Room {
  /** End of the slot that a demo may have now; null where there is no room. */
  endMs: number | null;
  takenBy: string | null;
}
/** The time from now until somebody else's slot, twenty minutes at most. */
export async function roomFor(api: ApiClient, startMs: number): Promise<Room> {
  const latestMs = startMs + SLOT_SECONDS * 1000;
  const query = new URLSearchParams({ from: new Date(startMs).toISOString(), to: new Date(latestMs).toISOString() });
  const { taken } = await api.call<{ taken: { start: string; end: string; booking_id?: string }[] }>(
    'GET',
    `/api/telescopes/${DEMO_ID}/availability?${query.toString()}`,
  );
  const first = taken.find((slot) => Date.parse(slot.end) > startMs && Date.parse(slot.start) < latestMs);
  if (!first) return { endMs: latestMs, takenBy: null };
  const endMs = Date.parse(first.start);
  const takenBy = `${first.booking_id ? `booking ${first.booking_id}` : 'maintenance'}, which has the telescope until ${first.end}`;
  return { endMs: endMs - startMs >= LEAST_SLOT_SECONDS * 1000 ? endMs : null, takenBy };
}

export interface Site {
  latitude_degrees: number;
  longitude_degrees: number;
  elevation_meters: number;
}
export async function siteOf(api: ApiClient, telescopeId: string, nowMs: number): Promise<Site> {
  const telescope = await api.call<{ site?: Site }>('GET', `/api/telescopes/${telescopeId}`);
  return (
    telescope.site ?? { latitude_degrees: 45, longitude_degrees: midnightLongitudeDegrees(nowMs), elevation_meters: 0 }
  );
}

/** A demo booking of a well-placed showpiece from now until `endMs`. */
export async function demoBody(
  api: ApiClient,
  startMs: number,
  endMs: number,
): Promise<{ id: string; body: Record<string, unknown>; said: string }> {
  const target = highTarget(await siteOf(api, DEMO_ID, startMs), startMs, endMs);
  const id = `${DEMO_PREFIX}${new Date(startMs).toISOString().replace(/\D/g, '').slice(0, 14)}`;
  const seconds = (endMs - startMs) / 1000;
  const quantity = Math.max(1, Math.floor(seconds / (EXPOSURE_SECONDS + 2) / FILTERS.length / ROUNDS));
  return {
    id,
    said: `Demo booking ${id}: ${target.name}, ${Math.round(seconds / 60)} minutes.`,
    body: {
      telescope_id: DEMO_ID,
      start: new Date(startMs).toISOString(),
      end: new Date(endMs).toISOString(),
      user: { ref: DEMO_USER, display_name: 'Demo Guest', locale: 'en' },
      target,
      shots: Array.from({ length: ROUNDS }, () =>
        FILTERS.map((filter) => ({ filter, exposure_seconds: EXPOSURE_SECONDS, quantity })),
      ).flat(),
      credits: { charged: 20 },
    },
  };
}
