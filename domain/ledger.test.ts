import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { LEDGER_CLASSES, type LedgerClass } from './contracts/ledger.ts';
import { afterThePlan, buildLedger, secondsByClass, type LedgerSpan } from './ledger.ts';

const START = Date.UTC(2026, 0, 15, 22);
const iso = (second: number): string => new Date(START + second * 1000).toISOString();
const span = (name: LedgerClass, from: number, to: number | null, cause: string | null = null): LedgerSpan => ({
  class: name,
  start: iso(from),
  end: to === null ? null : iso(to),
  cause,
});

const randomSpan = fc
  .record({
    class: fc.constantFrom(...LEDGER_CLASSES),
    from: fc.integer({ min: -200, max: 1200 }),
    length: fc.integer({ min: 0, max: 500 }),
    open: fc.boolean(),
  })
  .map((s) => span(s.class, s.from, s.open ? null : s.from + s.length, s.class));

describe('buildLedger', () => {
  test('an empty night is all other', () => {
    expect(buildLedger({ start: iso(0), end: iso(60) }, [])).toEqual([
      { start: iso(0), end: iso(60), class: 'other', cause: null },
    ]);
  });
  test('unsafe weather takes the seconds of a pause and of an exposure; what is left stays theirs', () => {
    const ledger = buildLedger({ start: iso(0), end: iso(100) }, [
      span('imaging', 0, 80),
      span('user_pause', 20, 60),
      span('unsafe', 40, 50, 'weather_unsafe'),
    ]);
    expect(
      ledger.map((i) => [i.class, (Date.parse(i.start) - START) / 1000, (Date.parse(i.end) - START) / 1000]),
    ).toEqual([
      ['imaging', 0, 20],
      ['user_pause', 20, 40],
      ['unsafe', 40, 50],
      ['user_pause', 50, 60],
      ['imaging', 60, 80],
      ['other', 80, 100],
    ]);
  });
  test('fractions of seconds are cut so that neighbours stay neighbours', () => {
    const ledger = buildLedger({ start: iso(0), end: iso(10) }, [span('imaging', 0, 4.7), span('overhead', 4.7, 10)]);
    expect(ledger.map((i) => i.end)).toEqual([iso(4), iso(10)]);
  });
  test('a slot without length is refused', () => {
    expect(() => buildLedger({ start: iso(0), end: iso(0) }, [])).toThrow(RangeError);
  });
  test('property: covers the slot without gap or overlap, and every second has the strongest class that claims it', () => {
    fc.assert(
      fc.property(fc.array(randomSpan, { maxLength: 12 }), fc.integer({ min: 1, max: 1000 }), (spans, length) => {
        const slot = { start: iso(0), end: iso(length) };
        const ledger = buildLedger(slot, spans);
        expect(ledger[0]!.start).toBe(slot.start);
        expect(ledger.at(-1)!.end).toBe(slot.end);
        for (let i = 1; i < ledger.length; i++) expect(ledger[i]!.start).toBe(ledger[i - 1]!.end);
        expect(Object.values(secondsByClass(ledger)).reduce((a, b) => a + b, 0)).toBe(length);
        for (let second = 0; second < length; second += 7) {
          const claims = spans
            .filter(
              (s) =>
                Date.parse(s.start) <= START + second * 1000 &&
                (s.end === null || Date.parse(s.end) > START + second * 1000),
            )
            .map((s) => LEDGER_CLASSES.indexOf(s.class));
          const expected = claims.length > 0 ? LEDGER_CLASSES[Math.min(...claims)]! : 'other';
          const found = ledger.find(
            (i) => Date.parse(i.start) <= START + second * 1000 && Date.parse(i.end) > START + second * 1000,
          )!;
          expect(found.class).toBe(expected);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('time after the plan’s last exposure', () => {
  const ledger = buildLedger({ start: iso(0), end: iso(100) }, [
    span('overhead', 0, null),
    span('imaging', 10, 40),
    span('outage', 70, 80),
  ]);
  const classes = (intervals: typeof ledger): [string, number][] =>
    intervals.map((i) => [i.class, (Date.parse(i.end) - Date.parse(i.start)) / 1000]);
  test('is nobody’s where overhead was claimed; an outage stays one', () => {
    expect(classes(afterThePlan(ledger, START + 40_500))).toEqual([
      ['overhead', 10],
      ['imaging', 30],
      ['overhead', 1],
      ['other', 29],
      ['outage', 10],
      ['other', 20],
    ]);
  });
  test('is overhead while some of the plan is left', () => {
    expect(afterThePlan(ledger, null)).toEqual(ledger);
  });
});
