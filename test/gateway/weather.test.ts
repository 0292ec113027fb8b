import { describe, expect, test } from '@jest/globals';
import { WeatherThresholds } from '../../domain/contracts/telescope.ts';
import {
  isFresh,
  judgeWeather,
  mayStart,
  staleAfterSeconds,
  WeatherJudge,
  type WeatherInput,
} from '../../domain/weather.ts';
import type { WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';

const NOW = Date.UTC(2026, 10, 23, 1, 0, 0);
const thresholds = WeatherThresholds.parse({});
const reading = (part: Partial<WeatherReading> = {}): WeatherReading => ({
  source: 'voyager',
  atMs: NOW,
  values: {},
  categories: { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'DARK' },
  safety: { connected: true, safe: true },
  ...part,
});
const source = (part: Partial<WeatherSourceState> = {}): WeatherSourceState => ({
  name: 'voyager',
  periodSeconds: 30,
  reading: reading(),
  lostSinceMs: null,
  ...part,
});
const input = (part: Partial<WeatherInput> = {}): WeatherInput => ({
  nowMs: NOW,
  sources: [source()],
  thresholds,
  staleSeconds: 180,
  safetyMonitorRequired: true,
  ...part,
});
const judge = (part: Partial<WeatherReading>, more: Partial<WeatherInput> = {}) =>
  judgeWeather(input({ sources: [source({ reading: reading(part) })], ...more }));

describe('weather: three states', () => {
  test('a clear, dry, calm night with a safe monitor is ok', () => {
    expect(judgeWeather(input())).toEqual({ state: 'ok', reason: null, causes: [], stale: false });
  });
  test.each([
    ['cloud', 'CLOUDY', 'hold', 'weather_hold'],
    ['cloud', 'VERY_CLOUDY', 'unsafe', 'weather_unsafe'],
    ['rain', 'WET', 'unsafe', 'weather_unsafe'],
    ['rain', 'RAIN', 'unsafe', 'weather_unsafe'],
    ['wind', 'WINDY', 'hold', 'weather_hold'],
    ['wind', 'VERY_WINDY', 'unsafe', 'weather_unsafe'],
    ['light', 'VERY_LIGHT', 'hold', 'weather_hold'],
  ])('%s %s is %s', (field, word, state, reason) => {
    const categories = {
      cloud: 'CLEAR',
      rain: 'DRY',
      wind: 'CALM',
      light: 'DARK',
      [field]: word,
    } as WeatherReading['categories'];
    expect(judge({ categories })).toEqual({ state, reason, causes: [`${field} ${word} (voyager)`], stale: false });
  });
  test('moonlight is no reason to wait', () => {
    expect(judge({ categories: { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'LIGHT' } }).state).toBe('ok');
  });
  test('figures are named with the limit that they pass, and unsafe outranks hold', () => {
    expect(judge({ values: { wind_meters_per_second: 12.1, humidity_percent: 97 } })).toEqual({
      state: 'unsafe',
      reason: 'weather_unsafe',
      causes: ['humidity 97 % over 96 (voyager)', 'wind 12.1 m/s over 10 (voyager)'],
      stale: false,
    });
  });
  test('a value exactly at its limit passes', () => {
    expect(judge({ values: { wind_meters_per_second: 10 } }).state).toBe('ok');
  });
  test('the dew margin counts downwards', () => {
    expect(judge({ values: { temperature_celsius: 5, dew_point_celsius: 4.5 } })).toMatchObject({
      state: 'hold',
      causes: ['dew margin 0.5 °C under 1 (voyager)'],
    });
    expect(judge({ values: { temperature_celsius: 5, dew_point_celsius: 6.5 } })).toMatchObject({ state: 'unsafe' });
  });
  test('any rain rate is unsafe', () => {
    expect(judge({ values: { rain_rate: 0.2 } })).toMatchObject({
      state: 'unsafe',
      causes: ['rain 0.2 mm/h (voyager)'],
    });
  });
});

describe('weather: what nobody knows', () => {
  test('no reading yet is unknown, and that counts as unsafe', () => {
    expect(judgeWeather(input({ sources: [source({ reading: null })] }))).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      stale: true,
    });
  });
  test('stale is three periods and half a minute, never over 180 s', () => {
    expect([staleAfterSeconds(10), staleAfterSeconds(30), staleAfterSeconds(120), staleAfterSeconds(120, 100)]).toEqual(
      [60, 120, 180, 100],
    );
    const old = source({ reading: reading({ atMs: NOW - 120_000 }) });
    expect(isFresh(old, NOW, 180)).toBe(true);
    expect(isFresh(old, NOW + 1, 180)).toBe(false);
    expect(judgeWeather(input({ nowMs: NOW + 1, sources: [old] }))).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      stale: true,
      causes: ['no safety monitor is connected', 'voyager: last reading 120 s ago'],
    });
  });
  test('a reading dated ahead (a clock set back, a sensor with another time zone) is not believed for longer than a late one', () => {
    const ahead = source({ reading: reading({ atMs: NOW + 3_600_000 }) });
    expect(isFresh(source({ reading: reading({ atMs: NOW + 1_000 }) }), NOW, 180)).toBe(true);
    expect(isFresh(ahead, NOW, 180)).toBe(false);
    expect(judgeWeather(input({ sources: [ahead] }))).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      stale: true,
      causes: ['no safety monitor is connected', 'voyager: last reading 3600 s ahead of our clock'],
    });
  });
  test('a lost link makes its source unknown after 15 s', () => {
    const lost = source({ lostSinceMs: NOW });
    expect(judgeWeather(input({ nowMs: NOW + 15_000, sources: [lost] })).state).toBe('ok');
    expect(judgeWeather(input({ nowMs: NOW + 15_001, sources: [lost] }))).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
    });
  });
  test('a monitor that says nothing is unknown', () => {
    expect(judge({ safety: { connected: true, safe: null } })).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
    });
  });
  test('without a monitor nothing starts, unless the owner allows it', () => {
    expect(judge({ safety: { connected: false, safe: null } })).toMatchObject({
      state: 'unsafe',
      reason: 'safety_monitor_missing',
    });
    expect(judge({ safety: { connected: false, safe: null } }, { safetyMonitorRequired: false }).state).toBe('ok');
  });
  test('a monitor that was there and is gone is no all-clear, even where none is required', () => {
    const memory = new WeatherJudge();
    const at = (part: Partial<WeatherReading>) =>
      memory.judge({
        nowMs: NOW,
        sources: [source({ reading: reading(part) })],
        thresholds,
        staleSeconds: 180,
        unattendedWithoutSafetyMonitor: true,
      });
    expect(at({ safety: null }).state).toBe('ok');
    expect(at({ safety: { connected: true, safe: false } }).state).toBe('unsafe');
    expect(at({ safety: { connected: false, safe: null } })).toMatchObject({
      state: 'unsafe',
      reason: 'safety_monitor_missing',
    });
  });
  test('a connected source that measures nothing is unknown', () => {
    expect(
      judge(
        { categories: { cloud: null, rain: null, wind: null, light: null }, safety: null },
        { safetyMonitorRequired: false },
      ),
    ).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['no source measures the weather'],
    });
  });
});

