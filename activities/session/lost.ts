import { WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import { sessionWorkflowId, stableId } from '../../domain/ids.ts';
import { SESSION_WORKFLOW, type AdoptedSession } from '../../domain/messages.ts';
import { FINAL_PHASES, type HoldCause, type Outcome, type Phase } from '../../domain/phases.ts';
import { finaliseWorkflowId } from '../../domain/queues.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { takeOverSession } from '../../platform/sessions.ts';
import { SEARCH_ATTRIBUTES } from '../../platform/temporal.ts';

/** Workflows that end write their last row first; a row that is older than this waits for nothing any more. */
const SETTLE_MS = 90_000;
const FINAL: string[] = [...FINAL_PHASES];
/** How often a session may be taken over: once to go on, once to be wrapped up. Then a person must look. */
const TAKEOVERS = 2;

interface Deps {
  db: Database;
  temporal: Client;
  logger: Logger;
  now: () => number;
}
type Lost = { status: WorkflowExecutionStatusName | 'LOST'; closedAt: Date | null; result: { outcome: Outcome; reason: Reason | null } | null };

/**
 * Bookings and workflows that have lost each other, which needs a person's hand, a restored backup or a fault of ours: a session whose run is
 * gone gets another, which wraps it up when it was ended by hand and else goes on; a run whose booking does not exist is cancelled, which stops
 * its target.
 */
export async function matchSessions(deps: Deps): Promise<{ takenOver: string[]; cancelled: string[] }> {
  const { db, temporal, logger, now } = deps;
  /** Workflow ids with their telescopes. */
  const open = new Map<string, string | undefined>();
  for await (const run of temporal.workflow.list({ query: `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running'`, pageSize: 1_000 }))
    open.set(run.workflowId, run.typedSearchAttributes.get(SEARCH_ATTRIBUTES.telescopeId));
  const sessions = await db.session.findMany({
    where: { phase: { notIn: FINAL }, updatedAt: { lt: new Date(now() - SETTLE_MS) }, NOT: { transition: 0, runId: null } },
    select: { bookingId: true },
  });
  const takenOver: string[] = [];
  for (const { bookingId } of sessions) {
    if (open.has(sessionWorkflowId(bookingId))) continue;
    try {
      if (await takeOver(deps, bookingId)) takenOver.push(bookingId);
    } catch (thrown) {
      logger.error({ err: toError(thrown).message, bookingId }, 'a session without a workflow could not be taken over yet');
    }
  }
  return { takenOver, cancelled: await cancelUnbooked(deps, open) };
}

/** Only on telescopes of ours: the namespace may be shared with another site. */
async function cancelUnbooked({ db, temporal, logger }: Deps, open: Map<string, string | undefined>): Promise<string[]> {
  const cancelled: string[] = [];
  const workflowIds = [...open.keys()];
  const telescopes = new Set((await db.telescope.findMany({ select: { id: true } })).map((row) => row.id));
  for (let at = 0; at < workflowIds.length; at += 1_000) {
    const page = workflowIds.slice(at, at + 1_000);
    const known = new Set((await db.session.findMany({ where: { workflowId: { in: page } }, select: { workflowId: true } })).map((row) => row.workflowId));
    for (const workflowId of page) {
      if (known.has(workflowId) || !telescopes.has(open.get(workflowId) ?? '')) continue;
      await temporal.workflow
        .getHandle(workflowId)
        .cancel()
        .then(() => cancelled.push(workflowId))
        .catch((thrown: unknown) => logger.warn({ err: toError(thrown).message, workflowId }, 'a session without a booking could not be cancelled yet'));
    }
  }
  if (cancelled.length > 0) logger.error({ cancelled }, 'sessions cancelled that have no booking');
  return cancelled;
}

/** True when another run was started. The listing lags behind, so the run itself is asked before anything is done. */
async function takeOver(deps: Deps, bookingId: string): Promise<boolean> {
  const { db, temporal, logger, now } = deps;
  const lost = await closedRun(temporal, bookingId);
  if (!lost || (await isOpen(temporal, finaliseWorkflowId(bookingId)))) return false;
  const session = await db.session.findUniqueOrThrow({ where: { bookingId }, include: { booking: true } });
  if (FINAL.includes(session.phase)) return false;
  const before = await db.audit.count({ where: { bookingId, action: 'session.take_over' } });
  const why = lost.status === 'LOST' ? 'the workflow service does not know it' : `its workflow is ${lost.status.toLowerCase().replaceAll('_', ' ')}`;
  if (before >= TAKEOVERS) {
    const message = `Session ${bookingId} is ${session.phase} and ${why}; it was taken over ${before} times. Look at the last run's failure, then wrap it up by hand.`;
    const data = { audience: 'operator', reason: 'internal_error' satisfies Reason, message, at: new Date(now()).toISOString() };
    await db.$transaction((tx) =>
      enqueueOutbox(tx, { key: 'take-over-given-up', type: 'error.occurred', bookingId, telescopeId: session.telescopeId, data, channels: ['webhook', 'email'] }),
    );
    return false;
  }
  const goneAt = lost.closedAt ?? session.updatedAt;
  const adopted: AdoptedSession = {
    transition: session.transition,
    commands: Math.floor(now() / 1000),
    phase: session.phase as Phase,
    holdCause: session.holdCause as HoldCause | null,
    reason: session.reason as Reason | null,
    startedAt: session.sessionStartedAt?.toISOString() ?? null,
    objectsMade: session.setGuid !== null,
    spans: await recordedSpans(db, bookingId, session.booking.startsAt, goneAt),
    ending: endingOf(lost, { ...session, endsAt: session.booking.endsAt }, before, now()),
  };
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
async function closedRun(temporal: Client, bookingId: string): Promise<Lost | null> {
  const handle = temporal.workflow.getHandle<() => Promise<Lost['result']>>(sessionWorkflowId(bookingId));
  try {
    const { status, closeTime } = await handle.describe();
    if (status.name === 'RUNNING' || status.name === 'PAUSED' || status.name === 'CONTINUED_AS_NEW') return null;
    return { status: status.name, closedAt: closeTime ?? null, result: status.name === 'COMPLETED' ? await handle.result() : null };
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

const ABORTED: readonly (string | null)[] = ['user_abort', 'operator_abort', 'maintenance'];

/** The ending that is due: the run's own, the operator's who ended it by hand, or the one that time has brought; null while the night can go on. */
function endingOf(
  lost: Lost,
  session: { phase: string; reason: string | null; sessionStartedAt: Date | null; endsAt: Date },
  before: number,
  nowMs: number,
): AdoptedSession['ending'] {
  const started = session.sessionStartedAt !== null;
  if (lost.result) return lost.result;
  if (session.phase === 'finalising') {
    const reason = session.reason as Reason | null;
    const weather = reason === 'weather_no_time_left';
    return { outcome: weather ? 'weathered_out' : ABORTED.includes(reason) ? 'aborted' : started ? 'completed' : 'failed', reason };
  }
  if (lost.status === 'TERMINATED' || lost.status === 'CANCELLED')
    return { outcome: ['starting', 'running', 'holding'].includes(session.phase) ? 'aborted' : 'cancelled', reason: 'operator_abort' };
  if (nowMs >= session.endsAt.getTime()) return started ? { outcome: 'completed', reason: 'slot_over' } : { outcome: 'failed', reason: 'internal_error' };
  return before === 0 ? null : { outcome: 'failed', reason: 'internal_error' };
}

/** The slot's seconds as the night log has them: each phase until the next, and an outage from the run's end on. */
async function recordedSpans(db: Database, bookingId: string, startsAt: Date, goneAt: Date): Promise<AdoptedSession['spans']> {
  const events = await db.event.findMany({ where: { bookingId, type: 'session.changed', ts: { lt: goneAt } }, orderBy: { seq: 'asc' } });
  const spans: AdoptedSession['spans'] = [];
  const begin = (at: Date, next: { class: LedgerClass; cause: string | null } | null): void => {
    const start = (at > startsAt ? at : startsAt).toISOString();
    const open = spans.at(-1);
    if (open && open.end === null) open.end = start;
    if (next) spans.push({ ...next, start, end: null });
  };
  for (const event of events) begin(event.ts, claimOf(event.data as { phase: Phase; hold_cause: HoldCause | null; reason: Reason | null }));
  if (goneAt > startsAt) begin(goneAt, { class: 'outage', cause: 'internal_error' });
  return spans;
}
function claimOf({ phase, hold_cause: cause, reason }: { phase: Phase; hold_cause: HoldCause | null; reason: Reason | null }): { class: LedgerClass; cause: string | null } | null {
  if (phase === 'running') return { class: reason === 'foreign_target' ? 'foreign' : 'overhead', cause: null };
  if (phase !== 'holding') return null;
  if (cause === 'user') return { class: 'user_pause', cause: reason };
  if (cause === 'weather') return { class: reason === 'weather_unsafe' || reason === 'weather_unknown' ? 'unsafe' : 'weather_hold', cause: reason };
  return { class: reason === 'voyager_emergency' ? 'unsafe' : reason === 'foreign_target' ? 'foreign' : 'outage', cause: reason };
}
