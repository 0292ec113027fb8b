import {
  STOP_REASONS,
  type ControlKind,
  type Receipt,
  type ReceiptState,
  type StopReason,
} from '../domain/contracts/control.ts';
import { stableId } from '../domain/ids.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Prisma } from '../prisma/client/client.ts';
import { appendEvent } from './bus.ts';
import type { Transaction } from './database.ts';
import { enqueueAlert, enqueueOutbox } from './outbox.ts';

/**
 * Receipts of commands as everyone writes them, API and session alike: a repeated id changes nothing, and once confirmed or refused a receipt
 * stands. A change of the booking that is refused puts the booking's row back in the same transaction, whoever hears of the refusal first.
 */

export interface ReceiptRow {
  commandId: string;
  kind: string;
  state: string;
  reason: string | null;
  message: string | null;
  bookingId: string | null;
  telescopeId: string | null;
  updatedAt: Date;
}

export function toReceipt(row: ReceiptRow): Receipt {
  return {
    command_id: row.commandId,
    kind: row.kind as ControlKind,
    state: row.state as ReceiptState,
    ...(row.reason ? { reason: row.reason as Reason } : {}),
    ...(row.message ? { message: row.message } : {}),
    ...(row.bookingId ? { booking_id: row.bookingId } : {}),
    ...(row.telescopeId ? { telescope_id: row.telescopeId } : {}),
    at: row.updatedAt.toISOString(),
  };
}

/** Under whose name a stop is filed, where its sender said so; null otherwise. */
export function filedAs({ data }: { data: unknown }): StopReason | null {
  const { filed_as: said } = (data ?? {}) as { filed_as?: unknown };
  return STOP_REASONS.find((reason) => reason === said) ?? null;
}

export const isSettled = (state: string): boolean => state === 'confirmed' || state === 'refused';

/** What a change of a booking replaced, kept with its receipt until it is confirmed. Dates as ISO instants. */
export interface ReplacedBooking {
  /** The row's version after the change: a row that somebody changed since is left alone. */
  version: number;
  startsAt: string;
  endsAt: string;
  blockedUntil: string;
  target: Prisma.JsonValue;
  shots: Prisma.JsonValue;
  constraints: Prisma.JsonValue;
  credits: Prisma.JsonValue;
  bodyHash: string;
}

export interface NewReceipt {
  commandId: string;
  kind: ControlKind;
  bookingId: string | null;
  telescopeId: string | null;
  requestedBy: string;
  /** Parameters of the command, for the audit log. */
  data?: Record<string, unknown>;
  replaced?: ReplacedBooking;
  at: Date;
}

/** First entry of a command, `accepted`, in receipts and audit, with its live event. */
export async function openReceipt(tx: Transaction, receipt: NewReceipt): Promise<void> {
  const { commandId, kind, bookingId, telescopeId, requestedBy, data = {}, replaced, at } = receipt;
  const row = { commandId, kind, state: 'accepted', reason: null, message: null, bookingId, telescopeId };
  const made = await tx.receipt.createMany({
    data: [
      {
        ...row,
        requestedBy,
        data: { ...data, ...(replaced ? { replaced } : {}) } as unknown as Prisma.InputJsonObject,
        createdAt: at,
        updatedAt: at,
      },
    ],
    skipDuplicates: true,
  });
  if (made.count === 0) return;
  await tx.audit.create({
    data: {
      id: stableId('audit', 'receipt', commandId),
      at,
      actor: requestedBy,
      action: kind,
      bookingId,
      telescopeId,
      data: { command_id: commandId, ...data },
    },
  });
  await announce(tx, toReceipt({ ...row, updatedAt: at }), at);
}

export interface ReceiptMove {
  commandId: string;
  state: ReceiptState;
  reason: Reason | null;
  message: string | null;
  at: Date;
}

/**
 * Moves a receipt on, with its live event and, once it is settled, its webhook. Answers the receipt as it stands then.
 * @param from the states it may leave; what has moved further meanwhile stands. A confirmed or refused one always does.
 */
export async function moveReceipt(
  tx: Transaction,
  move: ReceiptMove,
  from: readonly ReceiptState[] = ['accepted', 'sent', 'unknown'],
): Promise<Receipt> {
  const { commandId, state, reason, message, at } = move;
  await tx.$queryRaw`SELECT 1 FROM receipts WHERE command_id = ${commandId} FOR UPDATE`;
  const before = await tx.receipt.findUniqueOrThrow({ where: { commandId } });
  if (isSettled(before.state) || !from.includes(before.state as ReceiptState)) return toReceipt(before);
  const receipt = toReceipt(
    await tx.receipt.update({ where: { commandId }, data: { state, reason, message, updatedAt: at } }),
  );
  await announce(tx, receipt, at);
  if (!isSettled(state) || !before.bookingId) return receipt;
  if (state === 'refused')
    await putBack(tx, before.bookingId, (before.data as { replaced?: ReplacedBooking }).replaced, receipt, at);
  await enqueueOutbox(tx, {
    key: `receipt/${commandId}/${state}`,
    type: state === 'confirmed' ? 'control.confirmed' : 'control.refused',
    bookingId: before.bookingId,
    telescopeId: before.telescopeId,
    data: receipt,
  });
  return receipt;
}

async function announce(tx: Transaction, receipt: Receipt, at: Date): Promise<void> {
  if (!receipt.booking_id || !receipt.telescope_id) return;
  const again = receipt.state === 'accepted' && receipt.reason ? `/${receipt.reason}` : '';
  await appendEvent(tx, {
    key: `receipt/${receipt.command_id}/${receipt.state}${again}`,
    type: 'receipt.changed',
    bookingId: receipt.booking_id,
    telescopeId: receipt.telescope_id,
    data: receipt,
    at,
  });
}

/** The booking as it was before a change that the session refused. Where the old slot is no longer free, the operator decides. */
async function putBack(
  tx: Transaction,
  bookingId: string,
  replaced: ReplacedBooking | undefined,
  receipt: Receipt,
  at: Date,
): Promise<void> {
  if (!replaced) return;
  const { version, startsAt, endsAt, blockedUntil, target, shots, constraints, credits, bodyHash } = replaced;
  const slot = { startsAt: new Date(startsAt), endsAt: new Date(endsAt), blockedUntil: new Date(blockedUntil) };
  const where = { id: bookingId, version };
  const row = await tx.booking.findFirst({ where });
  if (!row) return;
  const taken = await tx.booking.findFirst({
    where: {
      telescopeId: row.telescopeId,
      id: { not: bookingId },
      occupies: true,
      startsAt: { lt: slot.blockedUntil },
      blockedUntil: { gt: slot.startsAt },
    },
    select: { id: true },
  });
  if (taken) {
    await enqueueAlert(tx, {
      key: `put-back/${receipt.command_id}`,
      bookingId,
      telescopeId: row.telescopeId,
      reason: 'next_slot_taken',
      message: `The session refused command ${receipt.command_id} (${receipt.kind}) and keeps the slot from ${startsAt}, which booking ${taken.id} has taken meanwhile. One of the two must be cancelled or moved.`,
      at,
    });
    return;
  }
  const plan = { target, shots, constraints, credits } as Record<
    'target' | 'shots' | 'constraints' | 'credits',
    Prisma.InputJsonValue
  >;
  await tx.booking.updateMany({
    where,
    data: { ...slot, ...plan, bodyHash, version: { increment: 1 }, updatedAt: at },
  });
}
