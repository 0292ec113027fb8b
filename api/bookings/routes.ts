import { z } from '@hono/zod-openapi';
import { Booking, BookingAmendment, BookingRequest } from '../../domain/contracts/booking.ts';
import { BookingId, Instant, TelescopeId } from '../../domain/contracts/common.ts';
import {
  AbortRequest,
  CancelQuery,
  ExtendRequest,
  Receipt,
  RescheduleRequest,
} from '../../domain/contracts/control.ts';
import { Snapshot } from '../../domain/contracts/snapshot.ts';
import { PHASES, laravelStatus, type Phase } from '../../domain/phases.ts';
import { altAz, usableWindows } from '../../domain/sky.ts';
import { requireBooking, requireKey, requireOwner, seesPerson, type Identity } from '../auth.ts';
import { abort, commandIdOf, control, receiptAnswer } from './controls.ts';
import { planErrors, planSeconds } from './rules.ts';
import { extendBooking, loadBooking, patchBooking, putBooking, rescheduleBooking } from './service.ts';
import { bookingEtag, localeOf, toBooking, type FullBooking } from './view.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { json, operation, type App, type AppEnv } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import type { Context } from 'hono';
import { toReceipt } from '../../platform/receipts.ts';

const Id = z.object({ id: BookingId });
const READ = { scopes: ['session:view', 'bookings:read', 'bookings:write', 'admin:read'] } as const;
const CONTROL = { scopes: ['session:control'] } as const;

const BookingPage = pageOf(Booking, 'BookingPage');
const ListQuery = PageQuery.extend({
  telescope_id: TelescopeId.optional(),
  user_ref: z.string().max(64).optional(),
  phase: z.enum(PHASES).optional(),
  access_state: z.enum(['upcoming', 'active', 'finished', 'cancelled']).optional(),
  from: Instant.optional().describe('Slots that end after this'),
  to: Instant.optional().describe('Slots that start before this'),
  target: z.string().max(120).optional().describe('Part of the target’s name'),
  sort: z.enum(['newest', 'oldest', 'images']).default('newest'),
});
const phasesOf = (access: ReturnType<typeof laravelStatus>['access_state']): Phase[] =>
  PHASES.filter((phase) => laravelStatus(phase).access_state === access);

const CheckResult = z
  .object({
    ok: z.boolean(),
    errors: z.record(z.string(), z.array(z.string())),
    frames: z.number().int(),
    exposure_seconds: z.number(),
    estimated_seconds: z.number().describe('Exposures and a usual overhead per frame'),
    slot_seconds: z.number(),
    usable_seconds: z.number().describe('Dark and inside the constraints'),
    fits: z.boolean(),
    altitude_at_start_degrees: z.number(),
    windows: z.array(z.object({ start: Instant, end: Instant })),
    credits: z
      .number()
      .nullable()
      .describe('Slot × credits_per_hour: that of the body, else that of the telescope; null without either'),
    conflict: z
      .object({ start: Instant, end: Instant })
      .nullable()
      .describe('A slot in the way; whose it is stays unsaid'),
  })
  .meta({ id: 'BookingCheck' });

const Commands = z.object({ id: BookingId, command_id: z.string().min(1).max(64) });

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

