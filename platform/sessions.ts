import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { QUEUE_SESSION, sessionWorkflowId } from '../domain/ids.ts';
import { SESSION_WORKFLOW, type AmendPlanUpdate, type ExtendUpdate, type RescheduleUpdate, type SessionInput, type UpdateResult } from '../domain/messages.ts';
import { SEARCH_ATTRIBUTES } from './temporal.ts';

/**
 * Starts a booking's session workflow, or finds it started: an id is used once, whatever became of its run (contracts: Booking).
 * @returns false when a closed run has that id
 * @throws while Temporal is away
 */
export async function startSession(client: Client, booking: { id: string; telescopeId: string; startsAt: Date }): Promise<boolean> {
  const input: SessionInput = { bookingId: booking.id, telescopeId: booking.telescopeId };
  try {
    await client.workflow.start(SESSION_WORKFLOW, {
      taskQueue: QUEUE_SESSION,
      workflowId: sessionWorkflowId(booking.id),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [input],
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.bookingId, value: booking.id },
        { key: SEARCH_ATTRIBUTES.telescopeId, value: booking.telescopeId },
        { key: SEARCH_ATTRIBUTES.phase, value: 'scheduled' },
        { key: SEARCH_ATTRIBUTES.start, value: booking.startsAt },
      ],
      staticSummary: `Booking ${booking.id} on ${booking.telescopeId}`,
    });
    return true;
  } catch (thrown) {
    if (thrown instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw thrown;
  }
}

/**
 * Sends an update to a session and waits for its answer at most `ms`; the command id is the update's id, so a repetition answers the same.
 * @throws WorkflowNotFoundError when no run is open, and the client's own errors
 */
export function updateSession(client: Client, bookingId: string, update: string, body: RescheduleUpdate | AmendPlanUpdate | ExtendUpdate, ms: number): Promise<UpdateResult> {
  return client.connection.withDeadline(Date.now() + ms, () =>
    client.workflow.getHandle(sessionWorkflowId(bookingId)).executeUpdate<UpdateResult, [object]>(update, { args: [body], updateId: body.commandId }),
  );
}
