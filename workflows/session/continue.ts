import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { SessionInput } from '../../domain/messages.ts';
import type { Night } from './night.ts';

export function historyIsLong(night: Night): boolean {
  const info = workflowInfo();
  // An update is answered by the run that took it: it is worked off first.
  if (
    night.state.data.inbox.some(
      (control) => control.kind === 'extend' || control.kind === 'reschedule' || control.kind === 'amend',
    )
  )
    return false;
  return (
    !night.memory.over &&
    (info.continueAsNewSuggested || (night.maxHistoryEvents !== null && info.historyLength >= night.maxHistoryEvents))
  );
}

/** A fresh history with all that is known; frames under way are picked up where their heartbeat left off. */
export async function beginAnew(night: Night): Promise<never> {
  const { state } = night;
  state.leaving = true;
  night.background.cancel();
  night.projector.stop(true);
  await night.projecting;
  await condition(allHandlersFinished);
  return continueAsNew<(input: SessionInput) => Promise<unknown>>({
    bookingId: state.bookingId,
    telescopeId: state.telescopeId,
    carried: state.data,
    ...(night.maxHistoryEvents === null ? {} : { maxHistoryEvents: night.maxHistoryEvents }),
  });
}
