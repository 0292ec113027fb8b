import { z } from '@hono/zod-openapi';
import { Booking } from '../../domain/contracts/booking.ts';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { PHASES, laravelStatus, type Phase } from '../../domain/phases.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import { seesPerson, type Identity } from '../auth.ts';
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

type Where = Prisma.BookingWhereInput;
type Row = Prisma.BookingGetPayload<{ include: { session: true } }>;

function ownedBy(who: Identity, userRef: string | undefined): Where[] {
  if (who.kind === 'user') return [{ userRef: who.subject! }];
  return [...(who.kind === 'booking' ? [{ id: who.subject! }] : []), ...(userRef === undefined ? [] : [{ userRef }])];
}
function asked(who: Identity, query: z.output<typeof ListQuery>): Where[] {
  const ofPhase = query.phase ? [query.phase] : null;
  const phases = ofPhase ?? (query.access_state ? phasesOf(query.access_state) : null);
  return [
    query.telescope_id ? { telescopeId: query.telescope_id } : {},
    who.telescopes ? { telescopeId: { in: [...who.telescopes] } } : {},
    phases ? { session: { phase: { in: phases } } } : {},
    query.from ? { endsAt: { gt: new Date(query.from) } } : {},
    query.to ? { startsAt: { lt: new Date(query.to) } } : {},
    query.target ? { target: { path: ['name'], string_contains: query.target, mode: 'insensitive' } } : {},
  ];
}

/** In which order bookings are listed, and what comes after a cursor in it. */
interface Order {
  by: Prisma.BookingOrderByWithRelationInput[];
  after: (text: string | undefined) => Where;
  cursorOf: (row: Row) => string;
}
const byStart = (direction: 'asc' | 'desc'): Order => {
  const beyond = direction === 'desc' ? 'lt' : 'gt';
  return {
    by: [{ startsAt: direction }, { id: direction }],
    after: (text) => {
      const cursor = decodeCursor(text, 'date', 'string');
      if (!cursor) return {};
      const at = new Date(cursor[0]!);
      return { OR: [{ startsAt: { [beyond]: at } }, { startsAt: at, id: { [beyond]: cursor[1] as string } }] };
    },
    cursorOf: (row) => encodeCursor(row.startsAt.toISOString(), row.id),
  };
};
const ORDERS: Record<z.output<typeof ListQuery>['sort'], Order> = {
  newest: byStart('desc'),
  oldest: byStart('asc'),
  images: {
    by: [{ session: { imagesCaptured: 'desc' } }, { id: 'desc' }],
    after: (text) => {
      const cursor = decodeCursor(text, 'number', 'string');
      if (!cursor) return {};
      const [images, id] = cursor as [number, string];
      return {
        OR: [{ session: { imagesCaptured: { lt: images } } }, { session: { imagesCaptured: images }, id: { lt: id } }],
      };
    },
    cursorOf: (row) => encodeCursor(row.session?.imagesCaptured ?? 0, row.id),
  },
};

export const listBookings = route(
  {
    method: 'get',
    path: '/api/bookings',
    id: 'listBookings',
    tag: 'Bookings',
    summary: 'Bookings, newest first',
    description: 'A user token lists that person’s bookings, a booking token its one.',
    guard: READ,
    narrows: true,
    query: ListQuery,
    answers: { 200: { description: 'A page', schema: BookingPage } },
  },
  async ({ deps, c, who, query }) => {
    if (query.user_ref !== undefined && who.kind === 'user' && query.user_ref !== who.subject)
      throw new Problem('forbidden', 'This token lists its own bookings only.');
    const order = ORDERS[query.sort];
    const rows = await deps.db.booking.findMany({
      where: { AND: [...ownedBy(who, query.user_ref), ...asked(who, query), order.after(query.cursor)] },
      include: { session: true },
      orderBy: order.by,
      take: query.per_page + 1,
    });
    const refs = [...new Set(rows.map((row) => row.userRef))];
    const users = new Map((await deps.db.user.findMany({ where: { ref: { in: refs } } })).map((u) => [u.ref, u]));
    const telescopes = new Map((await deps.telescopes.list()).map((t) => [t.id, t]));
    const view = { person: seesPerson(who), locale: localeOf(c.req.header('accept-language')) };
    const shown = (row: Row): z.infer<typeof Booking> =>
      toBooking(
        { booking: row, session: row.session, user: users.get(row.userRef) ?? null },
        telescopes.get(row.telescopeId) ?? null,
        view,
      );
    return json(page(c.req.url, query.per_page, rows, shown, order.cursorOf));
  },
);
