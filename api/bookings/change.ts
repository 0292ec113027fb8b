import type { BookingRequest } from '../../domain/contracts/booking.ts';
import type { Receipt } from '../../domain/contracts/control.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import {
  UPDATES,
  type AmendPlanUpdate,
  type ExtendUpdate,
  type RescheduleUpdate,
  type UpdateResult,
} from '../../domain/messages.ts';
import { reasonText } from '../../domain/reasons.ts';
import { sqlState, type Transaction } from '../../platform/database.ts';
import { openReceipt, type ReplacedBooking } from '../../platform/receipts.ts';
import type { Booking as BookingRow } from '../../prisma/client/client.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { asJson } from './load.ts';
import { settleReceipt } from './receipts.ts';
import { bodyHash, planErrors } from './rules.ts';
import { ensureSession, updateSession } from './sessions.ts';
import { blockedUntil, refuseMaintenance, writeSlots } from './slots.ts';
import { slotTaken } from './slot-taken.ts';

/** What becomes of a booking: the row as it is, the body as it shall be, and the command that asks for it. */
export interface PlanChange {
  row: BookingRow;
  body: BookingRequest;
  kind: 'amend' | 'reschedule' | 'extend';
  commandId: string;
  /** Kept with the receipt. */
  data?: Record<string, unknown>;
}

/**
 * Writes the changed row (the exclusion constraint has the last word), then tells the workflow. Where it refuses, now or when
 * it is back, the row goes back to what it was (platform/receipts.ts). When nobody answers, the row stands and the receipt says `unknown`; asking
 * again tells it again.
 */
export async function changePlan(deps: Deps, who: Identity, change: PlanChange): Promise<Receipt> {
  const { row, body, kind, commandId } = change;
  const telescope = await deps.telescopes.get(row.telescopeId);
  refuseBadPlan(telescope, change, deps.now());
  const [start, end] = [new Date(body.start), new Date(body.end)];
  if (kind !== 'amend') await refuseMaintenance(deps, telescope.id, start, end);
  const blocked = blockedUntil(telescope, end);
  try {
    await writeSlots(deps, row.telescopeId, (tx) => writeChange(tx, who, change, blocked, new Date(deps.now())));
  } catch (thrown) {
    if (sqlState(thrown) === '23P01') throw await slotTaken(deps, telescope.id, start, blocked, row.id);
    throw thrown;
  }
  let result = await tellWorkflow(deps, who, change);
  if (result === 'gone')
    result = (await ensureSession(deps, { id: row.id, telescopeId: row.telescopeId, startsAt: start }))
      ? { commandId, state: 'confirmed' }
      : 'away';
  return settleChange(deps, commandId, result);
}

/** @throws Problem `invalid` with what is wrong with the changed plan; of a longer slot all of it is about the minutes. */
function refuseBadPlan(telescope: Telescope, { row, body, kind }: PlanChange, nowMs: number): void {
  if (kind !== 'extend') {
    const errors = planErrors(telescope, body, nowMs);
    if (Object.keys(errors).length > 0) throw invalid(errors);
    return;
  }
  // What is left of the slot counts, and the target stays what it is.
  const start = new Date(Math.max(row.startsAt.getTime(), Math.min(nowMs, row.endsAt.getTime()))).toISOString();
  const { target: _, ...errors } = planErrors(telescope, { ...body, start }, nowMs);
  if (Object.keys(errors).length > 0) throw invalid({ minutes: Object.values(errors).flat() });
}

/** The row and the receipt of who asked, together. @throws Problem `conflict` where the row is no longer the one that was read. */
async function writeChange(
  tx: Transaction,
  who: Identity,
  { row, body, kind, commandId, data = {} }: PlanChange,
  blocked: Date,
  now: Date,
): Promise<void> {
  const hash = bodyHash(body);
  const generation = kind === 'extend' ? row.generation : row.generation + 1;
  const changed = await tx.booking.updateMany({
    where: { id: row.id, version: row.version },
    data: {
      startsAt: new Date(body.start),
      endsAt: new Date(body.end),
      blockedUntil: blocked,
      target: asJson(body.target),
      shots: asJson(body.shots),
      constraints: asJson(body.constraints),
      credits: asJson(body.credits),
      bodyHash: hash,
      generation,
      version: { increment: 1 },
      updatedAt: now,
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
    replaced: replacedBy(row),
    at: now,
  });
}

/** What the row goes back to when the workflow refuses. */
const replacedBy = (row: BookingRow): ReplacedBooking => ({
  version: row.version + 1,
  startsAt: row.startsAt.toISOString(),
  endsAt: row.endsAt.toISOString(),
  blockedUntil: row.blockedUntil.toISOString(),
  target: row.target,
  shots: row.shots,
  constraints: row.constraints,
  credits: row.credits,
  bodyHash: row.bodyHash,
});

async function settleChange(deps: Deps, commandId: string, result: UpdateResult | 'away'): Promise<Receipt> {
  if (result === 'away')
    return settleReceipt(
      deps,
      commandId,
      'unknown',
      null,
      'The workflow has not answered yet; the change stands and is carried over when it does.',
    );
  const { state, reason = null, message = null } = result;
  const receipt = await settleReceipt(deps, commandId, state, reason, message);
  if (state !== 'refused') return receipt;
  throw new Problem(
    reason === 'session_over' || reason === 'finalising' ? 'booking_final' : 'control_refused',
    message ?? (reason ? reasonText(reason, 'en') : 'The session refused the change.'),
    {
      command_id: commandId,
      ...(reason ? { reason } : {}),
    },
  );
}

function tellWorkflow(
  deps: Deps,
  who: Identity,
  { row: { id }, body, kind, commandId }: PlanChange,
): Promise<UpdateResult | 'gone' | 'away'> {
  const asked = { commandId, requestedBy: who.name };
  const [start, end] = [body.start, body.end].map((at) => new Date(at).toISOString()) as [string, string];
  switch (kind) {
    case 'amend':
      return updateSession(deps, id, UPDATES.amendPlan, {
        ...asked,
        bodyHash: bodyHash(body),
      } satisfies AmendPlanUpdate);
    case 'reschedule':
      return updateSession(deps, id, UPDATES.reschedule, { ...asked, start, end } satisfies RescheduleUpdate);
    case 'extend':
      return updateSession(deps, id, UPDATES.extend, { ...asked, end } satisfies ExtendUpdate);
  }
}
