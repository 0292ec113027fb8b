import type { WeatherThresholds } from './contracts/telescope.ts';
import type { Measure, Quantity, WeatherCategories, WeatherReading, WeatherSourceState } from './weather-reading.ts';

/** What one source of weather says now, and what it is silent about although it should know. */

/** The quantity that a measure speaks of; measures that no limit is set for speak of none. */
export const QUANTITY_OF: Partial<Record<Measure, Quantity>> = {
  cloud_percent: 'cloud',
  sky_temperature_celsius: 'cloud',
  rain_rate: 'rain',
  wind_meters_per_second: 'wind',
  gust_meters_per_second: 'gust',
  humidity_percent: 'humidity',
  temperature_celsius: 'dew margin',
  dew_point_celsius: 'dew margin',
};

/** Figures that can be; a station that is out of order says -1, 999 or NaN. */
const POSSIBLE: Partial<Record<Measure, readonly [least: number, most: number]>> = {
  temperature_celsius: [-90, 60],
  dew_point_celsius: [-90, 60],
  sky_temperature_celsius: [-150, 60],
  humidity_percent: [0, 105],
  cloud_percent: [0, 100],
  wind_meters_per_second: [0, 120],
  gust_meters_per_second: [0, 150],
  rain_rate: [0, 1000],
};

/** A lost link makes its source unknown after this long (docs/safety.md, 10). */
export const LOST_AFTER_SECONDS = 15;
const STALE_CEILING_SECONDS = 180;

/** Seconds after which a reading says nothing any more: three periods and half a minute, within the ceiling. */
export const staleAfterSeconds = (periodSeconds: number, staleSeconds = STALE_CEILING_SECONDS): number =>
  Math.min(3 * periodSeconds + 30, staleSeconds, STALE_CEILING_SECONDS);

/** May this source's reading still be believed at `nowMs`. One from the future says as little as an old one: a clock was set back, or the source's own is wrong. */
export function isFresh(source: WeatherSourceState, nowMs: number, staleSeconds: number): boolean {
  if (!source.reading) return false;
  if (source.lostSinceMs !== null && nowMs - source.lostSinceMs > LOST_AFTER_SECONDS * 1000) return false;
  return Math.abs(nowMs - source.reading.atMs) <= staleAfterSeconds(source.periodSeconds, staleSeconds) * 1000;
}

/** What a source says now; with `trouble` it says nothing that counts. */
export interface Evidence {
  name: string;
  optional: boolean;
  reading: WeatherReading | null;
  values: Partial<Record<Measure, number>>;
  categories: WeatherCategories | null;
  /** Why the source as a whole is not believed; null while it is. */
  trouble: string | null;
  /** What it has and cannot tell now. */
  failed: { quantity: Quantity; why: string }[];
}

/**
 * @param stood per measure how long, in milliseconds, a value that cannot stand still for hours has stood (weather-memory.ts)
 */
export function evidenceOf(
  source: WeatherSourceState,
  nowMs: number,
  staleSeconds: number,
  stood: ReadonlyMap<Measure | 'all', number> = new Map(),
): Evidence {
  const { name, reading } = source;
  const silent = { name, optional: source.optional ?? false, reading, values: {}, categories: null, failed: [] };
  if (!reading || !isFresh(source, nowMs, staleSeconds)) return { ...silent, trouble: whyNotFresh(source, nowMs) };
  const frozen = stood.get('all');
  if (frozen !== undefined) return { ...silent, trouble: `none of its values has changed for ${hours(frozen)} h` };
  const values = { ...reading.values };
  const failed = [...(reading.failed ?? [])];
  const drop = (measure: Measure, why: string): void => {
    delete values[measure];
    const quantity = QUANTITY_OF[measure];
    if (quantity) failed.push({ quantity, why: `${measure} ${why}` });
  };
  for (const [measure, [least, most]] of Object.entries(POSSIBLE) as [Measure, readonly [number, number]][]) {
    const value = values[measure];
    if (value !== undefined && !(value >= least && value <= most)) drop(measure, `cannot be ${value}`);
  }
  const limitMs = staleAfterSeconds(source.periodSeconds, staleSeconds) * 1000;
  for (const [measure, atMs] of Object.entries(reading.measuredAtMs ?? {}) as [Measure, number][])
    if (!(Math.abs(nowMs - atMs) <= limitMs))
      drop(
        measure,
        `was last measured ${Math.round(Math.abs(nowMs - atMs) / 1000)} s ${atMs > nowMs ? 'ahead' : 'ago'}`,
      );
  for (const [measure, ms] of stood)
    if (measure !== 'all' && values[measure] !== undefined)
      drop(measure, `has stood at ${values[measure]} for ${hours(ms)} h`);
  return { ...silent, trouble: null, values, categories: reading.categories, failed };
}
const hours = (ms: number): number => Math.round(ms / 360_000) / 10;

