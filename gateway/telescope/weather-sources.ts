import { open } from 'node:fs/promises';
import type { WeatherSource } from '../../domain/contracts/telescope.ts';
import type { Measure, WeatherReading } from '../../domain/weather.ts';

/**
 * Weather from an ASCOM Alpaca device over HTTP (ASCOM Alpaca API v1: observingconditions, safetymonitor).
 * Each property is asked for by itself; one that the device does not implement (error 0x400 or 0x407) is left out.
 * @throws Error when the device does not answer at all
 */
export async function readAlpaca(
  source: Extract<WeatherSource, { kind: 'alpaca' }>,
  fetchImpl: typeof fetch = fetch,
  nowMs = Date.now(),
): Promise<WeatherReading> {
  const values: WeatherReading['values'] = {};
  let answered = 0;
  let failure: Error | null = null;
  const ask = async (device: string, number: number, property: string): Promise<unknown> => {
    const url = new URL(`/api/v1/${device}/${number}/${property}`, source.url);
    url.searchParams.set('ClientID', '5950');
    const response = await fetchImpl(url, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`${device} ${property}: HTTP ${response.status}`);
    answered += 1;
    const body = (await response.json()) as { Value?: unknown; ErrorNumber?: number; ErrorMessage?: string };
    if (body.ErrorNumber) throw new AlpacaError(`${device} ${property}: ${body.ErrorMessage ?? body.ErrorNumber}`);
    return body.Value;
  };
  const tryAsk = async (device: string, number: number, property: string): Promise<unknown> => {
    try {
      return await ask(device, number, property);
    } catch (thrown) {
      if (!(thrown instanceof AlpacaError)) failure = thrown as Error;
      return undefined;
    }
  };
  if (source.observing_conditions !== null) {
    for (const [property, measure, scale] of ALPACA_PROPERTIES) {
      const value = await tryAsk('observingconditions', source.observing_conditions, property);
      if (typeof value === 'number' && Number.isFinite(value)) values[measure] = value * scale;
      if (failure) break;
    }
  }
  let safety: WeatherReading['safety'] = null;
  if (source.safety_monitor !== null && !failure) {
    const connected = await tryAsk('safetymonitor', source.safety_monitor, 'connected');
    const safe = connected === true ? await tryAsk('safetymonitor', source.safety_monitor, 'issafe') : undefined;
    safety = { connected: connected === true, safe: typeof safe === 'boolean' ? safe : null };
  }
  if (answered === 0 || failure) throw failure ?? new Error('no answer');
  return { source: 'alpaca', atMs: nowMs, values, categories: null, safety };
}
class AlpacaError extends Error {}
/** Property, measure, factor to our unit. */
const ALPACA_PROPERTIES: readonly (readonly [string, Measure, number])[] = [
  ['temperature', 'temperature_celsius', 1],
  ['humidity', 'humidity_percent', 1],
  ['dewpoint', 'dew_point_celsius', 1],
  ['pressure', 'pressure_hpa', 1],
  ['windspeed', 'wind_meters_per_second', 1],
  ['windgust', 'gust_meters_per_second', 1],
  ['cloudcover', 'cloud_percent', 1],
  ['rainrate', 'rain_rate', 1],
  ['skyquality', 'sky_quality_mag_arcsec2', 1],
  ['skytemperature', 'sky_temperature_celsius', 1],
  ['starfwhm', 'seeing_arcsec', 1],
];

const KMH = 1 / 3.6;
const MPH = 0.44704;

/**
 * The Boltwood Cloud Sensor II one-line file: date, time, temperature scale (C/F), wind unit (K km/h, M mph, m m/s), sky, ambient and
 * sensor temperature, wind, humidity %, dew point, heater %, rain flag, wet flag (0 dry, 1 lately, 2 now), seconds since the last good
 * data, days since the last write (serial), cloud, wind, rain and daylight condition (0 unknown, 1 to 3), roof close, alert.
 * Its age is `since` plus what has passed since the file was written. @throws Error saying what is wrong with the line
 */
export function parseBoltwood(line: string, writtenMs: number): WeatherReading {
  const f = line.trim().split(/\s+/);
  if (f.length < 19) throw new Error(`a Boltwood II line has 21 fields, this one has ${f.length}`);
  const scale = f[2]!.toUpperCase();
  const windUnit = f[3]!;
  if (scale !== 'C' && scale !== 'F') throw new Error(`temperature scale "${f[2]}" is neither C nor F`);
  const number = (i: number): number | null => {
    const value = Number(f[i]!.replace(',', '.'));
    return Number.isFinite(value) ? value : null;
  };
  /** Sensors write 999 and -998, -999 for "none", "wet" and "fault". */
  const temperature = (i: number): number | undefined => {
    const value = number(i);
    if (value === null || Math.abs(value) >= 990) return undefined;
    return scale === 'F' ? ((value - 32) * 5) / 9 : value;
  };
  const wind = number(7);
  const windFactor = windUnit === 'K' || windUnit === 'k' ? KMH : windUnit === 'M' ? MPH : 1;
  const humidity = number(8);
  const values: WeatherReading['values'] = {};
  const put = (measure: Measure, value: number | undefined): void => {
    if (value !== undefined) values[measure] = Math.round(value * 100) / 100;
  };
  put('sky_temperature_celsius', temperature(4));
  put('temperature_celsius', temperature(5));
  put('wind_meters_per_second', wind !== null && wind >= 0 ? wind * windFactor : undefined);
  put('humidity_percent', humidity !== null && humidity >= 0 && humidity <= 100 ? humidity : undefined);
  put('dew_point_celsius', temperature(9));
  const code = <W>(i: number, words: readonly (W | null)[]): W | null => words[number(i) ?? 0] ?? null;
  const raining = number(11) === 2 || number(12) === 2;
  const rain = raining ? ('RAIN' as const) : code(17, [null, 'DRY', 'WET', 'RAIN'] as const);
  const since = number(13) ?? 0;
  return {
    source: 'boltwood',
    atMs: writtenMs - Math.max(0, since) * 1000,
    values,
    categories: {
      cloud: code(15, [null, 'CLEAR', 'CLOUDY', 'VERY_CLOUDY'] as const),
      wind: code(16, [null, 'CALM', 'WINDY', 'VERY_WINDY'] as const),
      rain,
      light: code(18, [null, 'DARK', 'LIGHT', 'VERY_LIGHT'] as const),
    },
    // The roof-close request is the sensor's own word that it is unsafe; without it the file says nothing about safety.
    safety: f[19] === '1' ? { connected: true, safe: false } : null,
  };
}

/** Reads the one-line file. @throws Error when it cannot be read or understood */
export async function readBoltwood(path: string): Promise<WeatherReading> {
  const handle = await open(path, 'r');
  try {
    const { mtimeMs } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
    const line = buffer.subarray(0, bytesRead).toString('latin1').split(/\r?\n/)[0] ?? '';
    return parseBoltwood(line, mtimeMs);
  } finally {
    await handle.close();
  }
}
