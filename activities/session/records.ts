import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { LogLine } from '../../domain/contracts/event.ts';
import { stableId } from '../../domain/ids.ts';
import { isFinal } from '../../domain/phases.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import { doneOf, voyagerShotsOf } from '../../platform/booking-columns.ts';
import { appendEvent } from '../../platform/bus.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { enqueueAlert, enqueueOutbox } from '../../platform/outbox.ts';
import { tellProgress } from '../../platform/plan-progress.ts';
import { moveReceipt, openReceipt } from '../../platform/receipts.ts';
import { sessionChange } from '../../platform/session-change.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import { FAILURE } from '../../domain/failures.ts';
import { percentOf } from '../../domain/plan-progress.ts';
import { channelsFor } from '../../domain/messages/table.ts';
import type { ReceiptChange, SessionActivities, Transition } from '../../domain/ports.ts';
import { maintenanceOf } from './booking.ts';

const json = (value: unknown): Prisma.InputJsonValue => value as Prisma.InputJsonValue;

interface Scope {
  bookingId: string;
  telescopeId: string;
}

/** One fault is told by its hold, by its alert and to the operator: what was said within this time in the same words is a repetition. */
const REPEATED_WITHIN_MS = 60_000;

/** Is this fault in the night log already? */
async function isRepeated(
  tx: Transaction,
  id: string,
  bookingId: string,
  at: Date,
  log: Transition['log'],
): Promise<boolean> {
  if (log.level !== 'ERROR') return false;
  const said = await tx.timeline.findFirst({
    where: {
      id: { not: id },
      bookingId,
      level: 'ERROR',
      message: log.message,
      at: { gte: new Date(at.getTime() - REPEATED_WITHIN_MS), lte: new Date(at.getTime() + REPEATED_WITHIN_MS) },
    },
    select: { id: true },
  });
  return said !== null;
}

/**
 * A line of the night log with its live event; a repeated key changes nothing. A fault that was said in the same words a moment before gets a row for
 * operators and no event: the guest reads it once.
 */
export async function appendLog(
  tx: Transaction,
  scope: Scope,
  key: string,
  at: Date,
  log: Transition['log'],
): Promise<void> {
  const id = stableId('timeline', scope.bookingId, key);
  const repeats = await isRepeated(tx, id, scope.bookingId, at, log);
  const made = await tx.timeline.createMany({
    data: [
      {
        id,
        bookingId: scope.bookingId,
        at,
        level: log.level,
        event: log.event,
        message: log.message,
        messageFr: log.messageFr ?? null,
        data: json(log.data ?? {}),
        repeats,
      },
    ],
    skipDuplicates: true,
  });
  if (made.count === 0 || repeats) return;
  const line: LogLine = {
    at: at.toISOString(),
    level: log.level,
    source: 'session',
    event: log.event,
    message: log.message,
    message_fr: log.messageFr ?? null,
    data: log.data ?? {},
  };
  await appendEvent(tx, { key: `log/${key}`, type: 'log.appended', ...scope, data: { ...line }, at });
}

async function tell(
  tx: Transaction,
  scope: Scope,
  key: string,
  notify: NonNullable<Transition['notify']>,
  more: Record<string, unknown>,
): Promise<void> {
  await enqueueOutbox(tx, {
    key,
    type: notify.type,
    ...scope,
    data: { ...more, ...notify.data },
    channels: channelsFor(notify.type),
  });
}

/**
 * A change of phase in one transaction: projection, night log, live events, outbox. Guarded by the transition's number, so a repeat
 * or a late retry of an older one changes nothing.
 */
export async function recordTransition(db: Database, t: Transition): Promise<void> {
  const scope = { bookingId: t.bookingId, telescopeId: t.telescopeId };
  const at = new Date(t.at);
  await db.$transaction(async (tx) => {
    const locked = await tx.$queryRaw<{ transition: number; generation: number }[]>`
      SELECT transition, generation FROM sessions WHERE booking_id = ${t.bookingId} FOR UPDATE`;
    const before = locked[0];
    if (!before) throw ApplicationFailure.nonRetryable(`no session ${t.bookingId}`, FAILURE.notFound);
    if (before.transition >= t.transition) return;
    const session = await tx.session.update({
      where: { bookingId: t.bookingId },
      data: {
        phase: t.phase,
        holdCause: t.holdCause,
        reason: t.reason,
        ...(t.outcome ? { outcome: t.outcome } : {}),
        generation: Math.max(before.generation, t.generation),
        ...(t.setGuid !== undefined ? { setGuid: t.setGuid } : {}),
        ...(t.targetGuid !== undefined ? { targetGuid: t.targetGuid } : {}),
        ...(t.voyagerShots ? { voyagerShots: json(t.voyagerShots) } : {}),
        ...(t.sessionStartedAt ? { sessionStartedAt: new Date(t.sessionStartedAt) } : {}),
        ...(t.sessionEndedAt ? { sessionEndedAt: new Date(t.sessionEndedAt) } : {}),
        nextAt: t.next ? new Date(t.next.at) : null,
        nextWhat: t.next?.what ?? null,
        runId: currentRun() ?? null,
        transition: t.transition,
        updatedAt: new Date(),
      },
    });
    // What is left of a slot whose session is over can be booked again.
    if (isFinal(t.phase))
      await tx.booking.updateMany({
        where: { id: t.bookingId, endsAt: { gt: at } },
        data: { occupies: false, updatedAt: new Date() },
      });
    await appendEvent(tx, {
      key: `transition/${t.transition}`,
      type: 'session.changed',
      ...scope,
      data: sessionChange(session),
      at,
    });
    await appendLog(tx, scope, `transition/${t.transition}`, at, t.log);
    if (t.phase === 'holding' && t.reason) await alertLive(tx, t, t.reason, at);
    if (t.notify)
      await tell(tx, scope, `transition/${t.transition}`, t.notify, { ...sessionChange(session), at: t.at });
  });
}

