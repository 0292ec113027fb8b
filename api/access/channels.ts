import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import {
  VIEW_AFTER_SLOT_MS,
  requireBooking,
  requireOwner,
  requireTelescope,
  seesPerson,
  type Identity,
} from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, ProblemDocument, invalid, problemBody, toProblem } from '../errors.ts';
import { ADMIN_CHANNEL, SOCKET_ID, bookingOfChannel, signChannel, telescopeOfChannel } from '../live/protocol.ts';
import { clientAddress, identify, refuseGuessing } from '../guard.ts';
import { json, type App } from '../operation.ts';
import { stableId } from '../../domain/ids.ts';

/** Channel authorisations of one socket: a page needs three, and again after each reconnect. */
const SOCKET_AUTHS = { perSecond: 1, burst: 30 };

/** In one question; a page of ours names three. */
const MOST_CHANNELS = 10;

/** Of all sockets that a shared link opens. */
const TOKEN_AUTHS = { perSecond: 100, burst: 3_000 };

/**
 * A link is shared, so that the budget is each socket's; the credential's own, much larger, is for who makes up socket ids.
 * @throws Problem `too_many_requests`.
 */
function refuseFlood(deps: Deps, who: Identity, socketId: string): void {
  if (who.kind === 'key') return;
  const wait =
    deps.limiter.take(`socket:${who.credentialId}:${socketId}`, SOCKET_AUTHS.perSecond, SOCKET_AUTHS.burst) ||
    deps.limiter.take(`auth:${who.credentialId}`, TOKEN_AUTHS.perSecond, TOKEN_AUTHS.burst);
  if (wait > 0)
    throw new Problem('too_many_requests', 'Too many requests with this token.', {}, { 'retry-after': String(wait) });
}

/** The body as pusher-js sends it (a form) or as JSON. @throws Problem 400 for anything else. */
async function channelRequest(c: Context): Promise<Record<string, unknown>> {
  try {
    const type = c.req.header('content-type') ?? '';
    // What pusher-js sends is read without a FormData: thousands ask at once when an api comes back.
    if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
      const form = new URLSearchParams(await c.req.text());
      const several = form.getAll('channel_name[]');
      return { ...Object.fromEntries(form), ...(several.length > 0 && { channel_name: several }) };
    }
    const body: unknown = type.includes('json') ? await c.req.json() : await c.req.parseBody();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch (thrown) {
    if (thrown instanceof HTTPException) throw thrown;
    throw new Problem('bad_request', 'The body is neither a form nor JSON.');
  }
}

/** May this identity listen here? @returns channel_data for presence channels. @throws Problem `forbidden` or `not_found`. */
async function authorise(deps: Deps, who: Identity, channel: string): Promise<string | undefined> {
  const bookingId = bookingOfChannel(channel);
  if (bookingId !== null) return mayWatchSession(deps, who, bookingId);
  const telescopeId = telescopeOfChannel(channel);
  if (telescopeId !== null) requireTelescope(who, telescopeId);
  if (telescopeId !== null) return memberOf(deps, who, telescopeId);
  if (channel !== ADMIN_CHANNEL) throw new Problem('forbidden', 'There is no such channel for you.');
  if (who.telescopes) throw new Problem('forbidden', `This credential is for ${who.telescopes.join(', ')} only.`);
  if (!who.scopes.has('admin:read')) throw new Problem('forbidden', 'This needs the scope admin:read.');
  return undefined;
}
function refuseBlind(who: Identity): void {
  if (who.scopes.has('session:view') || who.scopes.has('bookings:read') || who.scopes.has('admin:read')) return;
  throw new Problem('forbidden', 'This needs the scope session:view.');
}
async function mayWatchSession(deps: Deps, who: Identity, bookingId: string): Promise<undefined> {
  refuseBlind(who);
  requireBooking(who, bookingId);
  const booking = (await deps.snapshots.rows(bookingId))?.booking;
  if (!booking) throw new Problem('not_found', `No booking ${bookingId}.`);
  requireOwner(who, booking);
  requireTelescope(who, booking.telescopeId);
  if (who.kind === 'booking' && deps.now() > booking.endsAt.getTime() + VIEW_AFTER_SLOT_MS)
    throw new Problem('forbidden', 'The slot of this booking is over.');
  return undefined;
}
/** How this identity is shown on a telescope's presence channel: by role and initials alone. */
async function memberOf(deps: Deps, who: Identity, telescopeId: string): Promise<string> {
  refuseBlind(who);
  if (who.kind === 'booking' && who.slot?.telescopeId !== telescopeId)
    throw new Problem('forbidden', 'This token is for another telescope.');
  if (
    who.kind === 'user' &&
    !(await deps.db.booking.findFirst({ where: { userRef: who.subject!, telescopeId }, select: { id: true } }))
  )
    throw new Problem('forbidden', 'You have no booking on this telescope.');
  const name = seesPerson(who) ? await nameOf(deps, who) : null;
  return JSON.stringify({
    user_id: stableId('viewer', who.credentialId).slice(0, 13),
    user_info: { role: roleOf(who), initials: initials(name) },
  });
}
async function nameOf(deps: Deps, who: Identity): Promise<string | null> {
  if (who.kind === 'booking') return (await deps.snapshots.rows(who.subject!))?.ownerName ?? null;
  if (who.kind !== 'user') return null;
  return (await deps.db.user.findUnique({ where: { ref: who.subject! } }))?.displayName ?? null;
}
function roleOf(who: Identity): 'operator' | 'admin' | 'guest' | 'spectator' {
  if (who.kind === 'key') return 'operator';
  if (who.kind === 'admin') return 'admin';
  return who.scopes.has('session:control') ? 'guest' : 'spectator';
}
const initials = (name: string | null): string =>
  (name ?? '')
    .split(/[\s-]+/)
    .filter(Boolean)
    .map((part) => String.fromCodePoint(part.codePointAt(0)!).toUpperCase())
    .slice(0, 2)
    .join('');

