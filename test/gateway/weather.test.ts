import { describe, expect, test } from '@jest/globals';
import { WeatherThresholds } from '../../domain/contracts/telescope.ts';
import {
  isFresh,
  judgeWeather,
  mayStart,
  staleAfterSeconds,
  WeatherJudge,
  type WeatherInput,
  type WeatherReading,
  type WeatherSourceState,
} from '../../domain/weather.ts';

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
    expect(judge({ categories })).toEqual({ state, reason, causes: [`${field} ${word}`], stale: false });
  });
  test('moonlight is no reason to wait', () => {
    expect(judge({ categories: { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'LIGHT' } }).state).toBe('ok');
  });
  test('figures are named with the limit that they pass, and unsafe outranks hold', () => {
    expect(judge({ values: { wind_meters_per_second: 12.1, humidity_percent: 97 } })).toEqual({
      state: 'unsafe',
      reason: 'weather_unsafe',
      causes: ['humidity 97 % over 96', 'wind 12.1 m/s over 10'],
      stale: false,
    });
  });
  test('a value exactly at its limit passes', () => {
    expect(judge({ values: { wind_meters_per_second: 10 } }).state).toBe('ok');
  });
  test('the dew margin counts downwards', () => {
    expect(judge({ values: { temperature_celsius: 5, dew_point_celsius: 4.5 } })).toMatchObject({
      state: 'hold',
      causes: ['dew margin 0.5 °C under 1'],
    });
    expect(judge({ values: { temperature_celsius: 5, dew_point_celsius: 6.5 } })).toMatchObject({ state: 'unsafe' });
  });
  test('any rain rate is unsafe', () => {
    expect(judge({ values: { rain_rate: 0.2 } })).toMatchObject({ state: 'unsafe', causes: ['rain 0.2 mm/h'] });
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
  test('when the first goes stale the next takes its place', () => {
    const weather = judgeBoth(
      source({ reading: reading({ atMs: NOW - 200_000, values: { temperature_celsius: 7 } }) }),
      alpaca(),
    );
    expect(weather).toMatchObject({ state: 'ok', stale: false, temperature_celsius: { value: 3, source: 'alpaca' } });
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
