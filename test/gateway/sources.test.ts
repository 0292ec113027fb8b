import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { WeatherReading } from '../../domain/weather-reading.ts';
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
    expect(parseBoltwood(LINE.replace(' 0 0 00004', ' 0 1 00004'), WRITTEN).categories?.rain).toBe('WET');
    expect(reading.safety).toEqual({ connected: true, safe: false });
  });
  test('an unknown condition and a sensor without a value are null, not a guess', () => {
    const reading = parseBoltwood(LINE.replace('-18.5', '999').replace('1 1 1 1 0 0', '0 0 0 0 0 0'), WRITTEN);
    expect(reading.values.sky_temperature_celsius).toBeUndefined();
    expect(reading.categories).toEqual({ cloud: null, wind: null, rain: null, light: null });
    expect(reading.failed).toEqual([
      { quantity: 'cloud', why: 'cloud condition 0' },
      { quantity: 'rain', why: 'rain condition 0' },
    ]);
  });
  test('a unit of wind that is not known is no metre per second, and an age that is no number is not new', () => {
    const { values, failed } = parseBoltwood(LINE.replace(' C K ', ' C N '), WRITTEN);
    expect([values.wind_meters_per_second, failed]).toEqual([undefined, [{ quantity: 'wind', why: 'wind unit N' }]]);
    expect(() => parseBoltwood(LINE.replace('00004', '-----'), WRITTEN)).toThrow('age "-----"');
  });
  test('a sensor without wind or light of its own does not fail for it', () => {
    expect(parseBoltwood(LINE.replace('1 1 1 1 0 0', '1 0 1 0 0 0'), WRITTEN).failed).toBeUndefined();
  });
  test('the age is the line’s own: dated yesterday it is a day old, whenever the file was copied', () => {
    expect(parseBoltwood(LINE.replace('11-23', '11-22'), WRITTEN).atMs).toBe(WRITTEN - 86_400_000 - 4_000);
  });
  test('the line is dated by a clock of its own zone, in summer and in winter', () => {
    const at = (date: string, zone: string): string =>
      new Date(parseBoltwood(LINE.replace('2026-11-23 01:00:00.00', date), WRITTEN, zone).atMs + 4_000).toISOString();
    expect(at('2026-11-23 02:00:00.00', 'Europe/Paris')).toBe('2026-11-23T01:00:00.000Z');
    expect(at('2026-07-23 02:00:00.00', 'Europe/Paris')).toBe('2026-07-23T00:00:00.000Z');
    expect(at('2026-11-22 18:00:00.00', 'America/Denver')).toBe('2026-11-23T01:00:00.000Z');
  });
  test('in the hour that comes twice when clocks go back, the one that is nearer counts', () => {
    const line = LINE.replace('2026-11-23 01:00:00.00', '2026-10-25 02:30:00.00');
    for (const at of [Date.UTC(2026, 9, 25, 0, 30), Date.UTC(2026, 9, 25, 1, 30)])
      expect(parseBoltwood(line, at + 20_000, 'Europe/Paris').atMs).toBe(at - 4_000);
  });
  test('a line whose date cannot be read is refused, not taken for new', () => {
    expect(() => parseBoltwood(LINE.replace('2026-11-23', '11/23/2026'), WRITTEN)).toThrow(
      'the line’s date "11/23/2026 01:00:00.00" is not YYYY-MM-DD hh:mm:ss',
    );
  });
  test('a short line is refused with what is wrong', () => {
    expect(() => parseBoltwood('2026-11-23 01:00:00 C K', WRITTEN)).toThrow(
      'a Boltwood II line has 21 fields, this one has 4',
    );
  });
  test('a file that a copying job writes anew does not make its line new', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-boltwood-'));
    try {
      const path = join(folder, 'clarityII.txt');
      writeFileSync(path, `${LINE}\r\n`);
      expect((await readBoltwood(path, 'UTC', WRITTEN + 3_600_000)).atMs).toBe(WRITTEN - 4_000);
      await expect(readBoltwood(join(folder, 'none.txt'))).rejects.toThrow('the file cannot be read (ENOENT)');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

class Fails {
  readonly number: number;
  constructor(number: number) {
    this.number = number;
  }
}

describe('ASCOM Alpaca', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  const device = async (values: Record<string, unknown>): Promise<string> => {
    const server = createServer((request, response) => {
      const property = request.url!.split('?')[0]!.split('/').at(-1)!;
      response.setHeader('content-type', 'application/json');
      const sensor = new URL(request.url!, 'http://x').searchParams.get('SensorName');
      const value = property === 'timesincelastupdate' ? values[`age of ${sensor}`] : values[property];
      const number = value instanceof Fails ? value.number : value === undefined ? 0x400 : 0;
      response.end(
        JSON.stringify({ Value: number ? 0 : value, ErrorNumber: number, ErrorMessage: number ? 'as it is' : '' }),
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
  test('only 0x400 and 0x40C mean that the device has no such property; any other number is one that fails', async () => {
    const all = ['temperature', 'humidity', 'dewpoint', 'windspeed', 'windgust', 'cloudcover', 'rainrate'];
    const answering = async (number: number): Promise<WeatherReading> =>
      readAlpaca(
        source(
          await device({
            ...Object.fromEntries(all.map((p) => [p, new Fails(number)])),
            connected: true,
            issafe: true,
          }),
        ),
        fetch,
        WRITTEN,
      );
    for (const number of [0x400, 0x40c]) expect((await answering(number)).failed).toBeUndefined();
    for (const number of [0x401, 0x402, 0x407, 0x40b, 0x500]) {
      const { values, failed, safety } = await answering(number);
      expect(values).toEqual({});
      expect(new Set(failed!.map(({ quantity }) => quantity))).toEqual(
        new Set(['dew margin', 'humidity', 'wind', 'gust', 'cloud', 'rain']),
      );
      expect(failed![0]!.why).toBe(`temperature: 0x${number.toString(16)} as it is`);
      expect(safety).toEqual({ connected: true, safe: true });
    }
  });
  test('rain and cloud alone that fail are named, and what answers is taken', async () => {
    const url = await device({ temperature: 4.5, rainrate: new Fails(0x500), cloudcover: new Fails(0x407) });
    expect(await readAlpaca({ ...source(url), safety_monitor: null }, fetch, WRITTEN)).toMatchObject({
      values: { temperature_celsius: 4.5 },
      failed: [
        { quantity: 'cloud', why: 'cloudcover: 0x407 as it is' },
        { quantity: 'rain', why: 'rainrate: 0x500 as it is' },
      ],
    });
  });
  test('each measurement has the age that the device gives it; never measured, or an age that fails, is no value', async () => {
    const url = await device({
      temperature: 4.5,
      'age of temperature': 12.5,
      humidity: 60,
      'age of humidity': 86_400,
      windspeed: 3,
      'age of windspeed': -1,
      rainrate: 0,
      'age of rainrate': new Fails(0x500),
      windgust: 4,
      'age of windgust': null,
      cloudcover: 10,
    });
    expect(await readAlpaca({ ...source(url), safety_monitor: null }, fetch, WRITTEN)).toMatchObject({
      values: { temperature_celsius: 4.5, humidity_percent: 60, cloud_percent: 10 },
      measuredAtMs: { temperature_celsius: WRITTEN - 12_500, humidity_percent: WRITTEN - 86_400_000 },
      failed: [
        { quantity: 'wind', why: 'windspeed: never measured' },
        { quantity: 'gust', why: 'windgust: its age is no number' },
        { quantity: 'rain', why: 'rainrate: its age is not known, 0x500 as it is' },
      ],
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
