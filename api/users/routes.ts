import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { toCredits } from '../../domain/credits.ts';
import { targetOf } from '../../platform/booking-columns.ts';
import { publish } from '../../platform/bus.ts';
import { requireKey } from '../auth.ts';
import { Problem } from '../errors.ts';
import { refuseFromNow } from '../access/minting.ts';
import { json, route, routes } from '../operation.ts';

const Ref = z.object({ ref: z.string().min(1).max(64) });

const Person = z
  .object({
    ref: z.string(),
    display_name: z.string().nullable(),
    email: z.string().nullable(),
    locale: z.string(),
    created_at: Instant,
    erased_at: Instant.nullable(),
    bookings: z.array(
      z.object({
        id: z.string(),
        telescope_id: z.string(),
        start: Instant,
        end: Instant,
        target: z.string(),
        phase: z.string().nullable(),
        images_captured: z.number().int(),
      }),
    ),
    tokens: z.array(z.object({ id: z.string(), kind: z.string(), created_at: Instant, expires_at: Instant })),
    push_subscriptions: z.array(z.object({ id: z.string(), endpoint_host: z.string(), created_at: Instant })),
    settlements: z.array(
      z.object({
        settlement_id: z.string(),
        booking_id: z.string(),
        credits_charged: z.number(),
        credits_refund: z.number(),
        created_at: Instant,
      }),
    ),
  })
  .meta({ id: 'PersonExport' });

const Erasure = z.object({ ref: z.string(), erased_at: Instant, kept: z.array(z.string()) }).meta({ id: 'Erasure' });

const exportUser = route(
  {
    method: 'get',
    path: '/api/users/{ref}',
    id: 'exportUser',
    tag: 'Users',
    summary: 'All that is kept about a person',
    guard: { scopes: ['users:write', 'session:view'] },
    params: Ref,
    answers: { 200: { description: 'The export', schema: Person } },
  },
  async ({ deps, who, params }) => {
    if (who.kind !== 'key' && who.kind !== 'admin' && !(who.kind === 'user' && who.subject === params.ref))
      throw new Problem('forbidden', 'A person’s data is for the server and for that person.');
    const [user, bookings] = await Promise.all([
      deps.db.user.findUnique({ where: { ref: params.ref } }),
      deps.db.booking.findMany({
        where: { userRef: params.ref },
        include: { session: true },
        orderBy: { startsAt: 'asc' },
      }),
    ]);
    if (!user) throw new Problem('not_found', 'No such person.');
    const [tokens, push, settlements] = await Promise.all([
      deps.db.token.findMany({ where: { kind: 'user', subject: params.ref } }),
      deps.db.pushSubscription.findMany({
        where: { OR: [{ userRef: params.ref }, { bookingId: { in: bookings.map((b) => b.id) } }] },
      }),
      deps.db.settlement.findMany({
        where: { bookingId: { in: bookings.map((b) => b.id) } },
        orderBy: { createdAt: 'asc' },
      }),
    ]);
    return json({
      ref: user.ref,
      display_name: user.displayName,
      email: user.email,
      locale: user.locale,
      created_at: user.createdAt.toISOString(),
      erased_at: user.erasedAt?.toISOString() ?? null,
      bookings: bookings.map((b) => ({
        id: b.id,
        telescope_id: b.telescopeId,
        start: b.startsAt.toISOString(),
        end: b.endsAt.toISOString(),
        target: targetOf(b).name,
        phase: b.session?.phase ?? null,
        images_captured: b.session?.imagesCaptured ?? 0,
      })),
      tokens: tokens.map((t) => ({
        id: t.id,
        kind: t.kind,
        created_at: t.createdAt.toISOString(),
        expires_at: t.expiresAt.toISOString(),
      })),
      push_subscriptions: push.map((p) => ({
        id: p.id,
        endpoint_host: hostOf(p.endpoint),
        created_at: p.createdAt.toISOString(),
      })),
      settlements: settlements.map((s) => ({
        settlement_id: s.id,
        booking_id: s.bookingId,
        credits_charged: toCredits(s.chargedHundredths),
        credits_refund: toCredits(s.refundHundredths),
        created_at: s.createdAt.toISOString(),
      })),
    });
  },
);

const eraseUser = route(
  {
    method: 'delete',
    path: '/api/users/{ref}',
    id: 'eraseUser',
    tag: 'Users',
    summary: 'Erase a person',
    description:
      'Name, address, subscriptions and preferences go at once; tokens, links and calendars are ended. Bookings, frames and the ledger stay under the bare `ref`.',
    guard: { scopes: ['users:write'] },
    params: Ref,
    answers: { 200: { description: 'Erased', schema: Erasure } },
  },
  async ({ deps, who, params }) => {
    requireKey(who, 'Erasing a person');
    const now = new Date(deps.now());
    const revoked = await deps.db.$transaction(async (tx) => {
      const user = await tx.user.findUnique({ where: { ref: params.ref } });
      if (!user) throw new Problem('not_found', 'No such person.');
      const bookings = await tx.booking.findMany({ where: { userRef: params.ref }, select: { id: true } });
      const ids = bookings.map((b) => b.id);
      await tx.user.update({
        where: { ref: params.ref },
        data: { displayName: null, email: null, eraseAt: now, erasedAt: now },
      });
      await tx.pushSubscription.deleteMany({ where: { OR: [{ userRef: params.ref }, { bookingId: { in: ids } }] } });
      const tokens = await tx.token.findMany({
        where: {
          revokedAt: null,
          OR: [
            { kind: 'user', subject: params.ref },
            { kind: 'booking', subject: { in: ids } },
          ],
        },
        select: { id: true },
      });
      await tx.token.updateMany({ where: { id: { in: tokens.map((t) => t.id) } }, data: { revokedAt: now } });
      await tx.link.updateMany({ where: { bookingId: { in: ids }, revokedAt: null }, data: { revokedAt: now } });
      await tx.preference.deleteMany({ where: { userRef: params.ref } });
      await tx.complaint.updateMany({ where: { bookingId: { in: ids } }, data: { text: '' } });
      await tx.calendar.updateMany({
        where: { kind: 'guest', subject: params.ref, revokedAt: null },
        data: { revokedAt: now },
      });
      await tx.audit.create({
        data: { id: randomUUID(), at: now, actor: who.name, action: 'user.erase', data: { ref: params.ref } },
      });
      for (const { id } of tokens) await publish(tx, { kind: 'control', what: 'token.revoked', data: { id } });
      return tokens.map(({ id }) => id);
    });
    refuseFromNow(deps, revoked);
    return json({
      ref: params.ref,
      erased_at: now.toISOString(),
      kept: ['bookings', 'frames', 'ledger', 'settlements', 'audit'],
    });
  },
);

export const userRoutes = routes(exportUser, eraseUser);

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).host;
  } catch {
    return '';
  }
}
