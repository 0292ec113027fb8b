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
import { phaseOf } from './view.ts';

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

/** Who asks for the stop of which booking, and for what it is filed. */
interface Asked {
  who: Identity;
  id: string;
  commandId: string;
  /** In their own words. */
  said: string | null;
  reason: StopReason;
}
/** What is known of the booking that an abort ends, and where its stop goes. */
interface AbortScope {
  full: Loaded | null;
  phase: Phase | null;
  telescopes: Telescope[];
}
type Loaded = Awaited<ReturnType<typeof loadBooking>>;

/** What came of the stop at the gateways. */
interface Told {
  stopped: Receipt | null;
  problem: Problem | null;
}

/** The telescope stands or was told already: this long the database may take for what is written of it. */
const writeMs = ({ bus }: Deps): number => (bus.proven ? 1_500 : 500);

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
  { reason, requested_by }: { reason?: string | undefined; requested_by?: WhoStops } = {},
): Promise<Receipt> {
  requireBooking(who, id);
  const asked: Asked = { who, id, commandId, said: reason ?? null, reason: filedAs(who, requested_by) };
  const loading = loadBooking(deps, who, id);
  loading.catch(() => undefined);
  const scope = await abortScope(deps, asked, loading);
  const over = await refusalOfAbort(deps, asked, scope);
  if (over) return over;
  const told = await stopAtGateways(deps, asked, scope);
  if (scope.full) return tellSession(deps, asked, scope, told);
  // Known by now, unless the database hangs: the telescope did not wait for it.
  const full = await within(writeMs(deps), null, loading);
  const late = { ...scope, full, phase: full && phaseOf(full.session) };
  const ended = told.stopped?.state === 'refused' ? await refusalOfAbort(deps, asked, late) : null;
  return ended ?? tellSession(deps, asked, late, told);
}

/** The receipt is written and the workflow told, side by side; what of it worked is the answer. */
async function tellSession(deps: Deps, asked: Asked, scope: AbortScope, { stopped, problem }: Told): Promise<Receipt> {
  const { who, id, commandId, reason } = asked;
  const { full } = scope;
  const alreadyStopped = stopped !== null && stopped.state !== 'refused';
  const telescopeId = full?.booking.telescopeId ?? stopped?.telescope_id ?? scope.telescopes[0]?.id ?? null;
  const signal: ControlSignal = {
    commandId,
    requestedBy: who.name,
    ...(alreadyStopped ? { alreadyStopped } : {}),
    reason,
  };
  const writing = within(
    writeMs(deps),
    false,
    writeReceipt(deps, asked, telescopeId, stopped).then(() => true),
  );
  // The telescope stands already: the guest hears so now, and the workflow a moment later if it must be.
  const delivering = within<Delivery>(
    alreadyStopped ? 1_000 : deps.temporalTimeoutMs + 1_000,
    'away',
    full ? deliver(deps, full.booking, SIGNALS.abort, signal) : signalSession(deps, id, SIGNALS.abort, signal),
  );
  const [written, delivery] = await Promise.all([writing, delivering]);
  if (!alreadyStopped && delivery !== 'sent') throw await nobodyTold(deps, commandId, written, problem);
  const known = delivery === 'sent' && written;
  const settled = known ? await within(3_000, null, deps.receipts.settled(commandId, 2_000)) : null;
  return (
    settled ?? {
      command_id: commandId,
      kind: 'abort',
      booking_id: id,
      ...(telescopeId ? { telescope_id: telescopeId } : {}),
      at: new Date(deps.now()).toISOString(),
      ...(known ? { state: 'accepted' } : asToldBy(stopped)),
    }
  );
}
/** What the gateway said, where nothing else is known; without it the workflow was told, or the stop is on its way. */
function asToldBy(stopped: Receipt | null): Pick<Receipt, 'state' | 'reason' | 'message'> {
  const { state = 'sent', reason, message } = stopped ?? {};
  return { state, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

function writeReceipt(
  { db, now }: Deps,
  { who, id, commandId, said, reason }: Asked,
  telescopeId: string | null,
  stopped: Receipt | null,
): Promise<void> {
  const data = { reason: said, filed_as: reason, gateway: stopped?.state ?? null };
  const receipt = { commandId, kind: 'abort' as const, bookingId: id, telescopeId, requestedBy: who.name, data };
  return db.$transaction((tx) => openReceipt(tx, { ...receipt, at: new Date(now()) }));
}

/** Neither the gateway nor the workflow service could be told: the receipt says that nobody knows, and so does the answer. */
async function nobodyTold(deps: Deps, commandId: string, written: boolean, problem: Problem | null): Promise<Problem> {
  if (written)
    await within(
      1_000,
      null,
      settleReceipt(deps, commandId, 'unknown', null, 'Neither the gateway nor the workflow service could be told.'),
    );
  return (
    problem ??
    new Problem(
      'temporal_away',
      'The workflow service does not answer; repeat with the same Idempotency-Key.',
      { command_id: commandId },
      { 'retry-after': '1' },
    )
  );
}

/** A session that has the telescope, by what the bus told last, is stopped without a look at its row. */
function rowWaitMs(deps: Deps, telescopeId: string | null, id: string): number {
  if (!telescopeId) return ROW_NEEDED_MS;
  return deps.live.tenancyOf(telescopeId)?.bookingId === id ? 0 : deps.stopRowMs;
}

/** The row where it answers at once, and the telescope: the token's, the only one, or, with several and no database, all of them. */
async function abortScope(deps: Deps, { who, id }: Asked, loading: Promise<Loaded>): Promise<AbortScope> {
  const all = deps.telescopes.rememberedAll();
  const known = who.slot?.telescopeId ?? (all.length === 1 ? all[0]!.id : null);
  const full = await within(rowWaitMs(deps, known, id), null, loading);
  if (!full && who.kind === 'user' && !(await within(ROW_OWNER_MS, null, loading)))
    throw new Problem(
      'database_away',
      'The database does not answer, so it cannot be seen whose booking this is; use the booking token.',
      {},
      { 'retry-after': '2' },
    );
  const telescopeId = full?.booking.telescopeId ?? known;
  const one = telescopeId === null ? [] : [deps.telescopes.remembered(telescopeId)];
  return {
    full,
    phase: full && phaseOf(full.session),
    telescopes: telescopeId === null ? all : one.filter((telescope) => telescope !== null),
  };
}

/** The receipt of a repeated abort whose session is over. @throws Problem where nothing is left to stop. */
async function refusalOfAbort(
  deps: Deps,
  { who, commandId, id }: Asked,
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
  { who, id, commandId, reason }: Asked,
  { full, phase, telescopes }: AbortScope,
): Promise<Told> {
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
