import type { Client } from '@temporalio/client';
import { stableId } from '../../domain/ids.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { MaintenanceActivities } from '../../domain/ports.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { startSession, tellSessionsOfMaintenance } from '../../platform/sessions.ts';
import { collectLate } from './late.ts';
import { matchSessions } from './lost.ts';
import { retell } from './retell.ts';

const DAY_MS = 86_400_000;
const SETTLE_MS = 15_000;
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
      return {
        started,
        rescheduled: await retell({ db, temporal, logger, now }),
        ...(await matchSessions({ db, temporal, logger, now })),
      };
    },

    collectLateFrames: () => collectLate({ db, temporal, now }),

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
    for (const window of windows)
      await tellSessionsOfMaintenance(deps, window.telescopeId, {
        id: stableId('maintenance', window.id, at.toISOString()),
        at: at.toISOString(),
      });
  }
}

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
