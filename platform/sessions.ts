import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { QUEUE_SESSION, sessionWorkflowId } from '../domain/ids.ts';
import {
  SESSION_WORKFLOW,
  type AdoptedSession,
  type AmendPlanUpdate,
  type ExtendUpdate,
  type RescheduleUpdate,
  type SessionInput,
  type UpdateResult,
} from '../domain/messages.ts';
import { SEARCH_ATTRIBUTES } from './temporal.ts';

interface Booked {
  id: string;
  telescopeId: string;
  startsAt: Date;
}

/**
 * Starts a booking's session workflow, or finds it started: an id is used once, whatever became of its run (contracts: Booking).
 * @returns false when a closed run has that id
 * @throws while Temporal is away
 */
export const startSession = (client: Client, booking: Booked): Promise<boolean> =>
  start(client, booking, 'REJECT_DUPLICATE');

/**
 * Starts another run of a session whose run is gone (activities/session/lost.ts).
 * @throws while Temporal is away
 */
export const takeOverSession = (client: Client, booking: Booked, adopted: AdoptedSession): Promise<boolean> =>
  start(client, booking, 'ALLOW_DUPLICATE', adopted);

async function start(
  client: Client,
  booking: Booked,
  workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE',
  adopted?: AdoptedSession,
): Promise<boolean> {
  const input: SessionInput = {
    bookingId: booking.id,
    telescopeId: booking.telescopeId,
    ...(adopted ? { adopted } : {}),
  };
  try {
    await client.workflow.start(SESSION_WORKFLOW, {
      taskQueue: QUEUE_SESSION,
      workflowId: sessionWorkflowId(booking.id),
      workflowIdReusePolicy,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [input],
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.bookingId, value: booking.id },
        { key: SEARCH_ATTRIBUTES.telescopeId, value: booking.telescopeId },
        { key: SEARCH_ATTRIBUTES.phase, value: adopted?.phase ?? 'scheduled' },
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
export function updateSession(
  client: Client,
  bookingId: string,
  update: string,
  body: RescheduleUpdate | AmendPlanUpdate | ExtendUpdate,
  ms: number,
): Promise<UpdateResult> {
  return client.connection.withDeadline(Date.now() + ms, () =>
    client.workflow
      .getHandle(sessionWorkflowId(bookingId))
      .executeUpdate<UpdateResult, [object]>(update, { args: [body], updateId: body.commandId }),
  );
}
