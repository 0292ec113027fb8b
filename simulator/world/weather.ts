import { sunAltitudeDegrees, type Site } from '../../domain/sky.ts';
import { wander } from '../random.ts';

/** What the instruments on the pole measure. Units as ASCOM's ObservingConditions has them. */
export interface Conditions {
  temperature_celsius: number;
  humidity_percent: number;
  dew_point_celsius: number;
  pressure_hpa: number;
  wind_meters_per_second: number;
  gust_meters_per_second: number;
  wind_direction_degrees: number;
  cloud_percent: number;
  /** mm per hour */
  rain_rate: number;
  sky_quality_mag_arcsec2: number;
  sky_temperature_celsius: number;
  seeing_arcsec: number;
}
export type WeatherOverrides = Partial<
  Record<
    keyof Conditions | 'safe' | 'weather_station_connected' | 'safety_monitor_connected' | 'alpaca_up',
    number | boolean | null
  >
>;
const OVERRIDES = new Set<string>([
  'temperature_celsius',
  'humidity_percent',
  'dew_point_celsius',
  'pressure_hpa',
  'wind_meters_per_second',
  'gust_meters_per_second',
  'wind_direction_degrees',
  'cloud_percent',
  'rain_rate',
  'sky_quality_mag_arcsec2',
  'sky_temperature_celsius',
  'seeing_arcsec',
  'safe',
  'weather_station_connected',
  'safety_monitor_connected',
  'alpaca_up',
]);
const FLAGS = new Set<string>(['safe', 'weather_station_connected', 'safety_monitor_connected', 'alpaca_up']);

/** Names that cannot be set, or not to that value. */
export const unknownOverrides = (values: Record<string, unknown>): string[] =>
  Object.keys(values).filter(
    (name) =>
      !OVERRIDES.has(name) ||
      (values[name] !== null && typeof values[name] !== (FLAGS.has(name) ? 'boolean' : 'number')),
  );

/** Dew point by the Magnus formula (Alduchov and Eskridge 1996: 17.625, 243.04 °C). */
export function dewPoint(temperatureCelsius: number, humidityPercent: number): number {
  const gamma =
    Math.log(Math.max(1, humidityPercent) / 100) + (17.625 * temperatureCelsius) / (243.04 + temperatureCelsius);
  return (243.04 * gamma) / (17.625 - gamma);
}

/** Weather of a seed: a fair night by itself, a pure function of seed and time; whatever is overridden stands as said. */
export class Weather {
  private readonly site: Site;
  private readonly now: () => number;
  private overrides: WeatherOverrides = {};
  private readonly waves: Record<
    'temperature' | 'humidity' | 'pressure' | 'wind' | 'gust' | 'direction' | 'cloud' | 'sky' | 'seeing',
    (ms: number) => number
  >;
  private sun: { at: number; altitude: number } | null = null;

  constructor(seed: string, site: Site, now: () => number) {
    this.site = site;
    this.now = now;
    const wave = (name: string, seconds: number): ((ms: number) => number) => wander(`${seed}/${name}`, seconds);
    this.waves = {
      temperature: wave('temperature', 14_400),
      humidity: wave('humidity', 10_800),
      pressure: wave('pressure', 86_400),
      wind: wave('wind', 1_800),
      gust: wave('gust', 300),
      direction: wave('direction', 7_200),
      cloud: wave('cloud', 5_400),
      sky: wave('sky', 7_200),
      seeing: wave('seeing', 2_400),
    };
  }

  /** Sets what is given, clears what is null. Returns the names that are not known. */
  set(values: Record<string, unknown>): string[] {
    const unknown = unknownOverrides(values);
    if (unknown.length > 0) return unknown;
    for (const [name, value] of Object.entries(values)) {
      if (value === null) delete this.overrides[name as keyof WeatherOverrides];
      else this.overrides[name as keyof WeatherOverrides] = value as number | boolean;
    }
    return [];
  }

