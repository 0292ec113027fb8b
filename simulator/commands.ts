import { formatVoyagerAngle, formatVoyagerHours, parseDecDegrees, parseRaHours } from '../domain/coordinates.ts';
import type { Camera, ExposureRequest } from './camera/camera.ts';
import { Aborted, ActionError, abortReason, type Context } from './context.ts';
import type { RoboTarget } from './robotarget/runner.ts';
import type { ClipRow } from './robotarget/store.ts';
import { truthy } from './wire/lines.ts';
import { ERROR_VALUE } from './world/devices.ts';

/** What the commands of section 5 work on. */
export interface CommandContext extends Context {
  readonly camera: Camera;
  readonly roboTarget: RoboTarget;
}
export type Params = Record<string, unknown>;
/** What a command moved or changed, for the log of effects; null = nothing. */
export interface Effect {
  effect: string;
  key: string | null;
}
export type Query = { kind: 'query'; run(context: CommandContext, params: Params): Params };
/** A change that takes no time: reply, the Signal of its start where it has one, result. */
export type Change = {
  kind: 'change';
  signal: number | null;
  run(context: CommandContext, params: Params): { paramRet?: Params; effect: Effect | null };
};
/** Something that moves or lasts: reply, Signal at start, Signal 2 at the end, result. One at a time. */
export type Action = {
  kind: 'action';
  signal: number | null;
  effect(params: Params): string;
  run(context: CommandContext, params: Params, signal: AbortSignal): Promise<Params>;
};
export type Command = Query | Change | Action;

/** @throws ActionError naming the parameter. */
function numeric(params: Params, name: string, otherwise?: number): number {
  const value = params[name] ?? otherwise;
  const given = typeof value === 'string' ? Number(value.replace(',', '.')) : value;
  if (typeof given !== 'number' || !Number.isFinite(given)) throw new ActionError(`Parameter ${name} not valid`);
  return given;
}
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const query = (run: Query['run']): Query => ({ kind: 'query', run });
const change = (signal: number | null, run: Change['run']): Change => ({ kind: 'change', signal, run });
const action = (signal: number | null, effect: string | Action['effect'], run: Action['run']): Action => ({
  kind: 'action',
  signal,
  effect: typeof effect === 'string' ? () => effect : effect,
  run,
});
const list = (items: unknown[]): Params => ({ list: items });

const VOYAGER_STATUS = ['STOPPED', 'IDLE', 'RUN', 'ERRORE', 'UNDEFINED', 'WARNING'] as const;
/** VOYSTAT as it follows from what goes on. */
export function voyagerStatus(context: CommandContext, actionRunning: boolean): number {
  if (context.cooler.error || context.mount.error) return 3;
  if (context.state.emergency) return 5;
  if (
    actionRunning ||
    context.roboTarget.run !== null ||
    context.roboTarget.dragScript !== null ||
    context.state.operator
  )
    return 2;
  return 1;
}

async function expose(context: CommandContext, params: Params, signal: AbortSignal): Promise<Params> {
  const filter = numeric(params, 'FilterIndex', context.state.filterIndex);
  if (filter >= 0 && filter < context.options.filters.length) context.state.filterIndex = filter;
  const name = text(params.FitFileName).replace(/^.*[\\/]/, '');
  const exposed = await context.camera.expose(
    {
      type: numeric(params, 'ExpoType', 0),
      voyType: 'TEST',
      target: 'Test',
      exposure: numeric(params, 'Expo'),
      bin: numeric(params, 'Bin', 1),
      gain: Math.max(0, numeric(params, 'Gain', 0)),
      offset: Math.max(0, numeric(params, 'Offset', 0)),
      folders: ['Test'],
      cards: [],
      handOut: false,
      ...(name ? { name } : {}),
    },
    signal,
  );
  return { DownloadAndSaveTime: Math.round(exposed.downloadSeconds * 1000) / 1000 };
}
function pointing(params: Params): { RAJ2000: number; DECJ2000: number; TargetName: string } {
  const ra = truthy(params.IsText) ? parseRaHours(text(params.RAText)) : parseRaHours(numeric(params, 'RA'));
  const dec = truthy(params.IsText) ? parseDecDegrees(text(params.DECText)) : parseDecDegrees(numeric(params, 'DEC'));
  if (ra === null) throw new ActionError('RA not valid');
  if (dec === null) throw new ActionError('DEC not valid');
  return { RAJ2000: ra, DECJ2000: dec, TargetName: 'Pointing' };
}
const precisePointing = action(4, 'mount.goto', async (context, params, signal) => {
  try {
    await context.roboTarget.pointTo(pointing(params), signal);
    return { ActionResult: 1 };
  } catch (thrown) {
    if (thrown instanceof ActionError && thrown.message === 'Mount Error') return { ActionResult: 0 };
    throw thrown;
  }
});

