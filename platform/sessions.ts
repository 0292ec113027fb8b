import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  SESSION_WORKFLOW,
  SIGNALS,
  type AdoptedSession,
  type SessionInput,
  type SignalBodies,
  type TelescopeEventSignal,
  type UpdateBodies,
  type UpdateResult,
} from '../domain/messages.ts';
import { ACTIVE_PHASES } from '../domain/phases.ts';
import { QUEUE_SESSION, SEARCH_ATTRIBUTES, sessionWorkflowId } from '../domain/queues.ts';
import type { Database } from './database.ts';
import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

/**
 * The one way to a session's workflow for everybody outside it. Each call ends within its deadline (`ms`), and throws the client's error when
 * Temporal did not answer: whether the call arrived is then unknown.
 */
const DEADLINE_MS = 5_000;

interface Booked {
  id: string;
  telescopeId: string;
  startsAt: Date;
}

/**
 * Starts a booking's session workflow, or finds it started: an id is used once, whatever became of its run (domain/queues.ts).
 * @returns false when a closed run has that id
 */
export const startSession = (client: Client, booking: Booked, ms?: number): Promise<boolean> =>
  start(client, booking, 'REJECT_DUPLICATE', { ms });

/** Starts another run of a session whose run is gone (activities/session/lost.ts). */
export const takeOverSession = (client: Client, booking: Booked, adopted: AdoptedSession): Promise<boolean> =>
  start(client, booking, 'ALLOW_DUPLICATE', { adopted });

async function start(
  client: Client,
  booking: Booked,
  workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE',
  { adopted, ms = DEADLINE_MS }: { adopted?: AdoptedSession; ms?: number },
): Promise<boolean> {
  const input: SessionInput = {
    bookingId: booking.id,
    telescopeId: booking.telescopeId,
    ...(adopted ? { adopted } : {}),
  };
  try {
    await client.withDeadline(Date.now() + ms, () =>
      client.workflow.start(SESSION_WORKFLOW, {
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
      }),
    );
    return true;
  } catch (thrown) {
    if (thrown instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw thrown;
  }
}

/** Signals a session; a repeated command id has no second effect there. `gone`: it is closed or was never there, and nothing starts it. */
export async function signalSession<Name extends keyof SignalBodies>(
  client: Client,
  bookingId: string,
  name: Name,
  body: SignalBodies[Name],
  ms = DEADLINE_MS,
): Promise<'sent' | 'gone'> {
  try {
    await client.withDeadline(Date.now() + ms, () =>
      client.workflow.getHandle(sessionWorkflowId(bookingId)).signal<[SignalBodies[Name]]>(name, body),
    );
    return 'sent';
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return 'gone';
    throw thrown;
  }
}

/** Sends an update to a session and waits for its answer; the command id is the update's id, so that a repetition answers the same. */
export async function updateSession<Name extends keyof UpdateBodies>(
  client: Client,
  bookingId: string,
  name: Name,
  body: UpdateBodies[Name],
  ms: number,
): Promise<UpdateResult | 'gone'> {
  try {
    return await client.withDeadline(Date.now() + ms, () =>
      client.workflow
        .getHandle(sessionWorkflowId(bookingId))
        .executeUpdate<UpdateResult, [UpdateBodies[Name]]>(name, { args: [body], updateId: body.commandId }),
    );
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return 'gone';
    throw thrown;
  }
}

/**
 * Sessions on a telescope whose maintenance has changed look at once instead of at their next check. Whom it does not reach is logged: the
 * reconcile Schedule tells again.
 */
export async function tellSessionsOfMaintenance(
  { db, temporal, logger }: { db: Pick<Database, 'session'>; temporal: Client; logger: Logger },
  telescopeId: string,
  told: Pick<TelescopeEventSignal, 'id' | 'at'>,
): Promise<void> {
  const sessions = await db.session.findMany({
    where: { telescopeId, phase: { in: ['preparing', 'prepared', ...ACTIVE_PHASES] } },
    select: { bookingId: true },
  });
  const body: TelescopeEventSignal = { ...told, kind: 'local_operator', detail: 'maintenance' };
  await Promise.all(
    sessions.map(({ bookingId }) =>
      signalSession(temporal, bookingId, SIGNALS.telescopeEvent, body).catch((thrown: unknown) =>
        logger.warn({ err: toError(thrown).message, bookingId }, 'maintenance not told to the session yet'),
      ),
    ),
  );
}
