import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Weather } from '../../domain/contracts/state.ts';
import { StateFile } from '../../gateway/telescope/state-file.ts';
import { WeatherLatch } from '../../gateway/telescope/weather-latch.ts';
import { booking, cleanUp, gatewayOn, observatory, scenario, until } from './harness.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
afterEach(cleanUp);

describe('weather latch', () => {
  const made = (folder = mkdtempSync(join(tmpdir(), 'nocturne-weather-'))) => {
    folders.push(folder);
    const state = new StateFile(join(folder, 'state.jsonl'));
    return { folder, state, latch: new WeatherLatch(state) };
  };
  const rain = { causes: ['rain RAIN (boltwood)'] } as Weather;
  const clear = { state: 'ok' as const, reason: null, causes: [], ok_since: '2026-01-01T00:00:00.000Z', stale: false };
  const overdue = (latch: WeatherLatch, seconds: number, unsafe = true): string[] =>
    latch.overdue(['b-1'], unsafe, seconds * 1000, 30_000);

  test('unsafe for the patience without a look is overdue; safe weather in between begins it anew', () => {
    const { latch } = made();
    expect([overdue(latch, 0), overdue(latch, 29)]).toEqual([[], []]);
    expect(overdue(latch, 30)).toEqual(['b-1']);
    expect(overdue(latch, 31, false)).toEqual([]);
    expect(overdue(latch, 40)).toEqual([]);
    expect(overdue(latch, 70)).toEqual(['b-1']);
  });
  test('a session that looks has its time to stop, but not for ever', () => {
    const { latch } = made();
    overdue(latch, 0);
    for (let at = 5; at < 60; at += 5) {
      latch.seenBy('b-1', `look-${at}`, { ...clear, state: 'unsafe' }, at * 1000);
      expect(overdue(latch, at)).toEqual([]);
    }
    latch.seenBy('b-1', 'look-60', { ...clear, state: 'unsafe' }, 60_000);
    expect(overdue(latch, 60)).toEqual(['b-1']);
  });
  test('a session that comes back under a clear sky is told of the stop until it has heard of it, over a restart too', async () => {
    const first = made();
    first.latch.stopped('b-1', rain, '2026-01-01T00:00:00.000Z');
    await first.state.close();
    const { latch } = made(first.folder);
    const told = latch.seenBy('b-1', 'run/7', clear, 0);
    expect(told).toMatchObject({
      state: 'unsafe',
      reason: 'weather_unsafe',
      causes: ['stopped by the gateway at 2026-01-01T00:00:00.000Z', 'rain RAIN (boltwood)'],
      ok_since: null,
    });
    expect(latch.seenBy('b-1', 'run/7', clear, 1)).toEqual(told);
    expect(latch.seenBy('b-1', 'run/9', clear, 2)).toEqual(clear);
    expect(latch.of('b-1')).toBeNull();
  });
});

describe('the guard in bad weather', () => {
  // Voyager's own monitor says safe throughout: only the second source sees the rain, so that Voyager does not suspend by itself.
  const sensor = () => {
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-boltwood-'));
    folders.push(folder);
    const path = join(folder, 'one-line.txt');
    let rain = false;
    const write = (): void => {
      const [date, time] = new Date().toISOString().split('T');
      const now = `${date} ${time!.slice(0, 11)}`;
      writeFileSync(
        path,
        `${now} C m -18.5 4.2 5.0 1.5 63 -2.1 000 0 0 00001 046000.04167 1 1 ${rain ? 3 : 1} 1 0 0\n`,
      );
    };
    write();
    const timer = setInterval(write, 500);
    return {
      path,
      rains: (now: boolean) => {
        rain = now;
        write();
      },
      stop: () => clearInterval(timer),
    };
  };
  scenario(
    'worker and Temporal dead, it rains: the gateway stops the target, tells the session, and starts nothing',
    async () => {
      const boltwood = sensor();
      try {
        const sim = await observatory();
        const { gateway, activities, signals } = await gatewayOn(sim, {
          telescope: {
            weather: {
              sources: [
                { kind: 'voyager', period_seconds: 30 },
                { kind: 'boltwood', path: boltwood.path, period_seconds: 1, timezone: 'UTC' },
              ],
              resume_debounce_seconds: 0,
              session_patience_seconds: 5,
            },
          },
        });
        const { grant, plan, target } = booking(sim, { quantity: 500 });
        await activities.registerGrant(grant);
        await until(() => gateway.weather.whyNotStart() === null, 10_000, 'clear');
        await activities.ensureObjects({ grant, plan });
        await activities.enableTarget({ grant, key: 'enable' });
        await until(() => sim.world.roboTarget.run !== null, 10_000, 'it runs');
        boltwood.rains(true);
        await until(() => gateway.weather.weather.state === 'unsafe', 10_000, 'the rain is known');
        await until(() => sim.world.store.find('targets', target)!.row.Status === 1, 20_000, 'disabled');
        await until(() => sim.world.roboTarget.run === null, 20_000, 'stopped');
        expect(gateway.weatherLatch.of('b-1')).toMatchObject({ causes: ['rain RAIN (boltwood)'] });
        await until(
          () => signals.some(({ body }) => JSON.stringify(body).includes('stopped by the gateway')),
          60_000,
          'the session is told',
        );
        boltwood.rains(false);
        await until(() => gateway.weather.whyNotStart() === null, 10_000, 'clear again');
        expect((await activities.observe({ grant })).weather).toMatchObject({
          state: 'unsafe',
          reason: 'weather_unsafe',
        });
        expect((await activities.observe({ grant })).weather).toMatchObject({ state: 'ok' });
        expect(sim.world.store.find('targets', target)!.row.Status).toBe(1);
      } finally {
        boltwood.stop();
      }
    },
  );
});
