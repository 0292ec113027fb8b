import { Context } from '@temporalio/activity';
import type { Caller } from './intake/intake.ts';

/** Sign of life and cancellation of the activity that runs now; outside of one (import, tests) neither. */
export function currentCaller(): Caller {
  try {
    const context = Context.current();
    return { heartbeat: (detail) => context.heartbeat(detail), signal: context.cancellationSignal };
  } catch {
    return { heartbeat: () => undefined, signal: null };
  }
}
