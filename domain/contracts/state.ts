import { z } from 'zod';
import { REASON_CODES } from '../reasons.ts';
import { Instant, TelescopeId } from './common.ts';

const n = z.number().nullable();
const age = z.number().nullable().describe('Seconds since Voyager last said so; null when it never did');

export const VOYAGER_STATUS = ['IDLE', 'RUN', 'ERROR', 'STOPPED', 'WARNING', 'UNDEFINED'] as const;
export const LINK_STATES = ['idle', 'connecting', 'handshaking', 'ready', 'closing', 'waiting'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export const ConnectionState = z
  .object({
    connected: z.boolean(),
    state: z.enum(LINK_STATES),
    since: Instant,
    host: z.string(),
    port: z.number(),
    instance: z.number(),
    voyager_version: z.string().nullable(),
    last_message_age_seconds: n,
    clock_offset_seconds: n.describe('Median of our clock less Voyager’s over 20 events'),
    reconnects: z.number().int(),
    reason: z.string().nullable().describe('Why the link is not ready, in words'),
  })
  .meta({ id: 'ConnectionState' });
export type ConnectionState = z.infer<typeof ConnectionState>;

/** A measured value with where it comes from; null when nobody measures it. */
export const Measured = z.object({ value: z.number(), source: z.string(), age_seconds: z.number() }).nullable();
export type Measured = z.infer<typeof Measured>;

export const WEATHER_STATES = ['ok', 'hold', 'unsafe'] as const;
export type WeatherState = (typeof WEATHER_STATES)[number];

export const Weather = z
  .object({
    state: z.enum(WEATHER_STATES),
    reason: z.enum(REASON_CODES).nullable(),
    causes: z.array(z.string()).describe('What exactly is over which limit, e.g. "wind 12.1 m/s over 10"'),
    ok_since: Instant.nullable().describe('Start of the unbroken safe time; what the debounce counts from'),
    safety_monitor: z
      .object({ connected: z.boolean(), safe: z.boolean().nullable(), source: z.string(), age_seconds: z.number() })
      .nullable(),
    cloud: z.string().nullable(),
    rain: z.string().nullable(),
    wind: z.string().nullable(),
    light: z.string().nullable(),
    category_age_seconds: n,
    temperature_celsius: Measured,
    humidity_percent: Measured,
    dew_point_celsius: Measured,
    pressure_hpa: Measured,
    wind_meters_per_second: Measured,
    gust_meters_per_second: Measured,
    cloud_percent: Measured,
    rain_rate: Measured,
    sky_quality_mag_arcsec2: Measured,
    sky_temperature_celsius: Measured,
    seeing_arcsec: Measured,
    stale: z.boolean(),
  })
  .meta({ id: 'Weather' });
export type Weather = z.infer<typeof Weather>;

/** Guiding error, root mean square about zero in pixels of the guide camera. */
export const GuidingRms = z.object({
  window_seconds: z.number(),
  x_px: z.number(),
  y_px: z.number(),
  total_px: z.number(),
  samples: z.number().int(),
});

/** The live mirror of one telescope: what Voyager says, how old it is, and nothing invented. */
export const TelescopeState = z
  .object({
    telescope_id: TelescopeId,
    rev: z.number().int(),
    epoch: z.number().int().describe('Connection epoch: grows with each new TCP connection'),
    at: Instant,
    stale: z.boolean(),
    read_only: z.boolean(),
    connection: ConnectionState,
    voyager: z.object({
      status: z.enum(VOYAGER_STATUS),
      setup_connected: z.boolean().nullable(),
      run_sequence: z.string().nullable(),
      run_dragscript: z.string().nullable(),
      emergency: z.enum(['suspend', 'exit']).nullable(),
      profile: z.string().nullable(),
      last_error: z.string().nullable(),
      age_seconds: age,
    }),
    mount: z.object({
      connected: z.boolean().nullable(),
      parked: z.boolean().nullable(),
      tracking: z.boolean().nullable(),
      slewing: z.boolean().nullable(),
      ra_hours: n,
      dec_degrees: n,
      ra_j2000_hours: n,
      dec_j2000_degrees: n,
      altitude_degrees: n,
      azimuth_degrees: n,
      pier: z.enum(['west', 'east']).nullable(),
      flip_status: z.string().nullable(),
      time_to_flip_seconds: n,
      age_seconds: age,
    }),
    camera: z.object({
      connected: z.boolean().nullable(),
      temperature_celsius: n,
      setpoint_celsius: n,
      power_percent: n,
      cooling: z.boolean().nullable(),
      status: z.string().nullable(),
      binning: n,
      age_seconds: age,
    }),
    focuser: z.object({
      connected: z.boolean().nullable(),
      position: n,
      temperature_celsius: n,
      last_focus: z.object({ at: Instant, position: n, hfd: n, filter_index: n, ok: z.boolean() }).nullable(),
      age_seconds: age,
    }),
    guiding: z.object({
      connected: z.boolean().nullable(),
      status: z.enum(['STOPPED', 'SETTLING', 'RUNNING', 'TIMEOUT']).nullable(),
      dither: z.enum(['STOPPED', 'RUNNING', 'SETTLING', 'TIMEOUT']).nullable(),
      x_px: n,
      y_px: n,
      /** While guiding runs, over a minute; a stop clears it. */
      rms: GuidingRms.nullable(),
      /** Over 5 and 15 minutes of the clock, stops and dithers left out: whether a bad minute is a gust or the night. */
      rms_windows: z.array(GuidingRms),
      age_seconds: age,
    }),
    rotator: z.object({
      connected: z.boolean().nullable(),
      position_degrees: n,
      sky_pa_degrees: n,
      moving: z.boolean().nullable(),
    }),
    dome: z.object({
      connected: z.boolean().nullable(),
      azimuth_degrees: n,
      moving: z.boolean().nullable(),
      shutter: z.enum(['open', 'closed', 'opening', 'closing', 'error', 'unknown']).nullable(),
    }),
    planetarium_connected: z.boolean().nullable(),
    plate_solver_connected: z.boolean().nullable(),
    sequence: z
      .object({
        name: z.string().nullable(),
        total_seconds: n,
        elapsed_seconds: n,
        remaining_seconds: n,
        start: z.string().nullable(),
        end: z.string().nullable(),
      })
      .nullable(),
    exposure: z
      .object({
        file: z.string().nullable(),
        filter: z.string().nullable(),
        total_seconds: z.number(),
        elapsed_seconds: z.number(),
        percent: z.number(),
        status: z.enum(['IDLE', 'EXPOSE', 'DOWNLOAD', 'WAIT_JPG', 'ERROR']),
        age_seconds: z.number(),
      })
      .nullable(),
    preview: z
      .object({
        id: z.string(),
        at: Instant,
        file: z.string(),
        filter: z.string().nullable(),
        exposure_seconds: n,
        binning: n,
        hfd: n,
        star_index: n,
        width: n,
        height: n,
        size_bytes: z.number().int(),
      })
      .nullable(),
    weather: Weather,
  })
  .meta({ id: 'TelescopeState' });
export type TelescopeState = z.infer<typeof TelescopeState>;
