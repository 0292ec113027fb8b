import { describe, expect, test } from '@jest/globals';
import type { LedgerSpan } from './ledger.ts';
import { nightLedger, whereUnproven, type Recorded } from './night-ledger.ts';

const START = Date.UTC(2026, 0, 15, 22);
const at = (second: number): string => new Date(START + second * 1000).toISOString();
const slot = { start: at(0), end: at(3600) };
/** What a telescope asks for where its file says nothing. */
const patience = { checkSeconds: 300, debounceSeconds: 300 };
const hold = (from: number, to: number | null, cause = 'weather_unsafe'): LedgerSpan => {
  return { class: 'unsafe', cause, start: at(from), end: to === null ? null : at(to) };
};
const overhead = (from: number, to: number | null): LedgerSpan => {
  return { class: 'overhead', cause: null, start: at(from), end: to === null ? null : at(to) };
};
const exposure = (from: number, to: number): LedgerSpan => {
  return { class: 'imaging', cause: null, start: at(from), end: at(to) };
};
const ledger = (
  spans: LedgerSpan[],
  clear: [number, number][],
  more: { imaging?: LedgerSpan[]; recorded?: Partial<Recorded> } = {},
): [string, string | null, number, number][] =>
  nightLedger(
    slot,
    { spans, imaging: more.imaging ?? [] },
    {
      spans: [],
      silent: [],
      clear: clear.map(([from, to]) => ({ fromMs: START + from * 1000, toMs: START + to * 1000 })),
      ...more.recorded,
    },
    patience,
  ).map((i) => [i.class, i.cause, (Date.parse(i.start) - START) / 1000, (Date.parse(i.end) - START) / 1000]);

describe('a hold that nobody of ours was there to end', () => {
  test('ends where the record shows good sky; once that had to be believed, it is our outage and no weather', () => {
    expect(ledger([overhead(0, 600), hold(600, null)], [[900, 3600]])).toEqual([
      ['overhead', null, 0, 600],
      ['unsafe', 'weather_unsafe', 600, 900],
      ['weather_hold', 'weather_debounce', 900, 1200],
      ['outage', 'internal_error', 1200, 3600],
    ]);
  });

  test('an emergency that ended while the telescope went on by itself: its exposures are exposures', () => {
    const emergency = hold(600, 3000, 'voyager_emergency');
    expect(
      ledger(
        [overhead(0, 600), emergency, overhead(3000, null)],
        [
          [0, 600],
          [1200, 3600],
        ],
        {
          imaging: [exposure(1600, 1900), exposure(3100, 3400)],
        },
      ),
    ).toEqual([
      ['overhead', null, 0, 600],
      ['unsafe', 'voyager_emergency', 600, 1200],
      ['outage', 'internal_error', 1200, 1600],
      ['imaging', null, 1600, 1900],
      ['outage', 'internal_error', 1900, 3000],
      ['overhead', null, 3000, 3100],
      ['imaging', null, 3100, 3400],
      ['overhead', null, 3400, 3600],
    ]);
  });

  test('rain that came back in it is rain', () => {
    const rain = hold(2400, 3000);
    expect(
      ledger(
        [overhead(0, 600), hold(600, null)],
        [
          [900, 2400],
          [3000, 3600],
        ],
        { recorded: { spans: [rain] } },
      ),
    ).toEqual([
      ['overhead', null, 0, 600],
      ['unsafe', 'weather_unsafe', 600, 900],
      ['weather_hold', 'weather_debounce', 900, 1200],
      ['outage', 'internal_error', 1200, 2400],
      ['unsafe', 'weather_unsafe', 2400, 3000],
      ['weather_hold', 'weather_debounce', 3000, 3300],
      ['outage', 'internal_error', 3300, 3600],
    ]);
  });

  test('a session that is there looks in time: nothing is taken from its hold', () => {
    expect(
      ledger(
        [overhead(0, 600), hold(600, 1200), overhead(1200, null)],
        [
          [0, 600],
          [900, 3600],
        ],
      ),
    ).toEqual([
      ['overhead', null, 0, 600],
      ['unsafe', 'weather_unsafe', 600, 1200],
      ['overhead', null, 1200, 3600],
    ]);
  });

  test('a pause and a fault are the session’s own to end', () => {
    const paused: LedgerSpan = { class: 'user_pause', cause: null, start: at(0), end: null };
    expect(ledger([paused], [[0, 3600]])).toEqual([['user_pause', null, 0, 3600]]);
  });
});

describe('time of which nobody knows anything', () => {
  test('counts as an outage only where nobody proved anything: exposures and holds keep their seconds', () => {
    const ledger = [
      { class: 'overhead' as const, cause: null, start: at(0), end: at(700) },
      { class: 'imaging' as const, cause: null, start: at(700), end: at(1000) },
      { class: 'other' as const, cause: null, start: at(1000), end: at(3600) },
    ];
    const gap = { class: 'outage' as const, cause: 'gateway_away', start: at(590), end: at(1200) };
    expect(whereUnproven([gap], ledger)).toEqual([
      { ...gap, end: at(700) },
      { ...gap, start: at(1000) },
    ]);
  });
});
