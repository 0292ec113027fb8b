import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { QUEUE_FINALISE, sessionWorkflowId, stableId } from '../../domain/ids.ts';
import {
  SIGNALS,
  UPDATES,
  type ControlSignal,
  type FramesWaitingSignal,
  type TelescopeEventSignal,
} from '../../domain/messages.ts';
import { ACTIVE_PHASES, FINAL_PHASES } from '../../domain/phases.ts';
import type { MaintenanceActivities } from '../../domain/ports.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { filedAs } from '../../platform/receipts.ts';
import { startSession, updateSession } from '../../platform/sessions.ts';
import { settledOnLess } from '../finalise/unsettled.ts';
import { matchSessions } from './lost.ts';

export const LATE_FRAMES_WORKFLOW = 'lateFrames';
const DAY_MS = 86_400_000;
const SETTLE_MS = 15_000;
const UPDATE_MS = 10_000;
const FINAL: string[] = [...FINAL_PHASES];

export function createMaintenanceActivities(deps: {
  db: Database;
  temporal: Client;
  logger: Logger;
  now?: () => number;
}): MaintenanceActivities {
  const { db, temporal, logger } = deps;
  const now = deps.now ?? Date.now;
  return {
    async startMissingSessions() {
      const rows = await db.session.findMany({
        where: {
          phase: { notIn: FINAL },
          runId: null,
          transition: 0,
          booking: { createdAt: { lt: new Date(now() - SETTLE_MS) } },
        },
        include: { booking: true },
        take: 100,
      });
      const started: string[] = [];
      for (const { booking } of rows) if (await startSession(temporal, booking)) started.push(booking.id);
      if (started.length > 0) logger.warn({ started }, 'sessions started that had no workflow');
      await tellOfMaintenance();
      return { started, rescheduled: await retell(), ...(await matchSessions({ db, temporal, logger, now })) };
    },

    async collectLateFrames() {
      const waiting = await db.$queryRaw<
        { booking_id: string; telescope_id: string; phase: string; epoch: number; n: number }[]
      >`
        SELECT j.booking_id, j.telescope_id, s.phase, max(j.epoch)::int AS epoch, max(j.n)::int AS n
        FROM journal j JOIN sessions s ON s.booking_id = j.booking_id
        WHERE j.kind = 'frame' AND j.delivered_at IS NULL AND j.at < ${new Date(now() - 60_000)}
        GROUP BY 1, 2, 3 LIMIT 100`;
      const nudged: string[] = [];
      for (const row of waiting) {
        if (row.phase === 'finalising') continue;
        try {
          if (FINAL.includes(row.phase)) await settleLate(row.booking_id, row.telescope_id);
          else
            await temporal.workflow
              .getHandle(sessionWorkflowId(row.booking_id))
              .signal<[FramesWaitingSignal]>(SIGNALS.framesWaiting, { upTo: { epoch: row.epoch, n: row.n } });
          nudged.push(row.booking_id);
        } catch (thrown) {
          if (!(thrown instanceof WorkflowNotFoundError)) throw thrown;
        }
      }
      for (const { bookingId, telescopeId } of await settledOnLess(db, now())) {
        await settleLate(bookingId, telescopeId);
        nudged.push(bookingId);
      }
      return { nudged };
    },

    async checkOutbox() {
      const waiting = await db.outbox.count({ where: { deliveredAt: null, deadAt: null } });
      const dead = await db.outbox.count({ where: { unsent: false, deadAt: { gte: new Date(now() - DAY_MS) } } });
      if (dead > 0) logger.error({ dead }, 'messages were given up in the last day; see the delivery log');
      return { waiting, dead };
    },

    async tellHealth() {
      const since = new Date(now() - DAY_MS);
      const [ended, soon, holding, frames, waiting, dead, alerts] = await Promise.all([
        db.session.groupBy({
          by: ['phase'],
          where: { phase: { in: FINAL }, updatedAt: { gte: since }, booking: { endsAt: { gte: since } } },
          _count: { _all: true },
        }),
        db.booking.count({
          where: { occupies: true, startsAt: { gte: new Date(now()), lt: new Date(now() + DAY_MS) } },
        }),
        db.session.findMany({ where: { phase: 'holding' }, select: { bookingId: true, reason: true }, take: 10 }),
        db.frame.groupBy({
          by: ['state'],
          where: { seenAt: { gte: since }, state: { in: ['archived', 'rejected', 'missing', 'pending'] } },
          _count: { _all: true },
        }),
        db.outbox.count({ where: { deliveredAt: null, deadAt: null } }),
        db.outbox.count({ where: { unsent: false, deadAt: { gte: since } } }),
        db.timeline.count({ where: { event: 'operator_alert', at: { gte: since } } }),
      ]);
      const listed = (groups: { name: string; n: number }[]): string =>
        groups.length === 0
          ? 'none'
          : groups
              .sort((a, b) => (a.name < b.name ? -1 : 1))
              .map((g) => `${g.name} ${g.n}`)
              .join(', ');
      const lines = [
        `Sessions that ended in the last day: ${listed(ended.map((g) => ({ name: g.phase, n: g._count._all })))}.`,
        `Sessions that begin in the next day: ${soon}.`,
        ...holding.map((s) => `${s.bookingId} holds: ${s.reason ?? 'no reason given'}.`),
        `Frames of the last day: ${listed(frames.map((g) => ({ name: g.state, n: g._count._all })))}.`,
        `Messages: ${waiting} waiting, ${dead} given up in the last day.`,
        `${plural(alerts, 'alert')} in the last day.`,
      ];
      const day = new Date(now()).toISOString().slice(0, 10);
      await db.$transaction((tx) =>
        enqueueOutbox(tx, {
          key: `health/${day}`,
          type: 'operator.health',
          bookingId: null,
          telescopeId: null,
          data: {
            audience: 'operator',
            reason: `health of ${day}`,
            message: lines.join('\n'),
            severity: 'info',
            at: new Date(now()).toISOString(),
          },
          channels: ['operator'],
        }),
      );
      return { lines };
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

  /** Frames, record and settlement of a session that is over, once more; one at a time per booking. */
  async function settleLate(bookingId: string, telescopeId: string): Promise<void> {
    await temporal.workflow.start(LATE_FRAMES_WORKFLOW, {
      workflowId: `late-${bookingId}`,
      taskQueue: QUEUE_FINALISE,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ bookingId, telescopeId }],
    });
  }

  /** A window that was set, began or ended a moment ago: sessions on that telescope look at once instead of at their next report. */
  async function tellOfMaintenance(): Promise<void> {
    const since = new Date(now() - 2 * 60_000);
    const at = new Date(now());
    const recent = { gte: since, lte: at };
    const windows = await db.maintenance.findMany({
      where: {
        OR: [{ createdAt: recent }, { fromAt: recent }, { endedAt: recent }],
        fromAt: { lte: at },
        toAt: { gte: since },
      },
      take: 50,
    });
    for (const window of windows) {
      const sessions = await db.session.findMany({
        where: { telescopeId: window.telescopeId, phase: { in: [...ACTIVE_PHASES] } },
        select: { bookingId: true },
      });
      for (const { bookingId } of sessions) {
        const body: TelescopeEventSignal = {
          id: stableId('maintenance', window.id, at.toISOString()),
          at: at.toISOString(),
          kind: 'local_operator',
          detail: 'maintenance',
        };
        await temporal.workflow
          .getHandle(sessionWorkflowId(bookingId))
          .signal<[TelescopeEventSignal]>(SIGNALS.telescopeEvent, body)
          .catch((thrown: unknown) =>
            logger.warn({ err: toError(thrown).message, bookingId }, 'maintenance not told yet'),
          );
      }
    }
  }

  /**
   * Changes whose row stands while the workflow did not answer, and stops that were accepted and never settled: told again under the same
   * command id, which has one effect only. A pause or resume is not: what it was meant for has passed, and its sender was told to repeat it.
   */
  async function retell(): Promise<string[]> {
    const receipts = await db.receipt.findMany({
      where: {
        kind: { in: ['amend', 'reschedule', 'extend', 'abort', 'cancel'] },
        state: { in: ['accepted', 'unknown'] },
        updatedAt: { lt: new Date(now() - SETTLE_MS), gt: new Date(now() - DAY_MS) },
      },
      orderBy: { createdAt: 'asc' },
      take: 50,
    });
    const told: string[] = [];
    for (const receipt of receipts) {
      if (!receipt.bookingId) continue;
      const booking = await db.booking.findUnique({ where: { id: receipt.bookingId }, include: { session: true } });
      if (!booking?.session || FINAL.includes(booking.session.phase)) continue;
      const common = { commandId: receipt.commandId, requestedBy: receipt.requestedBy };
      const start = booking.startsAt.toISOString();
      const end = booking.endsAt.toISOString();
      try {
        if (receipt.kind === 'abort' || receipt.kind === 'cancel') {
          const reason = filedAs(receipt);
          await temporal.workflow
            .getHandle(sessionWorkflowId(booking.id))
            .signal<[ControlSignal]>(SIGNALS[receipt.kind], { ...common, ...(reason ? { reason } : {}) });
        } else if (receipt.kind === 'extend')
          await updateSession(temporal, booking.id, UPDATES.extend, { ...common, end }, UPDATE_MS);
        else if (receipt.kind === 'reschedule')
          await updateSession(temporal, booking.id, UPDATES.reschedule, { ...common, start, end }, UPDATE_MS);
        else
          await updateSession(
            temporal,
            booking.id,
            UPDATES.amendPlan,
            { ...common, bodyHash: booking.bodyHash },
            UPDATE_MS,
          );
        told.push(booking.id);
      } catch (thrown) {
        logger.warn(
          { err: toError(thrown).message, bookingId: booking.id, kind: receipt.kind },
          'command not told yet',
        );
      }
    }
    return told;
  }
}

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
