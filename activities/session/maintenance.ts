import type { Client } from '@temporalio/client';
import { stableId } from '../../domain/ids.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { MaintenanceActivities } from '../../domain/ports.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { startSession, tellSessionsOfMaintenance } from '../../platform/sessions.ts';
import { tellHealth } from './health.ts';
import { collectLate } from './late.ts';
import { matchSessions } from './lost.ts';
import { applyRetention } from './retention.ts';
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
      await tellOfMaintenance(deps, now());
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

    tellHealth: () => tellHealth(db, now()),

    applyRetention: () => applyRetention(db, now()),
  };
}

/** A window that was set, began or ended a moment ago: sessions on that telescope look at once instead of at their next report. */
async function tellOfMaintenance(
  deps: { db: Database; temporal: Client; logger: Logger },
  nowMs: number,
): Promise<void> {
  const since = new Date(nowMs - 2 * 60_000);
  const at = new Date(nowMs);
  const recent = { gte: since, lte: at };
  const windows = await deps.db.maintenance.findMany({
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
