import { z } from 'zod';
import { MINUTE, command, int, flag } from './spec.ts';

/** Sequences, DragScripts and the I/O card. */
export const scripts = [
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
      class: 'start',
      action: true,
      timeoutMs: 16 * 60 * MINUTE,
    },
  ),
  /** Has no result: watch RUNDS. */
  command('RemoteDragScript', z.object({ DragScriptFile: z.string().min(1), StartNodeUID: z.string().default('') }), {
    class: 'script',
    answer: 'reply',
  }),
  command('RemoteDragScriptSelfContained', z.object({ DragScriptFile: z.string().min(1) }), {
    class: 'script',
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
    { class: 'start', action: true, timeoutMs: 10 * MINUTE },
  ),

  // I/O card
  command('RemoteSetVikingDataSend', z.object({ IsOn: flag, ClientNum: int }), { class: 'read' }),
  command('RemoteVikingSetOut', z.object({ ClientNum: int, OutNumber: int, State: z.enum(['ON', 'OFF']) }), {
    class: 'start',
  }),
  command('RemoteVikingSetPWM', z.object({ ClientNum: int, PWMNumber: int, Value: z.number() }), {
    class: 'start',
  }),
  command('RemoteVikingSetDAC', z.object({ ClientNum: int, DACNumber: int, Value: z.number() }), {
    class: 'start',
  }),
  command(
    'RemoteVikingSetAutoma',
    z.object({ ClientNum: int, OutNumber: int, State: z.enum(['OPEN', 'CLOSE', 'STOP']) }),
    {
      class: (p) => (p.State === 'STOP' ? 'safe' : 'start'),
    },
  ),
] as const;
