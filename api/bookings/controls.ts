import { randomUUID } from 'node:crypto';
import type { Receipt, StopReason, WhoStops } from '../../domain/contracts/control.ts';
import { stableId } from '../../domain/ids.ts';
import { SIGNALS, type ControlSignal } from '../../domain/messages.ts';
import { isActivePhase, isFinal, type Phase } from '../../domain/phases.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import type { Identity } from '../auth.ts';
import { withoutNames } from '../../domain/others.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { settleReceipt } from './receipts.ts';
import { ensureSession, signalSession, type Delivery } from './sessions.ts';
import { openInTurn } from './one-at-a-time.ts';
import { loadBooking } from './load.ts';
import { phaseOf } from './view.ts';

const CONFIRM_WAIT_MS = 10_000;
const KEY = /^[\x21-\x7e]{1,200}$/;
/** The command's id: made from `Idempotency-Key` and who asks for what, so that a repetition anywhere is the same command. */
export function commandIdOf(who: Identity, idempotencyKey: string | undefined, ...what: string[]): string {
  if (!idempotencyKey) return randomUUID();
  // A stop is not refused for the form of its key.
  if (!KEY.test(idempotencyKey) && what[0] !== 'abort' && what[0] !== 'halt')
    throw new Problem('bad_request', 'Idempotency-Key must be 1 to 200 visible ASCII characters.');
  return stableId('command', who.credentialId, ...what, idempotencyKey);
}

/** The answer of a control: 200 when confirmed, 202 while it is under way, 409 with the reason when refused. */
export function receiptAnswer(deps: Deps, given: Receipt): Response {
  const receipt = withoutNames(given);
  deps.metrics.controls.inc({ kind: receipt.kind, state: receipt.state });
  if (receipt.state === 'refused')
    throw new Problem(
      'control_refused',
      receipt.message ?? (receipt.reason ? reasonText(receipt.reason, 'en') : 'The command was refused.'),
      { ...receipt },
    );
  return new Response(JSON.stringify(receipt), {
    status: receipt.state === 'confirmed' ? 200 : 202,
    headers: {
      'content-type': 'application/json',
      ...(receipt.booking_id ? { location: `/api/bookings/${receipt.booking_id}/commands/${receipt.command_id}` } : {}),
    },
  });
}

/** Which booking is to do what; `requested_by` is for whom a server key speaks. */
interface ControlAsked {
  id: string;
  kind: 'pause' | 'resume' | 'cancel';
  commandId: string;
  requested_by?: WhoStops;
}
/** Pause, resume or cancel: receipt first, then the signal, then up to 10 s for telemetry to confirm it. */
export async function control(
  deps: Deps,
  who: Identity,
  { id, kind, commandId, requested_by: said }: ControlAsked,
): Promise<Receipt> {
  const { booking, session } = await loadBooking(deps, who, id);
  const known = await deps.db.receipt.findUnique({ where: { commandId } });
  const phase = phaseOf(session);
  if (!known && isFinal(phase))
    throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`, {
      reason: 'session_over' satisfies Reason,
    });
  if (!known && isTooLate(deps, who, kind, booking, phase))
    throw new Problem('control_refused', reasonText('slot_over', 'en'), { reason: 'slot_over' satisfies Reason });
  const reason = filedAsCancel(kind, who, phase, said);
  if (!known) {
    const receipt = { commandId, kind, bookingId: id, telescopeId: booking.telescopeId, requestedBy: who.name };
    const underWay = await openInTurn(deps, receipt, reason);
    if (underWay) return underWay;
  }
  if (!known || known.state === 'accepted' || known.state === 'unknown') {
    const delivery = await deliver(deps, booking, SIGNALS[kind], {
      commandId,
      requestedBy: who.name,
      ...(reason ? { reason } : {}),
    });
    if (delivery === 'away') {
      await settleReceipt(
        deps,
        commandId,
        'unknown',
        null,
        'The workflow service does not answer; repeat with the same Idempotency-Key.',
      );
      throw new Problem(
        'temporal_away',
        'The workflow service does not answer; repeat with the same Idempotency-Key.',
        { command_id: commandId },
        { 'retry-after': '3' },
      );
    }
    if (delivery === 'gone') await settleReceipt(deps, commandId, 'refused', 'session_over', null);
  }
  const receipt = await deps.receipts.settled(commandId, CONFIRM_WAIT_MS);
  if (!receipt) throw new Problem('not_found', `No command ${commandId}.`);
  return receipt;
}

/** A session that is under way judges by the telescope’s clock: ours may be wrong. */
const isTooLate = ({ now }: Deps, who: Identity, kind: string, { endsAt }: { endsAt: Date }, phase: Phase): boolean =>
  who.kind !== 'key' && who.kind !== 'admin' && kind !== 'cancel' && now() >= endsAt.getTime() && !isActivePhase(phase);

/** A booking that a site cancels before its slot is its guest's, who gave it back; inside the slot a cancellation is a stop. */
function filedAsCancel(kind: string, who: Identity, phase: Phase, said: WhoStops): StopReason | undefined {
  if (kind !== 'cancel') return undefined;
  const operator = said === 'operator' || who.kind === 'admin' || isActivePhase(phase);
  return operator && filedAs(who, said) === 'operator_abort' ? 'operator_abort' : undefined;
}

/** Signals the session, starting its workflow first where a crash had left it unstarted. */
export async function deliver(
  deps: Deps,
  booking: { id: string; telescopeId: string; startsAt: Date },
  signal: 'pause' | 'resume' | 'abort' | 'cancel',
  body: ControlSignal,
): Promise<Delivery> {
  const first = await signalSession(deps, booking.id, signal, body);
  if (first !== 'gone') return first;
  const session = await deps.db.session.findUnique({ where: { bookingId: booking.id } });
  if (session && isFinal(session.phase as Phase)) return 'gone';
  if (!(await ensureSession(deps, booking))) return 'away';
  return signalSession(deps, booking.id, signal, body);
}

/** A server key speaks for the operator unless it says that it relays a guest; a guest's own token never for anybody else. */
export function filedAs(who: Identity, said: WhoStops): StopReason {
  const staff = who.kind === 'key' || who.kind === 'admin';
  return staff && said !== 'guest' ? 'operator_abort' : 'user_abort';
}