export function bookingRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
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
    async ({ c, who, params, body }) => {
      const result = await putBooking(deps, who, params.id, body, c.req.header('if-match'));
      deps.snapshots.forget(params.id);
      return json(await show(deps, c, who, result.row), result.created ? 201 : 200, {
        etag: bookingEtag(result.row.booking),
        ...(result.created ? { location: `/api/bookings/${params.id}` } : {}),
      });
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      const row = await loadBooking(deps, who, params.id);
      return json(await show(deps, c, who, row), 200, { etag: bookingEtag(row.booking) });
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params, body }) => {
      const result = await patchBooking(deps, who, params.id, body, c.req.header('if-match'));
      deps.snapshots.forget(params.id);
      return json(await show(deps, c, who, result.row), 200, { etag: bookingEtag(result.row.booking) });
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params, query }) => {
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'cancel', params.id);
      return receiptAnswer(deps, await control(deps, who, params.id, 'cancel', commandId, query));
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/bookings',
      id: 'listBookings',
      tag: 'Bookings',
      summary: 'Bookings, newest first',
      description: 'A user token lists that person’s bookings, a booking token its one.',
      guard: READ,
      query: ListQuery,
      answers: { 200: { description: 'A page', schema: BookingPage } },
    },
    async ({ c, who, query }) => {
      const byImages = query.sort === 'images';
      const cursor = decodeCursor(query.cursor, byImages ? 'number' : 'date', 'string');
      const down = query.sort !== 'oldest';
      const at = cursor && !byImages ? new Date(cursor[0]!) : null;
      const after = !cursor
        ? {}
        : byImages
          ? {
              OR: [
                { session: { imagesCaptured: { lt: cursor[0] as number } } },
                { session: { imagesCaptured: cursor[0] as number }, id: { lt: cursor[1] as string } },
              ],
            }
          : {
              OR: [
                { startsAt: down ? { lt: at! } : { gt: at! } },
                { startsAt: at!, id: down ? { lt: cursor[1] as string } : { gt: cursor[1] as string } },
              ],
            };
      const phases = query.phase ? [query.phase] : query.access_state ? phasesOf(query.access_state) : null;
      if (query.user_ref !== undefined && who.kind === 'user' && query.user_ref !== who.subject)
        throw new Problem('forbidden', 'This token lists its own bookings only.');
      const owner =
        who.kind === 'user'
          ? { userRef: who.subject! }
          : query.user_ref !== undefined
            ? { userRef: query.user_ref }
            : {};
      const rows = await deps.db.booking.findMany({
        where: {
          AND: [
            who.kind === 'booking' ? { id: who.subject! } : {},
            owner,
            query.telescope_id ? { telescopeId: query.telescope_id } : {},
            phases ? { session: { phase: { in: phases } } } : {},
            query.from ? { endsAt: { gt: new Date(query.from) } } : {},
            query.to ? { startsAt: { lt: new Date(query.to) } } : {},
            query.target
              ? { target: { path: ['name'], string_contains: query.target, mode: 'insensitive' as const } }
              : {},
            after,
          ],
        },
        include: { session: true },
        orderBy: byImages
          ? [{ session: { imagesCaptured: 'desc' } }, { id: 'desc' }]
          : [{ startsAt: down ? 'desc' : 'asc' }, { id: down ? 'desc' : 'asc' }],
        take: query.per_page + 1,
      });
      const users = new Map(
        (await deps.db.user.findMany({ where: { ref: { in: [...new Set(rows.map((r) => r.userRef))] } } })).map((u) => [
          u.ref,
          u,
        ]),
      );
      const telescopes = new Map((await deps.telescopes.list()).map((t) => [t.id, t]));
      const view = { person: seesPerson(who), locale: localeOf(c.req.header('accept-language')) };
      return json(
        page(
          c.req.url,
          query.per_page,
          rows,
          (row) =>
            toBooking(
              { booking: row, session: row.session, user: users.get(row.userRef) ?? null },
              telescopes.get(row.telescopeId) ?? null,
              view,
            ),
          (row) =>
            byImages
              ? encodeCursor(row.session?.imagesCaptured ?? 0, row.id)
              : encodeCursor(row.startsAt.toISOString(), row.id),
        ),
      );
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/bookings/check',
      id: 'checkBooking',
      tag: 'Bookings',
      summary: 'Would this booking be taken, and what would it cost',
      description:
        'Nothing is written. Problems come in `errors` with status 200; a body that is not a booking at all is 422.',
      guard: { scopes: ['bookings:write', 'bookings:read', 'session:view'] },
      body: BookingRequest.extend({ credits_per_hour: z.number().min(0).optional() }).meta({
        id: 'BookingCheckRequest',
      }),
      answers: { 200: { description: 'The verdict', schema: CheckResult } },
    },
    async ({ body }) => {
      const telescope = await deps.telescopes.find(body.telescope_id);
      if (!telescope) throw invalid({ telescope_id: [`there is no telescope "${body.telescope_id}"`] });
      const now = deps.now();
      const errors = planErrors(telescope, body, now);
      const startMs = Date.parse(body.start);
      const endMs = Date.parse(body.end);
      const sane = endMs > startMs && endMs - startMs <= 24 * 3_600_000;
      const windows = sane
        ? usableWindows(telescope, body.target, body.constraints, Math.max(startMs, Math.min(now, endMs)), endMs)
        : [];
      const usable = windows.reduce((n, w) => n + (w.endMs - w.startMs) / 1000, 0);
      const { exposure, estimated, frames } = planSeconds(body.shots);
      const blocked = new Date(endMs + telescope.policy.turnaround_minutes * 60_000);
      const other = sane
        ? await deps.db.booking.findFirst({
            where: {
              telescopeId: telescope.id,
              occupies: true,
              startsAt: { lt: blocked },
              blockedUntil: { gt: new Date(startMs) },
            },
            orderBy: { startsAt: 'asc' },
          })
        : null;
      const slot = sane ? (endMs - startMs) / 1000 : 0;
      const rate = body.credits_per_hour ?? telescope.credits_per_hour;
      return json({
        ok: Object.keys(errors).length === 0 && !other,
        errors,
        frames,
        exposure_seconds: exposure,
        estimated_seconds: estimated,
        slot_seconds: slot,
        usable_seconds: usable,
        fits: estimated <= usable,
        altitude_at_start_degrees:
          Math.round(
            altAz(telescope.site, body.target.ra_hours, body.target.dec_degrees, startMs).altitudeDegrees * 10,
          ) / 10,
        windows: windows.map((w) => ({
          start: new Date(w.startMs).toISOString(),
          end: new Date(w.endMs).toISOString(),
        })),
        credits: rate === undefined ? null : Math.round((slot / 3600) * rate * 100) / 100,
        conflict: other ? { start: other.startsAt.toISOString(), end: other.blockedUntil.toISOString() } : null,
      });
    },
  );

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
        return receiptAnswer(deps, await control(deps, who, params.id, kind, commandId));
      },
    );

  operation(
    app,
    deps,
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
    async ({ c, who, params, body }) => {
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'abort', params.id);
      return receiptAnswer(deps, await abort(deps, who, params.id, commandId, body));
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params, body }) => {
      const commandId = commandIdOf(
        who,
        c.req.header('idempotency-key'),
        'reschedule',
        params.id,
        body.start,
        body.end,
      );
      return receiptAnswer(deps, await rescheduleBooking(deps, who, params.id, body, commandId));
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params, body }) => {
      requireKey(who, 'Extending a session');
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'extend', params.id, String(body.minutes));
      return receiptAnswer(deps, await extendBooking(deps, who, params.id, body, commandId));
    },
  );

  operation(
    app,
    deps,
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
    async ({ who, params }) => {
      requireBooking(who, params.id);
      await loadBooking(deps, who, params.id);
      const row = await deps.db.receipt.findUnique({ where: { commandId: params.command_id } });
      if (!row || row.bookingId !== params.id)
        throw new Problem('not_found', `No command ${params.command_id} of this booking.`);
      return json(toReceipt(row));
    },
  );

  operation(
    app,
    deps,
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
    async ({ c, who, params }) => {
      requireBooking(who, params.id);
      const made = await deps.snapshots.text(params.id);
      if (!made) throw new Problem('not_found', `No booking ${params.id}.`);
      requireOwner(who, { id: params.id, userRef: made.userRef });
      return c.body(made.json, 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    },
  );
}
