import { number, percent, UNKNOWN } from '../../../core/format.ts';
import type { Measured, TelescopeState } from '../../../core/types.ts';
import { reasonIn } from '../../../i18n/index.ts';
import { observatoryIn } from '../../../i18n/observatory.ts';
import type { Facts } from '../../facts.ts';
import { textOr } from '../../wording.ts';

type Weather = TelescopeState['weather'];

export function weatherView(facts: Facts) {
  const weather = facts.telescope?.weather;
  return { ...verdict(facts, weather), ...(weather ? values(facts, weather) : unheardOf) };
}

/** Unknown counts as unsafe for whoever decides, and is shown as what it is. */
function verdict({ over, locale, say }: Facts, weather: Weather | undefined) {
  const sky = !weather || weather.reason === 'weather_unknown' ? 'unknown' : weather.state;
  const unknown = over ? UNKNOWN : say('ui.unknown');
  const causes = weather?.causes.map((cause) => observatoryIn(locale, cause)) ?? [];
  return {
    weather: sky as string,
    weatherLabel: sky === 'unknown' ? unknown : say(`weather.${sky}`),
    weatherReason: [reasonIn(locale, weather?.reason), ...causes].filter(Boolean).join(' · '),
  };
}

/** Each quantity with its unit; where Voyager measures nothing, its word for it. */
function values({ locale, say }: Facts, weather: Weather) {
  const unmeasured = say('weather.unmeasured');
  const measured = (value: Measured, digits: number, unit: string): string =>
    value ? `${number(value.value, locale, digits)}${unit}` : unmeasured;
  const share = (value: Measured, otherwise = unmeasured): string =>
    value ? percent(value.value / 100, locale) : otherwise;
  const worded = (what: 'wind' | 'cloud', word: string | null): string =>
    word ? textOr(`weather.${what}.${word.toUpperCase()}`, word, locale) : unmeasured;
  const { wind_meters_per_second: wind } = weather;
  return {
    weatherTemperature: measured(weather.temperature_celsius, 1, '\u00a0°C'),
    weatherHumidity: share(weather.humidity_percent),
    weatherWind: wind ? measured(wind, 1, ' m/s') : worded('wind', weather.wind),
    weatherSeeing: measured(weather.seeing_arcsec, 1, '″'),
    weatherClouds: share(weather.cloud_percent, worded('cloud', weather.cloud)),
    weatherDew: measured(weather.dew_point_celsius, 1, '\u00a0°C'),
    weatherSky: measured(weather.sky_quality_mag_arcsec2, 1, '\u00a0mag/″²'),
    monitor: monitorText(weather.safety_monitor, say),
  };
}

/** Nothing came from the telescope so far. */
const unheardOf: ReturnType<typeof values> = {
  weatherTemperature: UNKNOWN,
  weatherHumidity: UNKNOWN,
  weatherWind: UNKNOWN,
  weatherSeeing: UNKNOWN,
  weatherClouds: UNKNOWN,
  weatherDew: UNKNOWN,
  weatherSky: UNKNOWN,
  monitor: UNKNOWN,
};

function monitorText(monitor: Weather['safety_monitor'], say: Facts['say']): string {
  if (!monitor?.connected) return say('weather.monitor.none');
  if (monitor.safe === null) return say('ui.unknown');
  return say(monitor.safe ? 'weather.monitor.safe' : 'weather.monitor.unsafe');
}
