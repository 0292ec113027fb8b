import { describe, expect, test } from '@jest/globals';
import {
  formatDec,
  formatRa,
  formatVoyagerAngle,
  formatVoyagerHours,
  COORDINATE_PROBLEMS,
  parseDecDegrees,
  parseRaHours,
  readDecDegrees,
  readRaHours,
} from './coordinates.ts';

describe('coordinates as people and Voyager write them', () => {
  test.each<[string, number]>([
    ['02:49:50', 2 + 49 / 60 + 50 / 3600],
    ['00 42 41,582', 42 / 60 + 41.582 / 3600],
    ['5h34m32s', 5 + 34 / 60 + 32 / 3600],
    ['12,5', 12.5],
    ['5 h 35 min 17.3 s', 5.588139],
    ['05ʰ35ᵐ17.3ˢ', 5.588139],
    ['05ʰ35ᵐ17ˢ.3', 5.588139],
    ['05h35m17.s3', 5.588139],
    ['5h 35.288m', 5.588133],
    ['5h35.288', 5.588133],
    ['05 35.288', 5.588133],
    ['5h 35 min', 5 + 35 / 60],
    ['5.588h', 5.588],
    ['2,5 h', 2.5],
    ['5h', 5],
    ['83.82d', 5.588],
    ['83.82°', 5.588],
    ['83° 49′ 12″', 5.588],
    ['5 heures 35 minutes 17,3 secondes', 5.588139],
    ['5 hr 35 mn 17 sec', 5 + 35 / 60 + 17 / 3600],
    ['RA: 05:35:17', 5 + 35 / 60 + 17 / 3600],
    ['α = 5h 35m', 5 + 35 / 60],
    ['\u00a005\u202f35\u200917 ', 5 + 35 / 60 + 17 / 3600],
    ['5h35\'17"', 5 + 35 / 60 + 17 / 3600],
    ['R.A. 5h35m17.3s', 5.588139],
    ['05h35m17.3s (J2000)', 5.588139],
    ['05:35:17.3 J2000.0', 5.588139],
    ['ICRS 05:35:17.3', 5.588139],
    ['(05:35:17.3)', 5.588139],
    ['05h 35m 17.3s,', 5.588139],
    ['5h 35min. 17.3 sec.', 5.588139],
    ['05：35：17.3', 5.588139],
    ['05∶35∶17.3', 5.588139],
    ['05h35m17.3s\u200b', 5.588139],
    ['5ʰ.588', 5.588],
    ['5ʰ35ᵐ.288', 5.588133],
    ['.5h', 0.5],
    ['23:59:59.999', 23 + 59 / 60 + 59.999 / 3600],
    ['0', 0],
    // As JavaScript, Python and PHP print the doubles that pages and shops send.
    ['9.925888888888888', 9.925888888888888],
    ['9.92588888888888823', 9.925888888888888],
    ['1.2e-7', 1.2e-7],
  ])('right ascension %j', (text, hours) => {
    expect(readRaHours(text)).toBeCloseTo(hours, 6);
  });
  test.each<[string, number]>([
    ['47° 20\' 07"', 47 + 20 / 60 + 7 / 3600],
    ['69.06527777777778', 69.06527777777778],
    ['-0.00000123456789012345', -1.23456789e-6],
    ['-5e-7', -5e-7],
    ['-16° 09\' 55"', -(16 + 9 / 60 + 55 / 3600)],
    ['-00° 30\' 00"', -0.5],
    ['-00 30 00', -0.5],
    ['90° 00\' 00"', 90],
    ['−05:23:28', -5.391111],
    ['–05 23 28', -5.391111],
    ['—5.391', -5.391],
    ['- 5° 23\' 28"', -5.391111],
    ['−5° 23′ 28″', -5.391111],
    ['-5º23\'28"', -5.391111],
    ['-5˚23’28”', -5.391111],
    ["-5°23'28", -5.391111],
    ["-5° 23' 28''", -5.391111],
    ['5° 23\' 28" S', -5.391111],
    ['5°23′28″ N', 5.391111],
    ['5.391° sud', -5.391],
    ['Dec. −05° 23′ 28″', -5.391111],
    ['Déc : -5,391', -5.391],
    ['⁻5⁰ 23‛ 28‟', -5.391111],
    ['41° 16′.15', 41 + 16.15 / 60],
    ['-.5', -0.5],
    ['+,5', 0.5],
    ['-05:23:28 (J2000.0)', -5.391111],
    ['-5° 23´ 28´´', -5.391111],
    ['-5°23′28″.4', -5.391222],
    ['-5 deg 23 min 28 s', -5.391111],
    ['-5 degrés 23 minutes 28 secondes', -5.391111],
    ['-5d23m28s', -5.391111],
    ['+41*16:09', 41.269167],
    ['-05 23.467', -5.391117],
    ['-5,391°', -5.391],
    ['δ −5:23', -5.383333],
    ['Dec: +12', 12],
  ])('declination %j', (text, degrees) => {
    expect(readDecDegrees(text)).toBeCloseTo(degrees, 6);
  });
  test.each([
    ['83.82', 'ra_above_24'],
    ['83 49 12', 'ra_above_24'],
    ['24:00:00', 'ra_above_24'],
    ['24h', 'ra_above_24'],
    ['360d', 'ra_above_360'],
    ['-1h', 'ra_negative'],
    ['−0:30:00', 'ra_negative'],
    ['10:61:00', 'sixty'],
    ['10:00:60', 'sixty'],
    ...[
      '',
      ' ',
      'M 31',
      '1:2:3:4',
      '05.35.17',
      '05,35,17',
      '5.5h 30m',
      '5:',
      '5h35s',
      '35m',
      '0535:17',
      '1e1',
      '0x5',
    ].map((text) => [text, 'ra_unreadable']),
    ...[
      "5h 35m 17s -5° 23'",
      '5;35',
      '5//35',
      '++5',
      '5h -35m',
      '5h 35m 17s x',
      '1234:00:00',
      'NaN',
      '5'.repeat(65),
    ].map((text) => [text, 'ra_unreadable']),
  ])('right ascension %j is refused: %s', (text, problem) => {
    expect(readRaHours(text)).toBe(problem);
  });
  test.each([
    ['+90:00:00.1', 'dec_beyond_90'],
    ['-91', 'dec_beyond_90'],
    ['+22h', 'dec_in_hours'],
    ['5:60', 'sixty'],
    ['', 'dec_unreadable'],
    ['05.23.28', 'dec_unreadable'],
    ['north', 'dec_unreadable'],
  ])('declination %j is refused: %s', (text, problem) => {
    expect(readDecDegrees(text)).toBe(problem);
  });
  test('every refusal has a sentence in both languages, and degrees for hours say how to write them', () => {
    for (const { en, fr } of Object.values(COORDINATE_PROBLEMS)) expect(en).not.toBe(fr);
    expect(COORDINATE_PROBLEMS.ra_above_24.en).toContain('°');
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
