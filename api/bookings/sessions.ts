import { WorkflowNotFoundError } from '@temporalio/client';
import { sessionWorkflowId } from '../../domain/ids.ts';
import type {
  AmendPlanUpdate,
  ControlSignal,
  ExtendUpdate,
  RescheduleUpdate,
  UpdateResult,
} from '../../domain/messages.ts';
import { toError } from '../../platform/errors.ts';
import { startSession, updateSession as tellUpdate } from '../../platform/sessions.ts';
import type { Deps } from '../deps.ts';

/** Runs calls to Temporal with an end, so that a request never hangs on it. */
export const withDeadline = <T>(deps: Deps, fn: () => Promise<T>, ms = deps.temporalTimeoutMs): Promise<T> =>
  deps.temporal.connection.withDeadline(Date.now() + ms, fn);

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
    await withDeadline(deps, () => startSession(deps.temporal, booking));
    return true;
  } catch (thrown) {
    deps.logger.warn(
      { err: toError(thrown).message, bookingId: booking.id },
      'session not started yet; the reconcile Schedule will',
    );
    return false;
  }
}

export type Delivery = 'delivered' | 'no_workflow' | 'away';

/** Signals the session; a repeated commandId has no second effect there. */
export async function signalSession(
  deps: Deps,
  bookingId: string,
  signal: string,
  body: ControlSignal,
): Promise<Delivery> {
  try {
    await withDeadline(deps, () => deps.temporal.workflow.getHandle(sessionWorkflowId(bookingId)).signal(signal, body));
    return 'delivered';
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return 'no_workflow';
    deps.logger.warn({ err: toError(thrown).message, bookingId, signal }, 'signal not delivered');
    return 'away';
  }
}

/** Sends an update and waits for its answer; `updateId` makes a repetition answer the same. */
export async function updateSession(
  deps: Deps,
  bookingId: string,
  update: string,
  body: RescheduleUpdate | AmendPlanUpdate | ExtendUpdate,
  ms = Math.max(15_000, deps.temporalTimeoutMs),
): Promise<UpdateResult | 'no_workflow' | 'away'> {
  try {
    return await tellUpdate(deps.temporal, bookingId, update, body, ms);
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return 'no_workflow';
    deps.logger.warn({ err: toError(thrown).message, bookingId, update }, 'update without an answer');
    return 'away';
  }
}
