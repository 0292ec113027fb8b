import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { QUEUE_FINALISE, QUEUE_SESSION, sessionWorkflowId } from '../../domain/ids.ts';
import { SESSION_WORKFLOW, SIGNALS, UPDATES, type FramesWaitingSignal, type SessionInput, type UpdateResult } from '../../domain/messages.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { SEARCH_ATTRIBUTES } from '../../platform/temporal.ts';

/** One pass each over the database, run by Schedules; safe to repeat and to overlap. */
export interface MaintenanceActivities {
  /** Bookings whose row stands but whose workflow was never started, and changes that nobody has told the workflow. */
  startMissingSessions(): Promise<{ started: string[]; rescheduled: string[] }>;
  /** Frames in the journal of sessions: running ones are nudged, those that are over get a `lateFrames` workflow. */
  collectLateFrames(): Promise<{ nudged: string[] }>;
  /** How many outbox rows wait and how many are given up; the operator is told of the latter once by the log. */
  checkOutbox(): Promise<{ waiting: number; dead: number }>;
  /** Telemetry 90 days, night logs and events a year, erased people, spent keys. */
  applyRetention(): Promise<{ telemetry: number; timeline: number; people: number; keys: number }>;
}

export const LATE_FRAMES_WORKFLOW = 'lateFrames';
const DAY_MS = 86_400_000;
const SETTLE_MS = 15_000;
const FINAL: string[] = [...FINAL_PHASES];

export function createMaintenanceActivities(deps: { db: Database; temporal: Client; logger: Logger; now?: () => number }): MaintenanceActivities {
  const { db, temporal, logger } = deps;
  const now = deps.now ?? Date.now;
  return {
    async startMissingSessions() {
      const rows = await db.session.findMany({
        where: { phase: { notIn: FINAL }, runId: null, transition: 0, booking: { createdAt: { lt: new Date(now() - SETTLE_MS) } } },
        include: { booking: true },
        take: 100,
      });
      const started: string[] = [];
      for (const { booking } of rows) if (await startSession(temporal, booking)) started.push(booking.id);
      if (started.length > 0) logger.warn({ started }, 'sessions started that had no workflow');
      return { started, rescheduled: await retellChanges() };
    },

    async collectLateFrames() {
      const waiting = await db.$queryRaw<{ booking_id: string; telescope_id: string; phase: string; epoch: number; n: number }[]>`
        SELECT j.booking_id, j.telescope_id, s.phase, max(j.epoch)::int AS epoch, max(j.n)::int AS n
        FROM journal j JOIN sessions s ON s.booking_id = j.booking_id
        WHERE j.kind = 'frame' AND j.delivered_at IS NULL AND j.at < ${new Date(now() - 60_000)}
        GROUP BY 1, 2, 3 LIMIT 100`;
      const nudged: string[] = [];
      for (const row of waiting) {
        if (row.phase === 'finalising') continue;
        try {
          if (FINAL.includes(row.phase)) {
            const input = { bookingId: row.booking_id, telescopeId: row.telescope_id };
            await temporal.workflow.start(LATE_FRAMES_WORKFLOW, {
              workflowId: `late-${row.booking_id}`,
              taskQueue: QUEUE_FINALISE,
              workflowIdConflictPolicy: 'USE_EXISTING',
              args: [input],
            });
          } else
            await temporal.workflow.getHandle(sessionWorkflowId(row.booking_id)).signal<[FramesWaitingSignal]>(SIGNALS.framesWaiting, { upTo: { epoch: row.epoch, n: row.n } });
          nudged.push(row.booking_id);
        } catch (thrown) {
          if (!(thrown instanceof WorkflowNotFoundError)) throw thrown;
        }
      }
      return { nudged };
    },

    async checkOutbox() {
      const waiting = await db.outbox.count({ where: { deliveredAt: null, deadAt: null } });
      const dead = await db.outbox.count({ where: { deadAt: { gte: new Date(now() - DAY_MS) } } });
      if (dead > 0) logger.error({ dead }, 'messages were given up in the last day; see the delivery log');
      return { waiting, dead };
    },

    async applyRetention() {
      const before = (days: number): Date => new Date(now() - days * DAY_MS);
      const telemetry = await db.telemetry.deleteMany({ where: { at: { lt: before(90) } } });
      const timeline = await db.timeline.deleteMany({ where: { at: { lt: before(365) } } });
      await db.event.deleteMany({ where: { ts: { lt: before(365) } } });
      const people = await db.user.updateMany({
        where: { eraseAt: { lte: new Date(now()) }, erasedAt: null },
        data: { displayName: null, email: null, erasedAt: new Date(now()) },
      });
      const keys = await db.idempotencyKey.deleteMany({ where: { createdAt: { lt: before(2) } } });
      return { telemetry: telemetry.count, timeline: timeline.count, people: people.count, keys: keys.count };
    },
  };

  /** Changes whose row stands while the workflow did not answer: told again under the same command id, which has one effect only. */
  async function retellChanges(): Promise<string[]> {
    const receipts = await db.receipt.findMany({
      where: {
        kind: { in: ['amend', 'reschedule', 'extend'] },
        state: { in: ['accepted', 'unknown'] },
        updatedAt: { lt: new Date(now() - SETTLE_MS), gt: new Date(now() - DAY_MS) },
      },
      take: 50,
    });
    const told: string[] = [];
    for (const receipt of receipts) {
      if (!receipt.bookingId) continue;
      const booking = await db.booking.findUnique({ where: { id: receipt.bookingId }, include: { session: true } });
      if (!booking?.session || FINAL.includes(booking.session.phase)) continue;
      const common = { commandId: receipt.commandId, requestedBy: receipt.requestedBy };
      const [name, body] =
        receipt.kind === 'extend'
          ? [UPDATES.extend, { ...common, end: booking.endsAt.toISOString() }]
          : receipt.kind === 'reschedule'
            ? [UPDATES.reschedule, { ...common, start: booking.startsAt.toISOString(), end: booking.endsAt.toISOString() }]
            : [UPDATES.amendPlan, { ...common, bodyHash: booking.bodyHash }];
      try {
        await temporal.connection.withDeadline(Date.now() + 10_000, () =>
          temporal.workflow.getHandle(sessionWorkflowId(booking.id)).executeUpdate<UpdateResult, [object]>(name, { args: [body], updateId: receipt.commandId }),
        );
        told.push(booking.id);
      } catch (thrown) {
        logger.warn({ err: toError(thrown).message, bookingId: booking.id }, 'change not told yet');
      }
    }
    return told;
  }
}

async function startSession(temporal: Client, booking: { id: string; telescopeId: string; startsAt: Date }): Promise<boolean> {
  const input: SessionInput = { bookingId: booking.id, telescopeId: booking.telescopeId };
  try {
    await temporal.workflow.start(SESSION_WORKFLOW, {
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
