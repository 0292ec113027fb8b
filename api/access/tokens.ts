import { publicUrl } from '../../platform/config.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { TokenRequest, TokenResponse, type Scope } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import { KIND_SCOPES, TOKEN_LIFETIME_MS, VIEW_AFTER_SLOT_MS, requireKey, type TokenSlot } from '../auth.ts';
import { Problem, invalid } from '../errors.ts';
import { json, route } from '../operation.ts';

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

/** The page that a token opens; a booking's stands under its id. */
const PAGE_OF: Record<z.infer<typeof TokenRequest>['kind'], string | null> = {
  user: '/observations',
  admin: '/admin',
  booking: null,
};

export const makeToken = route(
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
  async ({ deps, who, body }) => {
    requireKey(who, 'Making tokens');
    const now = deps.now();
    let slot: TokenSlot | null = null;
    let latest = now + TOKEN_LIFETIME_MS;
    let path = PAGE_OF[body.kind];
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
          body.kind === 'booking' && !body.expires_at ? 'the slot ended more than a day ago' : 'must be in the future',
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

export const listTokens = route(
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
  async ({ deps, query }) => {
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

export const revokeToken = route(
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
  async ({ deps, who, params }) => {
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
