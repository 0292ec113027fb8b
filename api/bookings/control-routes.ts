import { z } from '@hono/zod-openapi';
import { BookingId } from '../../domain/contracts/common.ts';
import { AbortRequest, ExtendRequest, Receipt, RescheduleRequest } from '../../domain/contracts/control.ts';
import { requireBooking, requireKey } from '../auth.ts';
import { abort } from './abort.ts';
import { commandIdOf, control, receiptAnswer } from './controls.ts';
import { loadBooking } from './load.ts';
import { extendBooking, rescheduleBooking } from './service.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, operation, type App, route } from '../operation.ts';
import { toReceipt } from '../../platform/receipts.ts';
import { Id, READ } from './show.ts';

const CONTROL = { scopes: ['session:control'] } as const;

const Commands = z.object({ id: BookingId, command_id: z.string().min(1).max(64) });

export function pauseAndResume(app: App, deps: Deps): void {
  for (const kind of ['pause', 'resume'] as const)
    operation(
      app,
      deps,
      {
        method: 'post',
        path: `/api/bookings/{id}/${kind}`,
        id: `${kind}Session`,
        tag: 'Controls',
        summary: kind === 'pause' ? 'Pause the session' : 'Resume the session',
        description:
          'Waits up to 10 s for telemetry to confirm (200), else 202 with the receipt. `Idempotency-Key` makes a repetition the same command.',
        guard: CONTROL,
        params: Id,
        answers: {
          200: { description: 'Confirmed by telemetry', schema: Receipt },
          202: { description: 'Under way', schema: Receipt },
        },
        problems: ['control_refused', 'booking_final', 'temporal_away'],
      },
      async ({ c, who, params }) => {
        const commandId = commandIdOf(who, c.req.header('idempotency-key'), kind, params.id);
        return receiptAnswer(deps, await control(deps, who, { id: params.id, kind, commandId }));
      },
    );
}

export const abortSession = route(
  {
    method: 'post',
    path: '/api/bookings/{id}/abort',
    id: 'abortSession',
    tag: 'Controls',
    summary: 'Stop the session now',
    description:
      'The gateway is told directly and the workflow too; works while database and workflow service are away. Nothing about the body’s form refuses it. Sent with a server key it counts as the operator’s, and what is left of the slot is given back; a site that relays what its guest pressed says `requested_by: guest`.',
    guard: { scopes: ['session:abort'], failOpen: true },
    params: Id,
    body: AbortRequest,
    bodyOptional: true,
    lenient: true,
    answers: {
      200: { description: 'Confirmed', schema: Receipt },
      202: { description: 'Told; see the receipt', schema: Receipt },
    },
    problems: ['control_refused', 'booking_final', 'temporal_away', 'gateway_away'],
  },
  async ({ deps, c, who, params, body }) => {
    const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'abort', params.id);
    return receiptAnswer(deps, await abort(deps, who, params.id, commandId, body));
  },
);

export const rescheduleBookingRoute = route(
  {
    method: 'post',
    path: '/api/bookings/{id}/reschedule',
    id: 'rescheduleBooking',
    tag: 'Controls',
    summary: 'Move the slot before the session starts',
    guard: { scopes: ['bookings:write'] },
    params: Id,
    body: RescheduleRequest,
    answers: { 200: { description: 'Moved', schema: Receipt }, 202: { description: 'Under way', schema: Receipt } },
    problems: ['slot_taken', 'booking_final', 'control_refused', 'temporal_away'],
  },
  async ({ deps, c, who, params, body }) => {
    const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'reschedule', params.id, body.start, body.end);
    return receiptAnswer(deps, await rescheduleBooking(deps, who, params.id, body, commandId));
  },
);

export const extendBookingRoute = route(
  {
    method: 'post',
    path: '/api/bookings/{id}/extend',
    id: 'extendBooking',
    tag: 'Controls',
    summary: 'Give the session more time',
    description:
      'Server key only, since it costs money. Inside the telescope’s ceiling and where the next slot leaves room.',
    guard: { scopes: ['bookings:write'] },
    params: Id,
    body: ExtendRequest,
    answers: {
      200: { description: 'Extended', schema: Receipt },
      202: { description: 'Under way', schema: Receipt },
    },
    problems: ['slot_taken', 'booking_final', 'control_refused', 'temporal_away'],
  },
  async ({ deps, c, who, params, body }) => {
    requireKey(who, 'Extending a session');
    const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'extend', params.id, String(body.minutes));
    return receiptAnswer(deps, await extendBooking(deps, who, params.id, body, commandId));
  },
);

export const getCommand = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/commands/{command_id}',
    id: 'getCommand',
    tag: 'Controls',
    summary: 'The receipt of a command',
    guard: READ,
    params: Commands,
    answers: { 200: { description: 'The receipt', schema: Receipt } },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    const row = await deps.db.receipt.findUnique({ where: { commandId: params.command_id } });
    if (!row || row.bookingId !== params.id)
      throw new Problem('not_found', `No command ${params.command_id} of this booking.`);
    return json(toReceipt(row));
  },
);
