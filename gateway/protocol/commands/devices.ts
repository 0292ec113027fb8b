import { z } from 'zod';
import { MINUTE, command, int, flag, GAIN_NONE, solveFailure, pointing, byCommandType } from './spec.ts';

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

/** Camera, focus, rotator, mount, guiding and solving. */
export const devices = [
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
    { class: 'start', action: true, timeoutMs: 30 * MINUTE },
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
        p.IsCoolDown !== true && p.IsSetPoint !== true && (p.IsWarmup === true || p.IsCoolerOFF === true)
          ? 'safe'
          : 'start',
      action: true,
      timeoutMs: 30 * MINUTE,
    },
  ),
  command('RemoteFilterChangeTo', z.object({ FilterIndex: int.min(0).describe('from 0') }), {
    class: 'start',
    action: true,
    timeoutMs: 2 * MINUTE,
  }),
  command(
    'RemoteFlat',
    z.object({ IsOnlyForRemote: flag.default(true), RemoteConfigurationFile: z.string(), DataBase64: z.string() }),
    {
      class: 'start',
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
      class: byCommandType({ 1: 'start', 2: 'safe', 3: 'start', 4: 'safe', 5: 'start' }),
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
    { class: 'start', action: true, timeoutMs: 30 * MINUTE },
  ),
  command('RemoteFocus', z.looseObject({}), { class: 'start', action: true, timeoutMs: 30 * MINUTE }),
  command('RemoteFocusInject', z.object({ filtroFuocoIndex: int.min(-1).default(0) }), {
    class: 'start',
    timeoutMs: 30 * MINUTE,
  }),
  command(
    'RemoteFocuserMoveTo',
    z.object({ ...focusShared, NewPosition: int, ...backlash, IsFinalPositionCheck: flag.default(true) }),
    {
      class: 'start',
      action: true,
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteFocuserOffset', z.object({ Offset: int, ...backlash }), {
    class: 'start',
    action: true,
    timeoutMs: 5 * MINUTE,
  }),

  // Rotator
  command(
    'RemoteRotatorMoveTo',
    z.object({ PA: z.number(), IsWaitAfter: flag.default(false), WaitAfterSeconds: int.default(0) }),
    {
      class: 'start',
      action: true,
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteRotatorSync', z.object({ PA: z.number(), IsReset: flag.default(false) }), { class: 'edit' }),

  // Mount
  command('RemotePrecisePointTarget', z.object(pointTarget), {
    class: 'start',
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
    { class: 'start', action: true, timeoutMs: 20 * MINUTE, failure: pointing },
  ),
  command(
    'RemoteGotoAltAz',
    z.object({
      ALT: z.number().min(-90).max(90).describe('degrees'),
      AZ: z.number().min(0).max(360).describe('degrees'),
      SettleTime: int.default(0).describe('seconds'),
    }),
    {
      class: 'start',
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
      class: 'start',
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
        1: 'start',
        2: 'safe',
        3: 'safe',
        4: 'start',
        5: 'start',
        6: 'start',
      }),
      timeoutMs: 5 * MINUTE,
    },
  ),
  command('RemoteSolveActualPosition', z.object({ IsBlind: flag.default(false), IsSync: flag.default(false) }), {
    class: 'start',
    action: true,
    timeoutMs: 10 * MINUTE,
    failure: solveFailure,
  }),
  command('RemoteSolveFITFile', z.object({ FileName: z.string().min(1), IsBlind: flag.default(false) }), {
    class: 'start',
    action: true,
    timeoutMs: 10 * MINUTE,
    failure: solveFailure,
  }),
] as const;
