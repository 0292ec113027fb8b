/** What a source of weather answers, before anybody judges it. */

/** What a judgement depends on; a category and a figure may say the same. */
export const QUANTITIES = ['cloud', 'rain', 'wind', 'gust', 'humidity', 'dew margin', 'light'] as const;
export type Quantity = (typeof QUANTITIES)[number];

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
  /** Unix milliseconds at which a value was measured, where the source says it apart from the reading. */
  measuredAtMs?: Partial<Record<Measure, number>>;
  /** What the source has and could not tell this time, with why. */
  failed?: { quantity: Quantity; why: string }[];
}

export interface WeatherSourceState {
  name: string;
  periodSeconds: number;
  reading: WeatherReading | null;
  /** Unix milliseconds since when the way to the source is broken; null while it stands. */
  lostSinceMs: number | null;
  /** The reading was heard by a process before this one: a session goes on with it, and nothing begins. */
  recalled?: boolean;
  /** The telescope file lets the session go on without it. */
  optional?: boolean;
  /** What went wrong the last time that it was asked. */
  trouble?: string | null;
}
