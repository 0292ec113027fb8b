import type { CommandOutcome } from '../../domain/ports.ts';
import { REASON_CODES, type Reason } from '../../domain/reasons.ts';
import type { RequestOutcome } from '../connection/link.ts';

type Failed = Exclude<RequestOutcome, { outcome: 'done' }>;

/** The product's reason for a request that did not succeed. */
export function reasonOf(failed: Failed): Reason {
  if (failed.outcome === 'unknown') return failed.why === 'disconnected' ? 'voyager_away' : 'no_answer';
  if (failed.how === 'gate')
    return (REASON_CODES as readonly string[]).includes(failed.message) ? (failed.message as Reason) : 'not_allowed';
  return failed.how === 'not_ready' ? 'voyager_away' : 'refused_by_voyager';
}

export const done = (message: string | null = null): CommandOutcome => ({ outcome: 'done', reason: null, message });
export const refused = (reason: Reason, message: string | null = null): CommandOutcome => ({
  outcome: 'refused',
  reason,
  message,
});
export const unknown = (reason: Reason, message: string | null = null): CommandOutcome => ({
  outcome: 'unknown',
  reason,
  message,
});

/** A request's outcome as a command's. `not_ready` means that nothing was sent. */
export function toCommand(outcome: RequestOutcome): CommandOutcome {
  if (outcome.outcome === 'done') return done();
  return { outcome: outcome.outcome, reason: reasonOf(outcome), message: outcome.message };
}
