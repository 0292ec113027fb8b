import type { SignalBodies, UpdateBodies, UpdateResult } from '../../domain/messages.ts';
import { toError } from '../../platform/errors.ts';
import { startSession, signalSession as tell, updateSession as tellUpdate } from '../../platform/sessions.ts';
import type { Deps } from '../deps.ts';

/** Runs calls to Temporal with an end, so that a request never hangs on it. */
export const withDeadline = <T>(deps: Deps, fn: () => Promise<T>, ms = deps.temporalTimeoutMs): Promise<T> =>
  deps.temporal.withDeadline(Date.now() + ms, fn);

/**
 * Starts the booking's session workflow, or finds it started. The row in the database has decided already; when Temporal is
 * away the worker's reconcile Schedule starts it later.
 * @returns whether a run exists (running, or closed before).
 */
export async function ensureSession(
  deps: Deps,
  booking: { id: string; telescopeId: string; startsAt: Date },
): Promise<boolean> {
  try {
    await startSession(deps.temporal, booking, deps.temporalTimeoutMs);
    return true;
  } catch (thrown) {
    deps.logger.warn(
      { err: toError(thrown).message, bookingId: booking.id },
      'session not started yet; the reconcile Schedule will',
    );
    return false;
  }
}

/** What became of a signal: `away` when Temporal did not answer, and then whether it arrived is unknown. */
export type Delivery = 'sent' | 'gone' | 'away';

/** Signals the session; a repeated commandId has no second effect there. */
export async function signalSession<Name extends keyof SignalBodies>(
  deps: Deps,
  bookingId: string,
  signal: Name,
  body: SignalBodies[Name],
): Promise<Delivery> {
  try {
    return await tell(deps.temporal, bookingId, signal, body, deps.temporalTimeoutMs);
  } catch (thrown) {
    deps.logger.warn({ err: toError(thrown).message, bookingId, signal }, 'signal not delivered');
    return 'away';
  }
}

/** Sends an update and waits for its answer; `updateId` makes a repetition answer the same. */
export async function updateSession<Name extends keyof UpdateBodies>(
  deps: Deps,
  bookingId: string,
  update: Name,
  body: UpdateBodies[Name],
): Promise<UpdateResult | 'gone' | 'away'> {
  try {
    return await tellUpdate(deps.temporal, bookingId, update, body, Math.max(15_000, deps.temporalTimeoutMs));
  } catch (thrown) {
    deps.logger.warn({ err: toError(thrown).message, bookingId, update }, 'update without an answer');
    return 'away';
  }
}
