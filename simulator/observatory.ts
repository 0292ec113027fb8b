import { join } from 'node:path';
import { loadDialect } from '../gateway/robotarget/dialect.ts';
import type { Timer } from '../platform/clock.ts';
import { UsageError } from '../platform/errors.ts';
import { AlpacaServer } from './alpaca.ts';
import { Camera, fitsFilesOf } from './camera/camera.ts';
import { voyagerStatus, type CommandContext } from './commands.ts';
import { Aborted, abortReason } from './context.ts';
import { ControlServer } from './control.ts';
import { EffectLog } from './effects.ts';
import { FaultEngine, parseFaults, type FaultStep, type FaultStepInput } from './faults.ts';
import { defaultOptions, type ObservatoryOptions } from './options.ts';
import { createRandom, guidOf } from './random.ts';
import { RoboTarget } from './robotarget/runner.ts';
import { RoboTargetStore, type SetRow, type ShotRow, type TargetRow } from './robotarget/store.ts';
import { Voyager } from './voyager.ts';
import { WireServer } from './wire/server.ts';
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
  addTarget(target: ForeignTarget): { setGuid: string; targetGuid: string; shotGuid: string };
  /** As if Voyager were closed and started again; the port is away for that long. `orderly`: with ShutDown. */
  restart(seconds: number, orderly: boolean): Promise<void>;
  stop(): Promise<void>;
}
export interface ForeignTarget {
  name: string;
  ra_hours?: number | undefined;
  dec_degrees?: number | undefined;
  priority?: number;
  exposure?: number;
  quantity?: number;
  enabled?: boolean;
}

