import { describe, expect, test } from '@jest/globals';
import { fromJulianDate, fromModifiedJulianDate, readDateTime, readTimeOfDay } from './index.ts';

const iso = (text: string, time?: string | number | null): string | null => {
  const read = readDateTime(text, time);
  return read === null ? null : new Date(read.utcMs).toISOString();
};

describe('dates with a time', () => {
  test.each([
    ['2029-12-01 06:01:26.400000', '2029-12-01T06:01:26.400Z'],
    ['2029-12-01T06:01:26.4', '2029-12-01T06:01:26.400Z'],
    ['2029-12-01T06:01:26,4Z', '2029-12-01T06:01:26.400Z'],
    ['2029-12-01  06:01', '2029-12-01T06:01:00.000Z'],
    ['2029/12/01 06:01:26', '2029-12-01T06:01:26.000Z'],
    ['20291201T060126', '2029-12-01T06:01:26.000Z'],
    ['2029-12-01T06:01:26+01:00', '2029-12-01T05:01:26.000Z'],
    ['2029-12-01T06:01:26+0100', '2029-12-01T05:01:26.000Z'],
    ['2029-12-01T06:01-02', '2029-12-01T08:01:00.000Z'],
    ['2029-12-01 06:01:26 UTC', '2029-12-01T06:01:26.000Z'],
    ['2029-12-01T24:00:00', '2029-12-02T00:00:00.000Z'],
    ['2016-12-31T23:59:60', '2017-01-01T00:00:00.000Z'],
    ['2024-02-29T00:00:00', '2024-02-29T00:00:00.000Z'],
    ['31/10/2026 21:15:02', '2026-10-31T21:15:02.000Z'],
    ['31.10.2026 21:15:02', '2026-10-31T21:15:02.000Z'],
    ['10/31/2026 09:15:02 PM', '2026-10-31T21:15:02.000Z'],
    ['2026:11:28 21:06:37', '2026-11-28T21:06:37.000Z'],
    ['2026-11-28T21:06:37.', '2026-11-28T21:06:37.000Z'],
    ['2026-11-28 21 06 37.5', '2026-11-28T21:06:37.500Z'],
    ['28-Nov-2026 21:06:37', '2026-11-28T21:06:37.000Z'],
    ['28 août 2026 21:06', '2026-08-28T21:06:00.000Z'],
    ['2026-Jul-03T21:06:37Z', '2026-07-03T21:06:37.000Z'],
    ['Nov 28, 2026 21:06:37 UTC', '2026-11-28T21:06:37.000Z'],
  ])('%s', (text, expected) => {
    expect(iso(text)).toBe(expected);
    expect(readDateTime(text)).toMatchObject({ hasTime: true, guessed: false });
  });
  test('the time may stand in a field of its own', () => {
    expect(iso('09/04/92', '01:29:11')).toBe('1992-04-09T01:29:11.000Z');
    expect(iso('2021-03-04', '05:06:07')).toBe('2021-03-04T05:06:07.000Z');
    expect(iso('2021-03-04', 18_367.5)).toBe('2021-03-04T05:06:07.500Z');
    expect(iso('2021-03-04T01:02:03', '05:06:07')).toBe('2021-03-04T01:02:03.000Z');
    expect(iso('2021-03-04', 'noon')).toBeNull();
  });
  test('a date without a time says so, and is not midnight', () => {
    expect(readDateTime('2021-03-04')).toEqual({
      utcMs: Date.UTC(2021, 2, 4),
      hasTime: false,
      offsetStated: false,
      order: 'ymd',
      guessed: false,
    });
    expect(readDateTime('2021-03-04T00:00:00')).toMatchObject({ hasTime: true });
  });
  test('what could be read otherwise is said to be guessed', () => {
    expect(readDateTime('03/04/2021 10:00:00')).toMatchObject({ order: 'dmy', guessed: true });
    expect(readDateTime('03/04/2021 10:00:00 PM')).toMatchObject({ order: 'mdy', guessed: true });
    expect(readDateTime('04/04/2021')).toMatchObject({ guessed: false });
    expect(readDateTime('09/04/92')).toMatchObject({ order: 'dmy', guessed: false });
    expect(readDateTime('09/04/05')).toMatchObject({ utcMs: Date.UTC(1905, 3, 9), guessed: true });
  });
  test.each([
    '',
    'today',
    '2021-02-30T01:02:03',
    '2023-02-29',
    '31/04/92',
    '2021-13-01',
    '31 juin 2021',
    '28-Foo-2021',
    '2026:11-28',
    '00/00/00',
    '13/13/2021',
    '2021-03-04T25:00:00',
    '2021-03-04T24:00:01',
    '2021-03-04T10:60:00',
    '2021-03-04T10:00:60',
    '2021-03-04T10:00:00+15:00',
    '2021-03-04X10:00:00',
    '2021-03-041',
    '2021-03/04',
    '12021-03-04',
    `2021-03-04${' '.repeat(60)}`,
  ])('%j is no date', (text) => {
    expect(readDateTime(text)).toBeNull();
  });
});

test('times of day', () => {
  expect(readTimeOfDay('01:29:11')).toBe(5351);
  expect(readTimeOfDay('5h06m07.5s')).toBe(18_367.5);
  expect(readTimeOfDay('050607')).toBe(18_367);
  expect(readTimeOfDay('05 06 07.')).toBe(18_367);
  expect(readTimeOfDay('12:30 am')).toBe(1800);
  for (const text of ['', '5', '13:00 pm', '1:2:3:4', '99:00', 90_000, -1]) expect(readTimeOfDay(text)).toBeNull();
});

test('Julian dates', () => {
  expect(new Date(fromModifiedJulianDate(59_277.25)!).toISOString()).toBe('2021-03-04T06:00:00.000Z');
  expect(new Date(fromJulianDate(2_459_277.75)!).toISOString()).toBe('2021-03-04T06:00:00.000Z');
  for (const days of [0, -1, Number.NaN, 1e9]) expect(fromModifiedJulianDate(days)).toBeNull();
});
