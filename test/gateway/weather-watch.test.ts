import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import type { WeatherReading } from '../../domain/weather-reading.ts';
import { KeptReadings } from '../../gateway/telescope/kept-readings.ts';
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
  const watching = (file: Telescope | { now: Telescope } = telescope()) => {
    const clock = new JumpingClock();
    watch = new WeatherWatch(() => ('now' in file ? file.now : file), clock, createLogger('weather', 'silent'));
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
  test('a Voyager that is struck off the list and comes back is as connected as it is', () => {
    const file = { now: telescope() };
    const { watch: w, clock, hear } = watching(file);
    hear(10);
    file.now = telescope({ sources: [{ kind: 'boltwood', path: '/a' }] });
    w.sourcesChanged();
    clock.advance(60_000);
    file.now = telescope();
    w.sourcesChanged();
    hear(1);
    expect(w.weather).toMatchObject({ state: 'ok', causes: [] });
    w.voyagerLink(false);
    clock.advance(16_000);
    expect(w.weather.causes.join()).toContain('no answer for 16 s');
  });
  test('what one Voyager said is nothing that another said: the debounce begins anew', () => {
    const { watch: w, hear } = watching();
    hear(400);
    expect(w.whyNotStart()).toBeNull();
    w.voyagerMoved();
    expect(w.weather.causes.join()).toContain('no reading yet');
    hear(1);
    expect(w.whyNotStart()).toBe('weather_debounce');
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
  let open: { watch: WeatherWatch; kept: KeptReadings } | null = null;
  const close = async (): Promise<void> => {
    open?.watch.stop();
    await open?.kept.flush();
    open = null;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-weather-'));
  });
  afterEach(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });
  /** A process of the gateway at `nowMs` of the wall clock, on a machine that has been up for as long as `upMs` says. */
  const gateway = (nowMs: number, file = telescope(), upMs = nowMs - DIED_AT + 86_400_000) => {
    const clock = new ProcessClock(nowMs);
    const up = (): number => (upMs + clock.monotonicMs()) / 1_000;
    const now = { file };
    const kept = new KeptReadings(join(folder, 'weather.json'), () => now.file, clock, up);
    const watch = new WeatherWatch(() => now.file, clock, createLogger('weather', 'silent'), kept);
    open = { watch, kept };
    watch.voyagerLink(false);
    watch.start();
    return { clock, watch, now };
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
  test('nothing begins on it: the debounce begins when Voyager has spoken to this process', async () => {
    await diedInGoodWeather();
    const { watch, clock } = gateway(
      DIED_AT + 1_000,
      telescope({ sources: [{ kind: 'voyager', period_seconds: 60 }], resume_debounce_seconds: 60 }),
    );
    watch.voyagerLink(true);
    clock.advance(100_000);
    expect(watch.weather).toMatchObject({ state: 'ok', ok_since: null });
    expect(watch.whyNotStart()).toBe('weather_debounce');
    watch.take(SAFE);
    expect(Date.parse(watch.weather.ok_since!)).toBe(clock.now());
    clock.advance(59_000);
    expect(watch.whyNotStart()).toBe('weather_debounce');
    clock.advance(1_000);
    expect(watch.whyNotStart()).toBeNull();
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
    ['another Voyager said it', 5_000, { file: { ...telescope(), port: 5951 } }],
    ['another instance of it said it', 5_000, { file: { ...telescope(), instance: 2 } }],
    ['the clock was set back meanwhile', -5_000, { upMs: 86_400_000 + 30_000 }],
    ['the clock was set back by less than the gateway was away', 30_000, { upMs: 86_400_000 + 600_000 }],
    ['the machine was started anew', 30_000, { upMs: 20_000 }],
    ['the gateway was away for an hour', 3_600_000, {}],
  ])('it is unknown when %s', async (_, afterMs, { file, upMs }: { file?: Telescope; upMs?: number }) => {
    await diedInGoodWeather();
    const { watch } = gateway(DIED_AT + afterMs, file, upMs);
    watch.voyagerLink(true);
    expect(watch.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
  });
  test('a file that is no longer whole says nothing', async () => {
    await diedInGoodWeather();
    writeFileSync(join(folder, 'weather.json'), '{"sources": {"voya');
    const { watch } = gateway(DIED_AT + 5_000);
    watch.voyagerLink(true);
    expect(watch.weather.causes.join()).toContain('no reading yet');
  });

  describe('with an Alpaca device', () => {
    /** A real one: a dry cold night with some wind, measured just now, and its monitor says safe. */
    const MEASURED: Record<string, unknown> = { temperature: 5, dewpoint: -5, humidity: 40, windspeed: 1, rainrate: 0 };
    const device = async ({ port = 0, measuredSecondsAgo = 0 } = {}) => {
      const server = createServer(({ url }, response) => {
        const { pathname } = new URL(url!, 'http://device');
        const property = pathname.split('/').at(-1)!;
        const answers = { ...MEASURED, timesincelastupdate: measuredSecondsAgo, connected: true, issafe: true };
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
    const heard = async (measuredSecondsAgo = 0): Promise<number> => {
      const { port, stop } = await device({ measuredSecondsAgo });
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
    test('what was measured goes on ageing: a value of before is unknown when it is too old, its reading not yet', async () => {
      const port = await heard(60);
      const { watch } = gateway(DIED_AT + 50_000, fileFor(port));
      expect(watch.weather.state).toBe('ok');
      await close();
      const { watch: later } = gateway(DIED_AT + 70_000, fileFor(port));
      expect(later.weather).toMatchObject({ state: 'unsafe', reason: 'weather_unknown' });
      expect(later.weather.causes.join()).toContain('was last measured 131 s ago');
    });
    test('one that had been lost is lost still, however often the gateway starts', async () => {
      const port = await heard();
      const { watch, clock } = gateway(DIED_AT + 10_000, fileFor(port));
      clock.advance(0);
      await until(troubled(watch));
      clock.advance(16_000);
      expect(watch.weather.state).toBe('unsafe');
      await close();
      const { watch: later } = gateway(DIED_AT + 30_000, fileFor(port));
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
      const back = await device({ port });
      // The next question is set once the failure has been dealt with.
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(5_000);
      await until(() => watch.sources()[0]!.ageSeconds === 0);
      expect(watch.weather.causes).toEqual([]);
      await back.stop();
    });
  });
});
