import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseBoltwood, readAlpaca, readBoltwood } from '../../gateway/telescope/weather-sources.ts';

const WRITTEN = Date.UTC(2026, 10, 23, 1, 0, 0);
const LINE = '2026-11-23 01:00:00.00 C K -18.5 4.2 5.0 18.0 63 -2.1 000 0 0 00004 046000.04167 1 1 1 1 0 0';

describe('Boltwood II one-line file', () => {
  test('units become metric, conditions words, and the age counts from the last good data', () => {
    expect(parseBoltwood(LINE, WRITTEN)).toEqual({
      source: 'boltwood',
      atMs: WRITTEN - 4_000,
      values: {
        sky_temperature_celsius: -18.5,
        temperature_celsius: 4.2,
        wind_meters_per_second: 5,
        humidity_percent: 63,
        dew_point_celsius: -2.1,
      },
      categories: { cloud: 'CLEAR', wind: 'CALM', rain: 'DRY', light: 'DARK' },
      safety: null,
    });
  });
  test('Fahrenheit and miles per hour are converted', () => {
    const { values } = parseBoltwood(LINE.replace(' C K -18.5 4.2 5.0 18.0', ' F M -1.3 41 42 10'), WRITTEN);
    expect(values).toMatchObject({
      sky_temperature_celsius: -18.5,
      temperature_celsius: 5,
      wind_meters_per_second: 4.47,
    });
  });
  test('rain now is rain whatever the rain condition says, and a roof-close request is unsafe', () => {
    const reading = parseBoltwood(LINE.replace(' 0 0 00004', ' 2 0 00004').replace(/0 0$/, '1 1'), WRITTEN);
    expect(reading.categories?.rain).toBe('RAIN');
    expect(reading.safety).toEqual({ connected: true, safe: false });
  });
  test('an unknown condition and a sensor without a value are null, not a guess', () => {
    const reading = parseBoltwood(LINE.replace('-18.5', '999').replace('1 1 1 1 0 0', '0 0 0 0 0 0'), WRITTEN);
    expect(reading.values.sky_temperature_celsius).toBeUndefined();
    expect(reading.categories).toEqual({ cloud: null, wind: null, rain: null, light: null });
  });
  test('a short line is refused with what is wrong', () => {
    expect(() => parseBoltwood('2026-11-23 01:00:00 C K', WRITTEN)).toThrow(
      'a Boltwood II line has 21 fields, this one has 4',
    );
  });
  test('the file’s own time is the reading’s time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-boltwood-'));
    try {
      const path = join(folder, 'clarityII.txt');
      writeFileSync(path, `${LINE}\r\n`);
      utimesSync(path, WRITTEN / 1000, WRITTEN / 1000);
      expect((await readBoltwood(path)).atMs).toBe(WRITTEN - 4_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('ASCOM Alpaca', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  const device = async (values: Record<string, unknown>): Promise<string> => {
    const server = createServer((request, response) => {
      const property = request.url!.split('?')[0]!.split('/').at(-1)!;
      response.setHeader('content-type', 'application/json');
      const value = values[property];
      response.end(
        JSON.stringify(
          value === undefined
            ? { Value: 0, ErrorNumber: 1024, ErrorMessage: 'Property not implemented' }
            : { Value: value, ErrorNumber: 0, ErrorMessage: '' },
        ),
      );
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const source = (url: string) => ({
    kind: 'alpaca' as const,
    url,
    observing_conditions: 0,
    safety_monitor: 0,
    period_seconds: 10,
  });

  test('what the device does not implement is left out, not zero', async () => {
    const url = await device({ temperature: 4.5, windspeed: 3.25, connected: true, issafe: false });
    expect(await readAlpaca(source(url), fetch, WRITTEN)).toEqual({
      source: 'alpaca',
      atMs: WRITTEN,
      values: { temperature_celsius: 4.5, wind_meters_per_second: 3.25 },
      categories: null,
      safety: { connected: true, safe: false },
    });
  });
  test('a monitor that is not connected is not asked whether it is safe', async () => {
    const url = await device({ temperature: 4.5, connected: false, issafe: true });
    expect((await readAlpaca(source(url), fetch, WRITTEN)).safety).toEqual({ connected: false, safe: null });
  });
  test('a device that does not answer is an error, never a reading', async () => {
    await expect(readAlpaca(source('http://127.0.0.1:1'))).rejects.toThrow('fetch failed');
  });
});
