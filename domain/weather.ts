import type { Measured, Weather } from './contracts/state.ts';
import type { WeatherThresholds } from './contracts/telescope.ts';
import type { Reason } from './reasons.ts';

/**
 * What the weather lets the telescope do, judged from the latest reading of each source in the telescope file's order.
 * Three states: `ok`, `hold` (wait), `unsafe` (nothing may move). Missing and stale data count as unsafe (safety.md 10).
 */

/** Metric units: °C, %, hPa, m/s, mm/h, mag/arcsec², arcsec. */
export const MEASURES = [
  'temperature_celsius',
  'humidity_percent',
  'dew_point_celsius',
  'pressure_hpa',
  'wind_meters_per_second',
  'gust_meters_per_second',
  'cloud_percent',
  'rain_rate',
  'sky_quality_mag_arcsec2',
  'sky_temperature_celsius',
  'seeing_arcsec',
] as const;
export type Measure = (typeof MEASURES)[number];

/** Voyager's words; its UNKNOW is null here. */
export interface WeatherCategories {
  cloud: 'CLEAR' | 'CLOUDY' | 'VERY_CLOUDY' | null;
  rain: 'DRY' | 'WET' | 'RAIN' | null;
  wind: 'CALM' | 'WINDY' | 'VERY_WINDY' | null;
  light: 'DARK' | 'LIGHT' | 'VERY_LIGHT' | null;
}

/** The newest answer of one source. */
export interface WeatherReading {
  source: string;
  /** Unix milliseconds at which it was measured, or read where the source does not say. */
  atMs: number;
  values: Partial<Record<Measure, number>>;
  categories: WeatherCategories | null;
  /** `safe` null: connected, but it says neither. Null as a whole: this source has no safety monitor. */
  safety: { connected: boolean; safe: boolean | null } | null;
}

export interface WeatherSourceState {
  name: string;
  periodSeconds: number;
  reading: WeatherReading | null;
  /** Unix milliseconds since when the way to the source is broken; null while it stands. */
  lostSinceMs: number | null;
}

export interface WeatherInput {
  nowMs: number;
  sources: readonly WeatherSourceState[];
  thresholds: WeatherThresholds;
  /** Upper limit of staleness in seconds; never more than 180. */
  staleSeconds: number;
  /** No session without a connected safety monitor; also true once one has been seen, since its loss is no all-clear. */
  safetyMonitorRequired: boolean;
}

export interface WeatherJudgement {
  state: Weather['state'];
  reason: Reason | null;
  causes: string[];
  stale: boolean;
}

/** A lost link makes its source unknown after this long (safety.md 10). */
export const LOST_AFTER_SECONDS = 15;
const STALE_CEILING_SECONDS = 180;
const EMPTY: WeatherCategories = { cloud: null, rain: null, wind: null, light: null };

/** Seconds after which a reading says nothing any more: three periods and half a minute, within the ceiling. */
export const staleAfterSeconds = (periodSeconds: number, staleSeconds = STALE_CEILING_SECONDS): number =>
  Math.min(3 * periodSeconds + 30, staleSeconds, STALE_CEILING_SECONDS);

/** May this source's reading still be believed at `nowMs`. One from the future says as little as an old one: a clock was set back, or the source's own is wrong. */
export function isFresh(source: WeatherSourceState, nowMs: number, staleSeconds: number): boolean {
  if (!source.reading) return false;
  if (source.lostSinceMs !== null && nowMs - source.lostSinceMs > LOST_AFTER_SECONDS * 1000) return false;
  return Math.abs(nowMs - source.reading.atMs) <= staleAfterSeconds(source.periodSeconds, staleSeconds) * 1000;
}