function mountFast(context: CommandContext, params: Params): { effect: Effect | null } {
  const { mount } = context;
  if (mount.error) throw new ActionError('Mount Error');
  switch (numeric(params, 'CommandType')) {
    case 1:
      if (mount.tracking) return { effect: null };
      mount.startTracking();
      return { effect: { effect: 'mount.tracking_on', key: null } };
    case 2:
      if (!mount.tracking) return { effect: null };
      mount.stopTracking();
      return { effect: { effect: 'mount.tracking_off', key: null } };
    case 3:
      if (mount.parked) return { effect: null };
      mount.park();
      return { effect: { effect: 'mount.park', key: null } };
    case 4:
      if (!mount.parked) return { effect: null };
      mount.parked = false;
      return { effect: { effect: 'mount.unpark', key: null } };
    case 5:
    case 6:
      {
        const dec = numeric(params, 'CommandType') === 5 ? context.options.site.latitude_degrees : 89.9;
        mount.beginSlew(mount.raAtHourAngle(0, dec), dec, 0);
        mount.endSlew();
      }
      return { effect: { effect: 'mount.goto', key: null } };
    default:
      throw new ActionError('Command Type not valid');
  }
}

const noViking = query(() => {
  throw new ActionError('Viking not present');
});
const frameOf = (
  voyType: ExposureRequest['voyType'],
  target: string,
  type: number,
  exposure: number,
  folders: string[],
): ExposureRequest => ({
  type,
  voyType,
  target,
  exposure,
  bin: 1,
  gain: 0,
  offset: 0,
  folders,
  cards: [],
  handOut: false,
});

/** Parameters of RemoteRoboClipAddTarget and UpdateTarget, by the list's own names (AS p.21–68). */
const CLIP_FIELDS: Readonly<Record<string, string>> = {
  targetname: 'TargetName',
  raj2000: 'RAJ2000',
  decj2000: 'DECJ2000',
  pa: 'PA',
  gruppo: 'Group',
  note: 'Note',
  ismosaic: 'IsMosaic',
  frow: 'FROW',
  fcol: 'FCOL',
  tiles: 'TILES',
};
const scalar = (value: unknown): string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : '';
const clipFields = (params: Params): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(CLIP_FIELDS).map(([name, param]) => [name, scalar(params[param])]));
const includes = (field: unknown, part: unknown): boolean =>
  text(part) === '' || text(field).toLowerCase().includes(text(part).toLowerCase());
const CLIP_ORDERS: ((a: ClipRow, b: ClipRow) => number)[] = [
  (a, b) => Number(b.datecreation) - Number(a.datecreation),
  (a, b) => text(a.targetname).localeCompare(text(b.targetname)),
  (a, b) => `${text(a.gruppo)}/${text(a.targetname)}`.localeCompare(`${text(b.gruppo)}/${text(b.targetname)}`),
  (a, b) => text(b.raj2000).localeCompare(text(a.raj2000)),
  (a, b) => text(a.raj2000).localeCompare(text(b.raj2000)),
];
const clipChange = (effect: string, apply: (context: CommandContext, params: Params) => ClipRow[] | null): Command =>
  change(null, (context, params) => {
    const clips = apply(context, params);
    if (!clips) return { paramRet: { ret: 'Target not found' }, effect: null };
    context.store.setClips(clips);
    return { paramRet: { ret: 'DONE' }, effect: { effect, key: null } };
  });

