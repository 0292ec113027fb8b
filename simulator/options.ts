import { z } from 'zod';
import { midnightLongitudeDegrees, type Site } from '../domain/sky.ts';
import { UsageError } from '../platform/errors.ts';
import { systemClock, type Clock } from '../platform/clock.ts';
import type { FaultStep } from './faults.ts';

/** What the simulated steps take, in seconds of the simulator's clock. Together with the slew they make about 8 s before a target's first exposure. */
export interface Overheads {
  sequence_start: number;
  /** Longest slew, over 180°; shorter ones take their share, and never less than a quarter of it. */
  slew: number;
  /** Exposure of the plate-solving (SYNC) frame, and the solving itself. */
  sync_exposure: number;
  solve: number;
  focus: number;
  guide_acquire: number;
  guide_settle: number;
  filter_change: number;
  download: number;
  dither: number;
  dither_settle: number;
  flip: number;
  abort: number;
  roof: number;
  setup_connect: number;
}
export const DEFAULT_OVERHEADS: Overheads = {
  sequence_start: 0.4,
  slew: 3,
  sync_exposure: 1,
  solve: 0.6,
  focus: 2.2,
  guide_acquire: 0.7,
  guide_settle: 0.8,
  filter_change: 0.2,
  download: 0.7,
  dither: 0.3,
  dither_settle: 0.4,
  flip: 2,
  abort: 0.4,
  roof: 4,
  setup_connect: 2,
};

/** One simulated observatory: one Voyager instance with its devices, sky and weather. */
export interface ObservatoryOptions {
  /** 0 = any free port. */
  port: number;
  /** null = not served. */
  alpacaPort: number | null;
  controlPort: number | null;
  host: string;
  /** 1-based, as in every event's `Inst`. */
  instance: number;
  /** Frames, RoboTarget's database and the log of effects. */
  dataDir: string;
  /** Files to hand out, one per LIGHT shot, instead of rendering. */
  fitsDir: string | null;
  seed: string;
  site: Site;
  /** Voyager's PC east of UTC, for TI, log times and dialects with local time. */
  utcOffsetSeconds: number;
  username: string | null;
  password: string | null;
  ticket: string | null;
  robotargetSecret: string;
  dialectFile: string | undefined;
  camera: { width: number; height: number; bayer: boolean };
  windowsRoot: string;
  profile: string;
  sequenceGuid: string;
  /** RoboTarget runs from the start, as after somebody started its DragScript in the evening. */
  robotargetRunning: boolean;
  dragScript: string;
  filters: string[];
  nightSunAltitudeDegrees: number;
  overheads: Overheads;
  /** Voyager's own wait between the all-clear and the end of an emergency. */
  emergencyClearSeconds: number;
  firstWeatherSeconds: number;
  weatherPeriodSeconds: number;
  /** Oldest frames go when the folder is larger; nothing younger than 15 minutes is removed. */
  keepMegabytes: number;
  faults: FaultStep[];
  clock: Clock;
}

export function defaultOptions(now: number = Date.now()): Omit<ObservatoryOptions, 'dataDir'> {
  return {
    port: 0,
    alpacaPort: 0,
    controlPort: 0,
    host: '127.0.0.1',
    instance: 1,
    fitsDir: null,
    seed: '1',
    site: { latitude_degrees: 45, longitude_degrees: midnightLongitudeDegrees(now), elevation_meters: 500 },
    utcOffsetSeconds: 0,
    username: null,
    password: null,
    ticket: null,
    robotargetSecret: 'simulator',
    dialectFile: undefined,
    camera: { width: 3008, height: 3008, bayer: false },
    windowsRoot: 'C:\\Voyager\\FITS',
    profile: 'Default.v2y',
    sequenceGuid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    robotargetRunning: true,
    dragScript: 'RoboTarget.vos',
    filters: ['L', 'R', 'G', 'B', 'Ha', 'OIII', 'SII'],
    nightSunAltitudeDegrees: -12,
    overheads: DEFAULT_OVERHEADS,
    emergencyClearSeconds: 5,
    firstWeatherSeconds: 2,
    weatherPeriodSeconds: 30,
    keepMegabytes: 2048,
    faults: [],
    clock: systemClock,
  };
}

const flag = (otherwise: boolean) =>
  z
    .enum(['true', 'false', '1', '0', ''])
    .optional()
    .transform((v) => (v === undefined || v === '' ? otherwise : v === 'true' || v === '1'));
const text = z
  .string()
  .optional()
  .transform((v) => (v === '' ? undefined : v));
