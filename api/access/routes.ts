import { publicUrl } from '../../platform/config.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { Instant } from '../../domain/contracts/common.ts';
import { SCOPES, TokenRequest, TokenResponse, type Scope } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import { KIND_SCOPES, TOKEN_LIFETIME_MS, VIEW_AFTER_SLOT_MS, hashKey, requireKey, type TokenSlot } from '../auth.ts';
import { requireBooking, requireOwner, seesPerson, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, ProblemDocument, invalid } from '../errors.ts';
import { ADMIN_CHANNEL, SOCKET_ID, bookingOfChannel, signChannel, telescopeOfChannel } from '../live/protocol.ts';
import { clientAddress, identify, json, operation, refuseGuessing, type App } from '../operation.ts';
import { stableId } from '../../domain/ids.ts';

const TokenRow = z
  .object({
    id: z.string(),
    kind: z.string(),
    subject: z.string(),
    scopes: z.array(z.string()),
    created_at: Instant,
    expires_at: Instant,
    revoked_at: Instant.nullable(),
  })
  .meta({ id: 'TokenListed' });
const KeyRow = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    created_at: Instant,
    expires_at: Instant.nullable(),
    revoked_at: Instant.nullable(),
    last_used_at: Instant.nullable(),
  })
  .meta({ id: 'ApiKeyListed' });
const KeyRequest = z
  .object({
    name: z
      .string()
      .min(1)
      .max(60)
      .regex(/^[\w .-]+$/),
    scopes: z.array(z.enum(SCOPES)).min(1).optional(),
    expires_at: Instant.optional(),
  })
  .meta({ id: 'ApiKeyRequest' });
const KeyMade = KeyRow.extend({ key: z.string().describe('Shown this once; only its hash is kept') }).meta({
  id: 'ApiKeyMade',
});

const showKey = (row: {
  id: string;
  name: string;
  scopes: string[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}): z.infer<typeof KeyRow> => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  created_at: row.createdAt.toISOString(),
  expires_at: row.expiresAt?.toISOString() ?? null,
  revoked_at: row.revokedAt?.toISOString() ?? null,
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
});

/** Channel authorisations of one socket: a page needs three, and again after each reconnect. */
const SOCKET_AUTHS = { perSecond: 1, burst: 30 };
/** Of all sockets that a shared link opens. */
const TOKEN_AUTHS = { perSecond: 100, burst: 3_000 };