/** The public remote commands of section 5, by wire name. Not here: those without UID or result (disconnect, Abort…), which the server answers itself. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  RemoteGetStatus: query((c) => ({ VoyagerStatus: VOYAGER_STATUS[voyagerStatus(c, false)] })),
  RemoteGetEnvironmentData: query((c) => ({
    Profile: c.state.profile,
    Camera: 'Simulated camera',
    FilterWheel: 'Simulated wheel',
    Mount: 'Simulated mount',
    Guide: 'Simulated guider',
    Planetarium: '',
    PlateSolve: 'Simulated solver',
    BlindSolve: '',
    Focuser: 'Simulated focuser',
    AutoFocus: 'RoboFire',
    Rotator: '',
    FlatDevice1: 'Simulated panel',
    FlatDevice2: '',
    Dome: 'Simulated roof',
    ObservingConditions: c.weather.stationConnected ? 'Simulated weather station' : '',
    SQM: '',
    SafetyMonitor: c.weather.safetyMonitorConnected ? 'Simulated safety monitor' : '',
  })),
  RemoteGetVoyagerProfiles: query((c) =>
    list(
      [...new Set([c.options.profile, c.state.profile, 'Lunar.v2y'])].map((name, i) => ({
        guid: `00000000-0000-4000-8000-00000000000${i + 1}`,
        name,
        isactive: name === c.state.profile,
      })),
    ),
  ),
  RemoteSetProfile: change(null, (c, params) => {
    c.state.profile = text(params.FileName);
    c.emit('ProfileChanged', { NewProfile: c.state.profile });
    return { effect: { effect: 'profile.changed', key: null } };
  }),
  RemoteGetFilterConfiguration: query((c) => {
    const out: Params = { FilterNum: c.options.filters.length };
    c.options.filters.forEach((name, i) =>
      Object.assign(out, {
        [`Filter${i + 1}_Name`]: name,
        [`Filter${i + 1}_MagMin`]: 4,
        [`Filter${i + 1}_MagMax`]: 6,
        [`Filter${i + 1}_Offset`]: i * 5,
      }),
    );
    return out;
  }),
  RemoteFilterGetActual: query((c) => ({ FilterIndex: c.state.filterIndex })),
  RemoteFilterChangeTo: action(24, 'filter.change', async (c, params, signal) => {
    const index = numeric(params, 'FilterIndex');
    if (index < 0 || index >= c.options.filters.length) throw new ActionError('Filter Index not valid');
    await c.wait(c.options.overheads.filter_change, signal);
    c.state.filterIndex = index;
    return {};
  }),
  RemoteGetReadoutConfiguration: query(() => ({ ReadoutNum: 1, Readout1_Name: 'Normal', Readout1_Index: 0 })),
  RemoteGetSpeedConfiguration: query(() => ({ SpeedNum: 1, Speed1_Name: 'Default', Speed1_Index: 0 })),
  RemoteGetCCDConfiguration: query((c) => ({
    IsBayerCamera: c.options.camera.bayer,
    HaveGainCapability: true,
    HaveOffsetCapability: true,
  })),
  RemoteGetCCDTemperature: query((c) => ({ CCDTemp: Math.round(c.cooler.temperature() * 10) / 10 })),
  RemoteGetCCDSizeInfo: query((c) => ({ DX: c.options.camera.width, DY: c.options.camera.height, PixelSize: 3.76 })),
  RemoteGetCCDSizeInfoEx: query((c) => ({
    DX: c.options.camera.width,
    DY: c.options.camera.height,
    PixelSize: 3.76,
    PA: 0,
    Focallen: 800,
  })),
  RemoteMountStatusGetInfo: query((c) => {
    const s = c.mount.status();
    return {
      IsMountConnected: c.mount.connected && !c.mount.error,
      RA: formatVoyagerHours(s.raNowHours),
      DEC: formatVoyagerAngle(s.decNowDegrees),
      RAJ2000: formatVoyagerHours(s.raHours),
      DECJ2000: formatVoyagerAngle(s.decDegrees),
      IsParked: c.mount.parked,
      Altitude: formatVoyagerAngle(s.altitudeDegrees),
      Azimuth: formatVoyagerAngle(s.azimuthDegrees),
      Pier: s.pier,
      TimeToFlip: Math.round(s.secondsToFlip),
      FlipStatus: s.flipStatus,
      IsTracking: c.mount.tracking,
      IsSlewing: c.mount.slewing,
      Latitude: c.options.site.latitude_degrees,
      Longitude: c.options.site.longitude_degrees,
      Elevation: c.options.site.elevation_meters,
    };
  }),
  RemoteRoboDataGetGeoDataCache: query((c) => ({
    data: {
      Latitudine: c.options.site.latitude_degrees,
      Longitudine: c.options.site.longitude_degrees,
      Elevation: c.options.site.elevation_meters,
      RemoteDateTime: Math.floor(c.pcNow() / 1000) + c.options.utcOffsetSeconds,
      TimeZoneHour: c.options.utcOffsetSeconds / 3600,
    },
  })),
  RemoteGetListAvalaibleSequence: query(() => list(['Base.s2q'])),
  RemoteGetListAvalaibleSequenceEx: query((c) =>
    list([{ name: 'Base', filename: 'Base.s2q', profilename: c.options.profile }]),
  ),
  RemoteGetListAvalaibleDragScript: query((c) => list([c.options.dragScript, 'Flats.vos'])),
  RemoteSearchTarget: query((_, params) => {
    const name = text(params.Name).replace(/\s+/g, ' ').trim().toUpperCase();
    const known = KNOWN_TARGETS[name.replace(/^MESSIER /, 'M ').replace(/^M(\d)/, 'M $1')];
    if (!known) return { Result: 0, LastError: '', Name: text(params.Name), RAJ2000: '', DECJ2000: '', Info: [] };
    return {
      Result: 1,
      LastError: '',
      Name: name,
      RAJ2000: known[0],
      DECJ2000: known[1],
      Info: [
        { Key: 'Type', Value: known[2] },
        { Key: 'Catalog', Value: 'Messier' },
        { Key: 'Catalog', Value: 'NGC' },
      ],
    };
  }),

  RemoteSetupConnect: action(15, 'setup.connect', async (c, _, signal) => {
    await c.wait(c.options.overheads.setup_connect, signal);
    c.state.setupConnected = true;
    return {};
  }),
  RemoteSetupDisconnect: action(16, 'setup.disconnect', async (c, _, signal) => {
    await c.wait(0.5, signal);
    c.state.setupConnected = false;
    return {};
  }),
  RemoteCameraShot: action(18, 'camera.exposure', expose),
  RemoteCooling: change(19, (c, params) => {
    if (c.cooler.error) throw new ActionError('Camera Error');
    const before = JSON.stringify(c.cooler.status());
    if (truthy(params.IsSetPoint) || truthy(params.IsCoolDown))
      c.cooler.set({ setPoint: numeric(params, 'Temperature', -10), cooling: true });
    else if (truthy(params.IsWarmup)) c.cooler.set({ cooling: false, warming: true });
    else if (truthy(params.IsCoolerOFF)) c.cooler.set({ cooling: false });
    return {
      effect:
        JSON.stringify(c.cooler.status()) === before
          ? null
          : { effect: truthy(params.IsWarmup) ? 'camera.warmup' : 'camera.cooling', key: null },
    };
  }),
  RemoteCreateDir: change(27, () => ({ effect: null })),
  RemoteFocusEx: action(5, 'focuser.autofocus', async (c, _, signal) => {
    await c.roboTarget.focus(signal);
    return {};
  }),
  RemoteFocus: action(5, 'focuser.autofocus', async (c, _, signal) => {
    await c.roboTarget.focus(signal);
    return {};
  }),
  RemoteFocusInject: query((c) => {
    if (!c.roboTarget.run)
      throw new ActionError('Cannot inject focus no Sequence running or Sequence not in the right status');
    return {};
  }),
  RemoteFocuserMoveTo: action(20, 'focuser.move', async (c, params, signal) => {
    await c.wait(0.5, signal);
    c.focuser.position = truthy(params.IsAbsoluteMove)
      ? numeric(params, 'NewPosition')
      : c.focuser.position + numeric(params, 'NewPosition') * (numeric(params, 'MoveDirection', 0) === 1 ? -1 : 1);
    return {};
  }),
  RemoteFocuserOffset: action(21, 'focuser.move', async (c, params, signal) => {
    await c.wait(0.3, signal);
    c.focuser.position += numeric(params, 'Offset');
    return {};
  }),
  RemoteRotatorMoveTo: query(() => {
    throw new ActionError('Rotator not connected');
  }),
  RemoteRotatorSync: query(() => {
    throw new ActionError('Rotator not connected');
  }),
  RemoteFlat: action(23, 'camera.flat', async (c, _, signal) => {
    await c.camera.expose(frameOf('TEST', 'Flat', 3, 1, ['Flat']), signal);
    return {};
  }),
  RemoteRunExternal: action(32, 'external.run', async (c, _, signal) => {
    await c.wait(0.3, signal);
    return {};
  }),
  RemoteSolveActualPosition: action(25, 'camera.exposure', async (c, _, signal) => {
    await c.camera.expose(
      {
        type: 0,
        voyType: 'SYNC',
        target: 'Solve',
        exposure: c.options.overheads.sync_exposure,
        bin: 2,
        gain: 0,
        offset: 0,
        folders: ['Sync'],
        cards: [],
        handOut: false,
      },
      signal,
    );
    await c.wait(c.options.overheads.solve, signal);
    const at = c.mount.position();
    return { IsSolved: true, LastError: '', RA: at.raHours, DEC: at.decDegrees, PA: 0 };
  }),
  RemoteSolveFITFile: query(() => ({
    IsSolved: false,
    LastError: 'File not found',
    RA: ERROR_VALUE,
    DEC: ERROR_VALUE,
    PA: ERROR_VALUE,
  })),
  RemoteSequence: action(502, 'sequence.start', async (c, params, signal) => {
    const file = readableName(params.SequenceFile);
    if (file !== 'Base.s2q') throw new ActionError('Sequence File not found');
    c.state.sequence = file;
    try {
      for (let i = 0; i < 3; i++) await c.camera.expose(frameOf('SHOT', 'Base', 0, 2, ['Base']), signal);
    } finally {
      c.state.sequence = null;
    }
    return {};
  }),
  RemoteDragScriptSelfContained: action(502, 'robotarget.start', async (c, params, signal) => {
    c.roboTarget.start(readableName(params.DragScriptFile) ?? c.options.dragScript);
    try {
      await c.wait(1e6, signal);
    } catch (thrown) {
      await c.roboTarget.stop(abortReason(signal));
      throw thrown instanceof Aborted ? thrown : new ActionError(String(thrown));
    }
    return {};
  }),
  RemotePrecisePointTarget: precisePointing,
  RemotePrecisePointTargetAndPA: precisePointing,
  RemoteGotoAltAz: action(31, 'mount.goto', async (c, params, signal) => {
    const rad = Math.PI / 180;
    const [alt, az, lat] = [
      numeric(params, 'ALT') * rad,
      numeric(params, 'AZ') * rad,
      c.options.site.latitude_degrees * rad,
    ];
    const dec = Math.asin(Math.sin(alt) * Math.sin(lat) + Math.cos(alt) * Math.cos(lat) * Math.cos(az));
    const hourAngle = Math.atan2(
      -Math.sin(az) * Math.cos(alt),
      Math.sin(alt) * Math.cos(lat) - Math.cos(alt) * Math.sin(lat) * Math.cos(az),
    );
    await c.roboTarget.slewTo(c.mount.raAtHourAngle(hourAngle / rad / 15, dec / rad), dec / rad, signal);
    return {};
  }),
  RemotePulseGuide: action(null, 'mount.pulse', async (c, params, signal) => {
    const seconds = numeric(params, 'Duration') / 1000;
    await c.wait(seconds, signal);
    const step = (seconds * 7.5) / 3600;
    const [east, north] = [
      [0, step],
      [0, -step],
      [step, 0],
      [-step, 0],
    ][numeric(params, 'Direction')] ?? [0, 0];
    c.mount.nudge(east!, north!);
    return {};
  }),
  RemoteMountFastCommand: change(null, (c, params) => mountFast(c, params)),
  RemoteFlatDeviceCMD: change(null, (_, params) => ({
    effect: {
      effect: `flatdevice.${['', 'open', 'close', 'light_on', 'light_off', 'brightness'][numeric(params, 'CommandType')] ?? 'unknown'}`,
      key: null,
    },
  })),
  RemoteSetVikingDataSend: noViking,
  RemoteVikingSetOut: noViking,
  RemoteVikingSetPWM: noViking,
  RemoteVikingSetDAC: noViking,
  RemoteVikingSetAutoma: noViking,
  RemoteRoboClipGetTargetList: query((c, params) =>
    list(
      c.store
        .clips()
        .filter(
          (clip) =>
            includes(clip.targetname, params.FilterName) &&
            includes(clip.gruppo, params.FilterGroup) &&
            includes(clip.note, params.FilterNote),
        )
        .toSorted(CLIP_ORDERS[numeric(params, 'Order', 0)] ?? CLIP_ORDERS[0]!),
    ),
  ),
  RemoteRoboClipAddTarget: clipChange('roboclip.add', (c, params) => [
    ...c.store.clips(),
    { guid: text(params.GuidTarget), ...clipFields(params), datecreation: Math.floor(c.pcNow() / 1000) },
  ]),
  RemoteRoboClipUpdateTarget: clipChange('roboclip.update', (c, params) => {
    const clips = c.store.clips();
    return clips.some((clip) => clip.guid === params.RefGuidTarget)
      ? clips.map((clip) => (clip.guid === params.RefGuidTarget ? { ...clip, ...clipFields(params) } : clip))
      : null;
  }),
  // an empty GUID removes all of them
  RemoteRoboClipRemoveTarget: clipChange('roboclip.remove', (c, params) => {
    if (params.RefGuidTarget === '') return [];
    const left = c.store.clips().filter((clip) => clip.guid !== params.RefGuidTarget);
    return left.length === c.store.clips().length ? null : left;
  }),
  RemoteRoboOrbitsGetAsteroids: query((_, params) =>
    list(
      [{ MPName: 'Ceres', AsteroidNumber: '1', NamePreliminaryDesignation: 'A801 AA', RawDataLine: '' }].filter((a) =>
        includes(a.MPName, params.SearchText),
      ),
    ),
  ),
  RemoteRoboOrbitsGetComets: query((_, params) =>
    list(
      [{ CTName: 'Halley', PeriodicCometNumber: '1', DesignationAndName: '1P/Halley', RawDataLine: '' }].filter((a) =>
        includes(a.DesignationAndName, params.SearchText),
      ),
    ),
  ),
};
/** Commands that are refused in the reply itself (error code 1), with no result after it. */
export function refusal(context: CommandContext, method: string): string | null {
  if (method === 'RemoteSetProfile' && context.state.setupConnected) return 'Another Profile is actually connected';
  if (method === 'RemoteSetupConnect' && context.cooler.error) return 'could not connect all controls : Camera Error';
  return null;
}
const readableName = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.replace(/^.*[\\/]/, '') : null;

/** Some answers for RemoteSearchTarget, with the decimal comma that it is known to write. */
const KNOWN_TARGETS: Readonly<Record<string, readonly [ra: string, dec: string, type: string]>> = {
  'M 31': ['00 42 44,330', '+41 16 07,50', 'Galaxy'],
  'M 42': ['05 35 17,300', '-05 23 28,00', 'Nebula'],
  'M 13': ['16 41 41,240', '+36 27 35,50', 'Globular cluster'],
  'M 51': ['13 29 52,711', '+47 11 42,62', 'Galaxy'],
  'M 57': ['18 53 35,079', '+33 01 45,03', 'Planetary nebula'],
};