describe('weather: sources in order', () => {
  const alpaca = (part: Partial<WeatherReading> = {}): WeatherSourceState => ({
    name: 'alpaca',
    periodSeconds: 10,
    lostSinceMs: null,
    reading: {
      source: 'alpaca',
      atMs: NOW - 4_000,
      values: { temperature_celsius: 3, wind_meters_per_second: 4 },
      categories: null,
      safety: { connected: true, safe: true },
      ...part,
    },
  });
  const judgeBoth = (first: WeatherSourceState, second: WeatherSourceState) =>
    new WeatherJudge().judge({
      nowMs: NOW,
      sources: [first, second],
      thresholds,
      staleSeconds: 180,
      unattendedWithoutSafetyMonitor: false,
    }).weather;
  test('each value comes from the first fresh source that has it, with source and age', () => {
    const weather = judgeBoth(source({ reading: reading({ values: { temperature_celsius: 7 } }) }), alpaca());
    expect(weather.temperature_celsius).toEqual({ value: 7, source: 'voyager', age_seconds: 0 });
    expect(weather.wind_meters_per_second).toEqual({ value: 4, source: 'alpaca', age_seconds: 4 });
    expect(weather.humidity_percent).toBeNull();
  });
  const old = (): WeatherSourceState =>
    source({ reading: reading({ atMs: NOW - 200_000, values: { temperature_celsius: 7 } }) });
  test('when the first goes stale the next one’s values are shown, and the stale one is a cause that people see', () => {
    expect(judgeBoth(old(), alpaca())).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['voyager: last reading 200 s ago'],
      stale: false,
      temperature_celsius: { value: 3, source: 'alpaca' },
    });
  });
  test('a source that the telescope file calls optional is not missed while another knows', () => {
    expect(judgeBoth({ ...old(), optional: true }, alpaca())).toMatchObject({ state: 'ok', causes: [] });
    const neither = { ...alpaca(), reading: null, optional: true };
    expect(judgeBoth({ ...old(), optional: true }, neither).state).toBe('unsafe');
  });
  const boltwood = (part: Partial<WeatherReading> = {}): WeatherSourceState => ({
    name: 'boltwood',
    periodSeconds: 30,
    lostSinceMs: null,
    reading: { ...reading({ source: 'boltwood', safety: null }), ...part },
  });
  test('the worst of all fresh sources counts for each quantity, whatever their order, and is what is shown', () => {
    const wet = boltwood({ categories: { cloud: 'VERY_CLOUDY', rain: 'RAIN', wind: 'CALM', light: 'DARK' } });
    for (const rain of ['DRY', null] as const) {
      const voyager = source({ reading: reading({ categories: { cloud: null, rain, wind: 'WINDY', light: null } }) });
      for (const [first, second] of [
        [voyager, wet],
        [wet, voyager],
      ] as const) {
        const weather = judgeBoth(first, second);
        expect(weather).toMatchObject({ state: 'unsafe', cloud: 'VERY_CLOUDY', rain: 'RAIN', wind: 'WINDY' });
        expect(weather.causes.toSorted()).toEqual([
          'cloud VERY_CLOUDY (boltwood)',
          'rain RAIN (boltwood)',
          'wind WINDY (voyager)',
        ]);
      }
    }
  });
  test('of two figures the higher is judged and shown, with its own source', () => {
    const calm = source({ reading: reading({ values: { wind_meters_per_second: 2 } }) });
    expect(judgeBoth(calm, alpaca({ values: { wind_meters_per_second: 16 } }))).toMatchObject({
      state: 'unsafe',
      causes: ['wind 16 m/s over 15 (alpaca)'],
      wind_meters_per_second: { value: 16, source: 'alpaca' },
    });
  });
  test('a dew margin is taken of one source’s two figures, and of two sources’ only where none has both', () => {
    const warm = source({ reading: reading({ values: { temperature_celsius: 7 } }) });
    expect(judgeBoth(warm, alpaca({ values: { temperature_celsius: 3, dew_point_celsius: 0 } })).state).toBe('ok');
    expect(judgeBoth(warm, alpaca({ values: { dew_point_celsius: 7.5 } }))).toMatchObject({ state: 'hold' });
  });
  test('one unsafe monitor outranks any number of safe ones', () => {
    expect(judgeBoth(source(), alpaca({ safety: { connected: true, safe: false } }))).toMatchObject({
      state: 'unsafe',
      causes: ['safety monitor (alpaca) says unsafe'],
    });
  });
});

