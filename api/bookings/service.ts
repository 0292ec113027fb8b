import { randomUUID } from 'node:crypto';
import type { BookingAmendment, BookingRequest } from '../../domain/contracts/booking.ts';
import type { Receipt } from '../../domain/contracts/control.ts';
import { isFinal, isWaitingPhase, laravelStatus } from '../../domain/phases.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { appendEvent } from '../../platform/bus.ts';
import { sqlState, type Transaction } from '../../platform/database.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { toReceipt } from '../../platform/receipts.ts';
import { sessionChange } from '../../platform/session-change.ts';
import type { Booking as BookingRow, Session } from '../../prisma/client/client.ts';
import { requireOwner, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid, type FieldErrors } from '../errors.ts';
import { requireMatch } from '../precondition.ts';
import { changePlan } from './change.ts';
import { asJson, loadBooking, requestOf } from './load.ts';
import { bodyHash, chargedMore, planErrors } from './rules.ts';
import { ensureSession } from './sessions.ts';
import { blockedUntil, refuseMaintenance, writeSlots } from './slots.ts';
import { slotTaken } from './slot-taken.ts';
import { phaseOf, bookingEtag, type FullBooking } from './view.ts';

function ofCaller(who: Identity, body: { constraints?: BookingRequest['constraints'] | undefined }): FieldErrors {
  return who.kind !== 'key' && body.constraints?.priority !== undefined
    ? { 'constraints.priority': ['may be set with the server key only'] }
    : {};
}

async function savePerson(tx: Transaction, user: BookingRequest['user']): Promise<void> {
  const given = {
    ...(user.display_name !== undefined ? { displayName: user.display_name } : {}),
    ...(user.email !== undefined ? { email: user.email } : {}),
    locale: user.locale,
  };
  await tx.user.upsert({
    where: { ref: user.ref },
    create: { ref: user.ref, ...given },
    update: { ...given, eraseAt: null, erasedAt: null },
  });
}

export interface PutResult {
  created: boolean;
  changed: boolean;
  row: FullBooking;
}

/**
 * `PUT /api/bookings/{id}`: the row decides (exclusion constraint), then the workflow is started or told.
 * @throws Problem 409, 412 or 422; nothing is written then.
 */
export async function putBooking(
  deps: Deps,
  who: Identity,
  id: string,
  body: BookingRequest,
  ifMatch: string | undefined,
): Promise<PutResult> {
  const existing = await deps.db.booking.findUnique({ where: { id }, include: { session: true } });
  if (existing) return replaceBooking(deps, who, existing, body, ifMatch);
  if (ifMatch !== undefined)
    throw new Problem('precondition_failed', `There is no booking ${id} yet, so If-Match cannot hold.`);

  const telescope = await deps.telescopes.find(body.telescope_id);
  const errors = {
    ...ofCaller(who, body),
    ...(telescope
      ? planErrors(telescope, body, deps.now())
      : { telescope_id: [`there is no telescope "${body.telescope_id}"`] }),
  };
  if (!telescope || Object.keys(errors).length > 0) throw invalid(errors);
  const start = new Date(body.start);
  const end = new Date(body.end);
  const blocked = blockedUntil(telescope, end);
  await refuseMaintenance(deps, telescope.id, start, end);
  await deps.sessionsReady.refuseHopeless();

  try {
    await writeSlots(deps, telescope.id, (tx) => writeBooking(tx, id, body, blocked));
  } catch (thrown) {
    if (sqlState(thrown) === '23P01') throw await slotTaken(deps, telescope.id, start, blocked, id);
    // Two requests for one new id: the one that came second goes on as a repetition.
    if ((thrown as { code?: string }).code === 'P2002' || sqlState(thrown) === '23505')
      return putBooking(deps, who, id, body, ifMatch);
    throw thrown;
  }
  await ensureSession(deps, { id, telescopeId: telescope.id, startsAt: start });
  return { created: true, changed: true, row: await loadBooking(deps, who, id) };
}

/** Person, booking and session, and what the streams and Laravel hear of them. */
async function writeBooking(tx: Transaction, id: string, body: BookingRequest, blocked: Date): Promise<void> {
  const telescopeId = body.telescope_id;
  const [startsAt, endsAt] = [new Date(body.start), new Date(body.end)];
  const slot = { start: startsAt.toISOString(), end: endsAt.toISOString() };
  await savePerson(tx, body.user);
  await tx.booking.create({
    data: {
      id,
      telescopeId,
      startsAt,
      endsAt,
      blockedUntil: blocked,
      userRef: body.user.ref,
      target: asJson(body.target),
      shots: asJson(body.shots),
      constraints: asJson(body.constraints),
      credits: asJson(body.credits),
      rebookedFrom: body.rebooked_from ?? null,
      bodyHash: bodyHash(body),
    },
  });
  const session = await tx.session.create({
    data: { bookingId: id, telescopeId, workflowId: sessionWorkflowId(id), phase: 'scheduled' },
  });
  const about = { key: 'accepted', bookingId: id, telescopeId };
  await appendEvent(tx, { ...about, type: 'session.changed', data: { ...sessionChange(session), ...slot } });
  await enqueueOutbox(tx, {
    ...about,
    type: 'booking.accepted',
    data: { ...slot, user_ref: body.user.ref, target: body.target.name, ...laravelStatus('scheduled') },
  });
}

