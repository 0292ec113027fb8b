import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';
import { commandsOfMethod, type Dialect } from '../robotarget/dialect.ts';
import { asText, isObject, type JsonObject, readBoolean, readNumber } from './fields.ts';

/**
 * Every public remote command (Application Server Protocol, remote commands), with its parameters, how it answers and what it can set in
 * motion. Parameter names are the wire's, its spelling mistakes included. RoboTarget's open commands stand here too; its reserved ones are
 * the dialect's (gateway/robotarget).
 */

/**
 * What a command can do, for the safety gate. `stop` ends motion or makes safe and always passes (abort, park, tracking off, closing a flat
 * device, warm-up); `start-motion` may move something or expose; `config` changes what Voyager or RoboTarget remembers; `other` does none of
 * these (cooling down, changing a filter, a light).
 */
export type CommandClass = 'read' | 'stop' | 'start-motion' | 'config' | 'other';

export interface CommandSpec<M extends string = string, P extends z.ZodObject = z.ZodObject> {
  method: M;
  /** Parameters beside UID and MAC. */
  params: P;
  /** `reply`: the jsonrpc answer is all; `result`: a RemoteActionResult under the request's UID follows. */
  answer: 'reply' | 'result';
  class: CommandClass | ((params: Readonly<JsonObject>) => CommandClass);
  /** Whether the line carries a UID of its own. */
  uid: boolean;
  /** Runs in Voyager's action queue, one at a time, unless `Parallelized`. */
  action: boolean;
  timeoutMs: number;
  /** What the open command's MAC covers after secret and UID: a parameter's name, or nothing. Undefined: no MAC. */
  mac?: string | null;
  /** Message when the result says OK and its payload says that it failed; null when it did not. */
  failure: (paramRet: Readonly<JsonObject>) => string | null;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const READ_MS = 30 * SECOND;
/** List queries of a large database have been seen to take minutes. */
const LIST_MS = 3 * MINUTE;
const never = (): null => null;
const NONE = z.object({});

type Options = Partial<Omit<CommandSpec, 'method' | 'params'>> & Pick<CommandSpec, 'class'>;
const command = <const M extends string, P extends z.ZodObject>(
  method: M,
  params: P,
  options: Options,
): CommandSpec<M, P> => ({
  method,
  params,
  answer: 'result',
  uid: true,
  action: false,
  timeoutMs: READ_MS,
  failure: never,
  ...options,
});
const read = <const M extends string, P extends z.ZodObject = typeof NONE>(
  method: M,
  params: P = NONE as unknown as P,
  timeoutMs = READ_MS,
): CommandSpec<M, P> => command(method, params, { class: 'read', timeoutMs });

const int = z.number().int();
const flag = z.boolean();
const on = z.object({ IsOn: flag });
/** Value for "not set" in Gain and Offset of a shot. */
export const GAIN_NONE = -2_147_483_648;

const retFailure = (paramRet: Readonly<JsonObject>): string | null => {
  const ret = paramRet.ret;
  return ret === undefined || ret === 'DONE' ? null : asText(ret);
};
const solveFailure = (paramRet: Readonly<JsonObject>): string | null =>
  readBoolean(paramRet.IsSolved) === false ? `not solved: ${asText(paramRet.LastError)}` : null;
const pointing = (paramRet: Readonly<JsonObject>): string | null => {
  const result = readNumber(paramRet.ActionResult);
  return result === 0 ? 'precise pointing failed' : result === 2 ? 'pointing ended out of range' : null;
};
const searchFailure = (paramRet: Readonly<JsonObject>): string | null => {
  const result = readNumber(paramRet.Result);
  return result === 0 ? 'target not found' : result === 2 ? `search failed: ${asText(paramRet.LastError)}` : null;
};
const byCommandType =
  (classes: Record<number, CommandClass>) =>
  (params: Readonly<JsonObject>): CommandClass =>
    classes[readNumber(params.CommandType) ?? -1] ?? 'start-motion';

const focusShared = {
  IsAbsoluteMove: flag.default(true),
  MoveDirection: int.min(0).max(1).default(0).describe('0 out, 1 in'),
};
const backlash = { IsBLCompensation: flag.default(false), BLCompVersus: int.default(0), BLCompStep: int.default(0) };
const pointTarget = {
  IsText: flag.default(false).describe('coordinates are in RAText and DECText'),
  RA: z.number().default(0).describe('hours'),
  DEC: z.number().default(0).describe('degrees'),
  RAText: z.string().default(''),
  DECText: z.string().default(''),
  Parallelized: flag.default(false),
};
const roboClip = {
  TargetName: z.string().min(1),
  RAJ2000: z.string(),
  DECJ2000: z.string(),
  PA: z.number().default(0),
  Group: z.string().default(''),
  Note: z.string().default(''),
  IsMosaic: flag.default(false),
  FROW: int.default(0),
  FCOL: int.default(0),
  TILES: z.string().default(''),
  angleAdj: z.number().default(0),
  overlap: z.number().default(0),
  DX: int.default(0),
  DY: int.default(0),
  PixelSize: z.number().default(0),
  Focallen: z.number().default(0),
};
const rating = int.describe('0 or less: not rated');
const recordMode = int.min(0).max(3).describe('0 shot, 1 session, 2 target, 3 slot');
const removal = z.object({
  ObjUID: z.string().min(1),
  Mode: int.min(0).max(4).describe('0 shot, 1 session, 2 target, 3 slot, 4 set'),
  RatingMode: int.min(0).max(2).default(0).describe('0 all, 1 lower than, 2 greater than'),
  RatingLimit: int.default(0),
});
const fileName = z.object({ FileNameFIT: z.string().min(1) });
const open = <const N extends string, P extends z.ZodObject>(
  name: N,
  params: P,
  mac: string | null,
  options: Options,
): CommandSpec<`RemoteOpenRoboTarget${N}`, P> =>
  command(`RemoteOpenRoboTarget${name}`, params, { timeoutMs: LIST_MS, failure: retFailure, mac, ...options });

const list = [
  // Connection
  command('disconnect', NONE, { class: 'other', answer: 'reply', uid: false, timeoutMs: 2 * SECOND }),
  command('AuthenticateUserBase', z.object({ Base: z.string().describe('base64 of user:password') }), {
    class: 'other',
    answer: 'reply',
    timeoutMs: 5 * SECOND,
  }),
  command('AuthenticateUserTicket', z.object({ Ticket: z.string() }), {
    class: 'other',
    answer: 'reply',
    timeoutMs: 5 * SECOND,
  }),
  command('RemoteSetDashboardMode', on, { class: 'other', timeoutMs: 10 * SECOND }),
  command(
    'RemoteSetLogEvent',
    z.object({ IsOn: flag, Level: int.min(0).max(1).default(0).describe('0 all, 1 without INFO and DEBUG') }),
    {
      class: 'other',
      timeoutMs: 10 * SECOND,
    },
  ),
  command('RemoteSetDonutsMode', NONE, { class: 'other' }),
  /** Answered by the event ArrayElementData. */
  command('GetArrayElementData', NONE, { class: 'read', answer: 'reply', uid: false }),

  // Stop
  /** `UID` is that of the action to abort, whose own result then comes with code 7. */
  command('RemoteActionAbort', z.object({ UID: z.string().min(1) }), { class: 'stop', answer: 'reply', uid: false }),
  command('RemoteActionAbortAll', NONE, { class: 'stop', answer: 'reply' }),
  /** Current action, or with IsHalt everything. No result: watch VOYSTAT, signals and RUNSEQ. */
  command('Abort', z.object({ IsHalt: flag.default(false) }), { class: 'stop', answer: 'reply', uid: false }),

  // Reads
  read('RemoteGetStatus'),
  read('RemoteGetEnvironmentData'),
  read('RemoteFilterGetActual'),
  read('RemoteGetFilterConfiguration'),
  read('RemoteGetReadoutConfiguration'),
  read('RemoteGetSpeedConfiguration'),
  read('RemoteGetCCDConfiguration'),
  read('RemoteGetCCDTemperature'),
  read('RemoteGetCCDSizeInfo'),
  read('RemoteGetCCDSizeInfoEx'),
  read('RemoteMountStatusGetInfo'),
  read('RemoteGetListAvalaibleSequence'),
  read('RemoteGetListAvalaibleSequenceEx', z.object({ ProfileName: z.string() })),
  read('RemoteGetListAvalaibleDragScript'),
  read('RemoteGetVoyagerProfiles'),
  read('RemoteRoboDataGetGeoDataCache'),
  command(
    'RemoteSearchTarget',
    z.object({ Name: z.string().min(1), SearchType: int.min(0).max(1).default(0).describe('0 planetarium, 1 Simbad') }),
    {
      class: 'read',
      timeoutMs: MINUTE,
      failure: searchFailure,
    },
  ),
  read(
    'RemoteRoboClipGetTargetList',
    z.object({
      FilterName: z.string().default(''),
      FilterGroup: z.string().default(''),
      FilterNote: z.string().default(''),
      Order: int
        .min(0)
        .max(4)
        .default(0)
        .describe('0 date falling, 1 name, 2 group and name, 3 RA falling, 4 RA rising'),
    }),
    LIST_MS,
  ),
  read('RemoteRoboOrbitsGetAsteroids', z.object({ SearchText: z.string(), SearchType: int.default(0) }), LIST_MS),
  read('RemoteRoboOrbitsGetComets', z.object({ SearchText: z.string() }), LIST_MS),
  read('RemoteRoboOrbitsGetCometsLike', z.object({ SearchText: z.string() }), LIST_MS),

  // Setup and profile
  command('RemoteSetupConnect', z.object({ TimeoutConnect: int.positive().default(90).describe('seconds') }), {
    class: 'other',
    action: true,
    timeoutMs: 3 * MINUTE,
  }),
  command('RemoteSetupDisconnect', z.object({ TimeoutDisconnect: int.positive().default(90).describe('seconds') }), {
    class: 'other',
    action: true,
    timeoutMs: 3 * MINUTE,
  }),
  command('RemoteSetProfile', z.object({ FileName: z.string().min(1) }), { class: 'config', timeoutMs: MINUTE }),
  command('RemoteCreateDir', z.object({ Dir: z.string().min(1) }), { class: 'config' }),

  // Camera
  command(
    'RemoteCameraShot',
    z.object({
      Expo: z.number().min(0).describe('seconds'),
      Bin: int.min(1).default(1),
      IsROI: flag.default(false),
      ROITYPE: int
        .min(-1)
        .max(5)
        .default(0)
        .describe('-1 custom, 0 full, 1 half, 2 quarter, 3 eighth, 4 sixteenth, 5 centred DX, DY'),
      ROIX: int.default(0),
      ROIY: int.default(0),
      ROIDX: int.default(0),
      ROIDY: int.default(0),
      FilterIndex: int.min(-1).default(0).describe('from 0'),
      ExpoType: int.min(0).max(3).default(0).describe('0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT'),
      SpeedIndex: int.default(0),
      ReadoutIndex: int.default(0),
      IsSaveFile: flag.default(true),
      FitFileName: z.string().default('%%fitdir%%\\remote.fit'),
      Gain: int.default(GAIN_NONE),
      Offset: int.default(GAIN_NONE),
      Parallelized: flag.default(false),
    }),
    { class: 'start-motion', action: true, timeoutMs: 30 * MINUTE },
  ),
  command(
    'RemoteCooling',
    z.object({
      IsSetPoint: flag.default(false),
      IsCoolDown: flag.default(false),
      IsASync: flag.default(true),
      IsWarmup: flag.default(false),
      IsCoolerOFF: flag.default(false),
      Temperature: z.number().default(0).describe('°C'),
    }),
    {
      class: (p) =>
        p.IsCoolDown === true || p.IsSetPoint === true
          ? 'other'
          : p.IsWarmup === true || p.IsCoolerOFF === true
            ? 'stop'
            : 'other',
      action: true,
      timeoutMs: 30 * MINUTE,
    },
  ),
  command('RemoteFilterChangeTo', z.object({ FilterIndex: int.min(0).describe('from 0') }), {
    class: 'other',
    action: true,
    timeoutMs: 2 * MINUTE,
  }),
  command(
    'RemoteFlat',
    z.object({ IsOnlyForRemote: flag.default(true), RemoteConfigurationFile: z.string(), DataBase64: z.string() }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: 60 * MINUTE,
    },
  ),
  command(
    'RemoteFlatDeviceCMD',
    z.object({
      CommandType: int.min(1).max(5).describe('1 open, 2 close, 3 light on, 4 light off, 5 brightness'),
      FlatDeviceIndex: int.min(1).max(2).default(1),
      Brightness: int.min(0).default(0),
    }),
    {
      class: byCommandType({ 1: 'start-motion', 2: 'stop', 3: 'other', 4: 'stop', 5: 'other' }),
      action: true,
      timeoutMs: 2 * MINUTE,
    },
  ),

  // Focus
  command(
    'RemoteFocusEx',
    z.object({
      FocusMode: int
        .min(0)
        .max(5)
        .describe('0 named star, 1 AcquireStar, 2 in place, 3 RoboStar, 4 LocalField, 5 pointing only'),
      filtroFuocoIndex: int.min(-1).default(0).describe('from 0'),
      IsWDMaxHFD: flag.default(false),
      WDMaxHFDLimit: z.number().default(0),
      IsRetryFocusOnWD: flag.default(false),
      PreviousPosition: int.default(0),
      StarRAJ2000Str: z.string().default(''),
      StarDECJ2000Str: z.string().default(''),
      IsGoBack: flag.default(true),
      IsOnlyPointingStar: flag.default(false),
    }),
    { class: 'start-motion', action: true, timeoutMs: 30 * MINUTE },
  ),
  command('RemoteFocus', z.looseObject({}), { class: 'start-motion', action: true, timeoutMs: 30 * MINUTE }),
  command('RemoteFocusInject', z.object({ filtroFuocoIndex: int.min(-1).default(0) }), {
    class: 'start-motion',
    timeoutMs: 30 * MINUTE,
  }),
  command(
    'RemoteFocuserMoveTo',
    z.object({ ...focusShared, NewPosition: int, ...backlash, IsFinalPositionCheck: flag.default(true) }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteFocuserOffset', z.object({ Offset: int, ...backlash }), {
    class: 'start-motion',
    action: true,
    timeoutMs: 5 * MINUTE,
  }),

  // Rotator
  command(
    'RemoteRotatorMoveTo',
    z.object({ PA: z.number(), IsWaitAfter: flag.default(false), WaitAfterSeconds: int.default(0) }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteRotatorSync', z.object({ PA: z.number(), IsReset: flag.default(false) }), { class: 'config' }),

  // Mount
  command('RemotePrecisePointTarget', z.object(pointTarget), {
    class: 'start-motion',
    action: true,
    timeoutMs: 20 * MINUTE,
    failure: pointing,
  }),
  command(
    'RemotePrecisePointTargetAndPA',
    z.object({
      ...pointTarget,
      PA: z.number(),
      PATollerance: z.number().default(1),
      IsSkyPA: flag.default(true),
      MantainImageOrientation: flag.default(false),
    }),
    { class: 'start-motion', action: true, timeoutMs: 20 * MINUTE, failure: pointing },
  ),
  command(
    'RemoteGotoAltAz',
    z.object({
      ALT: z.number().min(-90).max(90).describe('degrees'),
      AZ: z.number().min(0).max(360).describe('degrees'),
      SettleTime: int.default(0).describe('seconds'),
    }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: 10 * MINUTE,
    },
  ),
  command(
    'RemotePulseGuide',
    z.object({
      Direction: int.min(0).max(3).describe('0 N, 1 S, 2 E, 3 W'),
      Duration: int.positive().describe('milliseconds'),
      Parallelized: flag.default(false),
    }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: MINUTE,
    },
  ),
  command(
    'RemoteMountFastCommand',
    z.object({
      CommandType: int.min(1).max(6).describe('1 track, 2 stop tracking, 3 park, 4 unpark, 5 near zenith, 6 home'),
    }),
    {
      class: byCommandType({
        1: 'start-motion',
        2: 'stop',
        3: 'stop',
        4: 'start-motion',
        5: 'start-motion',
        6: 'start-motion',
      }),
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteSolveActualPosition', z.object({ IsBlind: flag.default(false), IsSync: flag.default(false) }), {
    class: 'start-motion',
    action: true,
    timeoutMs: 10 * MINUTE,
    failure: solveFailure,
  }),
  command('RemoteSolveFITFile', z.object({ FileName: z.string().min(1), IsBlind: flag.default(false) }), {
    class: 'other',
    action: true,
    timeoutMs: 10 * MINUTE,
    failure: solveFailure,
  }),

  // Sequences and scripts
  command(
    'RemoteSequence',
    z.object({
      SequenceFile: z.string().min(1),
      StartFlag: int
        .min(0)
        .max(15)
        .default(0)
        .describe('1 no first pointing + 2 no first focus + 4 no guide calibration + 8 no pointing before first shot'),
    }),
    {
      class: 'start-motion',
      action: true,
      timeoutMs: 16 * 60 * MINUTE,
    },
  ),
  /** Has no result: watch RUNDS. */
  command('RemoteDragScript', z.object({ DragScriptFile: z.string().min(1), StartNodeUID: z.string().default('') }), {
    class: 'start-motion',
    answer: 'reply',
  }),
  command('RemoteDragScriptSelfContained', z.object({ DragScriptFile: z.string().min(1) }), {
    class: 'start-motion',
    action: true,
    timeoutMs: 16 * 60 * MINUTE,
  }),
  command(
    'RemoteRunExternal',
    z.object({
      FileName: z.string().min(1),
      Arguments: z.string().default(''),
      TimeoutMilliseconds: int.positive().default(60_000),
      WaitFinish: flag.default(true),
      TryKillOnTimeout: flag.default(true),
    }),
    { class: 'start-motion', action: true, timeoutMs: 10 * MINUTE },
  ),

  // I/O card
  command('RemoteSetVikingDataSend', z.object({ IsOn: flag, ClientNum: int }), { class: 'other' }),
  command('RemoteVikingSetOut', z.object({ ClientNum: int, OutNumber: int, State: z.enum(['ON', 'OFF']) }), {
    class: 'start-motion',
  }),
  command('RemoteVikingSetPWM', z.object({ ClientNum: int, PWMNumber: int, Value: z.number() }), {
    class: 'start-motion',
  }),
  command('RemoteVikingSetDAC', z.object({ ClientNum: int, DACNumber: int, Value: z.number() }), {
    class: 'start-motion',
  }),
  command(
    'RemoteVikingSetAutoma',
    z.object({ ClientNum: int, OutNumber: int, State: z.enum(['OPEN', 'CLOSE', 'STOP']) }),
    {
      class: (p) => (p.State === 'STOP' ? 'stop' : 'start-motion'),
    },
  ),

  // RoboClip
  command('RemoteRoboClipAddTarget', z.object({ GuidTarget: z.string().min(1), ...roboClip }), {
    class: 'config',
    failure: retFailure,
  }),
  command('RemoteRoboClipUpdateTarget', z.object({ RefGuidTarget: z.string().min(1), ...roboClip }), {
    class: 'config',
    failure: retFailure,
  }),
  /** An empty RefGuidTarget would delete the whole database; it is refused here. */
  command('RemoteRoboClipRemoveTarget', z.object({ RefGuidTarget: z.string().min(1) }), {
    class: 'config',
    failure: retFailure,
  }),

  // RoboTarget, open commands
  open('GetTargetList', NONE, null, { class: 'read' }),
  open(
    'GetShotDoneList',
    z.object({ RefGuidTarget: z.string().min(1), IsDeleted: flag.default(false) }),
    'RefGuidTarget',
    { class: 'read' },
  ),
  open(
    'SetShotDoneRating',
    z.object({ ObjUID: z.string().min(1), Mode: recordMode, Rating: rating, IsDeleted: flag.default(false) }),
    'ObjUID',
    { class: 'config' },
  ),
  open('RemoveShotDone', removal, 'ObjUID', { class: 'config' }),
  open('RestoreShotDone', removal, 'ObjUID', { class: 'config' }),
  open(
    'UpdateBulkShotDone',
    z.object({
      SrcList: z
        .array(z.object({ RefGuidShotDone: z.string().min(1), Rating: rating, IsToDelete: flag }))
        .min(1)
        .max(50),
      IsDeleted: flag.default(false),
    }),
    null,
    {
      class: 'config',
    },
  ),
  open('RemoveShotDoneByFileName', fileName, 'FileNameFIT', { class: 'config' }),
  open('RestoreShotDoneByFileName', fileName, 'FileNameFIT', { class: 'config' }),
  open('SetShotDoneRatingByFileName', fileName.extend({ Rating: rating }), 'FileNameFIT', { class: 'config' }),
] as const;

/** Every public command by its wire name. */
export const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(
  list.map((spec) => [spec.method, spec as unknown as CommandSpec]),
);
type Listed = (typeof list)[number];
export type CommandMethod = Listed['method'];
/** Parameters of a command as a caller gives them; those with a default may be left out. */
export type CommandParams<M extends CommandMethod> = z.input<Extract<Listed, { method: M }>['params']>;
export const COMMAND_METHODS: readonly CommandMethod[] = list.map((spec) => spec.method);

export interface BuiltRequest {
  method: string;
  params: JsonObject;
  uid: string;
  timeoutMs: number;
  answer: 'reply' | 'result';
}
interface BuildOptions {
  uid?: string;
  timeoutMs?: number;
}
/**
 * A request with checked parameters and the specification's own way of answering.
 * @throws UsageError naming the command and each wrong parameter
 */
export function buildRequest<M extends CommandMethod>(
  method: M,
  params: CommandParams<M>,
  options?: BuildOptions,
): BuiltRequest {
  return buildUntyped(method, params, options);
}
/** As buildRequest, for a method and parameters that came from outside. */
export function buildUntyped(method: string, params: Readonly<JsonObject>, options: BuildOptions = {}): BuiltRequest {
  const spec = COMMANDS.get(method);
  if (!spec) throw new UsageError(`${method} is not a public command of Voyager`);
  const parsed = spec.params.safeParse(params);
  if (!parsed.success)
    throw new UsageError(
      `${method}: ${parsed.error.issues.map((issue) => `${issue.path.join('.') || 'params'}: ${issue.message}`).join('; ')}`,
    );
  const uid = options.uid ?? randomUUID();
  return {
    method,
    params: { ...(spec.uid ? { UID: uid } : {}), ...parsed.data },
    uid,
    timeoutMs: options.timeoutMs ?? spec.timeoutMs,
    answer: spec.answer,
  };
}

/** Class of a command of the dialect: reading a list, disabling an object (stop), enabling one (start-motion), changing objects (config). */
function classifyDialect(dialect: Dialect, method: string, params: Readonly<JsonObject>): CommandClass | null {
  const names = commandsOfMethod(dialect, method);
  if (names.length === 0) return dialect.modes.some((mode) => mode.method === method) ? 'other' : null;
  const op = names[0]!.split('.')[1];
  if (op === 'list') return 'read';
  if (op !== 'status') return 'config';
  const field = Object.entries(dialect.commands[names[0]!].params).find(([, source]) => source === '{status}')?.[0];
  return field !== undefined && asText(params[field]) === String(dialect.status.disabled) ? 'stop' : 'start-motion';
}

/** What a line can do. A command that nobody described counts as one that starts motion. */
export function classify(method: string, params: Readonly<JsonObject>, dialect?: Dialect): CommandClass {
  const spec = COMMANDS.get(method);
  if (spec) return typeof spec.class === 'function' ? spec.class(params) : spec.class;
  return (dialect && classifyDialect(dialect, method, params)) ?? 'start-motion';
}

/** Is it a name of the public protocol or of the dialect? */
export const isKnownMethod = (method: string, dialect?: Dialect): boolean =>
  COMMANDS.has(method) ||
  (dialect !== undefined &&
    (commandsOfMethod(dialect, method).length > 0 || dialect.modes.some((mode) => mode.method === method)));

/** Message where a result says OK but its payload says that it failed; else null. */
export function payloadFailure(method: string, paramRet: unknown, dialect?: Dialect): string | null {
  const payload = isObject(paramRet) ? paramRet : {};
  const spec = COMMANDS.get(method);
  if (spec) return spec.failure(payload);
  if (!dialect || commandsOfMethod(dialect, method).length === 0) return null;
  const ret = payload[dialect.answer.ret];
  return ret === undefined || ret === dialect.answer.done ? null : asText(ret);
}
