import type { TelescopeState } from './contracts/state.ts';

/**
 * What the gateway keeps of the telescope every 10 s while a session runs (table telemetry), and the graphs' series as paths into it.
 * Written by the gateway, read by the report and the API.
 */
export interface TelemetrySample {
  stale: boolean;
  voyager_status: string;
  run_sequence: string | null;
  emergency: string | null;
  running: string;
  camera_temperature: number | null;
  camera_power: number | null;
  focuser_position: number | null;
  focuser_temperature: number | null;
  guiding_status: string | null;
  guide_x: number | null;
  guide_y: number | null;
  guiding_rms: number | null;
  altitude: number | null;
  azimuth: number | null;
  exposure: { file: string | null; elapsed: number; status: string } | null;
  weather: {
    state: string;
    reason: string | null;
    cloud: string | null;
    temperature: number | null;
    humidity: number | null;
    dew_point: number | null;
    wind: number | null;
    gust: number | null;
    cloud_percent: number | null;
    sky_quality: number | null;
    seeing: number | null;
  };
}

export function telemetrySample(state: TelescopeState, running: string): TelemetrySample {
  const { weather: w } = state;
  return {
    stale: state.stale,
    voyager_status: state.voyager.status,
    run_sequence: state.voyager.run_sequence,
    emergency: state.voyager.emergency,
    running,
    camera_temperature: state.camera.temperature_celsius,
    camera_power: state.camera.power_percent,
    focuser_position: state.focuser.position,
    focuser_temperature: state.focuser.temperature_celsius,
    guiding_status: state.guiding.status,
    guide_x: state.guiding.x_px,
    guide_y: state.guiding.y_px,
    guiding_rms: state.guiding.rms?.total_px ?? null,
    altitude: state.mount.altitude_degrees,
    azimuth: state.mount.azimuth_degrees,
    exposure: state.exposure
      ? { file: state.exposure.file, elapsed: state.exposure.elapsed_seconds, status: state.exposure.status }
      : null,
    weather: {
      state: w.state,
      reason: w.reason,
      cloud: w.cloud,
      temperature: w.temperature_celsius?.value ?? null,
      humidity: w.humidity_percent?.value ?? null,
      dew_point: w.dew_point_celsius?.value ?? null,
      wind: w.wind_meters_per_second?.value ?? null,
      gust: w.gust_meters_per_second?.value ?? null,
      cloud_percent: w.cloud_percent?.value ?? null,
      sky_quality: w.sky_quality_mag_arcsec2?.value ?? null,
      seeing: w.seeing_arcsec?.value ?? null,
    },
  };
}

type Path =
  | readonly [Exclude<keyof TelemetrySample, 'weather'>]
  | readonly ['weather', keyof TelemetrySample['weather']];
/** Series of the graphs, each a path into a sample. */
export const TELEMETRY_SERIES = {
  'guiding.rms': ['guiding_rms'],
  'guiding.x': ['guide_x'],
  'guiding.y': ['guide_y'],
  'camera.temperature': ['camera_temperature'],
  'camera.power': ['camera_power'],
  'focuser.position': ['focuser_position'],
  'focuser.temperature': ['focuser_temperature'],
  'mount.altitude': ['altitude'],
  'mount.azimuth': ['azimuth'],
  'weather.temperature': ['weather', 'temperature'],
  'weather.humidity': ['weather', 'humidity'],
  'weather.wind': ['weather', 'wind'],
  'weather.cloud': ['weather', 'cloud_percent'],
  'weather.seeing': ['weather', 'seeing'],
} as const satisfies Record<string, Path>;
export type TelemetrySeriesName = keyof typeof TELEMETRY_SERIES;
