import { z } from '@hono/zod-openapi';
import { stableId } from '../../domain/ids.ts';
import { PUSH_PER_BOOKING, PUSH_PER_CREDENTIAL, isPushService } from '../../domain/push-services.ts';
import { lockKey, type Transaction } from '../../platform/database.ts';
import { requireBooking, requireOwner, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { json, route, routes } from '../operation.ts';

const PushRequest = z
  .object({
    booking_id: z.string().max(64).optional(),
    endpoint: z.url().max(1_000),
    keys: z.object({ p256dh: z.string().min(1).max(200), auth: z.string().min(1).max(100) }),
    locale: z.enum(['fr', 'en']).default('fr'),
  })
  .meta({ id: 'PushSubscriptionRequest' });
type PushRequest = z.infer<typeof PushRequest>;

const subscribePush = route(
  {
    method: 'post',
    path: '/api/push/subscriptions',
    id: 'subscribePush',
    tag: 'Pages',
    summary: 'Notify this browser',
    description: `At most ${PUSH_PER_CREDENTIAL} browsers per token, of which the oldest gives way, and ${PUSH_PER_BOOKING} per booking or person.`,
    guard: { scopes: ['session:view', 'bookings:write'] },
    body: PushRequest,
    answers: {
      201: { description: 'Subscribed', schema: z.object({ id: z.string() }).meta({ id: 'PushSubscribed' }) },
    },
    problems: ['not_found', 'conflict'],
  },
  async ({ deps, who, body }) => {
    const bookingId = body.booking_id ?? (who.kind === 'booking' ? who.subject! : null);
    if (bookingId !== null) {
      requireBooking(who, bookingId);
      const booking = await deps.db.booking.findUnique({ where: { id: bookingId } });
      if (!booking) throw new Problem('not_found', `No booking ${bookingId}.`);
      requireOwner(who, booking);
    } else if (who.kind !== 'user') throw new Problem('bad_request', 'Say which booking (booking_id).');
    if (!isPushService(body.endpoint, deps.config.PUSH_SERVICES))
      throw invalid({
        endpoint: ['is not the https address of a push service that we know; an operator adds others to PUSH_SERVICES'],
      });
    return json({ id: await subscribe(deps, who, body, bookingId) }, 201);
  },
);

const unsubscribePush = route(
  {
    method: 'delete',
    path: '/api/push/subscriptions/{subscription_id}',
    id: 'unsubscribePush',
    tag: 'Pages',
    summary: 'Notify this browser no more',
    guard: { scopes: ['session:view', 'bookings:write'] },
    params: z.object({ subscription_id: z.string().max(64) }),
    answers: { 204: { description: 'Gone' } },
  },
  async ({ deps, who, params }) => {
    const row = await deps.db.pushSubscription.findUnique({ where: { id: params.subscription_id } });
    const own =
      row &&
      (who.kind === 'key' ||
        who.kind === 'admin' ||
        (who.kind === 'booking' && row.bookingId === who.subject) ||
        (who.kind === 'user' && row.userRef === who.subject));
    if (!own) throw new Problem('not_found', 'No such subscription.');
    await deps.db.pushSubscription.delete({ where: { id: row.id } });
    return new Response(null, { status: 204 });
  },
);

export const pushRoutes = routes(subscribePush, unsubscribePush);

/** A browser is told of each booking that it asked for; a person's own token asks for all of theirs at once. */
async function subscribe(deps: Deps, who: Identity, body: PushRequest, bookingId: string | null): Promise<string> {
  const userRef = who.kind === 'user' ? who.subject : null;
  const id =
    userRef === null
      ? stableId('push', body.endpoint, 'booking', bookingId!)
      : stableId('push', body.endpoint, 'user', userRef);
  const data = {
    bookingId,
    userRef,
    keys: body.keys,
    locale: body.locale,
    credentialId: who.credentialId,
    control: who.scopes.has('session:control'),
  };
  const scope = userRef === null ? { bookingId } : { userRef };
  await deps.db.$transaction(async (tx) => {
    await lockKey(tx, `push/${bookingId ?? userRef}`);
    const known = await tx.pushSubscription.findUnique({ where: { id }, select: { id: true } });
    if (!known) await makeRoom(tx, scope, who.credentialId);
    await tx.pushSubscription.upsert({
      where: { id },
      create: { id, endpoint: body.endpoint, ...data },
      update: data,
    });
  });
  return id;
}

/** One token's oldest browser gives way to its newest; one token takes nobody else's place. @throws Problem `conflict` when all places are others' */
async function makeRoom(
  tx: Transaction,
  scope: { bookingId: string | null } | { userRef: string | null },
  credentialId: string,
): Promise<void> {
  const rows = await tx.pushSubscription.findMany({
    where: scope,
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true, credentialId: true },
  });
  const own = rows.filter((row) => row.credentialId === credentialId);
  const isFull = rows.length >= PUSH_PER_BOOKING;
  if (isFull && own.length === 0)
    throw new Problem('conflict', `${PUSH_PER_BOOKING} browsers are told already; end one of them first.`);
  if (isFull || own.length >= PUSH_PER_CREDENTIAL) await tx.pushSubscription.delete({ where: { id: own[0]!.id } });
}