const channelAuth = z.object({ auth: z.string(), channel_data: z.string().optional() }).meta({ id: 'ChannelAuth' });
type ChannelAuth = z.infer<typeof channelAuth>;
const channelAuths = z
  .object({ channels: z.record(z.string(), z.union([channelAuth, ProblemDocument])) })
  .meta({ id: 'ChannelAuths' });

function documentAuth(app: App): void {
  const socket = z.object({ socket_id: z.string() });
  const names = z.array(z.string()).min(1).max(MOST_CHANNELS);
  // Pusher's clients send a form, others JSON: the body is read by hand, so it stands in the document by hand too.
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/broadcasting/auth',
    operationId: 'authoriseChannel',
    tags: ['Live'],
    summary: 'Signature for a private or presence channel, or for several at once',
    description:
      'For pages that are not behind a Laravel app of their own; with a token or a key. Several channels of one socket are answered by name: each is signed, or refused with a problem of its own.',
    security: [{ apiKey: [] }, { bearer: [] }],
    request: {
      body: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': {
            schema: z.union([socket.extend({ channel_name: z.string() }), socket.extend({ 'channel_name[]': names })]),
          },
          'application/json': { schema: socket.extend({ channel_name: z.union([z.string(), names]) }) },
        },
      },
    },
    responses: {
      200: {
        description: 'The signature, or what became of each channel',
        content: { 'application/json': { schema: z.union([channelAuth, channelAuths]) } },
      },
      ...Object.fromEntries(
        [400, 401, 403, 404, 413, 422, 429, 503].map((status) => [
          status,
          {
            description: 'See the problem document',
            content: { 'application/problem+json': { schema: ProblemDocument } },
          },
        ]),
      ),
    },
  });
}

/** One channel for one socket. @throws Problem when it is refused. */
async function sign(deps: Deps, who: Identity, socketId: string, channel: string): Promise<ChannelAuth> {
  refuseFlood(deps, who, socketId);
  if (channel.length === 0 || channel.length > 200) throw invalid({ channel_name: ['is required'] });
  const channelData = await authorise(deps, who, channel);
  deps.live.grants.give(socketId, channel, who.credentialId, who.expiresAtMs);
  return {
    auth: signChannel(deps.live.key, deps.live.secret, socketId, channel, channelData),
    ...(channelData === undefined ? {} : { channel_data: channelData }),
  };
}
/** The channels that one question names. @throws Problem 422. */
function severalNames(names: readonly unknown[]): string[] {
  if (names.length === 0) throw invalid({ channel_name: ['is required'] });
  if (names.length > MOST_CHANNELS) throw invalid({ channel_name: [`has at most ${MOST_CHANNELS} channels`] });
  const wrong = names.findIndex((name) => typeof name !== 'string');
  if (wrong >= 0) throw invalid({ [`channel_name.${wrong}`]: ['is not the name of a channel'] });
  return [...new Set(names as string[])];
}

/** Signs channels for a socket, as Pusher's clients ask a server to: one, or several whose refusals are their own. */
export function channelRoutes(app: App, deps: Deps): void {
  documentAuth(app);
  app.post('/broadcasting/auth', async (c) => {
    const who = await identify(deps, c, false).catch((thrown: unknown) => {
      if (thrown instanceof Problem && thrown.status === 401) refuseGuessing(deps, clientAddress(c));
      throw thrown;
    });
    const { socket_id: given, channel_name: named } = await channelRequest(c);
    const socketId = typeof given === 'string' ? given : '';
    if (!SOCKET_ID.test(socketId)) throw invalid({ socket_id: ['is not a socket id'] });
    const signed = Array.isArray(named)
      ? { channels: await signSeveral(deps, c, { who, socketId, channels: severalNames(named) }) }
      : await sign(deps, who, socketId, typeof named === 'string' ? named : '');
    return json(signed, 200, { 'cache-control': 'no-store' });
  });
}
async function signSeveral(
  deps: Deps,
  c: Context,
  asked: { who: Identity; socketId: string; channels: readonly string[] },
): Promise<z.infer<typeof channelAuths>['channels']> {
  const signed = asked.channels.map(async (channel) => {
    const answer = await sign(deps, asked.who, asked.socketId, channel).catch((thrown: unknown) =>
      problemBody(c, toProblem(thrown, deps.logger, c.get('requestId') as string | undefined)),
    );
    return [channel, answer] as const;
  });
  return Object.fromEntries(await Promise.all(signed));
}
