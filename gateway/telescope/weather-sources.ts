import { open } from 'node:fs/promises';
import type { WeatherSource } from '../../domain/contracts/telescope.ts';
import { QUANTITY_OF } from '../../domain/weather-evidence.ts';
import type { Measure, WeatherCategories, WeatherReading } from '../../domain/weather-reading.ts';
import { instantsOf } from './timezone.ts';

/** Alpaca's two numbers for "this device has no such property" (Alpaca API reference, error numbers); any other is a failure of one that it has. */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([0x400, 0x40c]);
const ALPACA_MS = 5_000;

type AlpacaSource = Extract<WeatherSource, { kind: 'alpaca' }>;
type Asked = { value: unknown } | { error: string } | null;

/**
 * Weather from an ASCOM Alpaca device over HTTP (ASCOM Alpaca API v1: observingconditions, safetymonitor). Each property is asked for by itself,
 * with the age of its measurement (`timesincelastupdate`); one that the device does not have is left out, one that it cannot tell is named.
 * @throws Error when the device does not answer at all
 */
export async function readAlpaca(
  source: AlpacaSource,
  fetchImpl: typeof fetch = fetch,
  nowMs = Date.now(),
): Promise<WeatherReading> {
  const ask = (device: string, number: number, property: string, query: Record<string, string> = {}): Promise<Asked> =>
    askAlpaca({ url: source.url, fetchImpl }, `${device}/${number}/${property}`, query);
  const values: WeatherReading['values'] = {};
  const measuredAtMs: NonNullable<WeatherReading['measuredAtMs']> = {};
  const failed: NonNullable<WeatherReading['failed']> = [];
  const fail = (measure: Measure, why: string): void => {
    const quantity = QUANTITY_OF[measure];
    if (quantity) failed.push({ quantity, why });
  };
  const conditions = source.observing_conditions;
  for (const [property, measure] of conditions === null ? [] : ALPACA_PROPERTIES) {
    const asked = await ask('observingconditions', conditions!, property);
    if (asked === null) continue;
    if ('error' in asked || typeof asked.value !== 'number' || !Number.isFinite(asked.value)) {
      fail(measure, `${property}: ${'error' in asked ? asked.error : 'no number'}`);
      continue;
    }
    values[measure] = asked.value;
    if (!QUANTITY_OF[measure]) continue;
    const since = await ask('observingconditions', conditions!, 'timesincelastupdate', { SensorName: property });
    if (since === null) continue;
    const seconds = 'value' in since && typeof since.value === 'number' ? since.value : Number.NaN;
    if (seconds >= 0) measuredAtMs[measure] = nowMs - seconds * 1000;
    else {
      delete values[measure];
      // A negative age is ASCOM's word for "never measured" (IObservingConditions.TimeSinceLastUpdate).
      fail(measure, `${property}: ${whyNoAge(since)}`);
    }
  }
  let safety: WeatherReading['safety'] = null;
  if (source.safety_monitor !== null) {
    const connected = valueOf(await ask('safetymonitor', source.safety_monitor, 'connected'));
    const safe = connected === true ? valueOf(await ask('safetymonitor', source.safety_monitor, 'issafe')) : undefined;
    safety = { connected: connected === true, safe: typeof safe === 'boolean' ? safe : null };
  }
  return {
    source: 'alpaca',
    atMs: nowMs,
    values,
    categories: null,
    safety,
    ...(Object.keys(measuredAtMs).length > 0 ? { measuredAtMs } : {}),
    ...(failed.length > 0 ? { failed } : {}),
  };
}
function whyNoAge(since: NonNullable<Asked>): string {
  if ('error' in since) return `its age is not known, ${since.error}`;
  return typeof since.value === 'number' ? 'never measured' : 'its age is no number';
}
const valueOf = (asked: Asked): unknown => (asked !== null && 'value' in asked ? asked.value : undefined);