export function accessRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/tokens',
      id: 'makeToken',
      tag: 'Access',
      summary: 'A signed token for a browser',
      description:
        'booking: one session (control and abort end with the slot). user: the bookings of that `user.ref`. admin: all. At most 24 h; a booking token may view until a day after its slot.',
      guard: { scopes: ['tokens:write'] },
      body: TokenRequest,
      answers: { 201: { description: 'The token, shown this once', schema: TokenResponse } },
    },
    async ({ who, body }) => {
      requireKey(who, 'Making tokens');
      const now = deps.now();
      let slot: TokenSlot | null = null;
      let latest = now + TOKEN_LIFETIME_MS;
      let path: string | null = body.kind === 'user' ? '/observations' : body.kind === 'admin' ? '/admin' : null;
      if (body.kind === 'booking') {
        const booking = await deps.db.booking.findUnique({ where: { id: body.subject } });
        if (!booking) throw invalid({ subject: [`there is no booking "${body.subject}"`] });
        slot = {
          telescopeId: booking.telescopeId,
          startMs: booking.startsAt.getTime(),
          endMs: booking.endsAt.getTime(),
        };
        latest = slot.endMs + VIEW_AFTER_SLOT_MS;
        path = `/control/${booking.id}`;
      }
      const allowed = KIND_SCOPES[body.kind];
      const beyond = body.scopes?.filter((scope) => !allowed.includes(scope)) ?? [];
      if (beyond.length > 0) throw invalid({ scopes: [`a ${body.kind} token cannot have ${beyond.join(', ')}`] });
      const wanted = body.expires_at ? Date.parse(body.expires_at) : latest;
      if (wanted <= now)
        throw invalid({
          expires_at: [
            body.kind === 'booking' && !body.expires_at
              ? 'the slot ended more than a day ago'
              : 'must be in the future',
          ],
        });
      if (wanted > latest) throw invalid({ expires_at: [`may be ${new Date(latest).toISOString()} at the latest`] });
      const scopes = [...new Set(body.scopes ?? allowed)] as Scope[];
      const id = randomUUID();
      const expiresAtMs = Math.floor(wanted / 1000) * 1000;
      await deps.db.token.create({
        data: {
          id,
          kind: body.kind,
          subject: body.subject,
          scopes,
          expiresAt: new Date(expiresAtMs),
          createdAt: new Date(now),
        },
      });
      const token = deps.signer.sign({ id, kind: body.kind, subject: body.subject, scopes, expiresAtMs, slot });
      return json(
        {
          token,
          id,
          kind: body.kind,
          subject: body.subject,
          scopes,
          expires_at: new Date(expiresAtMs).toISOString(),
          control_url: path ? `${publicUrl(deps.config)}${path}#token=${token}` : null,
        },
        201,
        { 'cache-control': 'no-store' },
      );
    },
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/tokens',
      id: 'listTokens',
      tag: 'Access',
      summary: 'Tokens that have not expired',
      guard: { scopes: ['tokens:write'] },
      query: z.object({
        kind: z.enum(['booking', 'user', 'admin']).optional(),
        subject: z.string().max(64).optional(),
      }),
      answers: {
        200: { description: 'The newest 200', schema: z.object({ data: z.array(TokenRow) }).meta({ id: 'TokenList' }) },
      },
    },
    async ({ query }) => {
      const rows = await deps.db.token.findMany({
        where: {
          expiresAt: { gt: new Date(deps.now()) },
          ...(query.kind ? { kind: query.kind } : {}),
          ...(query.subject ? { subject: query.subject } : {}),
        },
        orderBy: { createdAt: 'desc' },
        take: 200,
      });
      return json({
        data: rows.map((row) => ({
          id: row.id,
          kind: row.kind,
          subject: row.subject,
          scopes: row.scopes,
          created_at: row.createdAt.toISOString(),
          expires_at: row.expiresAt.toISOString(),
          revoked_at: row.revokedAt?.toISOString() ?? null,
        })),
      });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'delete',
      path: '/api/tokens/{token_id}',
      id: 'revokeToken',
      tag: 'Access',
      summary: 'Revoke a token everywhere within a second',
      guard: { scopes: ['tokens:write'] },
      params: z.object({ token_id: z.string().max(64) }),
      answers: { 204: { description: 'Revoked' } },
    },
    async ({ who, params }) => {
      const now = new Date(deps.now());
      await deps.db.$transaction(async (tx) => {
        const changed = await tx.token.updateMany({
          where: { id: params.token_id, revokedAt: null },
          data: { revokedAt: now },
        });
        if (changed.count === 0 && !(await tx.token.findUnique({ where: { id: params.token_id } })))
          throw new Problem('not_found', 'No such token.');
        if (changed.count > 0)
          await tx.audit.create({
            data: { id: randomUUID(), at: now, actor: who.name, action: 'token.revoke', data: { id: params.token_id } },
          });
        await publish(tx, { kind: 'control', what: 'token.revoked', data: { id: params.token_id } });
      });
      deps.revocations.add(params.token_id);
      deps.live.grants.revoke(params.token_id);
      return new Response(null, { status: 204 });
    },
  );

  const makeKey = async (who: Identity, request: z.infer<typeof KeyRequest>): Promise<Response> => {
    const beyond = request.scopes?.filter((scope) => !who.scopes.has(scope)) ?? [];
    if (beyond.length > 0) throw invalid({ scopes: [`you do not have ${beyond.join(', ')} yourself`] });
    const key = `nck_${randomBytes(32).toString('base64url')}`;
    const now = new Date(deps.now());
    const row = await deps.db.$transaction(async (tx) => {
      const made = await tx.apiKey.create({
        data: {
          id: randomUUID(),
          name: request.name,
          hash: hashKey(key),
          scopes: request.scopes ?? [...who.scopes],
          createdAt: now,
          expiresAt: request.expires_at ? new Date(request.expires_at) : null,
        },
      });
      await tx.audit.create({
        data: {
          id: randomUUID(),
          at: now,
          actor: who.name,
          action: 'key.make',
          data: { id: made.id, name: made.name, scopes: made.scopes },
        },
      });
      return made;
    });
    return json({ ...showKey(row), key }, 201, { 'cache-control': 'no-store' });
  };

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/keys',
      id: 'makeKey',
      tag: 'Access',
      summary: 'A named server key',
      guard: { scopes: ['tokens:write'] },
      body: KeyRequest,
      answers: { 201: { description: 'The key, shown this once', schema: KeyMade } },
    },
    ({ who, body }) => {
      requireKey(who, 'Making keys');
      return makeKey(who, body);
    },
  );
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/keys',
      id: 'listKeys',
      tag: 'Access',
      summary: 'Server keys, without their values',
      guard: { scopes: ['tokens:write'] },
      answers: { 200: { description: 'All', schema: z.object({ data: z.array(KeyRow) }).meta({ id: 'ApiKeyList' }) } },
    },
    async () => json({ data: (await deps.db.apiKey.findMany({ orderBy: { createdAt: 'desc' } })).map(showKey) }),
  );
  const KeyId = z.object({ key_id: z.string().max(64) });
  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/keys/{key_id}/rotate',
      id: 'rotateKey',
      tag: 'Access',
      summary: 'A successor for a key; the old one ends after the overlap',
      guard: { scopes: ['tokens:write'] },
      params: KeyId,
      body: z
        .object({
          overlap_seconds: z
            .number()
            .int()
            .min(0)
            .max(30 * 86_400)
            .default(86_400),
        })
        .meta({ id: 'KeyRotation' }),
      bodyOptional: true,
      answers: { 201: { description: 'The new key, shown this once', schema: KeyMade } },
    },
    async ({ who, params, body }) => {
      requireKey(who, 'Rotating keys');
      const old = await deps.db.apiKey.findUnique({ where: { id: params.key_id } });
      if (!old || old.revokedAt) throw new Problem('not_found', 'No such key.');
      const overlap = body.overlap_seconds ?? 86_400;
      const response = await makeKey(who, {
        name: old.name,
        scopes: old.scopes.filter((s) => who.scopes.has(s as Scope)) as Scope[],
      });
      await deps.db.apiKey.update({
        where: { id: old.id },
        data: { expiresAt: new Date(Math.min(old.expiresAt?.getTime() ?? Infinity, deps.now() + overlap * 1000)) },
      });
      await publish(deps.db, { kind: 'control', what: 'keys.changed', data: {} });
      deps.keys.forget();
      return response;
    },
  );
  operation(
    app,
    deps,
    {
      method: 'delete',
      path: '/api/keys/{key_id}',
      id: 'revokeKey',
      tag: 'Access',
      summary: 'Revoke a server key',
      guard: { scopes: ['tokens:write'] },
      params: KeyId,
      answers: { 204: { description: 'Revoked' } },
    },
    async ({ who, params }) => {
      requireKey(who, 'Revoking keys');
      const now = new Date(deps.now());
      const changed = await deps.db.apiKey.updateMany({
        where: { id: params.key_id, revokedAt: null },
        data: { revokedAt: now },
      });
      if (changed.count === 0) throw new Problem('not_found', 'No such key.');
      await deps.db.audit.create({
        data: { id: randomUUID(), at: now, actor: who.name, action: 'key.revoke', data: { id: params.key_id } },
      });
      await publish(deps.db, { kind: 'control', what: 'keys.changed', data: {} });
      deps.keys.forget();
      return new Response(null, { status: 204 });
    },
  );

  const channelAuth = z.object({ auth: z.string(), channel_data: z.string().optional() }).meta({ id: 'ChannelAuth' });
  // Pusher's clients send a form, others JSON: the body is read by hand, so it stands in the document by hand too.
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/broadcasting/auth',
    operationId: 'authoriseChannel',
    tags: ['Live'],
    summary: 'Signature for a private or presence channel',
    description: 'For pages that are not behind a Laravel app of their own; with a token or a key.',
    security: [{ apiKey: [] }, { bearer: [] }],
    request: {
      body: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': {
            schema: z.object({ socket_id: z.string(), channel_name: z.string() }),
          },
        },
      },
    },
    responses: {
      200: { description: 'The signature', content: { 'application/json': { schema: channelAuth } } },
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
  app.post('/broadcasting/auth', async (c) => {
    const who = await identify(deps, c, false).catch((thrown: unknown) => {
      if (thrown instanceof Problem && thrown.status === 401) refuseGuessing(deps, clientAddress(c));
      throw thrown;
    });
    const body = await channelRequest(c);
    const socketId = typeof body.socket_id === 'string' ? body.socket_id : '';
    const channel = typeof body.channel_name === 'string' ? body.channel_name : '';
    if (!SOCKET_ID.test(socketId)) throw invalid({ socket_id: ['is not a socket id'] });
    refuseFlood(deps, who, socketId);
    if (channel.length === 0 || channel.length > 200) throw invalid({ channel_name: ['is required'] });
    const channelData = await authorise(deps, who, channel);
    deps.live.grants.give(socketId, channel, who.credentialId, who.expiresAtMs);
    return json(
      {
        auth: signChannel(deps.live.key, deps.live.secret, socketId, channel, channelData),
        ...(channelData === undefined ? {} : { channel_data: channelData }),
      },
      200,
      {
        'cache-control': 'no-store',
      },
    );
  });
}

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
    const isJson = c.req.header('content-type')?.includes('json') ?? false;
    const body: unknown = isJson ? await c.req.json() : await c.req.parseBody();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch (thrown) {
    if (thrown instanceof HTTPException) throw thrown;
    throw new Problem('bad_request', 'The body is neither a form nor JSON.');
  }
}

