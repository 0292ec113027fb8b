import { describe, expect, test } from '@jest/globals';
import {
  formatDec,
  formatRa,
  formatVoyagerAngle,
  formatVoyagerHours,
  parseDecDegrees,
  parseRaHours,
  parseSexagesimal,
} from './coordinates.ts';

describe('coordinates as people and Voyager write them', () => {
  test.each([
    ['02:49:50', 2 + 49 / 60 + 50 / 3600],
    ['47° 20\' 07"', 47 + 20 / 60 + 7 / 3600],
    ['-16° 09\' 55"', -(16 + 9 / 60 + 55 / 3600)],
    ['-00° 30\' 00"', -0.5],
    ['00 42 41,582', 42 / 60 + 41.582 / 3600],
    ['5h34m32s', 5 + 34 / 60 + 32 / 3600],
    ['12,5', 12.5],
    ['90° 00\' 00"', 90],
  ])('%s is read', (text, expected) => {
    expect(parseSexagesimal(text)).toBeCloseTo(expected, 9);
  });
  test.each(['', 'M 31', '10:61:00', '10:00:60', '1:2:3:4'])('%s is refused', (text) => {
    expect(parseSexagesimal(text)).toBeNull();
  });
  test('hours given as degrees are refused, the edges hold', () => {
    expect(parseRaHours(25)).toBeNull();
    expect(parseRaHours(24)).toBeNull();
    expect(parseRaHours(0)).toBe(0);
    expect(parseRaHours(Number.NaN)).toBeNull();
    expect(parseDecDegrees(-90)).toBe(-90);
    expect(parseDecDegrees(90.001)).toBeNull();
  });
  test('rounding never shows sixty', () => {
    expect(formatRa(23.99999999)).toBe('00h00m00.0s');
    expect(formatVoyagerHours(1.99999999)).toBe('02:00:00');
    expect(formatDec(-0.5)).toBe('-00°30\'00"');
    expect(formatVoyagerAngle(-16.165277)).toBe('-16° 09\' 55"');
  });
});
