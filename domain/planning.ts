import type { SitedTelescope } from './contracts/telescope.ts';
import { sunAltitudeDegrees, usableWindows, type SkyConstraints } from './sky.ts';

/** One line of the plan with what is taken of it. Exposure in seconds. */
export interface PlannedShot {
  guid: string;
  exposure_seconds: number;
  quantity: number;
  done: number;
}
export interface Remainder {
  /** Seconds of [now, end) in which the sky allows an exposure of this target. */
  usefulSeconds: number;
  /** At least one exposure that is still wanted fits into one of those spans. */
  anyShotFits: boolean;
  /** Next instant at which the Sun is below the night limit; null when it is so now or not before the end. */
  nextDarkAt: string | null;
  /** Next instant at which the target may be exposed; null when it may now or not before the end. */
  nextVisibleAt: string | null;
  /** Exposures still worth taking, by shot; the lines keep the order of the plan. */
  shots: { guid: string; remaining: number }[];
}

/** Time that an exposure costs beyond itself: download, save, dither. An estimate that errs towards too many exposures, since the slot's end cuts anyway. */
const PER_EXPOSURE_OVERHEAD_SECONDS = 2;

/**
 * What is still worth doing in [nowMs, endMs), with exposure lengths as booked since calibration must match. Frames are dealt out one by one to the
 * line furthest behind its share, so every filter gets its part of a short night.
 */
export function planRemainder(
  telescope: Pick<SitedTelescope, 'site' | 'night' | 'horizon' | 'horizon_degrees'>,
  target: { ra_hours: number; dec_degrees: number },
  constraints: SkyConstraints,
  shots: readonly PlannedShot[],
  nowMs: number,
  endMs: number,
): Remainder {
  if (endMs <= nowMs)
    return {
      usefulSeconds: 0,
      anyShotFits: false,
      nextDarkAt: null,
      nextVisibleAt: null,
      shots: shots.map((s) => ({ guid: s.guid, remaining: 0 })),
    };
  const windows = usableWindows(telescope, target, constraints, nowMs, endMs);
  const wanted = shots.map((shot, order) => ({
    ...shot,
    order,
    left: Math.max(0, shot.quantity - shot.done),
    given: 0,
  }));
  let anyShotFits = false;
  for (const window of windows) {
    let seconds = (window.endMs - window.startMs) / 1000;
    for (;;) {
      const next = wanted
        .filter((shot) => shot.given < shot.left && shot.exposure_seconds <= seconds)
        .reduce<(typeof wanted)[number] | null>(
          (best, shot) => (best === null || share(shot) < share(best) ? shot : best),
          null,
        );
      if (!next) break;
      anyShotFits = true;
      next.given += 1;
      seconds -= next.exposure_seconds + PER_EXPOSURE_OVERHEAD_SECONDS;
    }
  }
  const first = windows[0];
  return {
    usefulSeconds: Math.floor(windows.reduce((sum, w) => sum + (w.endMs - w.startMs) / 1000, 0)),
    anyShotFits,
    nextDarkAt: nextDark(telescope, nowMs, endMs),
    nextVisibleAt: first && first.startMs > nowMs ? new Date(first.startMs).toISOString() : null,
    shots: wanted.map((shot) => ({ guid: shot.guid, remaining: shot.given })),
  };
}

const share = (shot: { done: number; given: number; quantity: number }): number =>
  (shot.done + shot.given) / shot.quantity;

function nextDark(telescope: Pick<SitedTelescope, 'site' | 'night'>, nowMs: number, endMs: number): string | null {
  const dark = (at: number): boolean => sunAltitudeDegrees(telescope.site, at) <= telescope.night.sun_altitude_degrees;
  if (dark(nowMs)) return null;
  for (let at = nowMs; at < endMs; at += 60_000) if (dark(at)) return new Date(at).toISOString();
  return null;
}