/** May this identity listen here? @returns channel_data for presence channels. @throws Problem `forbidden` or `not_found`. */
async function authorise(deps: Deps, who: Identity, channel: string): Promise<string | undefined> {
  const mayView = who.scopes.has('session:view') || who.scopes.has('bookings:read') || who.scopes.has('admin:read');
  const bookingId = bookingOfChannel(channel);
  if (bookingId !== null) {
    if (!mayView) throw new Problem('forbidden', 'This needs the scope session:view.');
    requireBooking(who, bookingId);
    const booking = await deps.db.booking.findUnique({ where: { id: bookingId } });
    if (!booking) throw new Problem('not_found', `No booking ${bookingId}.`);
    requireOwner(who, booking);
    if (who.kind === 'booking' && deps.now() > booking.endsAt.getTime() + VIEW_AFTER_SLOT_MS)
      throw new Problem('forbidden', 'The slot of this booking is over.');
    return undefined;
  }
  const telescopeId = telescopeOfChannel(channel);
  if (telescopeId !== null) {
    if (!mayView) throw new Problem('forbidden', 'This needs the scope session:view.');
    if (who.kind === 'booking' && who.slot?.telescopeId !== telescopeId)
      throw new Problem('forbidden', 'This token is for another telescope.');
    if (
      who.kind === 'user' &&
      !(await deps.db.booking.findFirst({ where: { userRef: who.subject!, telescopeId }, select: { id: true } }))
    )
      throw new Problem('forbidden', 'You have no booking on this telescope.');
    const owner =
      who.kind === 'booking'
        ? (await deps.db.booking.findUnique({ where: { id: who.subject! }, select: { userRef: true } }))?.userRef
        : who.kind === 'user'
          ? who.subject!
          : null;
    const person = owner && seesPerson(who) ? await deps.db.user.findUnique({ where: { ref: owner } }) : null;
    const role =
      who.kind === 'key'
        ? 'operator'
        : who.kind === 'admin'
          ? 'admin'
          : who.scopes.has('session:control')
            ? 'guest'
            : 'spectator';
    return JSON.stringify({
      user_id: stableId('viewer', who.credentialId).slice(0, 13),
      user_info: { role, initials: initials(person?.displayName ?? null) },
    });
  }
  if (channel === ADMIN_CHANNEL) {
    if (!who.scopes.has('admin:read')) throw new Problem('forbidden', 'This needs the scope admin:read.');
    return undefined;
  }
  throw new Problem('forbidden', 'There is no such channel for you.');
}

const initials = (name: string | null): string =>
  (name ?? '')
    .split(/[\s-]+/)
    .filter(Boolean)
    .map((part) => String.fromCodePoint(part.codePointAt(0)!).toUpperCase())
    .slice(0, 2)
    .join('');