function whyNotFresh({ reading, lostSinceMs, trouble }: WeatherSourceState, nowMs: number): string {
  const why = trouble ? `: ${trouble}` : '';
  if (!reading) return `no reading yet${why}`;
  if (lostSinceMs !== null && nowMs - lostSinceMs > LOST_AFTER_SECONDS * 1000)
    return `no answer for ${Math.round((nowMs - lostSinceMs) / 1000)} s${why}`;
  const ms = nowMs - reading.atMs;
  return `last reading ${Math.round(Math.abs(ms) / 1000)} s ${ms < 0 ? 'ahead of our clock' : 'ago'}${why}`;
}

/** Does this source know a quantity now. */
export function knows({ values, categories }: Pick<Evidence, 'values' | 'categories'>, quantity: Quantity): boolean {
  switch (quantity) {
    case 'cloud':
      return values.cloud_percent !== undefined || (categories?.cloud ?? null) !== null;
    case 'rain':
      return values.rain_rate !== undefined || (categories?.rain ?? null) !== null;
    case 'wind':
      return values.wind_meters_per_second !== undefined || (categories?.wind ?? null) !== null;
    case 'gust':
      return values.gust_meters_per_second !== undefined;
    case 'humidity':
      return values.humidity_percent !== undefined;
    case 'dew margin':
      return values.temperature_celsius !== undefined && values.dew_point_celsius !== undefined;
    case 'light':
      return (categories?.light ?? null) !== null;
  }
}

/** A category's words from the best to the worst, with what each asks for. */
const CATEGORY_RULES = {
  cloud: [['CLEAR'], ['CLOUDY', 'hold'], ['VERY_CLOUDY', 'unsafe']],
  rain: [['DRY'], ['WET', 'unsafe'], ['RAIN', 'unsafe']],
  wind: [['CALM'], ['WINDY', 'hold'], ['VERY_WINDY', 'unsafe']],
  light: [['DARK'], ['LIGHT'], ['VERY_LIGHT', 'hold']],
} as const satisfies Record<keyof WeatherCategories, readonly (readonly [string, ('hold' | 'unsafe')?])[]>;
const CATEGORIES = Object.keys(CATEGORY_RULES) as (keyof WeatherCategories)[];

/** How bad a word is among its category's; -1 for unknown. */
export const badness = (category: keyof WeatherCategories, word: string | null): number =>
  CATEGORY_RULES[category].findIndex(([w]) => w === word);

const UPPER_LIMITS = [
  ['cloud_percent', 'cloud', '%'],
  ['humidity_percent', 'humidity', '%'],
  ['wind_meters_per_second', 'wind', 'm/s'],
  ['gust_meters_per_second', 'gust', 'm/s'],
] as const;

export interface Findings {
  holds: string[];
  unsafe: string[];
}
/** Each limit that this source's own values pass, with its figures; the causes do not name the source yet. */
export function findingsOf(
  { values, categories }: Pick<Evidence, 'values' | 'categories'>,
  thresholds: WeatherThresholds,
): Findings {
  const found: Findings = { holds: [], unsafe: [] };
  for (const category of categories ? CATEGORIES : []) {
    const word = categories![category];
    const level = CATEGORY_RULES[category].find(([w]) => w === word)?.[1];
    if (level) (level === 'hold' ? found.holds : found.unsafe).push(`${category} ${word}`);
  }
  for (const [measure, label, unit] of UPPER_LIMITS) {
    const value = values[measure];
    if (value === undefined) continue;
    const limit = thresholds[measure];
    if (value > limit.unsafe) found.unsafe.push(`${label} ${value} ${unit} over ${limit.unsafe}`);
    else if (value > limit.hold) found.holds.push(`${label} ${value} ${unit} over ${limit.hold}`);
  }
  if (values.rain_rate !== undefined && values.rain_rate > 0) found.unsafe.push(`rain ${values.rain_rate} mm/h`);
  dewMargin(values, thresholds, found);
  return found;
}
export function dewMargin(values: Evidence['values'], thresholds: WeatherThresholds, found: Findings): void {
  const { temperature_celsius: temperature, dew_point_celsius: dewPoint } = values;
  if (temperature === undefined || dewPoint === undefined) return;
  const margin = Math.round((temperature - dewPoint) * 10) / 10;
  const limit = thresholds.dew_margin_celsius;
  if (margin < limit.unsafe) found.unsafe.push(`dew margin ${margin} °C under ${limit.unsafe}`);
  else if (margin < limit.hold) found.holds.push(`dew margin ${margin} °C under ${limit.hold}`);
}
