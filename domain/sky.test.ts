import { describe, expect, test } from '@jest/globals';
import {
  altAz,
  hourAngleHours,
  horizonAltitude,
  midnightLongitudeDegrees,
  precessFromJ2000,
  skyVerdict,
  sunAltitudeDegrees,
  usableWindows,
} from './sky.ts';

const site = { latitude_degrees: 45, longitude_degrees: 5, elevation_meters: 500 };
const telescope = { site, night: { sun_altitude_degrees: -12 }, horizon_degrees: 0, horizon: undefined };
const anyHour = { min_altitude_degrees: 30, hour_angle_start_hours: -12, hour_angle_end_hours: 12 };

describe('the sky', () => {
  test('Meeus, example 21.b: theta Persei precessed to 2028 November 13.19 (without proper motion)', () => {
    const p = precessFromJ2000(
      2 + 44 / 60 + 12.975 / 3600,
      49 + 13 / 60 + 39.9 / 3600,
      Date.UTC(2028, 10, 13, 4, 33, 36),
    );
    expect(p.raHours * 15).toBeCloseTo(41.547214, 2);
    expect(p.decDegrees).toBeCloseTo(49.348483, 2);
  });
  test('a star on the meridian stands at 90 - latitude + declination', () => {
    const at = Date.UTC(2026, 10, 22, 22);
    const ra = (((hourAngleHours(site, 0, 20, at) + 24) % 24) + 24) % 24;
    expect(Math.abs(hourAngleHours(site, ra, 20, at))).toBeLessThan(0.01);
    expect(altAz(site, ra, 20, at).altitudeDegrees).toBeCloseTo(65, 0);
  });
  test('the demo site is always at midnight', () => {
    for (const hour of [0, 3, 9, 12, 15, 21]) {
      const at = Date.UTC(2026, 11, 10, hour, 17);
      const here = { ...site, longitude_degrees: midnightLongitudeDegrees(at) };
      expect(sunAltitudeDegrees(here, at)).toBeLessThan(-60);
    }
  });
  test('usable windows lie inside the slot, in the dark, above the limit, to the second', () => {
    const start = Date.UTC(2026, 10, 22, 12);
    const end = start + 24 * 3_600_000;
    const m31 = { ra_hours: 0.7123, dec_degrees: 41.269 };
    const windows = usableWindows(telescope, m31, anyHour, start, end);
    expect(windows).toHaveLength(1);
    const [w] = windows;
    for (const [at, verdict] of [
      [w!.startMs - 2000, 'not'],
      [w!.startMs + 1000, 'ok'],
      [w!.endMs - 2000, 'ok'],
      [w!.endMs + 2000, 'not'],
    ] as const) {
      expect(skyVerdict(telescope, m31, anyHour, at) === 'ok').toBe(verdict === 'ok');
    }
  });
  test('a southern target never rises here, and that is the reason given', () => {
    expect(skyVerdict(telescope, { ra_hours: 6, dec_degrees: -70 }, anyHour, Date.UTC(2026, 10, 23, 0))).toBe(
      'below_limit',
    );
    expect(
      usableWindows(
        telescope,
        { ra_hours: 6, dec_degrees: -70 },
        anyHour,
        Date.UTC(2026, 10, 22, 20),
        Date.UTC(2026, 10, 23, 4),
      ),
    ).toEqual([]);
  });
  test('the horizon line is interpolated across north', () => {
    const line = {
      horizon_degrees: 0,
      horizon: [
        { azimuth_degrees: 350, altitude_degrees: 10 },
        { azimuth_degrees: 10, altitude_degrees: 30 },
      ],
    };
    expect(horizonAltitude(line, 0)).toBeCloseTo(20);
    expect(horizonAltitude(line, 180)).toBeCloseTo(20);
    expect(horizonAltitude(line, 355)).toBeCloseTo(15);
  });
});
