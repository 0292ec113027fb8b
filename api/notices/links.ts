import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Scope } from '../../domain/contracts/token.ts';
import { BookingId, Instant } from '../../domain/contracts/common.ts';
import { publish } from '../../platform/bus.ts';
import type { Database } from '../../platform/database.ts';
import { deviceHash, linkIdOf } from '../../platform/links.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import type { Booking, Link } from '../../prisma/client/client.ts';
import { VIEW_AFTER_SLOT_MS, TOKEN_LIFETIME_MS, requireBooking, requireOwner } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { clientAddress, refuseGuessing } from '../guard.ts';
import { json, route, routes } from '../operation.ts';

/** Sessions that one link may open before it is used up, however often it was forwarded. */
const EXCHANGES = 200;

/** Asking for a new link: one letter in ten minutes, and so many a day. */
const ASK_EVERY_MS = 600_000;

const ASKS_A_DAY = 6;

const ASKS_PER_ADDRESS = { perSecond: 0.1, burst: 10 } as const;

const DAY_MS = 86_400_000;

const Exchange = z
  .object({
    code: z.string().min(1).max(120).describe('what stands after #link= in the address'),
    device: z
      .string()
      .regex(/^[\w-]{16,80}$/, 'expected 16 to 80 letters and digits that this browser keeps')
      .describe('a random text that this browser keeps: the first one to use a link may do what the link allows'),
  })
  .meta({ id: 'LinkExchange' });

const Session = z
  .object({
    token: z.string(),
    booking_id: z.string(),
    scopes: z.array(z.string()),
    view_only: z.boolean(),
    expires_at: Instant,
  })
  .meta({ id: 'LinkSession' });

const exchangeLink = route(
  {
    method: 'post',
    path: '/api/links/exchange',
    id: 'exchangeLink',
    tag: 'Access',
    summary: 'A session token for the link of a letter',
    description:
      'The first browser that uses a link may do what the link allows; any other, such as that of somebody whom the letter was forwarded to, may only look.',
    guard: 'public',
    body: Exchange,
    answers: { 200: { description: 'The token', schema: Session } },
    problems: ['unauthenticated', 'not_found'],
  },
  async ({ deps, c, body }) => {
    const id = linkIdOf(deps.secret, body.code);
    if (!id) {
      refuseGuessing(deps, clientAddress(c));
      throw new Problem('unauthenticated', 'This link is not one of ours.');
    }
    const { link, isFirst } = await useLink(deps, id, body.device);
    const booking = await deps.db.booking.findUnique({ where: { id: link.bookingId } });
    if (!booking) throw new Problem('not_found', 'The booking of this link is not there any more.');
    return json(await session(deps, link, booking, isFirst), 200, { 'cache-control': 'no-store' });
  },
);

const requestLink = route(
  {
    method: 'post',
    path: '/api/links',
    id: 'requestLink',
    tag: 'Access',
    summary: 'Mail a new link to the address of a booking',
    description: 'The answer is the same whether there is such a booking or not.',
    guard: 'public',
    body: z.object({ booking_id: BookingId }).meta({ id: 'LinkRequest' }),
    answers: {
      202: {
        description: 'If the booking has an address, a letter is on its way there',
        schema: z.object({ state: z.literal('accepted') }).meta({ id: 'LinkRequested' }),
      },
    },
  },
  async ({ deps, c, body }) => {
    const { perSecond, burst } = ASKS_PER_ADDRESS;
    const wait = deps.limiter.take(`link:${clientAddress(c)}`, perSecond, burst);
    if (wait > 0)
      throw new Problem('too_many_requests', 'Too many requests from here.', {}, { 'retry-after': String(wait) });
    await askForLink(deps.db, body.booking_id, deps.now());
    await publish(deps.db, { kind: 'control', what: 'outbox', data: {} });
    return json({ state: 'accepted' }, 202, { 'cache-control': 'no-store' });
  },
);

const revokeLinksRoute = route(
  {
    method: 'delete',
    path: '/api/bookings/{id}/links',
    id: 'revokeLinks',
    tag: 'Access',
    summary: 'End every link of a booking, and the sessions opened by them',
    guard: { scopes: ['session:control', 'tokens:write'] },
    params: z.object({ id: BookingId }),
    answers: {
      200: { description: 'How many', schema: z.object({ revoked: z.number().int() }).meta({ id: 'LinksRevoked' }) },
    },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    const booking = await deps.db.booking.findUnique({ where: { id: params.id } });
    if (!booking) throw new Problem('not_found', `No booking ${params.id}.`);
    requireOwner(who, booking);
    const revoked = await revokeLinks(deps, [params.id], who.credentialId);
    await deps.db.audit.create({
      data: {
        id: randomUUID(),
        at: new Date(deps.now()),
        actor: who.name,
        action: 'links.revoke',
        bookingId: params.id,
        data: { revoked },
      },
    });
    return json({ revoked });
  },
);

