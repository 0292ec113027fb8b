import type { z } from '@hono/zod-openapi';
import { Booking, BookingAmendment, BookingRequest } from '../../domain/contracts/booking.ts';
import { CancelQuery, Receipt } from '../../domain/contracts/control.ts';
import { Snapshot } from '../../domain/contracts/snapshot.ts';
import { requireBooking, requireOwner, seesPerson, type Identity } from '../auth.ts';
import { commandIdOf, control, receiptAnswer } from './controls.ts';
import { loadBooking } from './load.ts';
import { patchBooking, putBooking } from './service.ts';
import { bookingEtag, localeOf, toBooking, type FullBooking } from './view.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import type { AppEnv } from '../guard.ts';
import { json, route, routes } from '../operation.ts';
import type { Context } from 'hono';
import { checkBooking } from './check.ts';
import {
  abortSession,
  extendBookingRoute,
  getCommand,
  pauseAndResume,
  rescheduleBookingRoute,
} from './control-routes.ts';
import { listBookings } from './list.ts';
import { Id, READ } from './show.ts';

export async function show(
  deps: Deps,
  c: Context<AppEnv>,
  who: Identity,
  row: FullBooking,
): Promise<z.infer<typeof Booking>> {
  const telescope = await deps.telescopes.find(row.booking.telescopeId);
  return toBooking(row, telescope, {
    person: seesPerson(who),
    locale: localeOf(c.req.header('accept-language'), row.user?.locale === 'en' ? 'en' : 'fr'),
  });
}

const putBookingRoute = route(
  {
    method: 'put',
    path: '/api/bookings/{id}',
    id: 'putBooking',
    tag: 'Bookings',
    summary: 'Make or amend a booking',
    description:
      'The id is yours. The same body again answers 200 and nothing happens. Another body amends until the session starts.',
    guard: { scopes: ['bookings:write'] },
    params: Id,
    body: BookingRequest,
    answers: {
      200: { description: 'Unchanged or amended', schema: Booking, headers: { etag: 'For If-Match' } },
      201: { description: 'Accepted', schema: Booking, headers: { location: 'The booking' } },
    },
    problems: ['slot_taken', 'booking_final', 'precondition_failed', 'temporal_away'],
  },
  async ({ deps, c, who, params, body }) => {
    const result = await putBooking(deps, who, params.id, body, c.req.header('if-match'));
    deps.snapshots.forget(params.id);
    return json(await show(deps, c, who, result.row), result.created ? 201 : 200, {
      etag: bookingEtag(result.row.booking),
      ...(result.created ? { location: `/api/bookings/${params.id}` } : {}),
    });
  },
);

const getBooking = route(
  {
    method: 'get',
    path: '/api/bookings/{id}',
    id: 'getBooking',
    tag: 'Bookings',
    summary: 'One booking',
    guard: READ,
    params: Id,
    answers: { 200: { description: 'The booking', schema: Booking, headers: { etag: 'For If-Match' } } },
  },
  async ({ deps, c, who, params }) => {
    requireBooking(who, params.id);
    const row = await loadBooking(deps, who, params.id);
    return json(await show(deps, c, who, row), 200, { etag: bookingEtag(row.booking) });
  },
);

const patchBookingRoute = route(
  {
    method: 'patch',
    path: '/api/bookings/{id}',
    id: 'patchBooking',
    tag: 'Bookings',
    summary: 'Amend target, shots or constraints',
    guard: { scopes: ['bookings:write'] },
    params: Id,
    body: BookingAmendment,
    answers: { 200: { description: 'Amended', schema: Booking, headers: { etag: 'For If-Match' } } },
    problems: ['conflict', 'booking_final', 'precondition_failed', 'control_refused'],
  },
  async ({ deps, c, who, params, body }) => {
    const result = await patchBooking(deps, who, params.id, body, c.req.header('if-match'));
    deps.snapshots.forget(params.id);
    return json(await show(deps, c, who, result.row), 200, { etag: bookingEtag(result.row.booking) });
  },
);

const cancelBooking = route(
  {
    method: 'delete',
    path: '/api/bookings/{id}',
    id: 'cancelBooking',
    tag: 'Bookings',
    summary: 'Cancel a booking',
    description:
      'Before the session starts. A session that runs is stopped with abort; a cancellation stops it too. `requested_by` says whose it is where the booking is cancelled with a server key: before the slot the guest’s unless it says `operator`, inside it the operator’s unless it says `guest`.',
    guard: { scopes: ['bookings:write'] },
    params: Id,
    query: CancelQuery,
    answers: {
      200: { description: 'Cancelled', schema: Receipt },
      202: { description: 'Under way', schema: Receipt },
    },
    problems: ['control_refused', 'booking_final', 'temporal_away'],
  },
  async ({ deps, c, who, params, query }) => {
    const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'cancel', params.id);
    return receiptAnswer(deps, await control(deps, who, { id: params.id, kind: 'cancel', commandId, ...query }));
  },
);

const getSnapshot = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/snapshot',
    id: 'getSnapshot',
    tag: 'Sessions',
    summary: 'All a page needs on joining',
    guard: READ,
    params: Id,
    answers: { 200: { description: 'The snapshot', schema: Snapshot } },
  },
  async ({ deps, c, who, params }) => {
    requireBooking(who, params.id);
    const made = await deps.snapshots.text(params.id);
    if (!made) throw new Problem('not_found', `No booking ${params.id}.`);
    requireOwner(who, { id: params.id, userRef: made.userRef });
    return c.body(made.json, 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  },
);

export const bookingRoutes = routes(
  putBookingRoute,
  getBooking,
  patchBookingRoute,
  cancelBooking,
  listBookings,
  checkBooking,
  pauseAndResume,
  abortSession,
  rescheduleBookingRoute,
  extendBookingRoute,
  getCommand,
  getSnapshot,
);
