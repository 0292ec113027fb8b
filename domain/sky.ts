import {
  Body,
  Equator,
  Horizon,
  Observer,
  SiderealTime,
  MakeTime,
  Illumination,
  type FlexibleDateTime,
} from 'astronomy-engine';
import type { Telescope } from './contracts/telescope.ts';

/**
 * Where things stand in the sky, by astronomy-engine (±1′), with stars precessed from J2000. Hour angles are hours, negative before the meridian;
 * altitudes are degrees without refraction.
 */
export interface Site {
  latitude_degrees: number;
  longitude_degrees: number;
  elevation_meters: number;
}
const observer = (site: Site): Observer =>
  new Observer(site.latitude_degrees, site.longitude_degrees, site.elevation_meters);
const time = (at: Date | number): FlexibleDateTime => (typeof at === 'number' ? new Date(at) : at);

/** Precession J2000 → date, rigorous angles of IAU 1976 (Lieske 1979), good to an arcsecond for centuries. */
export function precessFromJ2000(
  raHours: number,
  decDegrees: number,
  at: Date | number,
): { raHours: number; decDegrees: number } {
  const t = MakeTime(time(at)).tt / 36_525;
  const arcsec = Math.PI / 648_000;
  const zeta = (2306.2181 * t + 0.30188 * t * t + 0.017998 * t ** 3) * arcsec;
  const z = (2306.2181 * t + 1.09468 * t * t + 0.018203 * t ** 3) * arcsec;
  const theta = (2004.3109 * t - 0.42665 * t * t - 0.041833 * t ** 3) * arcsec;
  const ra = (raHours * Math.PI) / 12;
  const dec = (decDegrees * Math.PI) / 180;
  const a = Math.cos(dec) * Math.sin(ra + zeta);
  const b = Math.cos(theta) * Math.cos(dec) * Math.cos(ra + zeta) - Math.sin(theta) * Math.sin(dec);
  const c = Math.sin(theta) * Math.cos(dec) * Math.cos(ra + zeta) + Math.cos(theta) * Math.sin(dec);
  const hours = ((Math.atan2(a, b) + z) * 12) / Math.PI;
  return { raHours: ((hours % 24) + 24) % 24, decDegrees: (Math.asin(Math.max(-1, Math.min(1, c))) * 180) / Math.PI };
}

/** Hour angle of a J2000 position in [-12, 12). */
export function hourAngleHours(site: Site, raHours: number, decDegrees: number, at: Date | number): number {
  const ofDate = precessFromJ2000(raHours, decDegrees, at);
  const local = SiderealTime(time(at)) + site.longitude_degrees / 15;
  return ((((local - ofDate.raHours + 12) % 24) + 24) % 24) - 12;
}

/** Altitude and azimuth (from north over east) of a J2000 position. */
export function altAz(
  site: Site,
  raHours: number,
  decDegrees: number,
  at: Date | number,
): { altitudeDegrees: number; azimuthDegrees: number } {
  const ofDate = precessFromJ2000(raHours, decDegrees, at);
  const horizontal = Horizon(time(at), observer(site), ofDate.raHours, ofDate.decDegrees);
  return { altitudeDegrees: horizontal.altitude, azimuthDegrees: horizontal.azimuth };
}

export function sunAltitudeDegrees(site: Site, at: Date | number): number {
  const o = observer(site);
  const equatorial = Equator(Body.Sun, time(at), o, true, true);
  return Horizon(time(at), o, equatorial.ra, equatorial.dec).altitude;
}

export function moon(
  site: Site,
  raHours: number,
  decDegrees: number,
  at: Date | number,
): { altitudeDegrees: number; illuminatedShare: number; separationDegrees: number } {
  const o = observer(site);
  const equatorial = Equator(Body.Moon, time(at), o, true, true);
  const ofDate = precessFromJ2000(raHours, decDegrees, at);
  const rad = Math.PI / 180;
  const cosine =
    Math.sin(ofDate.decDegrees * rad) * Math.sin(equatorial.dec * rad) +
    Math.cos(ofDate.decDegrees * rad) *
      Math.cos(equatorial.dec * rad) *
      Math.cos((ofDate.raHours - equatorial.ra) * 15 * rad);
  return {
    altitudeDegrees: Horizon(time(at), o, equatorial.ra, equatorial.dec).altitude,
    illuminatedShare: Illumination(Body.Moon, time(at)).phase_fraction,
    separationDegrees: Math.acos(Math.max(-1, Math.min(1, cosine))) / rad,
  };
}

