import { afterEach, describe, expect, test } from '@jest/globals';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import type { WeatherReading } from '../../domain/weather-reading.ts';
import { WeatherWatch } from '../../gateway/telescope/weather-watch.ts';
import { ManualClock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';

/** A host whose wall clock is set while time goes on. */
class JumpingClock extends ManualClock {
  aheadMs = 0;
  override now(): number {
    return super.now() + this.aheadMs;
  }
}
const SAFE: WeatherReading = {
  source: 'voyager',
  atMs: 0,
  values: {},
  categories: { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'DARK' },
  safety: { connected: true, safe: true },
};
const telescope = (weather: TelescopeInput['weather'] = {}): Telescope =>
  Telescope.parse({
    id: 't',
    name: 'T',
    host: 'h',
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site: { latitude_degrees: 45, longitude_degrees: 0 },
    weather,
  });

describe('weather of a telescope and the clocks of the gateway’s host', () => {
  let watch: WeatherWatch | null = null;
  afterEach(() => watch?.stop());
  const watching = (file = telescope()) => {
    const clock = new JumpingClock();
    watch = new WeatherWatch(() => file, clock, createLogger('weather', 'silent'));
    watch.voyagerLink(true);
    const hear = (seconds: number): void => {
      for (let i = 0; i < seconds; i++) {
        watch!.take(SAFE);
        clock.advance(1_000);
      }
    };
    return { clock, watch, hear };
  };

  test('a wall clock that jumps ahead makes no reading old, and does not shorten the debounce', () => {
    const { clock, watch: w, hear } = watching();
    hear(60);
    expect(w.whyNotStart()).toBe('weather_debounce');
    clock.aheadMs = 2 * 3_600_000;
    expect(w.weather).toMatchObject({ state: 'ok', causes: [], category_age_seconds: 1 });
    expect(w.whyNotStart()).toBe('weather_debounce');
    expect(Date.parse(w.weather.ok_since!)).toBeGreaterThan(clock.now() - 70_000);
    hear(245);
    expect(w.whyNotStart()).toBeNull();
  });
  test('a wall clock that is set back keeps no silent source fresh', () => {
    const { clock, watch: w, hear } = watching();
    hear(60);
    clock.aheadMs = -3_600_000;
    clock.advance(121_000);
    expect(w.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
  });
  test('sources of the same kind are told apart', () => {
    const { watch: w } = watching(
      telescope({
        sources: [
          { kind: 'boltwood', path: '/a' },
          { kind: 'boltwood', path: '/b', optional: true },
        ],
      }),
    );
    expect(w.sources().map(({ name }) => name)).toEqual(['boltwood 1', 'boltwood 2']);
    expect(w.weather.causes).toContain('boltwood 1: no reading yet');
  });
});