const port = z.coerce.number().int().min(0).max(65_535);
const Environment = z.object({
  SIM_HOST: z.string().default('127.0.0.1'),
  SIM_PORT: port.default(5950),
  SIM_INSTANCES: z.coerce.number().int().min(1).max(3).default(1),
  SIM_ALPACA_PORT: port.default(11_111),
  SIM_CONTROL_PORT: port.default(5990),
  SIM_DATA_DIR: z.string().default('.data/simulator'),
  SIM_FITS_DIR: text,
  SIM_SEED: z.string().default('1'),
  SIM_SITE: text.transform((v, ctx) => {
    if (v === undefined) return undefined;
    try {
      return z
        .object({
          latitude_degrees: z.number(),
          longitude_degrees: z.number(),
          elevation_meters: z.number().default(0),
        })
        .parse(JSON.parse(v));
    } catch (thrown) {
      ctx.addIssue({
        code: 'custom',
        message: `is not JSON {latitude_degrees, longitude_degrees, elevation_meters}: ${(thrown as Error).message}`,
      });
      return z.NEVER;
    }
  }),
  SIM_UTC_OFFSET_SECONDS: z.coerce.number().int().min(-50_400).max(50_400).default(0),
  SIM_USERNAME: text,
  SIM_PASSWORD: text,
  SIM_TICKET: text,
  SIM_ROBOTARGET_SECRET: z.string().default('simulator'),
  SIM_FAULTS: text,
  SIM_CAMERA: z
    .string()
    .regex(/^\d+x\d+$/, 'is not WIDTHxHEIGHT')
    .default('3008x3008'),
  SIM_BAYER: flag(false),
  SIM_WINDOWS_ROOT: z.string().default('C:\\Voyager\\FITS'),
  SIM_PROFILE: z.string().default('Default.v2y'),
  SIM_SEQUENCE_GUID: z.string().default('7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11'),
  SIM_ROBOTARGET_RUNNING: flag(true),
  SIM_KEEP_MB: z.coerce.number().min(0).default(2048),
  VOYAGER_ROBOTARGET_DIALECT: text,
});
export type SimulatorEnvironment = z.infer<typeof Environment>;

/** @throws UsageError naming each wrong variable. */
export function readEnvironment(env: NodeJS.ProcessEnv): SimulatorEnvironment {
  const values = { ...env };
  if (env.SIM_PASSWORD_FILE || env.SIM_ROBOTARGET_SECRET_FILE)
    throw new UsageError('Simulator: secrets are given by value (it is a simulator); SIM_…_FILE is not read.');
  const parsed = Environment.safeParse(values);
  if (!parsed.success)
    throw new UsageError(
      `Simulator:\n  ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n  ')}`,
    );
  if ((parsed.data.SIM_USERNAME === undefined) !== (parsed.data.SIM_PASSWORD === undefined))
    throw new UsageError('Simulator: SIM_USERNAME and SIM_PASSWORD belong together.');
  return parsed.data;
}

/** Options of the n-th instance (1-based): ports count up from the configured ones, 0 stays 0. */
export function optionsFromEnvironment(
  env: SimulatorEnvironment,
  instance: number,
  faults: FaultStep[],
  now = Date.now(),
): ObservatoryOptions {
  const defaults = defaultOptions(now);
  const nth = (base: number): number => (base === 0 ? 0 : base + instance - 1);
  const [width, height] = env.SIM_CAMERA.split('x').map(Number) as [number, number];
  return {
    ...defaults,
    host: env.SIM_HOST,
    port: nth(env.SIM_PORT),
    alpacaPort: nth(env.SIM_ALPACA_PORT),
    controlPort: nth(env.SIM_CONTROL_PORT),
    instance,
    dataDir: instance === 1 ? env.SIM_DATA_DIR : `${env.SIM_DATA_DIR}/instance-${instance}`,
    fitsDir: env.SIM_FITS_DIR ?? null,
    seed: instance === 1 ? env.SIM_SEED : `${env.SIM_SEED}/${instance}`,
    site: env.SIM_SITE ?? defaults.site,
    utcOffsetSeconds: env.SIM_UTC_OFFSET_SECONDS,
    username: env.SIM_USERNAME ?? null,
    password: env.SIM_PASSWORD ?? null,
    ticket: env.SIM_TICKET ?? null,
    robotargetSecret: env.SIM_ROBOTARGET_SECRET,
    dialectFile: env.VOYAGER_ROBOTARGET_DIALECT,
    camera: { width, height, bayer: env.SIM_BAYER },
    windowsRoot: env.SIM_WINDOWS_ROOT,
    profile: env.SIM_PROFILE,
    sequenceGuid: env.SIM_SEQUENCE_GUID,
    robotargetRunning: env.SIM_ROBOTARGET_RUNNING,
    keepMegabytes: env.SIM_KEEP_MB,
    faults: instance === 1 ? faults : [],
  };
}