/** What is known now: each value from the first fresh source that has it. */
export function mergeReadings(input: Pick<WeatherInput, 'nowMs' | 'sources' | 'staleSeconds'>): {
  fresh: WeatherSourceState[];
  measured: Record<Measure, Measured>;
  categories: WeatherCategories;
  categoryAgeSeconds: number | null;
  safety: { connected: boolean; safe: boolean | null; source: string; age_seconds: number } | null;
} {
  const fresh = input.sources.filter((s) => isFresh(s, input.nowMs, input.staleSeconds));
  const age = (atMs: number): number => Math.max(0, Math.round((input.nowMs - atMs) / 100) / 10);
  const measured = Object.fromEntries(
    MEASURES.map((measure) => {
      const from = fresh.find((s) => s.reading!.values[measure] !== undefined);
      return [
        measure,
        from
          ? { value: from.reading!.values[measure]!, source: from.name, age_seconds: age(from.reading!.atMs) }
          : null,
      ];
    }),
  ) as Record<Measure, Measured>;
  const withCategories = fresh.find((s) => s.reading!.categories !== null);
  // An unsafe monitor outranks a safe one, and a connected one a missing one, whatever their order.
  const monitors = fresh.filter((s) => s.reading!.safety !== null);
  const monitor =
    monitors.find((s) => s.reading!.safety!.connected && s.reading!.safety!.safe !== true) ??
    monitors.find((s) => s.reading!.safety!.connected) ??
    monitors[0];
  return {
    fresh,
    measured,
    categories: withCategories?.reading!.categories ?? EMPTY,
    categoryAgeSeconds: withCategories ? age(withCategories.reading!.atMs) : null,
    safety: monitor
      ? { ...monitor.reading!.safety!, source: monitor.name, age_seconds: age(monitor.reading!.atMs) }
      : null,
  };
}

const CATEGORY_RULES: { field: keyof WeatherCategories; word: string; level: 'hold' | 'unsafe' }[] = [
  { field: 'cloud', word: 'CLOUDY', level: 'hold' },
  { field: 'cloud', word: 'VERY_CLOUDY', level: 'unsafe' },
  { field: 'rain', word: 'WET', level: 'unsafe' },
  { field: 'rain', word: 'RAIN', level: 'unsafe' },
  { field: 'wind', word: 'WINDY', level: 'hold' },
  { field: 'wind', word: 'VERY_WINDY', level: 'unsafe' },
  { field: 'light', word: 'VERY_LIGHT', level: 'hold' },
];
const UPPER_LIMITS = [
  ['cloud_percent', 'cloud', '%'],
  ['humidity_percent', 'humidity', '%'],
  ['wind_meters_per_second', 'wind', 'm/s'],
  ['gust_meters_per_second', 'gust', 'm/s'],
] as const;

