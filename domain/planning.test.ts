import { describe, expect, test } from '@jest/globals';
import { planRemainder } from './planning.ts';
import { usableWindows } from './sky.ts';

const telescope = {
  site: { latitude_degrees: 45, longitude_degrees: 0, elevation_meters: 0, timezone: 'UTC' },
  night: { sun_altitude_degrees: -12 },
  horizon_degrees: 0,
};
const polaris = { ra_hours: 2.53, dec_degrees: 89.26 };
const open = { min_altitude_degrees: 30, hour_angle_start_hours: -12, hour_angle_end_hours: 12 };
const midnight = Date.UTC(2026, 0, 16);
const shots = [
  { guid: 'L', exposure_seconds: 300, quantity: 10, done: 4 },
  { guid: 'R', exposure_seconds: 300, quantity: 10, done: 0 },
];

describe('planRemainder', () => {
  test('time for all: everything that is left', () => {
    const rest = planRemainder(telescope, polaris, open, shots, midnight, midnight + 3 * 3600_000);
    expect(rest).toEqual({
      usefulSeconds: 10_800,
      anyShotFits: true,
      nextDarkAt: null,
      nextVisibleAt: null,
      shots: [
        { guid: 'L', remaining: 6 },
        { guid: 'R', remaining: 10 },
      ],
    });
  });
  test('short of time: the line that is behind catches up first', () => {
    expect(planRemainder(telescope, polaris, open, shots, midnight, midnight + 4 * 302_000).shots).toEqual([
      { guid: 'L', remaining: 0 },
      { guid: 'R', remaining: 4 },
    ]);
  });
  test('too little for one exposure', () => {
    const rest = planRemainder(telescope, polaris, open, shots, midnight, midnight + 299_000);
    expect(rest.anyShotFits).toBe(false);
    expect(rest.shots.every((s) => s.remaining === 0)).toBe(true);
  });
  test('in daylight it names the next dark instant, to the minute, and the target’s', () => {
    const afternoon = midnight - 7 * 3600_000;
    const rest = planRemainder(telescope, polaris, open, shots, afternoon, midnight);
    const window = usableWindows(telescope, polaris, open, afternoon, midnight)[0]!;
    expect(rest.nextVisibleAt).toBe(new Date(window.startMs).toISOString());
    expect(Math.abs(Date.parse(rest.nextDarkAt!) - window.startMs)).toBeLessThanOrEqual(60_000);
  });
  test('a slot that is over', () => {
    expect(planRemainder(telescope, polaris, open, shots, midnight, midnight)).toMatchObject({
      usefulSeconds: 0,
      anyShotFits: false,
    });
  });
});
