import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TelescopeInput } from '../domain/contracts/telescope.ts';
import { midnightLongitudeDegrees } from '../domain/sky.ts';
import { projectPath } from '../platform/paths.ts';
import { environmentOf, type Layout } from './layout.ts';
import { answers, waitUntil, type ChildSpec, type Supervisor } from './supervisor.ts';

/** The base sequence that the simulated observatory knows. */
export const SIMULATED_SEQUENCE_GUID = '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11';
const WINDOWS_ROOT = 'C:\\Voyager\\FITS';
const READY_MS = 90_000;

export interface SimulatorOptions {
  seed?: number;
  fitsDir?: string;
  faultsFile?: string;
  camera?: { width: number; height: number };
  /** The telescope that stands in the simulated observatory. */
  telescope: Pick<TelescopeInput, 'id' | 'name' | 'policy' | 'weather' | 'credits_per_hour'>;
}

/**
 * How glibc hands memory out: two arenas instead of one per thread, and big blocks always by mmap. So a picture's memory goes back to the system
 * when it is freed.
 */
export const memoryEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  MALLOC_ARENA_MAX: env.MALLOC_ARENA_MAX ?? '2',
  MALLOC_MMAP_THRESHOLD_: env.MALLOC_MMAP_THRESHOLD_ ?? '131072',
  MALLOC_TRIM_THRESHOLD_: env.MALLOC_TRIM_THRESHOLD_ ?? '131072',
});
/** Megabytes of the young generation. With 2 a crowd that comes back to an api took a third more of its time, and twenty seconds instead of twelve. */
const YOUNG_MB = { api: 8, others: 2 };
/** Small heaps: our processes work on streams and rows. */
export const nodeFlags = (heapMb: number, youngMb = YOUNG_MB.others): string[] => [
  `--max-semi-space-size=${youngMb}`,
  `--max-old-space-size=${heapMb}`,
  '--enable-source-maps',
];

/** How to run one of our own processes, and the address that answers when it can be used. */
export function ourProcess(
  at: Layout,
  env: NodeJS.ProcessEnv,
  process_: {
    name: 'simulator' | 'gateway' | 'worker' | 'api';
    heapMb: number;
    more: NodeJS.ProcessEnv;
    readyUrl: string;
  },
): ChildSpec {
  const { name, heapMb, more, readyUrl } = process_;
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags(heapMb, name === 'api' ? YOUNG_MB.api : YOUNG_MB.others), projectPath('dist', name, 'main.js')],
    cwd: projectPath(),
    env: { ...env, ...memoryEnvironment(env), ...environmentOf(at, env), ...more },
    logFile: at.log(name),
    graceSeconds: 10,
    ready: () => waitUntil(`The ${name}`, () => answers(readyUrl), READY_MS, `Its log: ${at.log(name)}`),
  };
}

/** Where a simulated observatory is, and what opens it. */
export type ObservatoryPlace = Pick<Layout, 'simulatorDir' | 'gatewayUrl'> & {
  ports: Pick<Layout['ports'], 'simulator' | 'alpaca' | 'simulatorControl'>;
  secrets: Pick<Layout['secrets'], 'voyager_username' | 'voyager_password' | 'robotarget_secret'>;
};

/** The settings of a simulated observatory, and its telescope as a telescope file has it. */
export function observatoryAt(
  at: ObservatoryPlace,
  options: SimulatorOptions,
): { settings: NodeJS.ProcessEnv; readyUrl: string; telescope: TelescopeInput } {
  const { telescope, camera, seed, fitsDir, faultsFile } = options;
  const site = {
    latitude_degrees: 45,
    longitude_degrees: midnightLongitudeDegrees(Date.now()),
    elevation_meters: 650,
  };
  const frame = camera ?? { width: 3008, height: 3008 };
  const fits = join(at.simulatorDir, 'fits');
  mkdirSync(fits, { recursive: true });
  const settings = {
    SIM_PORT: String(at.ports.simulator),
    SIM_ALPACA_PORT: String(at.ports.alpaca),
    SIM_CONTROL_PORT: String(at.ports.simulatorControl),
    SIM_DATA_DIR: at.simulatorDir,
    SIM_SITE: JSON.stringify(site),
    SIM_USERNAME: at.secrets.voyager_username,
    SIM_PASSWORD: at.secrets.voyager_password,
    SIM_ROBOTARGET_SECRET: at.secrets.robotarget_secret,
    SIM_CAMERA: `${frame.width}x${frame.height}`,
    SIM_WINDOWS_ROOT: WINDOWS_ROOT,
    SIM_SEQUENCE_GUID: SIMULATED_SEQUENCE_GUID,
    ...(seed === undefined ? {} : { SIM_SEED: String(seed) }),
    ...(fitsDir ? { SIM_FITS_DIR: fitsDir } : {}),
    ...(faultsFile ? { SIM_FAULTS: faultsFile } : {}),
  };
  const configured: TelescopeInput = {
    ...telescope,
    host: '127.0.0.1',
    port: at.ports.simulator,
    gateway_url: at.gatewayUrl,
    base_sequence_guid: SIMULATED_SEQUENCE_GUID,
    site: { ...site, timezone: 'UTC' },
    camera: { ...frame, pixel_um: 3.76 },
    path_map: [{ from: WINDOWS_ROOT, to: fits }],
    weather: {
      ...telescope.weather,
      sources: [{ kind: 'voyager' }, { kind: 'alpaca', url: `http://127.0.0.1:${at.ports.alpaca}` }],
    },
  };
  return { settings, readyUrl: `http://127.0.0.1:${at.ports.simulatorControl}/state`, telescope: configured };
}

/** The simulated observatory, with a telescope file for it. @returns the variables with which our processes find it */
export async function startSimulator(
  at: Layout,
  env: NodeJS.ProcessEnv,
  options: SimulatorOptions,
  supervisor: Supervisor,
): Promise<NodeJS.ProcessEnv> {
  const { settings, readyUrl, telescope } = observatoryAt(at, options);
  await supervisor.start(ourProcess(at, env, { name: 'simulator', heapMb: 256, more: settings, readyUrl }));
  const file = join(at.dataDir, 'telescopes.json');
  writeFileSync(file, `${JSON.stringify({ telescopes: [telescope] }, null, 2)}\n`);
  return {
    TELESCOPES_FILE: file,
    VOYAGER_HOST: '127.0.0.1',
    VOYAGER_USERNAME: at.secrets.voyager_username,
    VOYAGER_PASSWORD: at.secrets.voyager_password,
    VOYAGER_ROBOTARGET_SECRET: at.secrets.robotarget_secret,
  };
}
