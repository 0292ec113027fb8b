import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { BookingAmendment, BookingRequest } from './booking.ts';
import { Email, Instant } from './common.ts';
import { RoboShot } from './robotarget.ts';
import { lenient, tidy, tidyInstant, tidyQuery } from './shapes.ts';
import { Telescope } from './telescope.ts';
import { TokenRequest } from './token.ts';

const booking = {
  telescope_id: 't1',
  start: '2026-11-22T23:00:00Z',
  end: '2026-11-23T00:00:00Z',
  user: { ref: 'user-1' },
  target: { name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1 },
  shots: [{ filter: 'L', exposure_seconds: 60, quantity: 10 }],
};
/** What the contract makes of a body, or what it says of its fields. */
function take(schema: z.ZodType, body: unknown): unknown {
  const parsed = lenient(schema).safeParse(body);
  return parsed.success
    ? parsed.data
    : Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.'), issue.message]));
}

describe('null and empty are absent in every body', () => {
  test('a booking as Laravel sends it: every optional field null or empty', () => {
    expect(
      take(BookingRequest, {
        ...booking,
        user: { ref: 'user-1', display_name: null, email: '', locale: null },
        target: { ...booking.target, pa_degrees: null },
        shots: [{ ...booking.shots[0], binning: null, gain: '', offset: null, type: ' ' }],
        constraints: null,
        credits: { charged: null, price: null },
        rebooked_from: '',
      }),
    ).toEqual({
      ...BookingRequest.parse(booking),
      shots: [{ ...BookingRequest.parse(booking).shots[0], offset: null }],
    });
  });
  test('a PHP array with nothing in it is an object with nothing in it', () => {
    expect(take(BookingRequest, { ...booking, constraints: [], credits: [] })).toEqual(BookingRequest.parse(booking));
    for (const body of [[], null, '', {}, { target: null, shots: null, constraints: '' }])
      expect(take(BookingAmendment, body)).toEqual({});
  });
  test('what is required and empty is required, in those words', () => {
    expect(take(BookingRequest, { ...booking, telescope_id: '', user: null, shots: [{ filter: null }] })).toEqual({
      telescope_id: 'is required',
      user: 'is required',
      'shots.0.filter': 'is required',
      'shots.0.exposure_seconds': 'is required',
      'shots.0.quantity': 'is required',
    });
  });
  test('an empty list is a list, and null stays where it is a value', () => {
    expect(take(TokenRequest, { kind: 'user', subject: 'u', scopes: [] })).toEqual({
      kind: 'user',
      subject: 'u',
      scopes: [],
    });
    const source = { kind: 'alpaca', url: 'http://a.test', safety_monitor: null };
    const telescope = {
      id: 't1',
      name: 'T',
      host: 'h',
      base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      site: { latitude_degrees: '45.5', longitude_degrees: 5, timezone: null },
      weather: { sources: [source] },
      horizon: '',
    };
    expect(take(Telescope, telescope)).toMatchObject({
      site: { latitude_degrees: 45.5, timezone: 'UTC' },
      weather: { sources: [{ safety_monitor: null, observing_conditions: 0 }] },
    });
  });
});

describe('numbers, ids and truth as text', () => {
  test('decimals of a database and ids of one', () => {
    expect(
      take(BookingRequest, {
        ...booking,
        user: { ref: 42 },
        target: { name: 45, ra_hours: '3.79', dec_degrees: '24.10' },
        shots: [{ filter: 'L', exposure_seconds: '60.00', quantity: '10' }],
        credits: { charged: '12.50' },
      }),
    ).toEqual(
      BookingRequest.parse({
        ...booking,
        user: { ref: '42' },
        target: { ...booking.target, name: '45' },
        credits: { charged: 12.5 },
      }),
    );
    expect(take(TokenRequest, { kind: 'booking', subject: 42 })).toMatchObject({ subject: '42' });
    expect(tidy(RoboShot, { Enabled: '1', Num: '3', Exposure: '120' })).toEqual({
      Enabled: true,
      Num: 3,
      Exposure: 120,
    });
    expect(tidy(z.union([z.literal(0), z.literal(1)]), '1')).toBe(1);
  });
  test('a list whose keys have holes is a list', () => {
    expect(take(BookingAmendment, { shots: { 0: booking.shots[0], 2: booking.shots[0] } })).toMatchObject({
      shots: [{ filter: 'L' }, { filter: 'L' }],
    });
  });
  test('what would have to be guessed is refused, in our own words', () => {
    const shot = { filter: 'L', exposure_seconds: '1,500', quantity: '2.5', binning: 'two', type: 'lights' };
    expect(take(BookingAmendment, { shots: [shot], constraints: { min_altitude_degrees: 95 } })).toEqual({
      'shots.0.exposure_seconds': 'must be a number',
      'shots.0.quantity': 'must be a whole number',
      'shots.0.binning': 'must be a number',
      'shots.0.type': 'must be one of light, bias, dark, flat',
      'constraints.min_altitude_degrees': 'must be at most 89',
    });
    expect(take(BookingAmendment, { shots: 'L', target: 'M 31', constraints: [1] })).toEqual({
      shots: 'must be a list',
      target: 'must be an object',
      constraints: 'must be an object',
    });
    expect(
      take(BookingAmendment, { shots: [], target: { name: 'x'.repeat(121), ra_hours: 83.82, dec_degrees: {} } }),
    ).toEqual({
      shots: 'must have at least 1 entry',
      'target.name': 'must have at most 120 characters',
      'target.ra_hours': expect.stringContaining('degrees'),
      'target.dec_degrees': 'is none of the kinds that are taken here',
    });
  });
  test('a key called __proto__ stays a key', () => {
    const body = JSON.parse('{"filters":{"__proto__":"3","L":"0"}}') as unknown;
    expect(Object.entries((tidy(Telescope, body) as { filters: object }).filters)).toEqual([
      ['__proto__', 3],
      ['L', 0],
    ]);
    expect(({} as { L?: number }).L).toBeUndefined();
  });
});

