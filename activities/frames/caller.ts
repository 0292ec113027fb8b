import { Context } from '@temporalio/activity';

/** What the caller's activity lends: a sign of life, and word that it shall stop. */
export interface Caller {
  heartbeat(detail: unknown): void;
  readonly signal: AbortSignal | null;
}

/** Sign of life and cancellation of the activity that runs now; outside of one (import, tests) neither. */
export function currentCaller(): Caller {
  try {
    const context = Context.current();
    return { heartbeat: (detail) => context.heartbeat(detail), signal: context.cancellationSignal };
  } catch {
    return { heartbeat: () => undefined, signal: null };
  }
}
