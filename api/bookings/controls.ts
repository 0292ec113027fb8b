import { randomUUID } from 'node:crypto';
import type { Receipt } from '../../domain/contracts/control.ts';
import { stableId } from '../../domain/ids.ts';
import { SIGNALS, type ControlSignal } from '../../domain/messages.ts';
import { isActivePhase, isFinal, type Phase } from '../../domain/phases.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { toError } from '../../platform/errors.ts';
import { requireBooking, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { openReceipt, toReceipt } from '../../platform/receipts.ts';
import { settleReceipt } from '../receipts.ts';
import { ensureSession, signalSession, type Delivery } from './sessions.ts';
import { loadBooking } from './service.ts';

const CONFIRM_WAIT_MS = 10_000;
const KEY = /^[\x21-\x7e]{1,200}$/;

/** The command's id: made from `Idempotency-Key` and who asks for what, so that a repetition anywhere is the same command. */
export function commandIdOf(who: Identity, idempotencyKey: string | undefined, ...what: string[]): string {
  if (idempotencyKey === undefined) return randomUUID();
  if (!KEY.test(idempotencyKey))
    throw new Problem('bad_request', 'Idempotency-Key must be 1 to 200 visible ASCII characters.');
  return stableId('command', who.credentialId, ...what, idempotencyKey);
}

/** The answer of a control: 200 when confirmed, 202 while it is under way, 409 with the reason when refused. */
export function receiptAnswer(deps: Deps, receipt: Receipt): Response {
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

/** Pause, resume or cancel: receipt first, then the signal, then up to 10 s for telemetry to confirm it. */
export async function control(
  deps: Deps,
  who: Identity,
  id: string,
  kind: 'pause' | 'resume' | 'cancel',
  commandId: string,
  waitMs = CONFIRM_WAIT_MS,
): Promise<Receipt> {
  const { booking, session } = await loadBooking(deps, who, id);
  const known = await deps.db.receipt.findUnique({ where: { commandId } });
  const phase = (session?.phase ?? 'scheduled') as Phase;
  if (!known && isFinal(phase))
    throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`, {
      reason: 'session_over' satisfies Reason,
    });
  if (
    who.kind !== 'key' &&
    who.kind !== 'admin' &&
    kind !== 'cancel' &&
    deps.now() >= booking.endsAt.getTime() &&
    !known
  )
    throw new Problem('control_refused', reasonText('slot_over', 'en'), { reason: 'slot_over' satisfies Reason });
  if (!known)
    await deps.db.$transaction((tx) =>
      openReceipt(tx, {
        commandId,
        kind,
        bookingId: id,
        telescopeId: booking.telescopeId,
        requestedBy: who.name,
        at: new Date(deps.now()),
      }),
    );
  if (!known || known.state === 'accepted' || known.state === 'unknown') {
    const delivery = await deliver(deps, booking, SIGNALS[kind], { commandId, requestedBy: who.name });
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
    if (delivery === 'no_workflow') await settleReceipt(deps, commandId, 'refused', 'session_over', null);
  }
  const receipt = await deps.receipts.settled(commandId, waitMs);
  if (!receipt) throw new Problem('not_found', `No command ${commandId}.`);
  return receipt;
}

/** Signals the session, starting its workflow first where a crash had left it unstarted. */
async function deliver(
  deps: Deps,
  booking: { id: string; telescopeId: string; startsAt: Date },
  signal: string,
  body: ControlSignal,
): Promise<Delivery> {
  const first = await signalSession(deps, booking.id, signal, body);
  if (first !== 'no_workflow') return first;
  const session = await deps.db.session.findUnique({ where: { bookingId: booking.id } });
  if (session && isFinal(session.phase as Phase)) return 'no_workflow';
  if (!(await ensureSession(deps, booking))) return 'away';
  return signalSession(deps, booking.id, signal, body);
}

/** The promise's value; `fallback` when it takes longer than `ms` or fails, except for an answer we mean to give. */
async function within<T>(ms: number, fallback: T, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<T>((resolve) => {
        timer = setTimeout(() => resolve(fallback), ms);
      }),
    ]);
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    return fallback;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Stops a session now. The gateway is told first, over HTTP, and the workflow next; either is enough, and neither the
 * database nor Temporal is needed: a booking token names its telescope, and the telescopes are in memory.
 * @throws Problem 503 only when neither gateway nor workflow could be told.
 */
export async function abort(
  deps: Deps,
  who: Identity,
  id: string,
  commandId: string,
  reason?: string,
): Promise<Receipt> {
  requireBooking(who, id);
  const full = await within(deps.bus.proven ? 1_500 : 500, null, loadBooking(deps, who, id));
  const phase = full ? ((full.session?.phase ?? 'scheduled') as Phase) : null;
  if (full && phase && isFinal(phase)) {
    const known = await within(1_000, null, deps.db.receipt.findUnique({ where: { commandId } }));
    if (known) return toReceipt(known);
    throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`, {
      reason: 'session_over' satisfies Reason,
    });
  }
  if (who.kind === 'user' && !full)
    throw new Problem(
      'database_away',
      'The database does not answer, so it cannot be seen whose booking this is; use the booking token.',
      {},
      { 'retry-after': '2' },
    );
  const ends = full?.booking.endsAt.getTime() ?? who.slot?.endMs ?? Infinity;
  if (who.kind === 'booking' && deps.now() >= ends && !(phase && isActivePhase(phase)))
    throw new Problem('control_refused', reasonText('slot_over', 'en'), { reason: 'slot_over' satisfies Reason });
  const telescopeId = full?.booking.telescopeId ?? who.slot?.telescopeId ?? null;
  const telescope = telescopeId ? deps.telescopes.remembered(telescopeId) : onlyOne(deps);
  const receipt: Receipt = {
    command_id: commandId,
    kind: 'abort',
    state: 'accepted',
    booking_id: id,
    ...(telescope ? { telescope_id: telescope.id } : {}),
    at: new Date(deps.now()).toISOString(),
  };

  const stopAtGateway = telescope !== null && (phase === null || isActivePhase(phase));
  let stopped: Receipt | null = null;
  let gatewayProblem: Problem | null = null;
  if (stopAtGateway) {
    try {
      stopped = await deps.gateways.stop(telescope, 'abort', {
        command_id: commandId,
        booking_id: id,
        ...(full?.session?.targetGuid ? { target_guid: full.session.targetGuid } : {}),
        ...(full?.session?.setGuid ? { set_guid: full.session.setGuid } : {}),
        requested_by: who.name,
      });
    } catch (thrown) {
      gatewayProblem = thrown instanceof Problem ? thrown : new Problem('gateway_away', toError(thrown).message);
      deps.logger.error(
        { err: gatewayProblem.message, bookingId: id },
        'abort: gateway not reached, the workflow is told',
      );
    }
  }
  const alreadyStopped = stopped !== null && stopped.state !== 'refused';
  const writing = within(
    deps.bus.proven ? 1_500 : 500,
    false,
    deps.db
      .$transaction((tx) =>
        openReceipt(tx, {
          commandId,
          kind: 'abort',
          bookingId: id,
          telescopeId: telescope?.id ?? null,
          requestedBy: who.name,
          data: { reason: reason ?? null, gateway: stopped?.state ?? null },
          at: new Date(deps.now()),
        }),
      )
      .then(() => true),
  );
  const signal: ControlSignal = {
    commandId,
    requestedBy: who.name,
    ...(alreadyStopped ? { alreadyStopped } : {}),
    reason: who.kind === 'key' || who.kind === 'admin' ? 'operator_abort' : 'user_abort',
  };
  // The telescope stands already: the guest hears so now, and the workflow a moment later if it must be.
  const delivering = within<Delivery>(
    alreadyStopped ? 1_000 : deps.temporalTimeoutMs + 1_000,
    'away',
    full ? deliver(deps, full.booking, SIGNALS.abort, signal) : signalSession(deps, id, SIGNALS.abort, signal),
  );
  const [written, delivery] = await Promise.all([writing, delivering]);
  if (!alreadyStopped && delivery !== 'delivered') {
    if (written)
      await within(
        1_000,
        null,
        settleReceipt(deps, commandId, 'unknown', null, 'Neither the gateway nor the workflow service could be told.'),
      );
    throw (
      gatewayProblem ??
      new Problem(
        'temporal_away',
        'The workflow service does not answer; repeat with the same Idempotency-Key.',
        { command_id: commandId },
        { 'retry-after': '1' },
      )
    );
  }
  if (delivery === 'delivered' && written)
    return (await within(3_000, null, deps.receipts.settled(commandId, 2_000))) ?? receipt;
  return { ...receipt, state: stopped?.state ?? 'sent', ...(stopped?.message ? { message: stopped.message } : {}) };
}

function onlyOne(deps: Deps): Telescope | null {
  const all = deps.telescopes.rememberedAll();
  return all.length === 1 ? all[0]! : null;
}