/** What a hold for the weather or a fault raises on the pages that are open. */
async function alertLive(tx: Transaction, t: Transition, reason: Reason, at: Date): Promise<void> {
  const scope = { bookingId: t.bookingId, telescopeId: t.telescopeId, at };
  const alert = { reason, message: reasonText(reason, 'en'), message_fr: reasonText(reason, 'fr') };
  const sky = skyOf(t);
  if (sky)
    await appendEvent(tx, {
      key: `weather/${t.transition}`,
      type: 'weather.alert',
      ...scope,
      data: { state: sky, ...alert },
    });
  if (t.holdCause === 'fault')
    await appendEvent(tx, { key: `error/${t.transition}`, type: 'error.alert', ...scope, data: alert });
}

/** Voyager suspends for weather that its own monitor sees, also where we know of none. */
function skyOf({ holdCause, reason }: Transition): 'hold' | 'voyager_suspended' | null {
  if (reason === 'voyager_emergency') return 'voyager_suspended';
  return holdCause === 'weather' ? 'hold' : null;
}

/** The run that writes, for the projection; null outside an activity (imports, tools). */
function currentRun(): string | undefined {
  try {
    const { workflowExecution, workflowType } = Context.current().info;
    return workflowType === 'session' ? workflowExecution?.runId : undefined;
  } catch {
    return undefined;
  }
}

/** A receipt moves on; once confirmed or refused it stands. One that nobody has opened (a stop at the telescope itself) is opened here. */
export async function recordReceipt(db: Database, change: ReceiptChange): Promise<void> {
  const { commandId, kind, bookingId, telescopeId, requestedBy, state, reason, message } = change;
  const at = new Date(change.at);
  await db.$transaction(async (tx) => {
    await openReceipt(tx, { commandId, kind, bookingId, telescopeId, requestedBy, at });
    await moveReceipt(
      tx,
      { commandId, state, reason, message, at },
      state === 'accepted' && reason === null ? ['accepted'] : undefined,
    );
  });
}

export async function recordLog(db: Database, input: Parameters<SessionActivities['recordLog']>[0]): Promise<void> {
  const scope = { bookingId: input.bookingId, telescopeId: input.telescopeId };
  await db.$transaction(async (tx) => {
    await appendLog(tx, scope, input.key, new Date(input.at), input.log);
    if (!input.notify) return;
    const session = await tx.session.findUnique({ where: { bookingId: input.bookingId } });
    await tell(tx, scope, `log/${input.key}`, input.notify, {
      ...(session ? sessionChange(session) : {}),
      message: input.log.message,
      message_fr: input.log.messageFr ?? null,
      at: input.at,
    });
  });
}

/** What pages show of a check: counts by shot, weather, guiding. */
export async function recordCheck(
  db: Database,
  input: Parameters<SessionActivities['recordCheck']>[0],
): Promise<Awaited<ReturnType<SessionActivities['recordCheck']>>> {
  const { observation } = input;
  const booking = await db.booking.findUnique({ where: { id: input.bookingId }, include: { session: true } });
  if (!booking?.session) throw ApplicationFailure.nonRetryable(`no session ${input.bookingId}`, FAILURE.notFound);
  const shots = voyagerShotsOf(booking.session) ?? [];
  const earlier = doneOf(booking.session);
  const done = Object.fromEntries(
    shots.map((shot) => [shot.guid, Math.max(earlier[shot.guid] ?? 0, observation.shotsDone?.[shot.guid] ?? 0)]),
  );
  const total = shots.reduce((sum, shot) => sum + shot.quantity, 0);
  const taken = shots.reduce((sum, shot) => sum + Math.min(done[shot.guid] ?? 0, shot.quantity), 0);
  const seconds = shots.reduce(
    (sum, shot) => sum + Math.min(done[shot.guid] ?? 0, shot.quantity) * shot.exposure_seconds,
    0,
  );
  const progress = {
    at: input.at,
    done,
    shots_done: taken,
    shots_total: total,
    integration_seconds: seconds,
    percent: percentOf(taken, total),
    weather: {
      state: observation.weather.state,
      reason: observation.weather.reason,
      causes: observation.weather.causes,
    },
    voyager_status: observation.voyagerStatus,
    running: observation.running,
    guiding: observation.guiding,
  };
  await db.$transaction(async (tx) => {
    await tx.session.update({
      where: { bookingId: input.bookingId },
      data: { progress: json(progress), updatedAt: new Date() },
    });
    await tellProgress(tx, input.bookingId);
  });
  return { maintenance: await maintenanceOf(db, booking.telescopeId, new Date(input.at), booking.endsAt) };
}

/** The operator hears of it on their channels, in the night log and by the webhook; a repeated key changes nothing. */
export async function alertOperator(
  db: Database,
  input: Parameters<SessionActivities['alertOperator']>[0],
): Promise<void> {
  const scope = { bookingId: input.bookingId, telescopeId: input.telescopeId };
  const at = new Date(input.at);
  await db.$transaction(async (tx) => {
    await appendLog(tx, scope, `alert/${input.key}`, at, {
      level: 'ERROR',
      event: 'operator_alert',
      message: input.message,
      messageFr: reasonText(input.reason, 'fr'),
      data: { reason: input.reason },
    });
    await enqueueAlert(tx, { ...scope, key: `alert/${input.key}`, reason: input.reason, message: input.message, at });
  });
}
