import { z } from '@hono/zod-openapi';
import { LogLine } from '../../domain/contracts/event.ts';
import type { JournalKinds } from '../../domain/journal.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import { requireBooking, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { Id, READ, readBy } from './read.ts';
import { loadBooking } from './load.ts';
import type { FullBooking } from './view.ts';

const Source = z.enum(['night', 'voyager']);
type Source = z.infer<typeof Source>;
const LogPage = pageOf(LogLine, 'LogPage', {
  sources: z.array(Source).describe('The logs that whoever asks may read'),
});
const Query = PageQuery.extend({
  level: LogLine.shape.level.optional(),
  order: z.enum(['newest', 'oldest']).default('newest'),
  source: Source.default('night').describe(
    'night: what our own programs say of the session; voyager: the warnings, critical lines and emergencies of Voyager’s own log during the session, for operators, and for guests where policy.guests_read_voyager_log allows it',
  ),
});
type Query = z.infer<typeof Query>;

export const listLogs = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/logs',
    id: 'listLogs',
    tag: 'Sessions',
    summary: 'The night log',
    guard: READ,
    params: Id,
    query: Query,
    answers: { 200: { description: 'A page', schema: LogPage } },
  },
  async ({ deps, c, who, params, query }) => {
    requireBooking(who, params.id);
    const full = await loadBooking(deps, who, params.id);
    const sources = await sourcesOf(deps, who, full.booking.telescopeId);
    if (!sources.includes(query.source))
      throw new Problem(
        'forbidden',
        'Voyager’s own log is for operators; the telescope’s file opens it to guests with policy.guests_read_voyager_log.',
      );
    const rows =
      query.source === 'voyager' ? await voyagerLines(deps, full, query) : await nightLines(deps, params.id, query);
    const lines = page(
      c.req.url,
      query.per_page,
      rows,
      ({ line }) => readBy(who, line),
      ({ line, position }) => encodeCursor(line.at, position),
    );
    return json({ ...lines, sources });
  },
);

interface Placed {
  line: LogLine;
  /** Orders lines of one instant. */
  position: number;
}
/** The part of a list that a page begins with, in either order. */
interface Turn {
  order: 'asc' | 'desc';
  /** Null on the first page. */
  after: { at: Date; position: number } | null;
}
function turnOf(query: Query): Turn {
  const cursor = decodeCursor(query.cursor, 'date', 'number');
  return {
    order: query.order === 'newest' ? 'desc' : 'asc',
    after: cursor ? { at: new Date(cursor[0]!), position: Number(cursor[1]) } : null,
  };
}

async function nightLines(deps: Deps, bookingId: string, query: Query): Promise<Placed[]> {
  const { order, after } = turnOf(query);
  const beyond = order === 'desc' ? 'lt' : 'gt';
  const rows = await deps.db.timeline.findMany({
    where: {
      bookingId,
      repeats: false,
      ...(query.level ? { level: query.level } : {}),
      ...(after
        ? {
            OR: [{ at: { [beyond]: after.at } }, { at: after.at, position: { [beyond]: BigInt(after.position) } }],
          }
        : {}),
    },
    orderBy: [{ at: order }, { position: order }],
    take: query.per_page + 1,
  });
  return rows.map((row) => ({
    position: Number(row.position),
    line: {
      at: row.at.toISOString(),
      level: row.level as LogLine['level'],
      source: row.source as LogLine['source'],
      event: row.event,
      message: row.message,
      message_fr: row.messageFr,
      data: row.data as LogLine['data'],
    },
  }));
}

/** Voyager names other people's targets and the paths of its computer: its log is for operators, and for guests where the telescope's file says so. */
async function sourcesOf(deps: Deps, who: Identity, telescopeId: string): Promise<Source[]> {
  const isOperator = who.kind === 'key' || who.kind === 'admin';
  const telescope = isOperator ? null : await deps.telescopes.find(telescopeId);
  return isOperator || telescope?.policy.guests_read_voyager_log ? ['night', 'voyager'] : ['night'];
}

/** LogEvent types of Voyager's public protocol that the gateway writes down. */
const VOYAGER_LINES: Record<number, Pick<LogLine, 'level' | 'event'>> = {
  3: { level: 'WARNING', event: 'voyager.warning' },
  4: { level: 'ERROR', event: 'voyager.critical' },
  9: { level: 'ERROR', event: 'voyager.emergency' },
};

async function voyagerLines(deps: Deps, { booking, session }: FullBooking, query: Query): Promise<Placed[]> {
  const { order, after } = turnOf(query);
  const beyond = order === 'desc' ? 'lt' : 'gt';
  const [from, to] = [booking.startsAt, session?.sessionEndedAt ?? booking.endsAt];
  const types = Object.entries(VOYAGER_LINES).filter(([, { level }]) => !query.level || level === query.level);
  const where: Prisma.JournalWhereInput = {
    telescopeId: booking.telescopeId,
    kind: 'log',
    at: { gte: from, lt: to },
    OR: types.map(([type]) => ({ data: { path: ['type'], equals: Number(type) } })),
    ...(after
      ? { AND: { OR: [{ at: { [beyond]: after.at } }, { at: after.at, n: { [beyond]: after.position } }] } }
      : {}),
  };
  const rows = await deps.db.journal.findMany({
    where,
    orderBy: [{ at: order }, { n: order }],
    take: query.per_page + 1,
  });
  return rows.map(({ at, n, data }) => {
    const { type, text } = data as unknown as JournalKinds['log'];
    const line = { at: at.toISOString(), ...VOYAGER_LINES[type]!, message: text, message_fr: null, data: { type } };
    return { position: n, line: { ...line, source: 'voyager' } };
  });
}
