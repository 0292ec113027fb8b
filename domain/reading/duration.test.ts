import { expect, test } from '@jest/globals';
import { readDurationSeconds } from './index.ts';

test.each<[string, number]>([
  ['1.09:20:00', 120_000],
  ['-1.02:10:00', -94_200],
  ['1:09:20:00', 120_000],
  ['-05:31:12', -19_872],
  ['\u221205:31:12', -19_872],
  ['\u201300:00:01', -1],
  ['- 05:31:12', -19_872],
  ['+00:10:00', 600],
  ['00:00:07', 7],
  ['00:00:07.5000000', 7.5],
  ['00:00:07,5', 7.5],
  ['33:20:00', 120_000],
  ['100:00:00', 360_000],
  ['05:30', 330],
  ['90:00', 5400],
  ['45', 45],
  ['≈ 1:02:03 h', 3723],
  ['1 09:20:00', 120_000],
  ['1 day, 09:20:00', 120_000],
  ['2d 00:00:01', 172_801],
  [' 01 : 02 : 03 ', 3723],
  ['00:00:00', 0],
  ['-00:00:00', 0],
  ['\ufe631.02:10:00', -94_200],
  ['\uff0d1.02:10:00', -94_200],
  ['PT1H30M', 5400],
  ['P1DT2H', 93_600],
  ['-PT0.5S', -0.5],
  ['1h30m10s', 5410],
  ['1 h 30 min', 5400],
  ['2 jours, 3 heures', 183_600],
  ['90 s', 90],
])('%j is %d seconds', (text, seconds) => {
  expect(readDurationSeconds(text)).toBe(seconds);
});

test.each([
  '',
  '--',
  '--:--:--',
  'abc',
  '10:75:00',
  '00:00:NaN',
  'NaN:00:00',
  '1 foo 2',
  '1/250',
  '10:00:00 UTC+2',
  '00:00:60',
  '1.24:00:00',
  '1:2:3:4:5',
  '10675199.02:48:05.4775807',
  '-10675199.02:48:05.4775808',
  '1'.repeat(65),
])('%j is no duration', (text) => {
  expect(readDurationSeconds(text)).toBeNull();
});

test('the short way for plain clocks gives what the long way gives, which a blank behind the text takes', () => {
  const parts = ['00', '01', '09', '23', '24', '59', '60', '99', '-1', '1 ', ' 1', '+1', '1x', '٣٤'];
  const texts = ['', '-', '+'].flatMap((sign) =>
    parts.flatMap((h) => parts.flatMap((m) => parts.map((s) => `${sign}${h}:${m}:${s}`))),
  );
  const differing = texts.filter((text) => !Object.is(readDurationSeconds(text), readDurationSeconds(`${text} `)));
  expect(differing).toEqual([]);
});
