import { join } from 'node:path';
import { loadDialect } from '../gateway/robotarget/dialect.ts';
import { UsageError } from '../platform/errors.ts';
import { AlpacaServer } from './alpaca.ts';
import { Camera } from './camera/camera.ts';
import { fitsFilesOf } from './camera/folder.ts';
import type { CommandContext } from './commands/command.ts';
import type { Context, VoyagerState } from './context.ts';
import { ControlServer, type Controls } from './control.ts';
import { EffectLog } from './effects.ts';
import { Emergency } from './emergency.ts';
import { FaultEngine, parseFaults, type FaultStepInput } from './faults.ts';
import { lookAt } from './look.ts';
import { defaultOptions, type ObservatoryOptions } from './options.ts';
import { addTarget, type ForeignTarget, type OwnersGuids } from './owner.ts';
import { Port } from './port.ts';
import { createRandom } from './random.ts';
import { RoboTarget } from './robotarget/runner.ts';
import { RoboTargetStore } from './robotarget/store.ts';
import { strike, type Scene } from './strikes.ts';
import { quietly, Timers } from './timers.ts';
import { Voyager } from './voyager.ts';
import { Cooler, Focuser, Guider, Mount, Roof } from './world/devices.ts';
import { Weather } from './world/weather.ts';

/** A running observatory, for tests in the same process and for `main.ts`. */
export interface Observatory {
  readonly port: number;
  readonly alpacaUrl: string | null;
  readonly controlUrl: string | null;
  /** Devices, weather, RoboTarget and its database: to look at, and to prepare a scene. */
  readonly world: CommandContext;
  readonly voyager: Voyager;
  readonly log: EffectLog;
  /** Runs a fault step now, or at the moment it names. @throws UsageError */
  inject(step: FaultStepInput): void;
  /** Adds a target of the owner's own, not made through any client. @returns its GUIDs. */
  addTarget(target: ForeignTarget): OwnersGuids;
  /** As if Voyager were closed and started again; the port is away for that long. `orderly`: with ShutDown. */
  restart(seconds: number, orderly: boolean): Promise<void>;
  stop(): Promise<void>;
}

const stateAtStart = (profile: string): VoyagerState => ({
  profile,
  setupConnected: true,
  filterIndex: 0,
  emergency: null,
  operator: false,
  sequence: null,
  shot: null,
  lastFocus: null,
  clockSkewMs: 0,
});

/** Devices, weather, RoboTarget and the Application Server of one site, and what a fault can hit of them. */
function createScene(options: ObservatoryOptions, timers: Timers): Scene {
  const { clock, seed, site } = options;
  const dialect = loadDialect(options.dialectFile);
  const now = (): number => clock.now();
  const log = new EffectLog(join(options.dataDir, 'effects.jsonl'), now, dialect.signing.param);
  const store = new RoboTargetStore(options.dataDir);
  const weather = new Weather(seed, site, now);
  const outside = (): number => weather.conditions().temperature_celsius;
  const state = stateAtStart(options.profile);
  const partial: Context = {
    options,
    clock,
    log,
    store,
    faults: new FaultEngine(clock, (step) => strike(scene, step)),
    weather,
    mount: new Mount(site, now),
    cooler: new Cooler(now, outside),
    focuser: new Focuser(seed, outside),
    guider: new Guider(seed, now, () => weather.conditions().wind_meters_per_second),
    roof: new Roof(),
    state,
    // the session key must differ from start to start, so the number of starts is part of the stream
    random: createRandom(seed, 'voyager', store.next()),
    now,
    pcNow: () => clock.now() + state.clockSkewMs,
    emit: (event, fields, to) => voyager.emit(event, fields, to),
    logEvent: (type, text) => voyager.logEvent(type, text),
    signal: (code) => voyager.emit('Signal', { Code: code }),
    wait: timers.wait,
    later: timers.later,
  };
  const camera = new Camera(partial);
  const context: CommandContext = Object.assign(partial, { camera, roboTarget: new RoboTarget(partial, camera) });
  const voyager = new Voyager(context, dialect);
  const scene: Scene = { context, voyager, emergency: new Emergency(context), port: new Port(context, voyager) };
  return scene;
}

/** What the control port may ask of the observatory, beside the wire. */
function controlsOf(
  { context, voyager, port }: Scene,
  alpacaPort: number | null,
  inject: (json: unknown) => number,
): Controls {
  const { log, weather } = context;
  return {
    state: () => lookAt(context, voyager, { port: port.number, alpaca_port: alpacaPort }),
    entries: (after) => log.entries.filter((e) => e.n > after),
    inject,
    setWeather: (values) => {
      const unknown = weather.set(values);
      if (unknown.length > 0)
        throw new UsageError(
          `${unknown.join(', ')}: not known, or not of the right type (number, boolean, or null to clear)`,
        );
    },
    restart: (seconds) => quietly(port.restart(seconds, false)),
    shutdown: (seconds) => quietly(port.restart(seconds, true)),
  };
}

/** Starts one Voyager with its world. Everything not given is a good night at a site where it is midnight. */
export async function createObservatory(
  given: Partial<ObservatoryOptions> & { dataDir: string },
): Promise<Observatory> {
  const clock = given.clock ?? defaultOptions().clock;
  const options: ObservatoryOptions = { ...defaultOptions(clock.now()), ...given };
  if (options.fitsDir && fitsFilesOf(options.fitsDir).length === 0)
    throw new UsageError(`Simulator: no FITS file (*.fit, *.fits, *.fts) in ${options.fitsDir}`);
  const timers = new Timers(clock);
  const scene = createScene(options, timers);
  const { context, voyager, emergency, port } = scene;
  const { log, faults, roboTarget } = context;
  await port.listen();
  timers.every(2, () => voyager.clients.size > 0 && voyager.emit('ControlData', voyager.controlData(), 'control'));
  timers.every(1, () => emergency.watch());

  const inject = (json: unknown): number => {
    const steps = parseFaults(json, 'faults');
    for (const step of steps) faults.add(step);
    return steps.length;
  };
  const alpaca = options.alpacaPort === null ? null : new AlpacaServer(context);
  const alpacaPort = alpaca ? await alpaca.listen(options.alpacaPort!, options.host) : null;
  const control = options.controlPort === null ? null : new ControlServer(controlsOf(scene, alpacaPort, inject));
  const controlPort = control ? await control.listen(options.controlPort!) : null;

  for (const step of options.faults) faults.add(step);
  log.effect('voyager.started', { instance: options.instance });
  if (options.robotargetRunning) roboTarget.start(options.dragScript);

  return {
    port: port.number,
    alpacaUrl: alpacaPort === null ? null : `http://${options.host}:${alpacaPort}`,
    controlUrl: controlPort === null ? null : `http://127.0.0.1:${controlPort}`,
    world: context,
    voyager,
    log,
    inject: (step) => void inject([step]),
    addTarget: (target) => addTarget(context, target),
    restart: (seconds, orderly) => port.restart(seconds, orderly),
    stop: async () => {
      faults.stop();
      voyager.closeAll(true, 'stopping');
      timers.stop();
      await roboTarget.stop('stopping');
      await Promise.all([port.close(), alpaca?.close(), control?.close(), context.camera.stop()]);
      log.close();
    },
  };
}