async function replaceBooking(
  deps: Deps,
  who: Identity,
  { session, ...row }: BookingRow & { session: Session | null },
  body: BookingRequest,
  ifMatch: string | undefined,
): Promise<PutResult> {
  requireOwner(who, row);
  requireMatch(ifMatch, bookingEtag(row), 'booking');
  if (row.bodyHash === bodyHash(body)) {
    await deps.db.$transaction((tx) => savePerson(tx, body.user));
    if (!isFinal(phaseOf(session)) && !session?.runId) await ensureSession(deps, row);
    return { created: false, changed: false, row: await loadBooking(deps, who, row.id) };
  }
  if (isFinal(phaseOf(session)))
    throw new Problem('booking_final', `Booking ${row.id} has ended (${phaseOf(session)}); an id is never used again.`);
  if (!isWaitingPhase(phaseOf(session)))
    throw new Problem(
      'session_started',
      `Session ${row.id} has begun; what may still change goes through PATCH /api/bookings/${row.id}, or through its controls.`,
      {
        phase: phaseOf(session),
      },
    );
  const fixed: FieldErrors = {
    ...(body.telescope_id === row.telescopeId
      ? {}
      : { telescope_id: ['cannot be changed; cancel this booking and make another'] }),
    ...(body.user.ref === row.userRef
      ? {}
      : { 'user.ref': ['cannot be changed; cancel this booking and make another'] }),
  };
  if (Object.keys(fixed).length > 0) throw invalid(fixed);
  const slotMoves = Date.parse(body.start) !== row.startsAt.getTime() || Date.parse(body.end) !== row.endsAt.getTime();
  await changePlan(deps, who, { row, body, kind: slotMoves ? 'reschedule' : 'amend', commandId: randomUUID() });
  await deps.db.$transaction((tx) => savePerson(tx, body.user));
  return { created: false, changed: true, row: await loadBooking(deps, who, row.id) };
}

/** `PATCH /api/bookings/{id}`: target, shots or constraints; the workflow decides whether it still can. */
export async function patchBooking(
  deps: Deps,
  who: Identity,
  id: string,
  amendment: BookingAmendment,
  ifMatch: string | undefined,
): Promise<PutResult> {
  const full = await loadBooking(deps, who, id);
  requireMatch(ifMatch, bookingEtag(full.booking), 'booking');
  const errors = ofCaller(who, amendment);
  if (Object.keys(errors).length > 0) throw invalid(errors);
  const before = requestOf(full);
  const kept = before.constraints.priority;
  const body: BookingRequest = {
    ...before,
    ...(amendment.target ? { target: amendment.target } : {}),
    ...(amendment.shots ? { shots: amendment.shots } : {}),
    ...(amendment.constraints
      ? {
          constraints: {
            ...amendment.constraints,
            ...(kept !== undefined && amendment.constraints.priority === undefined ? { priority: kept } : {}),
          },
        }
      : {}),
  };
  if (bodyHash(body) === full.booking.bodyHash) return { created: false, changed: false, row: full };
  if (isFinal(phaseOf(full.session)))
    throw new Problem('booking_final', `Booking ${id} has ended (${phaseOf(full.session)}).`);
  await changePlan(deps, who, { row: full.booking, body, kind: 'amend', commandId: randomUUID() });
  return { created: false, changed: true, row: await loadBooking(deps, who, id) };
}

/** Moves the slot of a booking that has not begun. */
export async function rescheduleBooking(
  deps: Deps,
  who: Identity,
  id: string,
  slot: { start: string; end: string },
  commandId: string,
): Promise<Receipt> {
  const full = await loadBooking(deps, who, id);
  const known = await deps.db.receipt.findUnique({ where: { commandId } });
  if (known) return toReceipt(known);
  const phase = phaseOf(full.session);
  if (isFinal(phase)) throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`);
  if (!isWaitingPhase(phase))
    throw new Problem('session_started', `Session ${id} has begun; its slot can be extended, not moved.`, { phase });
  const body = { ...requestOf(full), start: slot.start, end: slot.end };
  return changePlan(deps, who, { row: full.booking, body, kind: 'reschedule', commandId });
}

/** Gives a session more time, inside the telescope's ceiling and where the next slot leaves room. */
export async function extendBooking(
  deps: Deps,
  who: Identity,
  id: string,
  request: { minutes: number; credits_charged?: number | undefined },
  commandId: string,
): Promise<Receipt> {
  const full = await loadBooking(deps, who, id);
  const known = await deps.db.receipt.findUnique({ where: { commandId } });
  if (known) return toReceipt(known);
  const phase = phaseOf(full.session);
  if (isFinal(phase) || phase === 'finalising')
    throw new Problem('booking_final', `Booking ${id} has ended (${phase}).`);
  const telescope = await deps.telescopes.get(full.booking.telescopeId);
  const earlier = await deps.db.receipt.findMany({
    where: { bookingId: id, kind: 'extend', state: { not: 'refused' } },
  });
  const used = earlier.reduce((n, row) => n + ((row.data as { minutes?: number }).minutes ?? 0), 0);
  if (used + request.minutes > telescope.policy.extend_ceiling_minutes)
    throw invalid({
      minutes: [
        `may be at most ${Math.max(0, telescope.policy.extend_ceiling_minutes - used)} more (ceiling ${telescope.policy.extend_ceiling_minutes}, given so far ${used})`,
      ],
    });
  const before = requestOf(full);
  const end = new Date(full.booking.endsAt.getTime() + request.minutes * 60_000).toISOString();
  const credits = chargedMore(before.credits, request.credits_charged ?? 0);
  const body = { ...before, end, credits };
  return changePlan(deps, who, {
    row: full.booking,
    body,
    kind: 'extend',
    commandId,
    data: { minutes: request.minutes },
  });
}
