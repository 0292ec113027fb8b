import { expect, test } from '@jest/globals';
import { minutesFromDawn, quietMinuteUtc } from './upkeep.ts';

const SIX_HOURS = 360;
test.each([
  ['Europe', [6.6]],
  ['Chile and the Canaries', [-70.8, -17.9]],
  ['Australia', [149]],
  ['Namibia, Chile, Spain', [16.4, -70.8, -2.5]],
  ['no telescope yet', []],
])('upkeep of a day keeps two hours away from every dawn: %s', (_, sites) => {
  const start = quietMinuteUtc(sites, SIX_HOURS);
  expect(start).toBeGreaterThanOrEqual(0);
  expect(start).toBeLessThan(1440);
  expect(minutesFromDawn(start, SIX_HOURS, sites)).toBeGreaterThanOrEqual(120);
});
test('of one site it is by day, about noon', () => {
  const utc = quietMinuteUtc([-70.8], SIX_HOURS);
  const local = utc + SIX_HOURS / 2 - 70.8 * 4;
  expect(Math.abs(local - 720)).toBeLessThan(70);
});
test('what comes back four times a day stays as far as six hours allow', () => {
  const offset = quietMinuteUtc([-70.8], 20, 360);
  for (let n = 0; n < 4; n++) expect(minutesFromDawn(offset + n * 360, 20, [-70.8])).toBeGreaterThan(150);
});
test('sites all around the globe still get a time, the best there is', () => {
  const sites = [-180, -120, -60, 0, 60, 120];
  const best = minutesFromDawn(quietMinuteUtc(sites, 20), 20, sites);
  for (let start = 0; start < 1440; start += 10) expect(minutesFromDawn(start, 20, sites)).toBeLessThanOrEqual(best);
});
