import type { GatewayAbort, Receipt, StopReason, WhoStops } from '../../domain/contracts/control.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { SIGNALS, type ControlSignal } from '../../domain/messages.ts';
import { isActivePhase, isFinal, type Phase } from '../../domain/phases.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import { toError } from '../../platform/errors.ts';
import { openReceipt, toReceipt } from '../../platform/receipts.ts';
import { requireBooking, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { deliver, filedAs } from './controls.ts';
import { loadBooking } from './load.ts';
import { settleReceipt } from './receipts.ts';
import { signalSession, type Delivery } from './sessions.ts';

/** How long a stop waits for its booking's row where the telescope is not known without it, and where the row says whose it is. */
const ROW_NEEDED_MS = 500;
const ROW_OWNER_MS = 1_500;

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

/** What is known of the booking that an abort ends, and where its stop goes. */
interface AbortScope {
  full: Loaded | null;
  phase: Phase | null;
  telescopes: Telescope[];
}
type Loaded = Awaited<ReturnType<typeof loadBooking>>;

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
  said: { reason?: string | undefined; requested_by?: WhoStops } = {},
): Promise<Receipt> {
  requireBooking(who, id);
  const loading = loadBooking(deps, who, id);
  loading.catch(() => undefined);
  const scope = await abortScope(deps, who, loading);
  const over = await refusalOfAbort(deps, who, id, commandId, scope);
  if (over) return over;
  const { stopped, problem } = await stopAtGateways(deps, who, id, commandId, scope, filedAs(who, said.requested_by));
  // Known by now, unless the database hangs: the telescope did not wait for it.
  const full = scope.full ?? (await within(deps.bus.proven ? 1_500 : 500, null, loading));
  const alreadyStopped = stopped !== null && stopped.state !== 'refused';
  const telescopeId = full?.booking.telescopeId ?? stopped?.telescope_id ?? scope.telescopes[0]?.id ?? null;
  const receipt: Receipt = {
    command_id: commandId,
    kind: 'abort',
    state: 'accepted',
    booking_id: id,
    ...(telescopeId ? { telescope_id: telescopeId } : {}),
    at: new Date(deps.now()).toISOString(),
  };
  const signal: ControlSignal = {
    commandId,
    requestedBy: who.name,
    ...(alreadyStopped ? { alreadyStopped } : {}),
    reason: filedAs(who, said.requested_by),
  };
  const data = { reason: said.reason ?? null, filed_as: signal.reason, gateway: stopped?.state ?? null };
  const writing = within(
    deps.bus.proven ? 1_500 : 500,
    false,
    deps.db
      .$transaction((tx) =>
        openReceipt(tx, {
          commandId,
          kind: 'abort',
          bookingId: id,
          telescopeId,
          requestedBy: who.name,
          data,
          at: new Date(deps.now()),
        }),
      )
      .then(() => true),
  );
  // The telescope stands already: the guest hears so now, and the workflow a moment later if it must be.
  const delivering = within<Delivery>(
    alreadyStopped ? 1_000 : deps.temporalTimeoutMs + 1_000,
    'away',
    full ? deliver(deps, full.booking, SIGNALS.abort, signal) : signalSession(deps, id, SIGNALS.abort, signal),
  );
  const [written, delivery] = await Promise.all([writing, delivering]);
  if (!alreadyStopped && delivery !== 'sent') {
    if (written)
      await within(
        1_000,
        null,
        settleReceipt(deps, commandId, 'unknown', null, 'Neither the gateway nor the workflow service could be told.'),
      );
    throw (
      problem ??
      new Problem(
        'temporal_away',
        'The workflow service does not answer; repeat with the same Idempotency-Key.',
        { command_id: commandId },
        { 'retry-after': '1' },
      )
    );
  }
  if (delivery === 'sent' && written)
    return (await within(3_000, null, deps.receipts.settled(commandId, 2_000))) ?? receipt;
  const { state = 'sent', reason, message } = stopped ?? {};
  return { ...receipt, state, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

/** The row where it answers at once, and the telescope: the token's, the only one, or, with several and no database, all of them. */
async function abortScope(deps: Deps, who: Identity, loading: Promise<Loaded>): Promise<AbortScope> {
  const all = deps.telescopes.rememberedAll();
  const known = who.slot?.telescopeId ?? (all.length === 1 ? all[0]!.id : null);
  const full = await within(known ? deps.stopRowMs : ROW_NEEDED_MS, null, loading);
  if (!full && who.kind === 'user' && !(await within(ROW_OWNER_MS, null, loading)))
    throw new Problem(
      'database_away',
      'The database does not answer, so it cannot be seen whose booking this is; use the booking token.',
      {},
      { 'retry-after': '2' },
    );
  const telescopeId = full?.booking.telescopeId ?? known;
  const one = telescopeId === null ? null : deps.telescopes.remembered(telescopeId);
  return {
    full,
    phase: full ? ((full.session?.phase ?? 'scheduled') as Phase) : null,
    telescopes: telescopeId === null ? all : one ? [one] : [],
  };
}

/** The receipt of a repeated abort whose session is over. @throws Problem where nothing is left to stop. */
async function refusalOfAbort(
  deps: Deps,
  who: Identity,
  id: string,
  commandId: string,
  { full, phase }: AbortScope,
): Promise<Receipt | null> {
  if (!full || !phase) return null;
  if (isFinal(phase)) {
    const known = await within(1_000, null, deps.db.receipt.findUnique({ where: { commandId } }));
    if (known) return toReceipt(known);
    throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`, {
      reason: 'session_over' satisfies Reason,
    });
  }
  if (who.kind === 'booking' && deps.now() >= full.booking.endsAt.getTime() && !isActivePhase(phase))
    throw new Problem('control_refused', reasonText('slot_over', 'en'), { reason: 'slot_over' satisfies Reason });
  return null;
}

/** Tells the gateways that may have the booking; the best answer counts, since only one of them has it. */
async function stopAtGateways(
  deps: Deps,
  who: Identity,
  id: string,
  commandId: string,
  { full, phase, telescopes }: AbortScope,
  reason: StopReason,
): Promise<{ stopped: Receipt | null; problem: Problem | null }> {
  if (phase !== null && !isActivePhase(phase)) return { stopped: null, problem: null };
  const body: GatewayAbort = {
    command_id: commandId,
    booking_id: id,
    ...(full?.session?.targetGuid ? { target_guid: full.session.targetGuid } : {}),
    ...(full?.session?.setGuid ? { set_guid: full.session.setGuid } : {}),
    requested_by: who.name,
    reason,
  };
  const told = await Promise.allSettled(telescopes.map((telescope) => deps.gateways.stop(telescope, 'abort', body)));
  const receipts = told.flatMap((t) => (t.status === 'fulfilled' ? [t.value] : []));
  const failed = told.find((t) => t.status === 'rejected');
  if (!failed) return { stopped: leastDone(receipts), problem: null };
  const thrown: unknown = failed.reason;
  const problem = thrown instanceof Problem ? thrown : new Problem('gateway_away', toError(thrown).message);
  deps.logger.error({ err: problem.message, bookingId: id }, 'abort: gateway not reached, the workflow is told');
  // Which of them has the booking is not known, so one that was not reached may be the one.
  return { stopped: telescopes.length === 1 ? leastDone(receipts) : null, problem };
}
const LEAST_FIRST: readonly Receipt['state'][] = ['unknown', 'accepted', 'sent', 'refused', 'confirmed'];
const leastDone = (receipts: readonly Receipt[]): Receipt | null =>
  [...receipts].sort((a, b) => LEAST_FIRST.indexOf(a.state) - LEAST_FIRST.indexOf(b.state))[0] ?? null;
