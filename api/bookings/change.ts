import type { BookingRequest } from '../../domain/contracts/booking.ts';
import type { Receipt } from '../../domain/contracts/control.ts';
import {
  UPDATES,
  type AmendPlanUpdate,
  type ExtendUpdate,
  type RescheduleUpdate,
  type UpdateResult,
} from '../../domain/messages.ts';
import { reasonText } from '../../domain/reasons.ts';
import { sqlState } from '../../platform/database.ts';
import { openReceipt, type ReplacedBooking } from '../../platform/receipts.ts';
import type { Booking as BookingRow } from '../../prisma/client/client.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { asJson } from './load.ts';
import { settleReceipt } from './receipts.ts';
import { planErrors } from './rules.ts';
import { ensureSession, updateSession } from './sessions.ts';
import { blockedUntil, refuseMaintenance, writeSlots } from './slots.ts';
import { slotTaken } from './slot-taken.ts';

/**
 * Writes the changed row (the exclusion constraint has the last word), then tells the workflow. Where it refuses, now or when
 * it is back, the row goes back to what it was (platform/receipts.ts). When nobody answers, the row stands and the receipt says `unknown`; asking
 * again tells it again.
 */
export async function changePlan(
  deps: Deps,
  who: Identity,
  row: BookingRow,
  body: BookingRequest,
  hash: string,
  kind: 'amend' | 'reschedule' | 'extend',
  commandId: string,
  data: Record<string, unknown> = {},
): Promise<Receipt> {
  const telescope = await deps.telescopes.get(row.telescopeId);
  const errors = planErrors(
    telescope,
    kind === 'extend'
      ? {
          ...body,
          start: new Date(Math.max(row.startsAt.getTime(), Math.min(deps.now(), row.endsAt.getTime()))).toISOString(),
        }
      : body,
    deps.now(),
  );
  if (kind === 'extend') delete errors.target;
  if (Object.keys(errors).length > 0)
    throw invalid(kind === 'extend' ? { minutes: Object.values(errors).flat() } : errors);
  const start = new Date(body.start);
  const end = new Date(body.end);
  const blocked = blockedUntil(telescope, end);
  if (kind !== 'amend') await refuseMaintenance(deps, telescope.id, start, end);
  const generation = kind === 'extend' ? row.generation : row.generation + 1;
  const replaced: ReplacedBooking = {
    version: row.version + 1,
    startsAt: row.startsAt.toISOString(),
    endsAt: row.endsAt.toISOString(),
    blockedUntil: row.blockedUntil.toISOString(),
    target: row.target,
    shots: row.shots,
    constraints: row.constraints,
    credits: row.credits,
    bodyHash: row.bodyHash,
  };
  try {
    await writeSlots(deps, row.telescopeId, async (tx) => {
      const changed = await tx.booking.updateMany({
        where: { id: row.id, version: row.version },
        data: {
          startsAt: start,
          endsAt: end,
          blockedUntil: blocked,
          target: asJson(body.target),
          shots: asJson(body.shots),
          constraints: asJson(body.constraints),
          credits: asJson(body.credits),
          bodyHash: hash,
          generation,
          version: { increment: 1 },
          updatedAt: new Date(deps.now()),
        },
      });
      if (changed.count === 0)
        throw new Problem('conflict', 'Somebody else changed this booking at the same moment; read it again.');
      await openReceipt(tx, {
        commandId,
        kind,
        bookingId: row.id,
        telescopeId: row.telescopeId,
        requestedBy: who.name,
        data: { ...data, generation, body_hash: hash },
        replaced,
        at: new Date(deps.now()),
      });
    });
  } catch (thrown) {
    if (sqlState(thrown) === '23P01') throw await slotTaken(deps, telescope.id, start, blocked, row.id);
    throw thrown;
  }

  let result = await tellWorkflow(deps, row.id, kind, commandId, who.name, hash, start, end);
  if (result === 'gone')
    result = (await ensureSession(deps, { id: row.id, telescopeId: row.telescopeId, startsAt: start }))
      ? { commandId, state: 'confirmed' }
      : 'away';
  if (result === 'away')
    return settleReceipt(
      deps,
      commandId,
      'unknown',
      null,
      'The workflow has not answered yet; the change stands and is carried over when it does.',
    );
  if (result.state === 'refused') {
    await settleReceipt(deps, commandId, 'refused', result.reason ?? null, result.message ?? null);
    throw new Problem(
      result.reason === 'session_over' || result.reason === 'finalising' ? 'booking_final' : 'control_refused',
      result.message ?? (result.reason ? reasonText(result.reason, 'en') : 'The session refused the change.'),
      {
        command_id: commandId,
        ...(result.reason ? { reason: result.reason } : {}),
      },
    );
  }
  return settleReceipt(deps, commandId, result.state, result.reason ?? null, result.message ?? null);
}

async function tellWorkflow(
  deps: Deps,
  id: string,
  kind: 'amend' | 'reschedule' | 'extend',
  commandId: string,
  requestedBy: string,
  hash: string,
  start: Date,
  end: Date,
): Promise<UpdateResult | 'gone' | 'away'> {
  switch (kind) {
    case 'amend':
      return updateSession(deps, id, UPDATES.amendPlan, {
        commandId,
        requestedBy,
        bodyHash: hash,
      } satisfies AmendPlanUpdate);
    case 'reschedule':
      return updateSession(deps, id, UPDATES.reschedule, {
        commandId,
        requestedBy,
        start: start.toISOString(),
        end: end.toISOString(),
      } satisfies RescheduleUpdate);
    case 'extend':
      return updateSession(deps, id, UPDATES.extend, {
        commandId,
        requestedBy,
        end: end.toISOString(),
      } satisfies ExtendUpdate);
  }
}
