import { z } from 'zod';
import { SECOND, MINUTE, LIST_MS, NONE, command, read, int, flag, on, searchFailure } from './spec.ts';

/** Connection, stops, reads, setup and profile. */
export const connection = [
  // Connection
  command('disconnect', NONE, { class: 'read', answer: 'reply', uid: false, timeoutMs: 2 * SECOND }),
  command('AuthenticateUserBase', z.object({ Base: z.string().describe('base64 of user:password') }), {
    class: 'read',
    answer: 'reply',
    timeoutMs: 5 * SECOND,
  }),
  command('AuthenticateUserTicket', z.object({ Ticket: z.string() }), {
    class: 'read',
    answer: 'reply',
    timeoutMs: 5 * SECOND,
  }),
  command('RemoteSetDashboardMode', on, { class: 'read', timeoutMs: 10 * SECOND }),
  command(
    'RemoteSetLogEvent',
    z.object({ IsOn: flag, Level: int.min(0).max(1).default(0).describe('0 all, 1 without INFO and DEBUG') }),
    {
      class: 'read',
      timeoutMs: 10 * SECOND,
    },
  ),
  command('RemoteSetDonutsMode', NONE, { class: 'read' }),
  /** Answered by the event ArrayElementData. */
  command('GetArrayElementData', NONE, { class: 'read', answer: 'reply', uid: false }),

  // Stop
  /** `UID` is that of the action to abort, whose own result then comes with code 7. */
  command('RemoteActionAbort', z.object({ UID: z.string().min(1) }), { class: 'safe', answer: 'reply', uid: false }),
  command('RemoteActionAbortAll', NONE, { class: 'safe', answer: 'reply' }),
  /** Current action, or with IsHalt everything. No result: watch VOYSTAT, signals and RUNSEQ. */
  command('Abort', z.object({ IsHalt: flag.default(false) }), {
    class: (p) => (p.IsHalt === false ? 'safe' : 'halt'),
    answer: 'reply',
    uid: false,
  }),

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
    class: 'start',
    action: true,
    timeoutMs: 3 * MINUTE,
  }),
  command('RemoteSetupDisconnect', z.object({ TimeoutDisconnect: int.positive().default(90).describe('seconds') }), {
    class: 'start',
    action: true,
    timeoutMs: 3 * MINUTE,
  }),
  command('RemoteSetProfile', z.object({ FileName: z.string().min(1) }), { class: 'edit', timeoutMs: MINUTE }),
  command('RemoteCreateDir', z.object({ Dir: z.string().min(1) }), { class: 'edit' }),
] as const;