  conditions(at = this.now()): Conditions {
    const w = this.waves;
    const given = (name: keyof Conditions, computed: number): number =>
      typeof this.overrides[name] === 'number' ? this.overrides[name] : computed;
    const temperature = given('temperature_celsius', 8 + 3 * w.temperature(at));
    const humidity = given('humidity_percent', 55 + 12 * w.humidity(at));
    const cloud = given('cloud_percent', Math.max(0, 8 + 8 * w.cloud(at)));
    const wind = given('wind_meters_per_second', Math.max(0, 2.2 + 1.8 * w.wind(at)));
    return {
      temperature_celsius: temperature,
      humidity_percent: humidity,
      dew_point_celsius: given('dew_point_celsius', dewPoint(temperature, humidity)),
      pressure_hpa: given('pressure_hpa', 1015 + 6 * w.pressure(at)),
      wind_meters_per_second: wind,
      gust_meters_per_second: given('gust_meters_per_second', wind * (1.35 + 0.2 * w.gust(at))),
      wind_direction_degrees: given('wind_direction_degrees', (((230 + 60 * w.direction(at)) % 360) + 360) % 360),
      cloud_percent: cloud,
      rain_rate: given('rain_rate', 0),
      sky_quality_mag_arcsec2: given('sky_quality_mag_arcsec2', 21.2 + 0.2 * w.sky(at) - cloud / 40),
      sky_temperature_celsius: given('sky_temperature_celsius', temperature - 28 + cloud * 0.24),
      seeing_arcsec: given('seeing_arcsec', Math.max(0.9, 2.4 + 0.7 * w.seeing(at))),
    };
  }

  private flag(name: keyof WeatherOverrides): boolean {
    return this.overrides[name] !== false;
  }
  get stationConnected(): boolean {
    return this.flag('weather_station_connected');
  }
  get safetyMonitorConnected(): boolean {
    return this.flag('safety_monitor_connected');
  }
  get alpacaUp(): boolean {
    return this.flag('alpaca_up');
  }
  /** What the safety monitor says: what was set, else unsafe in rain, storm or a closed sky. */
  get safe(): boolean {
    if (typeof this.overrides.safe === 'boolean') return this.overrides.safe;
    const c = this.conditions();
    return c.rain_rate === 0 && c.wind_meters_per_second < 15 && c.cloud_percent < 90;
  }

  sunAltitude(): number {
    const at = this.now();
    if (!this.sun || Math.abs(at - this.sun.at) > 10_000)
      this.sun = { at, altitude: sunAltitudeDegrees(this.site, at) };
    return this.sun.altitude;
  }
  /** Voyager's own categories, with its spelling (UNKNOW). */
  categories(): { cloud: string; rain: string; wind: string; light: string } {
    if (!this.stationConnected) return { cloud: 'UNKNOW', rain: 'UNKNOW', wind: 'UNKNOW', light: 'UNKNOW' };
    const c = this.conditions();
    const sun = this.sunAltitude();
    const pick = (value: number, first: number, second: number, names: [string, string, string]): string =>
      names[[first, second].filter((limit) => value >= limit).length]!;
    const damp = c.humidity_percent > 97 ? 'WET' : 'DRY';
    return {
      cloud: pick(c.cloud_percent, 30, 85, ['CLEAR', 'CLOUDY', 'VERY_CLOUDY']),
      rain: c.rain_rate > 0 ? 'RAIN' : damp,
      wind: pick(c.wind_meters_per_second, 8, 14, ['CALM', 'WINDY', 'VERY_WINDY']),
      light: pick(sun, -10, 0, ['DARK', 'LIGHT', 'VERY_LIGHT']),
    };
  }
  /** Why Voyager's own emergency logic would act now, in the form of its log texts; null = no reason. */
  emergency(): string | null {
    if (this.safetyMonitorConnected && !this.safe) return 'Safety Monitor';
    if (!this.stationConnected) return null;
    const c = this.categories();
    if (c.rain === 'RAIN' || c.cloud === 'VERY_CLOUDY' || c.wind === 'VERY_WINDY')
      return `Weather - Weather String=${c.cloud} - ${c.wind} - ${c.rain} - ${c.light} - {READ_OK - OK}`;
    return null;
  }
}
