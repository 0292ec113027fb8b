import { publicUrl } from '../../platform/config.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { TokenRequest, TokenResponse, type Scope } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import {
  KIND_SCOPES,
  TOKEN_LIFETIME_MS,
  VIEW_AFTER_SLOT_MS,
  requireKey,
  requireTelescope,
  type Identity,
  type TokenSlot,
} from '../auth.ts';
import { refuseFromNow, scopesToHandOn, telescopesToHandOn } from './minting.ts';
import type { Deps } from '../deps.ts';
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

type Body = z.infer<typeof TokenRequest>;
/** @throws Problem `invalid` where there is no such booking */
async function slotOf(deps: Deps, bookingId: string): Promise<TokenSlot> {
  const booking = await deps.db.booking.findUnique({ where: { id: bookingId } });
  if (!booking) throw invalid({ subject: [`there is no booking "${bookingId}"`] });
  const { telescopeId, startsAt, endsAt } = booking;
  return { telescopeId, startMs: startsAt.getTime(), endMs: endsAt.getTime() };
}
function scopesOf(who: Identity, { kind, scopes }: Body): Scope[] {
  const allowed = KIND_SCOPES[kind];
  const beyond = scopes?.filter((scope) => !allowed.includes(scope)) ?? [];
  if (beyond.length > 0) throw invalid({ scopes: [`a ${kind} token cannot have ${beyond.join(', ')}`] });
  return scopesToHandOn(who, scopes, allowed);
}
/** In whole seconds, and never after the key that makes it. @throws Problem `invalid` */
function expiryOf(who: Identity, body: Body, slot: TokenSlot | null, now: number): number {
  const usual = slot ? slot.endMs + VIEW_AFTER_SLOT_MS : now + TOKEN_LIFETIME_MS;
  const latest = Math.min(usual, who.expiresAtMs ?? Infinity);
  const wanted = body.expires_at ? Date.parse(body.expires_at) : latest;
  if (wanted <= now)
    throw invalid({
      expires_at: [slot && !body.expires_at ? 'the slot ended more than a day ago' : 'must be in the future'],
    });
  if (wanted > latest) throw invalid({ expires_at: [`may be ${new Date(latest).toISOString()} at the latest`] });
  return Math.floor(wanted / 1000) * 1000;
}

interface Minted {
  token: string;
  scopes: Scope[];
  expiresAtMs: number;
}
/** @throws Problem `invalid` or `forbidden` */
async function mint(deps: Deps, who: Identity, id: string, body: Body): Promise<Minted> {
  const now = deps.now();
  const { kind, subject } = body;
  const slot = kind === 'booking' ? await slotOf(deps, subject) : null;
  if (slot) requireTelescope(who, slot.telescopeId);
  const scopes = scopesOf(who, body);
  const telescopes = await telescopesToHandOn(deps, who, body.telescopes);
  const expiresAtMs = expiryOf(who, body, slot, now);
  const kept = { id, kind, subject, scopes, telescopes, mintedBy: who.credentialId };
  await deps.db.token.create({ data: { ...kept, expiresAt: new Date(expiresAtMs), createdAt: new Date(now) } });
  const signed = { id, kind, subject, scopes, expiresAtMs, slot };
  const token = deps.signer.sign({ ...signed, telescopes: telescopes.length > 0 ? telescopes : null });
  return { token, scopes, expiresAtMs };
}

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
    narrows: true,
    body: TokenRequest,
    answers: { 201: { description: 'The token, shown this once', schema: TokenResponse } },
  },
  async ({ deps, who, body }) => {
    requireKey(who, 'Making tokens');
    const id = randomUUID();
    // A shop that makes thousands at once waits here, not for the database's connections, which others need too.
    const { token, scopes, expiresAtMs } = await deps.minting.run(id, () => mint(deps, who, id, body));
    const path = body.kind === 'booking' ? `/control/${body.subject}` : PAGE_OF[body.kind];
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
    narrows: true,
    query: z.object({
      kind: z.enum(['booking', 'user', 'admin']).optional(),
      subject: z.string().max(64).optional(),
    }),
    answers: {
      200: { description: 'The newest 200', schema: z.object({ data: z.array(TokenRow) }).meta({ id: 'TokenList' }) },
    },
  },
  async ({ deps, who, query }) => {
    const rows = await deps.db.token.findMany({
      where: {
        expiresAt: { gt: new Date(deps.now()) },
        ...(who.telescopes ? { mintedBy: who.credentialId } : {}),
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
    narrows: true,
    params: z.object({ token_id: z.string().max(64) }),
    answers: { 204: { description: 'Revoked' } },
  },
  async ({ deps, who, params }) => {
    const now = new Date(deps.now());
    const mine = { id: params.token_id, ...(who.telescopes ? { mintedBy: who.credentialId } : {}) };
    await deps.db.$transaction(async (tx) => {
      const changed = await tx.token.updateMany({
        where: { ...mine, revokedAt: null },
        data: { revokedAt: now },
      });
      if (changed.count === 0 && !(await tx.token.findFirst({ where: mine })))
        throw new Problem('not_found', 'No such token.');
      if (changed.count > 0)
        await tx.audit.create({
          data: { id: randomUUID(), at: now, actor: who.name, action: 'token.revoke', data: { id: params.token_id } },
        });
      await publish(tx, { kind: 'control', what: 'token.revoked', data: { id: params.token_id } });
    });
    refuseFromNow(deps, [params.token_id]);
    return new Response(null, { status: 204 });
  },
);
