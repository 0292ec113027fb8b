import type { Client } from '@temporalio/client';
import { SIGNALS, UPDATES, type ControlSignal, type UpdateResult } from '../../domain/messages.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { filedAs } from '../../platform/receipts.ts';
import { signalSession, updateSession } from '../../platform/sessions.ts';
import type { Booking, Receipt } from '../../prisma/client/client.ts';
import { settleEnded } from './ended.ts';

const SETTLE_MS = 15_000;
const UPDATE_MS = 10_000;
const DAY_MS = 86_400_000;
const FINAL: string[] = [...FINAL_PHASES];

/**
 * Changes whose row stands while the workflow did not answer, and stops that were accepted and never settled: told again under the same
 * command id, which has one effect only. A pause or resume is not: what it was meant for has passed, and its sender was told to repeat it.
 */
export async function retell({
  db,
  temporal,
  logger,
  now,
}: {
  db: Database;
  temporal: Client;
  logger: Logger;
  now: () => number;
}): Promise<string[]> {
  await settleEnded({ db, now });
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
    try {
      if ((await tellAgain(temporal, receipt, booking)) === 'gone') throw new Error('its workflow is gone');
      told.push(booking.id);
    } catch (thrown) {
      logger.warn({ err: toError(thrown).message, bookingId: booking.id, kind: receipt.kind }, 'command not told yet');
    }
  }
  return told;
}

function tellAgain(temporal: Client, receipt: Receipt, booking: Booking): Promise<'sent' | 'gone' | UpdateResult> {
  const common = { commandId: receipt.commandId, requestedBy: receipt.requestedBy };
  const start = booking.startsAt.toISOString();
  const end = booking.endsAt.toISOString();
  switch (receipt.kind) {
    case 'abort':
    case 'cancel': {
      const reason = filedAs(receipt);
      const body: ControlSignal = { ...common, ...(reason ? { reason } : {}) };
      return signalSession(temporal, booking.id, SIGNALS[receipt.kind], body);
    }
    case 'extend':
      return updateSession(temporal, booking.id, UPDATES.extend, { ...common, end }, UPDATE_MS);
    case 'reschedule':
      return updateSession(temporal, booking.id, UPDATES.reschedule, { ...common, start, end }, UPDATE_MS);
    default: {
      const body = { ...common, bodyHash: booking.bodyHash };
      return updateSession(temporal, booking.id, UPDATES.amendPlan, body, UPDATE_MS);
    }
  }
}