export const linkRoutes = routes(exchangeLink, requestLink, revokeLinksRoute);

/** Notes the use of a link, the first device by a row lock. @throws Problem for a link that is over, revoked or used up */
async function useLink(deps: Deps, id: string, device: string): Promise<{ link: Link; isFirst: boolean }> {
  const hash = deviceHash(device);
  return deps.db.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM links WHERE id = ${id} FOR UPDATE`;
    const link = await tx.link.findUnique({ where: { id } });
    if (!link || link.revokedAt) throw new Problem('token_revoked', 'This link has been ended; ask for a new one.');
    if (link.expiresAt.getTime() <= deps.now())
      throw new Problem('token_expired', 'This link is too old; ask for a new one.');
    if (link.tokenIds.length >= EXCHANGES)
      throw new Problem('token_revoked', 'This link is used up; ask for a new one.');
    if (link.deviceHash === null)
      await tx.link.update({ where: { id }, data: { deviceHash: hash, firstUsedAt: new Date(deps.now()) } });
    return { link, isFirst: (link.deviceHash ?? hash) === hash };
  });
}

/** A token of this booking: as a link it dies with the link; it lasts a day, or as long as the session may be watched. */
async function session(deps: Deps, link: Link, booking: Booking, isFirst: boolean): Promise<z.infer<typeof Session>> {
  const now = deps.now();
  const scopes = (isFirst ? link.scopes : link.scopes.filter((scope) => scope === 'session:view')) as Scope[];
  const watchable = Math.max(now + TOKEN_LIFETIME_MS, booking.endsAt.getTime() + VIEW_AFTER_SLOT_MS);
  const expiresAtMs = Math.floor(Math.min(link.expiresAt.getTime(), watchable) / 1000) * 1000;
  const id = randomUUID();
  const expiresAt = new Date(expiresAtMs);
  await deps.db.$transaction([
    deps.db.token.create({
      data: { id, kind: 'booking', subject: booking.id, scopes, expiresAt, createdAt: new Date(now) },
    }),
    deps.db.link.update({ where: { id: link.id }, data: { tokenIds: { push: id } } }),
  ]);
  const slot = {
    telescopeId: booking.telescopeId,
    startMs: booking.startsAt.getTime(),
    endMs: booking.endsAt.getTime(),
  };
  const token = deps.signer.sign({
    id,
    kind: 'booking',
    subject: booking.id,
    scopes,
    expiresAtMs,
    slot,
    telescopes: null,
  });
  return {
    token,
    booking_id: booking.id,
    scopes,
    view_only: !scopes.includes('session:control'),
    expires_at: expiresAt.toISOString(),
  };
}

/** Written whether there is such a booking or not: only the delivery finds out, and the answer takes no longer for the one than for the other. */
async function askForLink(db: Database, bookingId: string, now: number): Promise<void> {
  await db.$transaction(async (tx) => {
    const asked = await tx.outbox.count({
      where: { bookingId, type: 'link.requested', createdAt: { gte: new Date(now - DAY_MS) } },
    });
    if (asked >= ASKS_A_DAY) return;
    await enqueueOutbox(tx, {
      key: `link.requested/${Math.floor(now / ASK_EVERY_MS)}`,
      type: 'link.requested',
      bookingId,
      telescopeId: null,
      data: {},
      channels: ['email'],
      at: new Date(now),
    });
  });
}

/** Ends the links of bookings with the tokens that they gave; `keep` is the token of whoever asks. */
export async function revokeLinks(deps: Deps, bookingIds: string[], keep: string | null): Promise<number> {
  const at = new Date(deps.now());
  const links = await deps.db.link.findMany({ where: { bookingId: { in: bookingIds }, revokedAt: null } });
  const tokens = links.flatMap((link) => link.tokenIds).filter((id) => id !== keep);
  await deps.db.$transaction([
    deps.db.link.updateMany({ where: { id: { in: links.map((link) => link.id) } }, data: { revokedAt: at } }),
    deps.db.token.updateMany({ where: { id: { in: tokens }, revokedAt: null }, data: { revokedAt: at } }),
  ]);
  for (const id of tokens) {
    deps.revocations.add(id);
    await publish(deps.db, { kind: 'control', what: 'token.revoked', data: { id } });
  }
  return links.length;
}