describe('weather: debounce', () => {
  test('starting waits until the safe time is unbroken for the whole debounce', () => {
    const memory = new WeatherJudge();
    const at = (seconds: number, part: Partial<WeatherReading> = {}) => {
      const nowMs = NOW + seconds * 1000;
      const judged = memory.judge({
        nowMs,
        sources: [source({ reading: reading({ atMs: nowMs, ...part }) })],
        thresholds,
        staleSeconds: 180,
        unattendedWithoutSafetyMonitor: false,
      });
      return mayStart(judged, 300, nowMs);
    };
    expect(at(0)).toBe('weather_debounce');
    expect(at(299)).toBe('weather_debounce');
    expect(at(300)).toBeNull();
    expect(at(310, { categories: { cloud: 'CLOUDY', rain: 'DRY', wind: 'CALM', light: 'DARK' } })).toBe('weather_hold');
    expect(at(320)).toBe('weather_debounce');
    expect(at(619)).toBe('weather_debounce');
    expect(at(620)).toBeNull();
  });
});

describe('weather: what was there and is gone', () => {
  const HOUR = 3_600_000;
  const dry = { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'DARK' } as const;
  const watching = (names: Partial<WeatherSourceState>[] = [{}]) => {
    const memory = new WeatherJudge();
    return (nowMs: number, ...parts: (Partial<WeatherReading> | null)[]) =>
      memory.judge({
        nowMs,
        sources: parts.map((part, i) =>
          source({ ...names[i], reading: part === null ? null : reading({ atMs: nowMs, ...part }) }),
        ),
        thresholds,
        staleSeconds: 180,
        unattendedWithoutSafetyMonitor: false,
      });
  };

  test('a quantity that was measured and is not any more is unknown, though the monitor says safe', () => {
    const at = watching();
    expect(at(NOW, {}).state).toBe('ok');
    expect(at(NOW + 1_000, { categories: { ...dry, rain: null } })).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['rain: measured before, and nobody measures it any more'],
    });
    expect(at(NOW + 2_000, { categories: null }).causes).toHaveLength(4);
    expect(at(NOW + 3_000, {}).state).toBe('ok');
  });
  test('it is known as long as another source knows it, as a word or as a figure', () => {
    const at = watching([{}, { name: 'alpaca' }]);
    expect(at(NOW, {}, { categories: null, values: { rain_rate: 0 } }).state).toBe('ok');
    expect(
      at(NOW + 1_000, { categories: { ...dry, rain: null } }, { categories: null, values: { rain_rate: 0 } }).state,
    ).toBe('ok');
  });
  test('what only an optional source has measured is not missed', () => {
    const at = watching([{}, { name: 'alpaca', optional: true }]);
    expect(at(NOW, {}, { values: { humidity_percent: 50 } }).state).toBe('ok');
    expect(at(NOW + 1_000, {}, null).state).toBe('ok');
  });
  test('a source that fails on what it has says so, even before it has ever answered', () => {
    const failed = [{ quantity: 'rain' as const, why: 'rainrate: 0x407 not connected' }];
    expect(watching()(NOW, { categories: null, failed })).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['voyager: rainrate: 0x407 not connected'],
    });
    expect(watching([{ optional: true }])(NOW, { categories: null, failed }).state).toBe('ok');
  });
  test('each monitor that was connected is missed by its name while another one says safe', () => {
    const at = watching([{}, { name: 'alpaca' }]);
    expect(at(NOW, {}, {}).state).toBe('ok');
    expect(at(NOW + 1_000, {}, { safety: { connected: false, safe: null } })).toMatchObject({
      state: 'unsafe',
      reason: 'safety_monitor_missing',
      causes: ['safety monitor (alpaca) is not connected any more'],
    });
    expect(at(NOW + 2_000, {}, { safety: null }).state).toBe('unsafe');
    expect(at(NOW + 3_000, {}, {}).state).toBe('ok');
  });
  test('a Boltwood’s call to close that ends is not a monitor that went missing', () => {
    const at = watching([{}, { name: 'boltwood' }]);
    expect(at(NOW, {}, { safety: { connected: true, safe: false } }).causes).toEqual([
      'safety monitor (boltwood) says unsafe',
    ]);
    expect(at(NOW + 1_000, {}, { safety: null }).state).toBe('ok');
  });
  test('the age is that of the measurement: an old figure in a fresh answer is dropped and named', () => {
    const values = { wind_meters_per_second: 3, temperature_celsius: 4 };
    const old = watching()(NOW, { values, measuredAtMs: { wind_meters_per_second: NOW - 86_400_000 } });
    expect(old).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['voyager: wind_meters_per_second was last measured 86400 s ago'],
    });
    expect(old.weather.wind_meters_per_second).toBeNull();
    expect(old.weather.temperature_celsius).toMatchObject({ value: 4 });
  });
  test('an age ahead of our clock is no age, and a figure that cannot be is none', () => {
    const ahead = watching()(NOW, { values: { rain_rate: 0 }, measuredAtMs: { rain_rate: NOW + 3_600_000 } });
    expect(ahead.causes).toEqual(['voyager: rain_rate was last measured 3600 s ahead']);
    for (const [measure, value] of [
      ['rain_rate', -1],
      ['humidity_percent', 255],
      ['wind_meters_per_second', -1],
      ['gust_meters_per_second', 6553.5],
      ['cloud_percent', 998],
      ['temperature_celsius', -999],
      ['dew_point_celsius', Number.NaN],
    ] as const)
      expect(watching()(NOW, { values: { [measure]: value } })).toMatchObject({
        state: 'unsafe',
        reason: 'weather_unknown',
        causes: [`voyager: ${measure} cannot be ${value}`],
      });
  });
  test('a wind that stands at the same figure for three hours is unknown; calm air and a whole degree may stand', () => {
    const at = watching();
    const still = { wind_meters_per_second: 3.4, humidity_percent: 90 };
    for (let hour = 0; hour <= 2; hour++)
      expect(at(NOW + hour * HOUR, { values: { ...still, temperature_celsius: 10 + hour / 10 } }).state).toBe('ok');
    expect(at(NOW + 3 * HOUR, { values: { ...still, temperature_celsius: 11 } })).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      causes: ['voyager: wind_meters_per_second has stood at 3.4 for 3 h'],
    });
    expect(at(NOW + 3 * HOUR + 1_000, { values: { ...still, wind_meters_per_second: 3.5 } }).state).toBe('ok');
    const calm = watching();
    for (let hour = 0; hour <= 9; hour++)
      expect(
        calm(NOW + hour * HOUR, {
          values: { wind_meters_per_second: 0, temperature_celsius: 4 },
        }).state,
      ).toBe('ok');
  });
  test('a source of which every figure stands is not believed at all', () => {
    const at = watching();
    const values = { temperature_celsius: 4, dew_point_celsius: 1, humidity_percent: 80 };
    expect(at(NOW, { values }).state).toBe('ok');
    expect(at(NOW + 3 * HOUR, { values })).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unknown',
      stale: true,
      causes: ['no safety monitor is connected', 'voyager: none of its values has changed for 3 h'],
    });
  });
  test('the safe time is told by the clock on the wall and counted by one that does not jump', () => {
    const memory = new WeatherJudge();
    const { weather, okSinceMs } = memory.judge({
      nowMs: 5_000,
      wallOffsetMs: NOW - 5_000,
      sources: [source({ reading: reading({ atMs: 5_000 }) })],
      thresholds,
      staleSeconds: 180,
      unattendedWithoutSafetyMonitor: false,
    });
    expect(weather.ok_since).toBe(new Date(NOW).toISOString());
    expect(okSinceMs).toBe(5_000);
  });
});