/** One property: its value, the device's error, or null where it has none such. @throws Error without an answer of the device itself */
async function askAlpaca(
  { url: base, fetchImpl }: { url: string; fetchImpl: typeof fetch },
  path: string,
  query: Record<string, string>,
): Promise<Asked> {
  const url = new URL(`/api/v1/${path}`, base);
  for (const [key, value] of Object.entries({ ...query, ClientID: '5950' })) url.searchParams.set(key, value);
  const response = await fetchImpl(url, { signal: AbortSignal.timeout(ALPACA_MS) });
  const name = path.replace(/\/\d{1,9}\//, ' ');
  if (!response.ok) throw new Error(`${name}: HTTP ${response.status}`);
  const body = (await response.json()) as { Value?: unknown; ErrorNumber?: number; ErrorMessage?: string };
  const number = body.ErrorNumber ?? 0;
  if (number === 0) return { value: body.Value };
  if (NOT_IMPLEMENTED.has(number)) return null;
  return { error: `0x${number.toString(16)} ${(body.ErrorMessage ?? '').slice(0, 100)}`.trim() };
}

/** Property and our measure; Alpaca's units are ours. */
const ALPACA_PROPERTIES: readonly (readonly [string, Measure])[] = [
  ['temperature', 'temperature_celsius'],
  ['humidity', 'humidity_percent'],
  ['dewpoint', 'dew_point_celsius'],
  ['pressure', 'pressure_hpa'],
  ['windspeed', 'wind_meters_per_second'],
  ['windgust', 'gust_meters_per_second'],
  ['cloudcover', 'cloud_percent'],
  ['rainrate', 'rain_rate'],
  ['skyquality', 'sky_quality_mag_arcsec2'],
  ['skytemperature', 'sky_temperature_celsius'],
  ['starfwhm', 'seeing_arcsec'],
];

const KMH = 1 / 3.6;
const MPH = 0.44704;
/** To metres per second, by the unit's letter. */
const WIND_FACTORS = new Map([
  ['m', 1],
  ['K', KMH],
  ['k', KMH],
  ['M', MPH],
]);

/**
 * The Boltwood Cloud Sensor II one-line file: date, time, temperature scale (C/F), wind unit (K km/h, M mph, m m/s), sky, ambient and
 * sensor temperature, wind, humidity %, dew point, heater %, rain flag, wet flag (0 dry, 1 lately, 2 now), seconds since the last good
 * data, days since the last write (serial), cloud, wind, rain and daylight condition (0 unknown, 1 to 3), roof close, alert.
 * Its age counts from the line's own date, so that a file which is copied again and again does not look new. Cloud and rain are what the sensor is
 * for: a condition of 0 there is a failure, while wind and light may never have been fitted.
 * @param nowMs which of two equal readings of a clock that is set back counts, the one nearer to this
 * @param timezone of the clock that dates the line
 * @throws Error saying what is wrong with the line
 */
export function parseBoltwood(line: string, nowMs: number, timezone = 'UTC'): WeatherReading {
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
  const windFactor = WIND_FACTORS.get(windUnit);
  const humidity = number(8);
  const values: WeatherReading['values'] = {};
  const put = (measure: Measure, value: number | undefined): void => {
    if (value !== undefined) values[measure] = Math.round(value * 100) / 100;
  };
  put('sky_temperature_celsius', temperature(4));
  put('temperature_celsius', temperature(5));
  const speed = windFactor !== undefined && wind !== null && wind >= 0 ? wind * windFactor : undefined;
  put('wind_meters_per_second', speed);
  put('humidity_percent', humidity !== null && humidity >= 0 && humidity <= 100 ? humidity : undefined);
  put('dew_point_celsius', temperature(9));
  const code = <W>(i: number, words: readonly (W | null)[]): W | null => words[number(i) ?? 0] ?? null;
  const rain = rainOf(Math.max(number(11) ?? 0, number(12) ?? 0), code(17, [null, 'DRY', 'WET', 'RAIN'] as const));
  const since = number(13);
  if (since === null) throw new Error(`the age "${f[13]}" of the sensor’s data is no number`);
  const cloud = code(15, [null, 'CLEAR', 'CLOUDY', 'VERY_CLOUDY'] as const);
  const failed = [
    ...(cloud === null ? [{ quantity: 'cloud' as const, why: `cloud condition ${f[15]}` }] : []),
    ...(rain === null ? [{ quantity: 'rain' as const, why: `rain condition ${f[17]}` }] : []),
    ...(windFactor === undefined ? [{ quantity: 'wind' as const, why: `wind unit ${windUnit}` }] : []),
  ];
  return {
    source: 'boltwood',
    atMs: dateOf(f[0]!, f[1]!, nowMs, timezone) - Math.max(0, since) * 1000,
    values,
    ...(failed.length > 0 ? { failed } : {}),
    categories: {
      cloud,
      wind: code(16, [null, 'CALM', 'WINDY', 'VERY_WINDY'] as const),
      rain,
      light: code(18, [null, 'DARK', 'LIGHT', 'VERY_LIGHT'] as const),
    },
    // The roof-close request is the sensor's own word that it is unsafe; without it the file says nothing about safety.
    safety: f[19] === '1' ? { connected: true, safe: false } : null,
  };
}

/** The worse of the sensor's own word and its two flags, of which 1 means within the last minute and 2 now. */
function rainOf(flag: number, condition: WeatherCategories['rain']): WeatherCategories['rain'] {
  if (flag >= 2) return 'RAIN';
  return flag === 1 && condition !== 'RAIN' ? 'WET' : condition;
}

/** The instant of the line's date and time. @throws Error */
function dateOf(date: string, time: string, nowMs: number, timezone: string): number {
  const wall = Date.parse(`${date}T${time.replace(',', '.')}Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || !Number.isFinite(wall))
    throw new Error(`the line’s date "${date} ${time}" is not YYYY-MM-DD hh:mm:ss`);
  const instants = instantsOf(wall, timezone);
  return instants.reduce((best, at) => (Math.abs(nowMs - at) < Math.abs(nowMs - best) ? at : best));
}

/** Reads the one-line file. @throws Error when it cannot be read or understood; it does not name the path */
export async function readBoltwood(path: string, timezone = 'UTC', nowMs = Date.now()): Promise<WeatherReading> {
  const line = await firstLine(path).catch((thrown: NodeJS.ErrnoException) => {
    throw new Error(`the file cannot be read (${thrown.code ?? thrown.message})`);
  });
  return parseBoltwood(line, nowMs, timezone);
}
async function firstLine(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
    return buffer.subarray(0, bytesRead).toString('latin1').split(/\r?\n/)[0] ?? '';
  } finally {
    await handle.close();
  }
}
