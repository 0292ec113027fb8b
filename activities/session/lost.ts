import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { stableId } from '../../domain/ids.ts';
import { SESSION_WORKFLOW } from '../../domain/messages.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import { SEARCH_ATTRIBUTES, finaliseWorkflowId, sessionWorkflowId } from '../../domain/queues.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { enqueueAlert } from '../../platform/outbox.ts';
import { takeOverSession } from '../../platform/sessions.ts';
import { adoptedFrom, type LostRun } from './adopted.ts';

/** Workflows that end write their last row first; a row that is older than this waits for nothing any more. */
const SETTLE_MS = 90_000;
const FINAL: string[] = [...FINAL_PHASES];
/** How often a session may be taken over: once to go on, once to be wrapped up. Then a person must look. */
const TAKEOVERS = 2;
const AT_ONCE = 60;

interface Deps {
  db: Database;
  temporal: Client;
  logger: Logger;
  now: () => number;
  /** Most sessions taken over in one pass, soonest first, lest a service that lost everything hold up running nights. */
  atOnce?: number;
}

/**
 * Bookings and workflows that lost each other, by a person's hand, a restored backup or a fault of ours. A session without a run gets another; a
 * run without a booking is cancelled, which stops its target.
 */
export async function matchSessions(deps: Deps): Promise<{ takenOver: string[]; cancelled: string[] }> {
  const { db, temporal, logger, now, atOnce = AT_ONCE } = deps;
  /** Workflow ids with their telescopes. */
  const open = new Map<string, string | undefined>();
  for await (const run of temporal.workflow.list({
    query: `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running'`,
    pageSize: 1_000,
  }))
    open.set(run.workflowId, run.typedSearchAttributes.get(SEARCH_ATTRIBUTES.telescopeId));
  const sessions = await db.session.findMany({
    where: { phase: { notIn: FINAL }, updatedAt: { lt: new Date(now() - SETTLE_MS) } },
    select: { bookingId: true },
    orderBy: { booking: { startsAt: 'asc' } },
  });
  const takenOver: string[] = [];
  for (const { bookingId } of sessions) {
    if (open.has(sessionWorkflowId(bookingId))) continue;
    if (takenOver.length >= atOnce) break;
    try {
      if (await takeOver(deps, bookingId)) takenOver.push(bookingId);
    } catch (thrown) {
      logger.error(
        { err: toError(thrown).message, bookingId },
        'a session without a workflow could not be taken over yet',
      );
    }
  }
  return { takenOver, cancelled: await cancelUnbooked(deps, open) };
}

/** Only on telescopes of ours: the namespace may be shared with another site. Nothing at all where the database knows no session: it may be the wrong one. */
async function cancelUnbooked(
  { db, temporal, logger }: Deps,
  open: Map<string, string | undefined>,
): Promise<string[]> {
  const cancelled: string[] = [];
  const workflowIds = [...open.keys()];
  const telescopes = new Set((await db.telescope.findMany({ select: { id: true } })).map((row) => row.id));
  if ((await db.session.findFirst({ select: { bookingId: true } })) === null) return cancelled;
  for (let at = 0; at < workflowIds.length; at += 1_000) {
    const page = workflowIds.slice(at, at + 1_000);
    const known = new Set(
      (await db.session.findMany({ where: { workflowId: { in: page } }, select: { workflowId: true } })).map(
        (row) => row.workflowId,
      ),
    );
    for (const workflowId of page) {
      if (known.has(workflowId) || !telescopes.has(open.get(workflowId) ?? '')) continue;
      await temporal.workflow
        .getHandle(workflowId)
        .cancel()
        .then(() => cancelled.push(workflowId))
        .catch((thrown: unknown) =>
          logger.warn(
            { err: toError(thrown).message, workflowId },
            'a session without a booking could not be cancelled yet',
          ),
        );
    }
  }
  if (cancelled.length > 0) logger.error({ cancelled }, 'sessions cancelled that have no booking');
  return cancelled;
}

/** True when another run was started. The listing lags behind, so the run itself is asked before anything is done. */
async function takeOver(deps: Deps, bookingId: string): Promise<boolean> {
  const { db, temporal, logger, now } = deps;
  const closed = await closedRun(temporal, bookingId);
  if (!closed || (await isOpen(temporal, finaliseWorkflowId(bookingId)))) return false;
  const session = await db.session.findUniqueOrThrow({ where: { bookingId }, include: { booking: true } });
  if (FINAL.includes(session.phase)) return false;
  const never = session.transition === 0 && session.runId === null;
  // Never begun: `startMissingSessions` begins it.
  if (never && closed.status === 'LOST') return false;
  // A run that ended before the booking was made was that of an earlier row, which a restored backup has lost.
  const lost: LostRun =
    never && closed.closedAt && closed.closedAt < session.booking.createdAt
      ? { status: 'LOST', closedAt: null, result: null }
      : closed;
  const before = await db.audit.count({ where: { bookingId, action: 'session.take_over' } });
  const why =
    lost.status === 'LOST'
      ? 'the workflow service does not know it'
      : `its workflow is ${lost.status.toLowerCase().replaceAll('_', ' ')}`;
  if (before >= TAKEOVERS) {
    const message = `Session ${bookingId} is ${session.phase} and ${why}; it was taken over ${before} times. Look at the last run's failure, then wrap it up by hand.`;
    await db.$transaction((tx) =>
      enqueueAlert(tx, {
        key: 'take-over-given-up',
        bookingId,
        telescopeId: session.telescopeId,
        reason: 'internal_error',
        message,
        at: new Date(now()),
      }),
    );
    return false;
  }
  const adopted = await adoptedFrom(deps, session, lost, before);
  const booking = { id: bookingId, telescopeId: session.telescopeId, startsAt: session.booking.startsAt };
  if (!(await takeOverSession(temporal, booking, adopted))) return false;
  await db.audit.createMany({
    data: [
      {
        id: stableId('audit', 'take-over', bookingId, String(before)),
        at: new Date(now()),
        actor: 'reconcile',
        action: 'session.take_over',
        bookingId,
        telescopeId: session.telescopeId,
        data: { why, phase: session.phase, ending: adopted.ending },
      },
    ],
    skipDuplicates: true,
  });
  logger.error({ bookingId, why, phase: session.phase, ending: adopted.ending }, 'session taken over');
  return true;
}

/** How its last run ended; null while one is open. */
async function closedRun(temporal: Client, bookingId: string): Promise<LostRun | null> {
  const handle = temporal.workflow.getHandle<() => Promise<LostRun['result']>>(sessionWorkflowId(bookingId));
  try {
    const { status, closeTime } = await handle.describe();
    if (status.name === 'RUNNING' || status.name === 'PAUSED' || status.name === 'CONTINUED_AS_NEW') return null;
    return {
      status: status.name,
      closedAt: closeTime ?? null,
      result: status.name === 'COMPLETED' ? await handle.result() : null,
    };
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return { status: 'LOST', closedAt: null, result: null };
    throw thrown;
  }
}
async function isOpen(temporal: Client, workflowId: string): Promise<boolean> {
  try {
    return (await temporal.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return false;
    throw thrown;
  }
}
