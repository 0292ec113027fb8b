import type { Telescope } from '../../domain/contracts/telescope.ts';
import { isFinal, type Phase } from '../../domain/phases.ts';
import type { DiskForecast } from '../../domain/ports.ts';
import type { FrameStore } from '../../frames/store/store.ts';
import { shotsOf } from '../../platform/booking-columns.ts';
import type { Database } from '../../platform/database.ts';
import { listTelescopes } from '../../platform/telescopes.ts';
import { alertOperator } from '../session/records.ts';

/** Bookings that begin within this time count in the forecast of the disk. */
const FORECAST_MS = 86_400_000;
/** What a frame brings beside its pixels: header, preview, thumbnail, quick look. */
const DERIVED_BYTES = 4_000_000;
const RESERVE_BYTES = 1_000_000_000;

/**
 * Bytes that running bookings and the next day's need, in order of their start, against what is free; each that does not fit is told once. Sizes
 * are those of the telescope's latest frames of the same binning, else its camera's.
 */
export async function forecastDisk(db: Database, store: FrameStore, now: number): Promise<DiskForecast> {
  const free = Math.max(0, (await store.freeBytes()) - RESERVE_BYTES);
  const telescopes = new Map((await listTelescopes(db)).map((t) => [t.id, t]));
  const bookings = await db.booking.findMany({
    where: { startsAt: { lte: new Date(now + FORECAST_MS) }, endsAt: { gt: new Date(now) }, occupies: true },
    include: { session: true },
    orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
  });
  const short: DiskForecast['short'] = [];
  let promised = 0;
  for (const booking of bookings) {
    if (!booking.session || isFinal(booking.session.phase as Phase)) continue;
    const telescope = telescopes.get(booking.telescopeId);
    const taken = await db.frame.count({ where: { bookingId: booking.id, state: 'archived' } });
    let needed = 0;
    let planned = 0;
    for (const shot of shotsOf(booking)) {
      needed += shot.quantity * (await frameBytes(db, booking.telescopeId, telescope, shot.binning));
      planned += shot.quantity;
    }
    needed = planned > 0 ? Math.ceil((needed * Math.max(0, planned - taken)) / planned) : 0;
    if (promised + needed > free) {
      const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
      const message = `Booking ${booking.id} needs ${gigabytes(needed)} GB for its frames; ${gigabytes(free)} GB are free and ${gigabytes(promised)} GB of them belong to bookings before it.`;
      await alertOperator(db, {
        bookingId: booking.id,
        telescopeId: booking.telescopeId,
        key: 'disk_forecast',
        at: new Date(now).toISOString(),
        reason: 'disk_low',
        message,
      });
      short.push({ bookingId: booking.id, neededBytes: needed });
    }
    promised += needed;
  }
  return { freeBytes: free, promisedBytes: promised, short };
}

async function frameBytes(
  db: Database,
  telescopeId: string,
  telescope: Telescope | undefined,
  binning: number,
): Promise<number> {
  const known = await db.frame.findMany({
    where: { telescopeId, binning, type: 'LIGHT', state: 'archived', sizeBytes: { not: null } },
    orderBy: { seenAt: 'desc' },
    take: 10,
    select: { sizeBytes: true },
  });
  if (known.length > 0) return Math.max(...known.map((row) => Number(row.sizeBytes))) + DERIVED_BYTES;
  const camera = telescope?.camera ?? { width: 9576, height: 6388 };
  return Math.floor(camera.width / binning) * Math.floor(camera.height / binning) * 2 + DERIVED_BYTES;
}
