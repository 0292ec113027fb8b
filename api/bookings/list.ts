import { z } from '@hono/zod-openapi';
import { Booking } from '../../domain/contracts/booking.ts';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { PHASES, laravelStatus, type Phase } from '../../domain/phases.ts';
import { seesPerson } from '../auth.ts';
import { localeOf, toBooking } from './view.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { READ } from './show.ts';

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

export const listBookings = route(
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
  async ({ deps, c, who, query }) => {
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
      who.kind === 'user' ? { userRef: who.subject! } : query.user_ref !== undefined ? { userRef: query.user_ref } : {};
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