/** Starts one Voyager with its world. Everything not given is a good night at a site where it is midnight. */
export async function createObservatory(
  given: Partial<ObservatoryOptions> & { dataDir: string },
): Promise<Observatory> {
  const clock = given.clock ?? defaultOptions().clock;
  const options: ObservatoryOptions = { ...defaultOptions(clock.now()), ...given };
  if (options.fitsDir && fitsFilesOf(options.fitsDir).length === 0)
    throw new UsageError(`Simulator: no FITS file (*.fit, *.fits, *.fts) in ${options.fitsDir}`);
  const dialect = loadDialect(options.dialectFile);
  const now = (): number => clock.now();
  const log = new EffectLog(join(options.dataDir, 'effects.jsonl'), now, dialect.signing.param);
  const store = new RoboTargetStore(options.dataDir);
  const weather = new Weather(options.seed, options.site, now);
  const stopping = new AbortController();
  const timers = new Set<Timer>();
  const outside = (): number => weather.conditions().temperature_celsius;

  const later = (seconds: number, fn: () => void): void => {
    if (stopping.signal.aborted) return;
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      fn();
    }, seconds * 1000);
    timers.add(timer);
  };
  const wait = (seconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const signals = signal ? [signal, stopping.signal] : [stopping.signal];
      const fired = signals.find((s) => s.aborted);
      if (fired) {
        reject(new Aborted(abortReason(fired)));
        return;
      }
      const done = (): void => {
        timers.delete(timer);
        for (const s of signals) s.removeEventListener('abort', stopped);
      };
      const stopped = (event: Event): void => {
        timer.cancel();
        done();
        reject(new Aborted(abortReason(event.target as AbortSignal)));
      };
      const timer = clock.setTimeout(() => {
        done();
        resolve();
      }, seconds * 1000);
      timers.add(timer);
      for (const s of signals) s.addEventListener('abort', stopped, { once: true });
    });

  const faults = new FaultEngine(clock, (step) => applyFault(step));
  const partial: Omit<CommandContext, 'camera' | 'roboTarget'> = {
    options,
    clock,
    log,
    store,
    faults,
    weather,
    mount: new Mount(options.site, now),
    cooler: new Cooler(now, outside),
    focuser: new Focuser(options.seed, outside),
    guider: new Guider(options.seed, now, () => weather.conditions().wind_meters_per_second),
    roof: new Roof(),
    state: {
      profile: options.profile,
      setupConnected: true,
      filterIndex: 0,
      emergency: null,
      operator: false,
      sequence: null,
      shot: null,
      lastFocus: null,
      clockSkewMs: 0,
    },
    // the session key must differ from start to start, so the number of starts is part of the stream
    random: createRandom(options.seed, 'voyager', store.next()),
    now,
    pcNow: () => clock.now() + partial.state.clockSkewMs,
    emit: (event, fields, to) => voyager.emit(event, fields, to),
    logEvent: (type, text) => voyager.logEvent(type, text),
    signal: (code) => voyager.emit('Signal', { Code: code }),
    wait,
    later,
  };
  const camera = new Camera(partial);
  const roboTarget = new RoboTarget(partial, camera);
  const context: CommandContext = Object.assign(partial, { camera, roboTarget });
  const voyager = new Voyager(context, dialect);

  // ---- the port ------------------------------------------------------------------------------------------------
  let refusing = false;
  const newServer = (): WireServer =>
    new WireServer({ accept: (transport) => voyager.accept(transport), refuses: () => refusing });
  let server = newServer();
  const port = await server.listen(options.port, options.host);
  /** Voyager is away for a moment: what ran in it is lost, what its database held is not. */
  let restarting = false;
  const restart = async (seconds: number, orderly: boolean, running = options.robotargetRunning): Promise<void> => {
    if (restarting) return;
    restarting = true;
    log.effect(orderly ? 'voyager.shutdown' : 'voyager.killed', { for_seconds: seconds });
    voyager.closeAll(orderly, orderly ? 'shutdown' : 'killed');
    const script = roboTarget.dragScript;
    await Promise.all([server.close(), roboTarget.stop('voyager restart')]);
    context.guider.stop();
    await wait(seconds);
    server = newServer();
    await server.listen(port, options.host);
    restarting = false;
    log.effect('voyager.started', {});
    if (running) roboTarget.start(script ?? options.dragScript);
  };
  /** `wait` ends with Aborted when the instance stops meanwhile; nothing more is to do then. */
  const quietly = (work: Promise<unknown>): void =>
    void work.catch((thrown: unknown) => {
      if (!(thrown instanceof Aborted)) throw thrown;
    });

  // ---- rounds --------------------------------------------------------------------------------------------------
  const every = (seconds: number, fn: () => void): void =>
    later(seconds, () => {
      fn();
      every(seconds, fn);
    });
  every(2, () => voyager.clients.size > 0 && voyager.emit('ControlData', voyager.controlData(), 'control'));
  let clearSince: number | null = null;
  let exitForced = false;
  every(1, () => {
    const { state } = context;
    const reason = weather.emergency();
    if (state.emergency === null) {
      if (reason) beginEmergency('suspend', reason);
      return;
    }
    clearSince = reason || exitForced ? null : (clearSince ?? now());
    if (clearSince !== null && now() - clearSince >= options.emergencyClearSeconds * 1000) {
      clearSince = null;
      quietly(endEmergency());
    }
  });
  const emergencyWord = { suspend: 'SUSPEND', exit: 'EXIT' } as const;
  let emergencySource = '';
  let resuming = false;
  function beginEmergency(kind: 'suspend' | 'exit', source: string): void {
    context.state.emergency = kind;
    emergencySource = source;
    log.effect(`emergency.${kind}`, { source });
    voyager.logEvent(9, `Voyager Recognize an Emergency Request : ${emergencyWord[kind]} [Source=${source}]`);
    voyager.logEvent(9, `Emergency ${kind === 'suspend' ? 'Suspend' : 'Exit'} Event Received : RUNNING CODE`);
    roboTarget.suspend();
    quietly(protect(kind));
  }
  async function protect(kind: 'suspend' | 'exit'): Promise<void> {
    await wait(options.overheads.abort + 0.2);
    context.mount.park();
    log.effect('mount.park', { by: 'emergency' });
    context.roof.shutter = 3;
    log.effect('roof.closing', { by: 'emergency' });
    await wait(options.overheads.roof);
    if (context.roof.shutter === 3) {
      context.roof.shutter = 1;
      log.effect('roof.closed', { by: 'emergency' });
    }
    if (kind === 'exit') await roboTarget.stop('emergency exit');
  }
  async function endEmergency(): Promise<void> {
    if (resuming || context.roof.shutter === 3) return;
    resuming = true;
    try {
      const kind = context.state.emergency;
      voyager.logEvent(9, `Voyager Recognize an Emergency Request : RESUME [Source=${emergencySource}]`);
      voyager.logEvent(9, 'Event Status Restored => Exit=True;Suspend=True;Light=True');
      log.effect('emergency.resume', { source: emergencySource });
      context.state.emergency = null;
      if (kind === 'exit') return;
      context.roof.shutter = 2;
      log.effect('roof.opening', { by: 'emergency end' });
      await wait(options.overheads.roof);
      if (context.roof.shutter === 2) context.roof.shutter = 0;
      if (context.state.emergency === null) roboTarget.resume();
    } finally {
      resuming = false;
    }
  }

  // ---- RoboTarget's other users ----------------------------------------------------------------------------------
  function addTarget(target: ForeignTarget): { setGuid: string; targetGuid: string; shotGuid: string } {
    const key = `${target.name}/${store.next()}`;
    const guids = {
      setGuid: guidOf(options.seed, 'owner-set', key),
      targetGuid: guidOf(options.seed, 'owner-target', key),
      shotGuid: guidOf(options.seed, 'owner-shot', key),
    };
    const dec = target.dec_degrees ?? options.site.latitude_degrees * 0.9;
    store.put('sets', guids.setGuid, {
      Guid: guids.setGuid,
      Name: 'Owner',
      ProfileName: options.profile,
      Status: 0,
      Tag: 'owner',
    } satisfies SetRow);
    store.put('targets', guids.targetGuid, {
      GuidTarget: guids.targetGuid,
      RefGuidSet: guids.setGuid,
      RefGuidBaseSequence: options.sequenceGuid,
      TargetName: target.name,
      RAJ2000: target.ra_hours ?? context.mount.raAtHourAngle(-1, dec),
      DECJ2000: dec,
      PA: 0,
      DateCreation: Math.floor(now() / 1000) - 86_400,
      Status: target.enabled === false ? 1 : 0,
      Priority: target.priority ?? 2,
      IsRepeat: false,
      Repeat: 1,
      C_Mask: '',
      C_AltMin: 10,
      C_HAStart: -12,
      C_HAEnd: 12,
      C_DateStart: Math.floor(now() / 1000) - 86_400,
      C_DateEnd: Math.floor(now() / 1000) + 86_400,
      Tag: 'owner',
    } satisfies TargetRow);
    store.put('shots', guids.shotGuid, {
      GuidShot: guids.shotGuid,
      RefGuidTarget: guids.targetGuid,
      FilterIndex: 0,
      Num: target.quantity ?? 100,
      Bin: 1,
      ReadoutMode: 0,
      Type: 0,
      Speed: 0,
      Gain: 0,
      Offset: 0,
      Exposure: target.exposure ?? 2,
      Order: 1,
      Enabled: true,
    } satisfies ShotRow);
    log.effect('foreign_target.added', { target: guids.targetGuid, name: target.name });
    roboTarget.wake();
    return guids;
  }

  // ---- faults ----------------------------------------------------------------------------------------------------
  function lastingWeather(
    step: { for_seconds?: number | undefined },
    values: Record<string, number | boolean | null>,
  ): void {
    weather.set(values);
    faults.lasting(step, () => weather.set(Object.fromEntries(Object.keys(values).map((name) => [name, null]))));
  }
  function applyFault(step: FaultStep): void {
    log.effect('fault', { ...step });
    const clients = [...voyager.clients];
    switch (step.kind) {
      case 'drop':
        for (const client of clients) client.close('fault: drop');
        return;
      case 'drop_after_bytes':
        for (const client of clients) client.dropAfterBytes = step.bytes;
        return;
      case 'half_open':
        for (const client of clients) client.halfOpen = true;
        return faults.lasting(step, () => clients.forEach((client) => (client.halfOpen = false)));
      case 'no_polling':
        for (const client of clients) client.noPolling = true;
        return faults.lasting(step, () => clients.forEach((client) => (client.noPolling = false)));
      case 'slow_drip':
        for (const client of clients) client.dripBytesPerSecond = step.bytes_per_second;
        return faults.lasting(step, () => clients.forEach((client) => (client.dripBytesPerSecond = null)));
      case 'garbage_line':
        for (const client of clients) client.sendText(step.text);
        return;
      case 'invalid_utf8':
        for (const client of clients)
          client.sendBytes(
            Buffer.concat([
              Buffer.from('{"Event":"LogEvent","Timestamp":1,"Host":"H","Inst":1,"TimeInfo":1,"Type":2,"Text":"47'),
              Buffer.from([0xb0]),
              Buffer.from(' 20"}\r\n'),
            ]),
          );
        return;
      case 'unknown_event':
        voyager.emit(step.name, { Something: 1 });
        return;
      case 'refuse_connections':
        refusing = true;
        return faults.lasting(step, () => (refusing = false));
      case 'auth_refused':
        voyager.setAuth(true, false);
        return faults.lasting(step, () => voyager.setAuth(false, false));
      case 'auth_never':
        voyager.setAuth(false, true);
        return faults.lasting(step, () => voyager.setAuth(false, false));
      case 'shutdown':
        return quietly(restart(step.for_seconds, true));
      case 'restart':
        return quietly(restart(step.for_seconds, false, step.robotarget_running));
      case 'clock_skew':
        context.state.clockSkewMs = step.seconds * 1000;
        return faults.lasting(step, () => (context.state.clockSkewMs = 0));
      case 'profile_changed':
        context.state.profile = step.profile;
        voyager.emit('ProfileChanged', { NewProfile: step.profile });
        return;
      case 'unsafe':
        return lastingWeather(step, { safe: false });
      case 'rain':
        return lastingWeather(step, { rain_rate: 2.5, cloud_percent: 98, humidity_percent: 97 });
      case 'cloud':
        return lastingWeather(step, { cloud_percent: step.percent });
      case 'wind':
        return lastingWeather(step, { wind_meters_per_second: step.meters_per_second });
      case 'weather':
        return lastingWeather(step, step.values);
      case 'safety_monitor_gone':
        return lastingWeather(step, { safety_monitor_connected: false });
      case 'weather_station_gone':
        return lastingWeather(step, { weather_station_connected: false });
      case 'alpaca_down':
        return lastingWeather(step, { alpaca_up: false });
      case 'emergency_exit':
        exitForced = true;
        beginEmergency('exit', 'User');
        return faults.lasting(step, () => (exitForced = false));
      case 'camera_error':
        context.cooler.error = true;
        voyager.logEvent(4, 'ERROR (FINISHED) Camera : Camera Error');
        return faults.lasting(step, () => (context.cooler.error = false));
      case 'mount_error':
        context.mount.error = true;
        voyager.logEvent(4, 'ERROR (FINISHED) Mount : Mount Error');
        return faults.lasting(step, () => (context.mount.error = false));
      case 'guide_star_lost':
        context.guider.starLost = true;
        voyager.logEvent(3, 'Guide Star Lost');
        return faults.lasting(step, () => (context.guider.starLost = false));
      case 'foreign_target':
        addTarget(step);
        return;
      case 'local_operator':
        return quietly(takeOver(step));
      default:
        // steps that hit n messages, answers or frames stay armed in the engine and are taken where they strike
        return;
    }
  }
  /** Somebody at the keyboard: stops RoboTarget, slews by hand, and starts it again when he has done. */
  async function takeOver(step: { for_seconds?: number | undefined }): Promise<void> {
    voyager.logEvent(8, 'Abort All requested by User');
    log.effect('operator.begin', {});
    const script = roboTarget.dragScript ?? options.dragScript;
    context.state.operator = true;
    context.state.sequence = 'Manual.s2q';
    await roboTarget.stop('local operator');
    context.mount.beginSlew((context.mount.position().raHours + 2) % 24, 40, 1500);
    await wait(1.5);
    context.mount.endSlew();
    faults.lasting(step, () => {
      context.state.operator = false;
      context.state.sequence = null;
      log.effect('operator.end', {});
      roboTarget.start(script);
    });
  }

  // ---- beside the wire ---------------------------------------------------------------------------------------------
  const inject = (json: unknown): number => {
    const steps = parseFaults(json, 'faults');
    for (const step of steps) faults.add(step);
    return steps.length;
  };
  const alpaca = options.alpacaPort === null ? null : new AlpacaServer(context);
  const alpacaPort = alpaca ? await alpaca.listen(options.alpacaPort!, options.host) : null;
  const control =
    options.controlPort === null
      ? null
      : new ControlServer({
          state: () => ({
            ok: true,
            port,
            alpaca_port: alpacaPort,
            now: new Date(now()).toISOString(),
            site: options.site,
            clients: [...voyager.clients].map((c) => ({
              number: c.number,
              authenticated: c.authenticated,
              dashboard: c.dashboard,
            })),
            voyager_status: voyagerStatus(context, voyager.actionRunning),
            robotarget: {
              dragscript: roboTarget.dragScript,
              suspended: roboTarget.suspended,
              target: roboTarget.run?.target.GuidTarget ?? null,
            },
            targets: store.targets().map(({ row }) => ({
              guid: row.GuidTarget,
              name: row.TargetName,
              enabled: row.Status === 0,
              statusop: roboTarget.statusOp(row),
              obstacle: roboTarget.obstacle(row),
            })),
            emergency: context.state.emergency,
            roof: context.roof.shutter,
            mount: { parked: context.mount.parked, tracking: context.mount.tracking, slewing: context.mount.slewing },
            weather: { ...weather.conditions(), ...weather.categories(), safe: weather.safe },
            shots_done: store.done().length,
            commands: log.entries.filter((e) => e.kind === 'command').length,
            repeated_with_effect: log.entries.filter((e) => e.repeated_effect).length,
          }),
          entries: (after) => log.entries.filter((e) => e.n > after),
          inject,
          setWeather: (values) => {
            const unknown = weather.set(values);
            if (unknown.length > 0)
              throw new UsageError(
                `${unknown.join(', ')}: not known, or not of the right type (number, boolean, or null to clear)`,
              );
          },
          restart: (seconds) => quietly(restart(seconds, false)),
          shutdown: (seconds) => quietly(restart(seconds, true)),
        });
  const controlPort = control ? await control.listen(options.controlPort!) : null;

  for (const step of options.faults) faults.add(step);
  log.effect('voyager.started', { instance: options.instance });
  if (options.robotargetRunning) roboTarget.start(options.dragScript);

  return {
    port,
    alpacaUrl: alpacaPort === null ? null : `http://${options.host}:${alpacaPort}`,
    controlUrl: controlPort === null ? null : `http://127.0.0.1:${controlPort}`,
    world: context,
    voyager,
    log,
    inject: (step) => void inject([step]),
    addTarget,
    restart: (seconds, orderly) => restart(seconds, orderly),
    stop: async () => {
      faults.stop();
      voyager.closeAll(true, 'stopping');
      stopping.abort('stopping');
      for (const timer of timers) timer.cancel();
      timers.clear();
      await roboTarget.stop('stopping');
      await Promise.all([server.close(), alpaca?.close(), control?.close(), camera.stop()]);
      log.close();
    },
  };
}