/** The judgement at one instant. Every limit that is passed is named with its figures in `causes`. */
export function judgeWeather(input: WeatherInput): WeatherJudgement {
  const { fresh, measured, categories, safety } = mergeReadings(input);
  const holds: string[] = [];
  const unsafe: string[] = [];
  const unknown: string[] = [];

  for (const rule of CATEGORY_RULES)
    if (categories[rule.field] === rule.word)
      (rule.level === 'hold' ? holds : unsafe).push(`${rule.field} ${rule.word}`);
  for (const [measure, label, unit] of UPPER_LIMITS) {
    const value = measured[measure]?.value;
    if (value === undefined) continue;
    const limit = input.thresholds[measure];
    if (value > limit.unsafe) unsafe.push(`${label} ${value} ${unit} over ${limit.unsafe}`);
    else if (value > limit.hold) holds.push(`${label} ${value} ${unit} over ${limit.hold}`);
  }
  const rain = measured.rain_rate?.value;
  if (rain !== undefined && rain > 0) unsafe.push(`rain ${rain} mm/h`);
  const temperature = measured.temperature_celsius?.value;
  const dewPoint = measured.dew_point_celsius?.value;
  if (temperature !== undefined && dewPoint !== undefined) {
    const margin = Math.round((temperature - dewPoint) * 10) / 10;
    const limit = input.thresholds.dew_margin_celsius;
    if (margin < limit.unsafe) unsafe.push(`dew margin ${margin} °C under ${limit.unsafe}`);
    else if (margin < limit.hold) holds.push(`dew margin ${margin} °C under ${limit.hold}`);
  }

  if (safety?.connected) {
    if (safety.safe === false) unsafe.push(`safety monitor (${safety.source}) says unsafe`);
    else if (safety.safe === null) unknown.push(`safety monitor (${safety.source}) says neither safe nor unsafe`);
  } else if (input.safetyMonitorRequired) unknown.push('no safety monitor is connected');

  const stale = input.sources.filter((s) => !fresh.includes(s));
  const measuresWeather =
    Object.values(categories).some((word) => word !== null) || Object.values(measured).some((value) => value !== null);
  if (!measuresWeather && !(safety?.connected && safety.safe !== null)) {
    if (input.sources.length === 0) unknown.push('no weather source is configured');
    else if (stale.length === 0) unknown.push('no source measures the weather');
    for (const source of stale)
      unknown.push(
        `${source.name}: ${source.reading ? readingAge(input.nowMs - source.reading.atMs) : 'no reading yet'}`,
      );
  }

  const causes = [...unsafe, ...unknown, ...holds];
  const noFreshSource = fresh.length === 0;
  if (unsafe.length > 0) return { state: 'unsafe', reason: 'weather_unsafe', causes, stale: noFreshSource };
  if (unknown.length > 0) {
    const onlyMonitor = !noFreshSource && input.safetyMonitorRequired && !safety?.connected && unknown.length === 1;
    return {
      state: 'unsafe',
      reason: onlyMonitor ? 'safety_monitor_missing' : 'weather_unknown',
      causes,
      stale: noFreshSource,
    };
  }
  if (holds.length > 0) return { state: 'hold', reason: 'weather_hold', causes, stale: noFreshSource };
  return { state: 'ok', reason: null, causes, stale: false };
}

const readingAge = (ms: number): string =>
  `last reading ${Math.round(Math.abs(ms) / 1000)} s ${ms < 0 ? 'ahead of our clock' : 'ago'}`;

/** Keeps the start of the unbroken safe time, which the debounce counts from, and whether a safety monitor was ever there. */
export class WeatherJudge {
  private okSinceMs: number | null = null;
  private monitorSeen = false;

  judge(
    input: Omit<WeatherInput, 'safetyMonitorRequired'> & { unattendedWithoutSafetyMonitor: boolean },
  ): WeatherJudgement & { okSinceMs: number | null; weather: Weather } {
    const merged = mergeReadings(input);
    if (merged.safety?.connected) this.monitorSeen = true;
    const judgement = judgeWeather({
      ...input,
      safetyMonitorRequired: !input.unattendedWithoutSafetyMonitor || this.monitorSeen,
    });
    if (judgement.state !== 'ok') this.okSinceMs = null;
    else this.okSinceMs ??= input.nowMs;
    const weather: Weather = {
      state: judgement.state,
      reason: judgement.reason,
      causes: judgement.causes,
      ok_since: this.okSinceMs === null ? null : new Date(this.okSinceMs).toISOString(),
      safety_monitor: merged.safety,
      ...merged.categories,
      category_age_seconds: merged.categoryAgeSeconds,
      ...merged.measured,
      stale: judgement.stale,
    };
    return { ...judgement, okSinceMs: this.okSinceMs, weather };
  }
}

/** Null when motion may start, else why not: the weather itself, or a safe time still shorter than the debounce. */
export function mayStart(
  judgement: { state: Weather['state']; reason: Reason | null; okSinceMs: number | null },
  debounceSeconds: number,
  nowMs: number,
): Reason | null {
  if (judgement.state !== 'ok') return judgement.reason ?? 'weather_unknown';
  if (judgement.okSinceMs === null || nowMs - judgement.okSinceMs < debounceSeconds * 1000) return 'weather_debounce';
  return null;
}
