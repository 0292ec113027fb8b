import { condition, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import {
  QUERIES,
  SIGNALS,
  UPDATES,
  type AmendPlanUpdate,
  type ControlSignal,
  type ExtendUpdate,
  type FramesWaitingSignal,
  type RescheduleUpdate,
  type SessionSnapshot,
  type TelescopeEventSignal,
  type UpdateResult,
} from '../../domain/messages.ts';
import { snapshotOf } from './face.ts';
import type { Control } from './data.ts';
import type { SessionState } from './state.ts';

export const pauseSignal = defineSignal<[ControlSignal]>(SIGNALS.pause);
export const resumeSignal = defineSignal<[ControlSignal]>(SIGNALS.resume);
export const abortSignal = defineSignal<[ControlSignal]>(SIGNALS.abort);
export const cancelSignal = defineSignal<[ControlSignal]>(SIGNALS.cancel);
export const framesWaitingSignal = defineSignal<[FramesWaitingSignal]>(SIGNALS.framesWaiting);
export const telescopeEventSignal = defineSignal<[TelescopeEventSignal]>(SIGNALS.telescopeEvent);
export const rescheduleUpdate = defineUpdate<UpdateResult, [RescheduleUpdate]>(UPDATES.reschedule);
export const amendPlanUpdate = defineUpdate<UpdateResult, [AmendPlanUpdate]>(UPDATES.amendPlan);
export const extendUpdate = defineUpdate<UpdateResult, [ExtendUpdate]>(UPDATES.extend);
export const snapshotQuery = defineQuery<SessionSnapshot>(QUERIES.snapshot);

/** Wires the handlers to the state: they put controls into its inbox and nothing else. */
export function wire(state: SessionState): void {
  setHandler(pauseSignal, (body) => state.receive('pause', body), { description: 'Hold the target until resumed' });
  setHandler(resumeSignal, (body) => state.receive('resume', body), { description: 'Go on after a pause' });
  setHandler(abortSignal, (body) => state.receive('abort', body), { description: 'Stop the target now and wrap up' });
  setHandler(cancelSignal, (body) => state.receive('cancel', body), {
    description: 'Give the slot back before it begins',
  });
  setHandler(
    framesWaitingSignal,
    () => {
      state.data.framesWaiting = true;
    },
    { description: 'The gateway has frames in its journal' },
  );
  setHandler(
    telescopeEventSignal,
    (body) => {
      state.events.push(body);
    },
    { description: 'Something happened at the telescope' },
  );
  setHandler(rescheduleUpdate, (body) => answer(state, control('reschedule', body, body.start, body.end)), {
    description: 'Another slot; the booking row has it already',
  });
  setHandler(amendPlanUpdate, (body) => answer(state, control('amend', body, null, null)), {
    description: 'Another plan; the booking row has it already',
  });
  setHandler(extendUpdate, (body) => answer(state, control('extend', body, null, body.end)), {
    description: 'A later end; the booking row has it already',
  });
  setHandler(snapshotQuery, () => snapshotOf(state), { description: 'Where the session stands, for operators' });
}

const control = (
  kind: Control['kind'],
  body: { commandId: string; requestedBy: string },
  start: string | null,
  end: string | null,
): Control => ({
  kind,
  commandId: body.commandId,
  requestedBy: body.requestedBy,
  alreadyStopped: false,
  reason: null,
  start,
  end,
});

async function answer(state: SessionState, asked: Control): Promise<UpdateResult> {
  state.awaited.add(asked.commandId);
  state.take(asked);
  await condition(() => state.answers.has(asked.commandId) || settled(state, asked.commandId) || state.leaving);
  state.awaited.delete(asked.commandId);
  const given = state.answers.get(asked.commandId);
  if (given) return given;
  const receipt = state.receipt(asked.commandId)!;
  return {
    commandId: asked.commandId,
    state: receipt.state,
    ...(receipt.reason ? { reason: receipt.reason } : {}),
    ...(receipt.message ? { message: receipt.message } : {}),
  };
}

function settled(state: SessionState, commandId: string): boolean {
  const receipt = state.receipt(commandId);
  return (
    receipt !== null && (receipt.state === 'confirmed' || receipt.state === 'refused' || receipt.state === 'unknown')
  );
}
