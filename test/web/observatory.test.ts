import { describe, expect, test } from '@jest/globals';
import { WeatherThresholds } from '../../domain/contracts/telescope.ts';
import { QUANTITIES } from '../../domain/weather-reading.ts';
import { judgeWeather, type WeatherInput } from '../../domain/weather.ts';
import type { WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
import { observatoryIn } from '../../web/client/i18n/observatory.ts';

const NOW = Date.UTC(2026, 10, 23, 1);
const source = (part: Partial<WeatherReading> = {}, more: Partial<WeatherSourceState> = {}): WeatherSourceState => ({
  name: 'boltwood 2',
  periodSeconds: 30,
  lostSinceMs: null,
  reading: { source: 'boltwood', atMs: NOW, values: {}, categories: null, safety: null, ...part },
  ...more,
});
const causes = (sources: WeatherSourceState[], more: Partial<WeatherInput> = {}): string[] =>
  judgeWeather({
    nowMs: NOW,
    sources,
    thresholds: WeatherThresholds.parse({}),
    staleSeconds: 180,
    safetyMonitorRequired: true,
    ...more,
  }).causes;
const memory = {
  known: new Set(QUANTITIES),
  monitors: new Map([['boltwood 2', true]]),
  stood: () => new Map(),
};
const ALL = [
  causes([]),
  causes([source()]),
  causes([source({}, { reading: null, trouble: 'the file cannot be read (ENOENT)' })]),
  causes([source({}, { lostSinceMs: NOW - 40_000, trouble: 'fetch failed' })]),
  causes([source({ atMs: NOW - 600_000 })]),
  causes([source({ atMs: NOW + 600_000 }, { trouble: 'HTTP 500' })]),
  causes([source()], { memory }),
  causes([source()], { memory: { ...memory, stood: () => new Map([['all', 3 * 3_600_000]]) } }),
  causes([source({ values: { wind_meters_per_second: 3.4 } })], {
    memory: { ...memory, stood: () => new Map([['wind_meters_per_second', 3.5 * 3_600_000]]) },
  }),
  causes([source({ values: { rain_rate: 0 }, measuredAtMs: { rain_rate: NOW - 900_000 } })]),
  causes([source({ failed: [{ quantity: 'rain', why: 'rainrate: 0x407 Driver Foo: not connected' }] })]),
  causes([source({ failed: [{ quantity: 'cloud', why: 'cloud condition 0' }] })]),
  causes([source({ safety: { connected: true, safe: false } })]),
  causes([source({ safety: { connected: true, safe: null } })]),
  causes([source({ categories: { cloud: 'CLOUDY', rain: 'WET', wind: 'WINDY', light: 'VERY_LIGHT' } })]),
  causes([source({ categories: { cloud: 'VERY_CLOUDY', rain: 'RAIN', wind: 'VERY_WINDY', light: null } })]),
  causes([
    source({
      values: {
        cloud_percent: 95,
        humidity_percent: 97,
        wind_meters_per_second: 16,
        gust_meters_per_second: 20,
        rain_rate: 0.4,
        temperature_celsius: 4,
        dew_point_celsius: 4.5,
      },
    }),
  ]),
].flat();

describe('causes of the weather, for a guest', () => {
  test('every cause that the judgement names has words in French', () => {
    expect(ALL.length).toBeGreaterThan(30);
    expect(ALL.filter((cause) => observatoryIn('fr', cause) === cause)).toEqual([]);
  });
  test('numbers and the source stay, the device’s own errors do not reach a guest', () => {
    expect(observatoryIn('fr', 'wind 12.1 m/s over 10 (alpaca)')).toBe('vent 12,1 m/s, limite 10 m/s (alpaca)');
    expect(observatoryIn('en', 'rain RAIN (boltwood)')).toBe('rain (boltwood)');
    expect(observatoryIn('fr', 'boltwood: last reading 600 s ago')).toBe('boltwood : dernière mesure il y a 600 s');
    for (const locale of ['en', 'fr'] as const)
      expect(ALL.map((cause) => observatoryIn(locale, cause)).join('\n')).not.toMatch(/ENOENT|0x|HTTP|Driver|fetch/);
  });
});
