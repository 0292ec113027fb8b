import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import type { WeatherReading } from '../../domain/weather-reading.ts';
import { KeptReadings } from '../../gateway/telescope/kept-readings.ts';
import { StateFile } from '../../gateway/telescope/state-file.ts';
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

/** Its monotonic clock began when the process did. */
class ProcessClock extends ManualClock {
  constructor(private readonly startedMs: number) {
    super(startedMs);
  }
  override monotonicMs(): number {
    return this.now() - this.startedMs;
  }
}

describe('weather of a telescope whose gateway starts anew', () => {
  let folder: string;
  let open: { watch: WeatherWatch; file: StateFile } | null = null;
  const close = async (): Promise<void> => {
    open?.watch.stop();
    await open?.file.close();
    open = null;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-weather-'));
  });
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });
  /** A process of the gateway at `nowMs` of the wall clock. */
  const gateway = (nowMs: number, file = telescope()) => {
    const clock = new ProcessClock(nowMs);
    const state = new StateFile(join(folder, 'state.jsonl'));
    const logger = createLogger('weather', 'silent');
    const watch = new WeatherWatch(() => file, clock, logger, new KeptReadings(state, () => file, clock));
    open = { watch, file: state };
    watch.voyagerLink(false);
    watch.start();
    return { clock, watch };
  };
  const DIED_AT = Date.parse('2026-11-30T22:00:00Z');
  const diedInGoodWeather = async (): Promise<void> => {
    const { watch, clock } = gateway(DIED_AT - 1_000);
    watch.voyagerLink(true);
    watch.take(SAFE);
    clock.advance(1_000);
    await close();
  };

  test('what Voyager said before counts, with its age, once the link stands', async () => {
    await diedInGoodWeather();
    const { watch } = gateway(DIED_AT + 40_000);
    expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
    expect(watch.weather.causes.join()).toContain('no answer for 41 s');
    watch.voyagerLink(true);
    expect(watch.weather).toMatchObject({ state: 'ok', causes: [], category_age_seconds: 41 });
  });
  test('nothing begins on it: the debounce is that of a start', async () => {
    await diedInGoodWeather();
    const { watch, clock } = gateway(DIED_AT + 1_000);
    watch.voyagerLink(true);
    expect(watch.whyNotStart()).toBe('weather_debounce');
    expect(Date.parse(watch.weather.ok_since!)).toBe(clock.now());
  });
  test('it becomes unknown at the same age as in a gateway that went on', async () => {
    await diedInGoodWeather();
    const { watch, clock } = gateway(DIED_AT + 100_000);
    watch.voyagerLink(true);
    expect(watch.weather.state).toBe('ok');
    clock.advance(20_000);
    expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
  });
  test('bad weather of before is bad still', async () => {
    const { watch: before } = gateway(DIED_AT);
    before.voyagerLink(true);
    before.take({ ...SAFE, categories: { ...SAFE.categories!, rain: 'RAIN' } });
    await close();
    const { watch } = gateway(DIED_AT + 5_000);
    watch.voyagerLink(true);
    expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unsafe' });
  });
  test.each([
    ['another Voyager said it', 5_000, { ...telescope(), port: 5951 }],
    ['the clock was set back meanwhile', -5_000, telescope()],
    ['the gateway was away for an hour', 3_600_000, telescope()],
  ])('it is unknown when %s', async (_, afterMs, file) => {
    await diedInGoodWeather();
    const { watch } = gateway(DIED_AT + afterMs, file);
    watch.voyagerLink(true);
    expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
  });

  describe('with an Alpaca device', () => {
    /** A real one: a dry cold night with some wind, measured just now, and its monitor says safe. */
    const MEASURED: Record<string, unknown> = { temperature: 5, dewpoint: -5, humidity: 40, windspeed: 1, rainrate: 0 };
    const device = async (port = 0) => {
      const server = createServer(({ url }, response) => {
        const { pathname } = new URL(url!, 'http://device');
        const property = pathname.split('/').at(-1)!;
        const answers = { ...MEASURED, timesincelastupdate: 0, connected: true, issafe: true };
        const has = Object.hasOwn(answers, property);
        response.end(JSON.stringify(has ? { Value: answers[property as 'issafe'] } : { ErrorNumber: 0x400 }));
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      const stop = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
      return { port: (server.address() as AddressInfo).port, stop };
    };
    const fileFor = (port: number, url = `http://127.0.0.1:${port}`): Telescope =>
      telescope({ sources: [{ kind: 'alpaca', url, period_seconds: 30 }] });
    const until = async (so: () => boolean): Promise<void> => {
      for (const end = Date.now() + 10_000; !so();) {
        if (Date.now() > end) throw new Error(`not so: ${so.toString()}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const troubled = (watch: WeatherWatch) => () => watch.sources()[0]!.trouble !== null;
    /** A gateway that heard the device a second before it died, as the device did. */
    const heard = async (): Promise<number> => {
      const { port, stop } = await device();
      const { watch, clock } = gateway(DIED_AT - 1_000, fileFor(port));
      clock.advance(0);
      await until(() => watch.weather.state === 'ok');
      clock.advance(1_000);
      await close();
      await stop();
      return port;
    };

    test('one that does not answer at once counts with what it said before, until it is unknown as ever', async () => {
      const port = await heard();
      const { watch, clock } = gateway(DIED_AT + 10_000, fileFor(port));
      clock.advance(0);
      await until(troubled(watch));
      expect(watch.weather.state).toBe('ok');
      expect(watch.whyNotStart()).toBe('weather_debounce');
      clock.advance(16_000);
      expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
    });
    test('what was measured goes on ageing: a value of before is unknown when it is too old', async () => {
      const port = await heard();
      const { watch } = gateway(DIED_AT + 110_000, fileFor(port));
      expect(watch.weather.state).toBe('ok');
      await close();
      const { watch: later } = gateway(DIED_AT + 130_000, fileFor(port));
      expect(later.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
    });
    test('another device has not said what the one before it said', async () => {
      const port = await heard();
      const { watch } = gateway(DIED_AT + 10_000, fileFor(port, `http://localhost:${port}`));
      expect(watch.weather.causes.join()).toContain('no reading yet');
    });
    test('one that did not answer is asked again after 5 s, not after its period', async () => {
      const port = await heard();
      const { watch, clock } = gateway(DIED_AT + 10_000, fileFor(port));
      clock.advance(0);
      await until(troubled(watch));
      const back = await device(port);
      // The next question is set once the failure has been dealt with.
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(5_000);
      await until(() => watch.sources()[0]!.ageSeconds === 0);
      expect(watch.weather.causes).toEqual([]);
      await back.stop();
    });
  });
});
