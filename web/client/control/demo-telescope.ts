import type { TelescopeState } from '../core/types.ts';

/** What the demo observes, in the order in which the night is told. */
export const PLAN = [
  { filter: 'L', exposure_seconds: 12, quantity: 8 },
  { filter: 'Ha', exposure_seconds: 16, quantity: 5 },
  { filter: 'OIII', exposure_seconds: 16, quantity: 4 },
] as const;
export const TARGET = { name: 'NGC 7000', ra_hours: 20.9797, dec_degrees: 44.33 };

export type Step = 'slew' | 'focus' | 'expose' | 'download' | 'done';

/** Where the demo's night stands. */
export interface DemoNight {
  step: Step;
  /** Seconds since the step began; negative while it waits. */
  inStepSeconds: number;
  shot: (typeof PLAN)[number];
  paused: boolean;
  startMs: number;
  rev: number;
  guide: { x: number; y: number };
  preview: TelescopeState['preview'];
  random: () => number;
}

const isExposing = ({ step }: DemoNight): boolean => step === 'expose' || step === 'download';
const minutesOf = ({ startMs }: DemoNight): number => (Date.now() - startMs) / 60_000;

/** The demo's telescope as the gateway would tell of it. */
export function demoTelescope(night: DemoNight): TelescopeState {
  return {
    telescope_id: 'demo',
    rev: night.rev,
    epoch: 1,
    at: new Date().toISOString(),
    stale: false,
    read_only: false,
    ...voyager(night),
    ...devices(night),
    rotator: { connected: true, position_degrees: 12, sky_pa_degrees: 12, moving: false },
    dome: { connected: true, azimuth_degrees: 70, moving: false, shutter: 'open' },
    planetarium_connected: true,
    plate_solver_connected: true,
    exposure: exposure(night),
    preview: night.preview,
    weather: weather(night),
  };
}

function voyager(night: DemoNight): Pick<TelescopeState, 'connection' | 'voyager' | 'sequence'> {
  return {
    connection: {
      connected: true,
      state: 'ready',
      since: new Date(night.startMs).toISOString(),
      host: 'demo',
      port: 5950,
      instance: 1,
      voyager_version: '2.3',
      last_message_age_seconds: 0.4,
      clock_offset_seconds: 0.02,
      reconnects: 0,
      reason: null,
    },
    voyager: {
      status: night.step === 'done' ? 'IDLE' : 'RUN',
      setup_connected: true,
      run_sequence: 'NGC7000_LRGB',
      run_dragscript: 'RoboTarget',
      emergency: null,
      profile: 'Default.v2y',
      last_error: null,
      age_seconds: 0.4,
    },
    sequence: {
      name: 'NGC7000_LRGB',
      total_seconds: null,
      elapsed_seconds: null,
      remaining_seconds: null,
      start: null,
      end: null,
    },
  };
}

function devices(night: DemoNight): Pick<TelescopeState, 'mount' | 'camera' | 'focuser' | 'guiding'> {
  return { mount: mount(night), camera: camera(night), focuser: focuser(night), guiding: guiding(night) };
}
function mount(night: DemoNight): TelescopeState['mount'] {
  const minutes = minutesOf(night);
  return {
    connected: true,
    parked: night.step === 'done',
    tracking: night.step !== 'done',
    slewing: night.step === 'slew' && !night.paused,
    ra_hours: TARGET.ra_hours + 0.01,
    dec_degrees: TARGET.dec_degrees,
    ra_j2000_hours: TARGET.ra_hours,
    dec_j2000_degrees: TARGET.dec_degrees,
    altitude_degrees: 58 + minutes * 0.9,
    azimuth_degrees: 68 + minutes * 1.6,
    pier: 'west',
    flip_status: null,
    time_to_flip_seconds: minutes * 60 - 5_400,
    age_seconds: 0.4,
  };
}
function camera(night: DemoNight): TelescopeState['camera'] {
  return {
    connected: true,
    temperature_celsius: -10 + (night.random() - 0.5) * 0.2,
    setpoint_celsius: -10,
    power_percent: 46 + Math.round(night.random() * 4),
    cooling: true,
    status: null,
    binning: 1,
    age_seconds: 0.4,
  };
}
function focuser(night: DemoNight): TelescopeState['focuser'] {
  const minutes = minutesOf(night);
  return {
    connected: true,
    position: 10_212 - Math.round(minutes),
    temperature_celsius: 8.2 - minutes * 0.03,
    last_focus: {
      at: new Date(night.startMs + 9_000).toISOString(),
      position: 10_212,
      hfd: 2.36,
      filter_index: 0,
      ok: true,
    },
    age_seconds: 0.4,
  };
}
function guiding(night: DemoNight): TelescopeState['guiding'] {
  const running = isExposing(night);
  return {
    connected: true,
    status: running ? 'RUNNING' : 'STOPPED',
    dither: 'STOPPED',
    x_px: night.guide.x,
    y_px: night.guide.y,
    rms: running ? { window_seconds: 60, x_px: 0.31, y_px: 0.28, total_px: 0.42, samples: 60 } : null,
    rms_windows: [],
    age_seconds: 0.4,
  };
}
function exposure(night: DemoNight): TelescopeState['exposure'] {
  if (!isExposing(night)) return null;
  const { shot } = night;
  const inStep = Math.max(0, night.inStepSeconds);
  const exposing = night.step === 'expose';
  return {
    file: null,
    filter: shot.filter,
    total_seconds: shot.exposure_seconds,
    elapsed_seconds: exposing ? Math.min(inStep, shot.exposure_seconds) : shot.exposure_seconds,
    percent: Math.min(100, (100 * inStep) / shot.exposure_seconds),
    status: exposing ? 'EXPOSE' : 'DOWNLOAD',
    age_seconds: 0,
  };
}
function weather(night: DemoNight): TelescopeState['weather'] {
  const minutes = minutesOf(night);
  const measured = (value: number): { value: number; source: string; age_seconds: number } => ({
    value,
    source: 'demo',
    age_seconds: 4,
  });
  return {
    state: 'ok',
    reason: null,
    causes: [],
    ok_since: new Date(night.startMs - 3_600_000).toISOString(),
    safety_monitor: { connected: true, safe: true, source: 'demo', age_seconds: 2 },
    cloud: 'clear',
    rain: 'dry',
    wind: 'calm',
    light: 'dark',
    category_age_seconds: 4,
    temperature_celsius: measured(8.4 - minutes * 0.05),
    humidity_percent: measured(61),
    dew_point_celsius: measured(1.4),
    pressure_hpa: measured(1019),
    wind_meters_per_second: measured(1.8 + night.random()),
    gust_meters_per_second: measured(3.1),
    cloud_percent: measured(4),
    rain_rate: measured(0),
    sky_quality_mag_arcsec2: measured(21.3),
    sky_temperature_celsius: measured(-24),
    seeing_arcsec: measured(1.7),
    stale: false,
  };
}