/** Altitude below which the site sees nothing in that direction: the horizon line, or the flat horizon. */
export function horizonAltitude(
  telescope: Pick<Telescope, 'horizon' | 'horizon_degrees'>,
  azimuthDegrees: number,
): number {
  const line = telescope.horizon;
  if (!line || line.length === 0) return telescope.horizon_degrees;
  const points = [...line].sort((a, b) => a.azimuth_degrees - b.azimuth_degrees);
  const next = points.find((p) => p.azimuth_degrees >= azimuthDegrees) ?? {
    ...points[0]!,
    azimuth_degrees: points[0]!.azimuth_degrees + 360,
  };
  const before = [...points].reverse().find((p) => p.azimuth_degrees < azimuthDegrees) ?? {
    ...points.at(-1)!,
    azimuth_degrees: points.at(-1)!.azimuth_degrees - 360,
  };
  const span = next.azimuth_degrees - before.azimuth_degrees;
  const share = span === 0 ? 0 : (azimuthDegrees - before.azimuth_degrees) / span;
  return before.altitude_degrees + share * (next.altitude_degrees - before.altitude_degrees);
}

/** What of a telescope decides what it can see. */
export type SkyPlace = Pick<Telescope, 'night' | 'horizon' | 'horizon_degrees'> & { site: Site };
export interface SkyConstraints {
  min_altitude_degrees: number;
  hour_angle_start_hours: number;
  hour_angle_end_hours: number;
}
export type SkyVerdict = 'ok' | 'not_dark' | 'below_limit' | 'outside_hour_angle';

/** May this target be exposed at this instant, and if not, why. */
export function skyVerdict(
  telescope: SkyPlace,
  target: { ra_hours: number; dec_degrees: number },
  constraints: SkyConstraints,
  at: Date | number,
): SkyVerdict {
  if (sunAltitudeDegrees(telescope.site, at) > telescope.night.sun_altitude_degrees) return 'not_dark';
  const { altitudeDegrees, azimuthDegrees } = altAz(telescope.site, target.ra_hours, target.dec_degrees, at);
  if (altitudeDegrees < Math.max(constraints.min_altitude_degrees, horizonAltitude(telescope, azimuthDegrees)))
    return 'below_limit';
  const hourAngle = hourAngleHours(telescope.site, target.ra_hours, target.dec_degrees, at);
  if (hourAngle < constraints.hour_angle_start_hours || hourAngle > constraints.hour_angle_end_hours)
    return 'outside_hour_angle';
  return 'ok';
}

/** Spans inside [startMs, endMs) in which the target may be exposed, to the second; scanned each minute and refined by halving. */
export function usableWindows(
  telescope: SkyPlace,
  target: { ra_hours: number; dec_degrees: number },
  constraints: SkyConstraints,
  startMs: number,
  endMs: number,
): { startMs: number; endMs: number }[] {
  const ok = (at: number): boolean => skyVerdict(telescope, target, constraints, at) === 'ok';
  const edge = (from: number, to: number): number => {
    const rising = ok(to);
    let low = from;
    let high = to;
    while (high - low > 1000) {
      const middle = (low + high) / 2;
      if (ok(middle) === rising) high = middle;
      else low = middle;
    }
    return Math.round(high / 1000) * 1000;
  };
  const windows: { startMs: number; endMs: number }[] = [];
  let open: number | null = ok(startMs) ? startMs : null;
  for (let at = startMs; at < endMs;) {
    const next = Math.min(at + 60_000, endMs);
    const now = ok(next);
    if (now && open === null) open = edge(at, next);
    else if (!now && open !== null) {
      windows.push({ startMs: open, endMs: edge(at, next) });
      open = null;
    }
    at = next;
  }
  if (open !== null) windows.push({ startMs: open, endMs });
  return windows;
}

/** Longitude (east, degrees) at which it is local midnight now: the demo's site, so that a demo works at noon. */
export function midnightLongitudeDegrees(at: Date | number): number {
  const date = new Date(at);
  const hours = date.getUTCHours() + date.getUTCMinutes() / 60 + date.getUTCSeconds() / 3600;
  const longitude = hours <= 12 ? -hours * 15 : (24 - hours) * 15;
  return Math.round(longitude * 1000) / 1000;
}

const LOOK_MS = 600_000;
/** Illuminated share of the Moon times the share of the slot in which it stands above the horizon, looked at every ten minutes. */
export function moonlight(site: Site, slot: { start: string; end: string }): number {
  const [from, to] = [Date.parse(slot.start), Date.parse(slot.end)];
  const looks = Array.from({ length: Math.max(1, Math.ceil((to - from) / LOOK_MS)) }, (_, i) =>
    moon(site, 0, 0, from + i * LOOK_MS),
  );
  return looks.reduce((sum, look) => sum + (look.altitudeDegrees > 0 ? look.illuminatedShare : 0), 0) / looks.length;
}
