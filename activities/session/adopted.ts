import { isGrpcServiceError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { ControlKind, ReceiptState } from '../../domain/contracts/control.ts';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import { ledgerOfHold } from '../../domain/holds.ts';
import type { AdoptedSession } from '../../domain/messages.ts';
import { hasBegun, type HoldCause, type Outcome, type Phase } from '../../domain/phases.ts';
import { finaliseWorkflowId } from '../../domain/queues.ts';
import type { Reason } from '../../domain/reasons.ts';
import { voyagerShotsOf } from '../../platform/booking-columns.ts';
import type { Database } from '../../platform/database.ts';
import { filedAs } from '../../platform/receipts.ts';
import type { Booking, Receipt, Session } from '../../prisma/client/client.ts';
import type { FinaliseInput } from '../../domain/ports.ts';

/** The last run of a session that is not over. `result`: it came to its end, and our rows do not know it (a restored backup). */
export interface LostRun {
  status: WorkflowExecutionStatusName | 'LOST';
  closedAt: Date | null;
  result: { outcome: Outcome; reason: Reason | null } | null;
}

/** gRPC's status code. */
const NOT_FOUND = 5;

type Ending = AdoptedSession['ending'];
type HandedOver = Pick<FinaliseInput, 'outcome' | 'reason' | 'spans'>;

/**
 * What a new run needs to take over, from our rows and, where the lost run came to its wrapping up, from what it handed over there.
 * @param before how often the session was taken over already
 */
export async function adoptedFrom(
  deps: { db: Database; temporal: Client; now: () => number },
  session: Session & { booking: Booking },
  lost: LostRun,
  before: number,
): Promise<AdoptedSession> {
  const { db, temporal } = deps;
  const { bookingId, booking } = session;
  const now = deps.now();
  const receipts = await db.receipt.findMany({
    where: { bookingId, state: { not: 'refused' } },
    orderBy: { createdAt: 'asc' },
  });
  const open = receipts.filter((receipt) => receipt.state !== 'confirmed');
  const wrapping =
    session.phase === 'finalising' || lost.result !== null ? await handedOver(temporal, bookingId) : null;
  const startedAt =
    session.sessionStartedAt && session.sessionStartedAt >= booking.startsAt
      ? session.sessionStartedAt.toISOString()
      : null;
  return {
    transition: session.transition,
    commands: Math.floor(now / 1000),
    phase: wrapping ? 'finalising' : (session.phase as Phase),
    holdCause: session.holdCause as HoldCause | null,
    reason: session.reason as Reason | null,
    startedAt,
    // Written with the next row only: while it prepares, some of them may stand.
    objectsMade: session.setGuid !== null || session.phase === 'preparing',
    obsolete: outdated(session),
    paused:
      receipts.findLast(({ kind }) => kind === 'pause' || kind === 'resume' || kind === 'reschedule')?.kind === 'pause',
    receipts: open.map(({ commandId, kind, requestedBy, state }) => ({
      commandId,
      kind: kind as ControlKind,
      requestedBy,
      state: state as ReceiptState,
    })),
    told: await toldOf(db, session),
    spans: wrapping?.spans ?? (await recordedSpans(db, session, lost.closedAt ?? session.updatedAt, now)),
    ending: wrapping
      ? { outcome: wrapping.outcome, reason: wrapping.reason, commandId: null }
      : endingOf(session, lost, open, before, now),
  };
}

/** What the run handed to its finalisation; null when it never came to that, or the service has forgotten it. */
async function handedOver(temporal: Client, bookingId: string): Promise<HandedOver | null> {
  try {
    // The first event alone: with the lists of a long night in it a history is larger than a client takes.
    const { history } = await temporal.workflowService.getWorkflowExecutionHistory({
      namespace: temporal.options.namespace,
      execution: { workflowId: finaliseWorkflowId(bookingId) },
      maximumPageSize: 1,
    });
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    return payload ? temporal.options.loadedDataConverter.payloadConverter.fromPayload<FinaliseInput>(payload) : null;
  } catch (thrown) {
    if (isGrpcServiceError(thrown) && (thrown.code as number) === NOT_FOUND) return null;
    throw thrown;
  }
}

/** The booking was changed, and the run that would have replaced its objects did not hear of it. */
function outdated({
  generation,
  setGuid,
  targetGuid,
  voyagerShots,
  booking,
}: Session & { booking: Booking }): AdoptedSession['obsolete'] {
  if (generation >= booking.generation || setGuid === null || targetGuid === null) return [];
  return [
    {
      generation,
      setGuid,
      targetGuid,
      shotGuids: (voyagerShotsOf({ voyagerShots }) ?? []).map((shot) => shot.guid),
    },
  ];
}

const TOLD: Readonly<Record<string, string>> = { starting_soon: 'soon', preparation_late: 'preparation_late' };
async function toldOf(
  db: Database,
  { bookingId, setGuid, booking }: Session & { booking: Booking },
): Promise<string[]> {
  const lines = await db.timeline.findMany({
    where: { bookingId, event: { in: Object.keys(TOLD) }, at: { gte: booking.createdAt } },
    select: { event: true },
  });
  return [...new Set([...lines.map(({ event }) => TOLD[event]!), ...(setGuid === null ? [] : ['prepared'])])];
}

const ABORTED: readonly (string | null)[] = ['user_abort', 'operator_abort'];

/** The ending that a guest or an operator asked for. */
function askedFor(asked: Receipt, begun: boolean): Ending {
  const cancelled = asked.kind === 'cancel' && !begun;
  return {
    outcome: cancelled ? 'cancelled' : 'aborted',
    reason: filedAs(asked) ?? (cancelled ? 'user_cancel' : 'user_abort'),
    commandId: asked.commandId,
  };
}
/** The ending of a session that was wrapping up, out of its reason and its progress. */
function wrappingUp(session: Session, commandId: string | null): Ending {
  const reason = session.reason as Reason | null;
  const started = session.sessionStartedAt !== null;
  const wentWell = started ? 'completed' : 'failed';
  const shotsDone = (session.progress as { shots_done?: number } | null)?.shots_done ?? 0;
  const weatheredOut = reason === 'weather_no_time_left' && shotsDone === 0;
  const aborted = ABORTED.includes(reason) || (reason === 'maintenance' && started);
  const ended = aborted ? 'aborted' : wentWell;
  return { outcome: weatheredOut ? 'weathered_out' : ended, reason, commandId };
}

/** The ending that is due: the run's own, the one asked for, the operator's by hand, or time's. Null while the night can go on. */
function endingOf(
  session: Session & { booking: Booking },
  lost: LostRun,
  open: readonly Receipt[],
  before: number,
  now: number,
): Ending {
  const { phase, booking } = session;
  const begun = hasBegun(phase);
  if (lost.result) return { ...lost.result, commandId: null };
  const asked = open.find(({ kind }) => kind === 'abort' || kind === 'cancel');
  if (phase === 'finalising') return wrappingUp(session, asked?.commandId ?? null);
  if (asked) return askedFor(asked, begun);
  if (lost.status === 'TERMINATED' || lost.status === 'CANCELLED')
    return { outcome: begun ? 'aborted' : 'cancelled', reason: 'operator_abort', commandId: null };
  if (now >= booking.endsAt.getTime())
    return session.sessionStartedAt !== null
      ? { outcome: 'completed', reason: 'slot_over', commandId: null }
      : { outcome: 'failed', reason: 'internal_error', commandId: null };
  return before === 0 ? null : { outcome: 'failed', reason: 'internal_error', commandId: null };
}

/** The slot's seconds as the night log has them: each phase until the next, and an outage from the run's end to the new one, unless the night was over. */
async function recordedSpans(
  db: Database,
  { bookingId, phase, booking: { startsAt } }: Session & { booking: Booking },
  goneAt: Date,
  now: number,
): Promise<AdoptedSession['spans']> {
  const events = await db.event.findMany({
    where: { bookingId, type: 'session.changed', ts: { lt: goneAt } },
    orderBy: { seq: 'asc' },
  });
  const spans: AdoptedSession['spans'] = [];
  const begin = (at: Date, next: { class: LedgerClass; cause: string | null } | null): void => {
    const start = (at > startsAt ? at : startsAt).toISOString();
    const open = spans.at(-1);
    if (open && open.end === null) open.end = start;
    if (next) spans.push({ ...next, start, end: null });
  };
  for (const event of events) begin(event.ts, claimOf(event.data as unknown as Recorded));
  if (phase !== 'finalising' && now > startsAt.getTime()) begin(goneAt, { class: 'outage', cause: 'internal_error' });
  return spans;
}

interface Recorded {
  phase: Phase;
  hold_cause: HoldCause | null;
  reason: Reason | null;
}
/** The class of a recorded phase; null where the session claims nothing. */
function claimOf({ phase, hold_cause: cause, reason }: Recorded): { class: LedgerClass; cause: string | null } | null {
  if (phase === 'running') return { class: reason === 'foreign_target' ? 'foreign' : 'overhead', cause: null };
  if (phase !== 'holding') return null;
  return { class: cause && reason ? ledgerOfHold(cause, reason) : 'outage', cause: reason };
}
