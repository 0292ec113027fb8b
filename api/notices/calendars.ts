import { publicUrl } from '../../platform/config.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { deriveKey, equalConstantTime, hmacBase64Url } from '../../platform/signing.ts';
import type { Calendar } from '../../prisma/client/client.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { clientAddress, refuseGuessing } from '../guard.ts';
import { json, operation, type App } from '../operation.ts';
import { writeCalendar } from './ics.ts';

const KINDS = ['guest', 'telescope', 'operator'] as const;
const Request = z
  .object({
    kind: z.enum(KINDS).default('guest'),
    subject: z.string().min(1).max(64).optional().describe('user.ref or telescope id; left out: your own, or all'),
    locale: z.enum(['fr', 'en']).default('fr'),
  })
  .meta({ id: 'CalendarRequest' });
const Row = z
  .object({
    id: z.string(),
    kind: z.string(),
    subject: z.string(),
    url: z.string().describe('a secret: whoever has it reads the calendar'),
    created_at: Instant,
  })
  .meta({ id: 'Calendar' });

/** Feeds of one person, and of one operator's credential, at most. */
const PER_SUBJECT = 10;

const guard = { scopes: ['bookings:read', 'session:control', 'admin:read'] } as const;
const sign = (deps: Deps, id: string): string => hmacBase64Url(deriveKey(deps.secret, 'calendar'), id);
const show = (deps: Deps, row: Calendar): z.infer<typeof Row> => ({
  id: row.id,
  kind: row.kind,
  subject: row.subject,
  url: `${publicUrl(deps.config)}/calendar/${row.id}.${sign(deps, row.id)}.ics`,
  created_at: row.createdAt.toISOString(),
});

export function calendarRoutes(app: App, deps: Deps): void {
  makeRoute(app, deps);
  listRoute(app, deps);
  endRoute(app, deps);
  feedRoute(app, deps);
}

function makeRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/calendars',
      id: 'makeCalendar',
      tag: 'Calendars',
      summary: 'A calendar feed under a secret address that can be ended',
      guard,
      body: Request,
      bodyOptional: true,
      answers: { 201: { description: 'The feed', schema: Row } },
      problems: ['conflict'],
    },
    async ({ who, body }) => {
      const kind = body.kind ?? 'guest';
      const subject = await subjectOf(deps, who, kind, body.subject);
      const live = await deps.db.calendar.count({ where: { kind, subject, revokedAt: null } });
      if (live >= PER_SUBJECT) throw new Problem('conflict', `There are ${PER_SUBJECT} feeds already; end one first.`);
      const data = { id: randomUUID(), kind, subject, locale: body.locale ?? 'fr', createdAt: new Date(deps.now()) };
      return json(show(deps, await deps.db.calendar.create({ data })), 201, { 'cache-control': 'no-store' });
    },
  );
}

function listRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/calendars',
      id: 'listCalendars',
      tag: 'Calendars',
      summary: 'Feeds that have not been ended',
      guard,
      answers: { 200: { description: 'Yours', schema: z.object({ data: z.array(Row) }).meta({ id: 'CalendarList' }) } },
    },
    async ({ who }) => {
      const own = isOperator(who) ? {} : { kind: 'guest', subject: await guestRef(deps, who) };
      const rows = await deps.db.calendar.findMany({
        where: { ...own, revokedAt: null },
        orderBy: { createdAt: 'desc' },
        take: 200,
      });
      return json({ data: rows.map((row) => show(deps, row)) }, 200, { 'cache-control': 'no-store' });
    },
  );
}

function endRoute(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'delete',
      path: '/api/calendars/{calendar_id}',
      id: 'endCalendar',
      tag: 'Calendars',
      summary: 'End a feed: its address answers no more',
      guard,
      params: z.object({ calendar_id: z.string().max(64) }),
      answers: { 204: { description: 'Ended' } },
    },
    async ({ who, params }) => {
      const own = isOperator(who) ? {} : { kind: 'guest', subject: await guestRef(deps, who) };
      const { count } = await deps.db.calendar.updateMany({
        where: { id: params.calendar_id, revokedAt: null, ...own },
        data: { revokedAt: new Date(deps.now()) },
      });
      if (count === 0) throw new Problem('not_found', 'No such calendar.');
      return new Response(null, { status: 204 });
    },
  );
}

/** The calendar itself: who has the address has no other name. */
function feedRoute(app: App, deps: Deps): void {
  app.get('/calendar/:file', async (c) => {
    const [, id, signature] = /^([0-9a-f-]{36})\.([\w-]{43})\.ics$/.exec(c.req.param('file')) ?? [];
    const row =
      id && signature && equalConstantTime(sign(deps, id), signature)
        ? await deps.db.calendar.findUnique({ where: { id } })
        : null;
    if (!row) refuseGuessing(deps, clientAddress(c));
    if (!row || row.revokedAt) throw new Problem('not_found', 'There is no such calendar, or it has been ended.');
    return c.body(await writeCalendar(deps, row), 200, {
      'content-type': 'text/calendar; charset=utf-8',
      'content-disposition': 'inline; filename="nocturne.ics"',
      'cache-control': 'private, max-age=300',
      'referrer-policy': 'no-referrer',
    });
  });
}

const isOperator = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';

async function guestRef(deps: Deps, who: Identity): Promise<string> {
  if (who.kind === 'user') return who.subject!;
  const booking =
    who.kind === 'booking'
      ? await deps.db.booking.findUnique({ where: { id: who.subject! }, select: { userRef: true } })
      : null;
  if (!booking) throw new Problem('forbidden', 'A calendar is for a guest, or for an operator.');
  return booking.userRef;
}

async function subjectOf(
  deps: Deps,
  who: Identity,
  kind: (typeof KINDS)[number],
  subject: string | undefined,
): Promise<string> {
  if (!isOperator(who)) {
    const ref = await guestRef(deps, who);
    if (kind !== 'guest' || (subject !== undefined && subject !== ref))
      throw new Problem('forbidden', 'This is for operators.');
    return ref;
  }
  if (kind === 'operator') return 'all';
  if (subject === undefined) throw invalid({ subject: ['is required'] });
  if (kind === 'telescope' && !(await deps.telescopes.find(subject)))
    throw invalid({ subject: [`there is no telescope "${subject}"`] });
  return subject;
}