describe('times', () => {
  test.each([
    ['2026-11-22T23:00:00+0100', '2026-11-22T22:00:00.000Z'],
    ['2026-11-22T23:00+01:00', '2026-11-22T22:00:00.000Z'],
    ['2026-11-22T23:00Z', '2026-11-22T23:00:00.000Z'],
    ['2026-11-22 23:00:00+01:00', '2026-11-22T22:00:00.000Z'],
    ['2026-11-22T23:00:00 01:00', '2026-11-22T22:00:00.000Z'],
    ['2026-11-22t23:00:00z', '2026-11-22T23:00:00.000Z'],
    ['2026-11-22T23:00:00+01', '2026-11-22T22:00:00.000Z'],
    ['2026-11-22T23:00:00.123456+01:00', '2026-11-22T23:00:00.123456+01:00'],
  ])('%s', (text, expected) => {
    expect(tidyInstant(text)).toBe(expected);
    expect(Instant.safeParse(expected).success).toBe(true);
  });
  test.each([
    '2026-11-22T23:00:00',
    '22:00',
    '2026-02-30T10:00+0100',
    '22/11/2026 23:00Z',
    '2026-11-22Z',
    'now',
    '1795388400',
  ])('%s is refused: no offset, no such day, or an order to guess', (text) => {
    expect(Instant.safeParse(tidyInstant(text)).success).toBe(false);
  });
  test('in an address a plus arrives as a blank, and what is empty is absent', () => {
    const query = z.object({ from: Instant.optional(), to: Instant, text: z.string().optional() });
    const tidied = tidyQuery(query, new URLSearchParams('from=&to=2026-11-22T23:00:00+01:00&text=a+b&other='));
    expect(tidied?.toString()).toBe('to=2026-11-22T22%3A00%3A00.000Z&text=a+b&other=');
    expect(tidyQuery(query, new URLSearchParams('text=a&text=b'))).toBeNull();
  });
});

describe('e-mail addresses', () => {
  test.each([
    'ada@example.org',
    'zoé.müller@example.org',
    'ada@éxample.fr',
    'a.b+c@sub.example.co.uk',
    'пример@пример.рф',
  ])('%s', (text) => expect(Email.safeParse(text).success).toBe(true));
  test.each([
    'a@b',
    'a b@example.org',
    'a@example.org,b@example.org',
    '<a@example.org>',
    'a@@example.org',
    'a@.org',
    'a@example..org',
    `${'a'.repeat(250)}@x.org`,
  ])('%s is refused', (text) => expect(Email.safeParse(text).success).toBe(false));
});

test('a text that no database keeps is refused at its field', () => {
  const broken = 'holds a NUL or half a character; leave it out';
  expect(take(BookingRequest, { ...booking, user: { ref: 'user\0' } })).toEqual({ 'user.ref': broken });
  expect(take(BookingRequest, { ...booking, target: { ...booking.target, name: 'M 45 \ud83d' } })).toEqual({
    'target.name': broken,
  });
  expect(take(BookingRequest, { ...booking, target: { ...booking.target, name: 'M 45 🔭' } })).toMatchObject({
    target: { name: 'M 45 🔭' },
  });
});
