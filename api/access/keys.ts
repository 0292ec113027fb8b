import { randomBytes, randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { SCOPES } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import { hashKey, requireKey, type Identity } from '../auth.ts';
import type { Transaction } from '../../platform/database.ts';
import type { ApiKey } from '../../prisma/client/client.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import {
  covers,
  expiryToHandOn,
  refuseFromNow,
  requireCovers,
  revokeWithOffspring,
  scopesToHandOn,
  telescopesToHandOn,
} from './minting.ts';
import { json, route } from '../operation.ts';

const KeyRow = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    telescopes: z.array(z.string()).describe('For these alone; empty for all'),
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
    telescopes: z
      .array(TelescopeId)
      .max(100)
      .optional()
      .describe('For these alone; all that you are for when left out'),
  })
  .meta({ id: 'ApiKeyRequest' });

const KeyMade = KeyRow.extend({ key: z.string().describe('Shown this once; only its hash is kept') }).meta({
  id: 'ApiKeyMade',
});

const showKey = (row: {
  id: string;
  name: string;
  scopes: string[];
  telescopes: string[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}): z.infer<typeof KeyRow> => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  telescopes: row.telescopes,
  created_at: row.createdAt.toISOString(),
  expires_at: row.expiresAt?.toISOString() ?? null,
  revoked_at: row.revokedAt?.toISOString() ?? null,
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
});

type NewKey = Pick<ApiKey, 'name' | 'scopes' | 'telescopes' | 'expiresAt' | 'mintedBy'>;
/** @param then what else belongs to it, in the same transaction */
async function mintKey(
  deps: Deps,
  who: Identity,
  row: NewKey,
  then: (tx: Transaction, made: ApiKey) => Promise<unknown> = () => Promise.resolve(),
): Promise<Response> {
  const key = `nck_${randomBytes(32).toString('base64url')}`;
  const now = new Date(deps.now());
  const made = await deps.db.$transaction(async (tx) => {
    const created = await tx.apiKey.create({ data: { id: randomUUID(), hash: hashKey(key), createdAt: now, ...row } });
    const { id, name, scopes, telescopes } = created;
    await tx.audit.create({
      data: { id: randomUUID(), at: now, actor: who.name, action: 'key.make', data: { id, name, scopes, telescopes } },
    });
    await then(tx, created);
    return created;
  });
  return json({ ...showKey(made), key }, 201, { 'cache-control': 'no-store' });
}

export const makeKey = route(
  {
    method: 'post',
    path: '/api/keys',
    id: 'makeKey',
    tag: 'Access',
    summary: 'A named server key',
    guard: { scopes: ['tokens:write'] },
    narrows: true,
    body: KeyRequest,
    answers: { 201: { description: 'The key, shown this once', schema: KeyMade } },
  },
  async ({ deps, who, body }) => {
    requireKey(who, 'Making keys');
    const expiresAtMs = expiryToHandOn(who, body.expires_at ? Date.parse(body.expires_at) : null);
    return mintKey(deps, who, {
      name: body.name,
      scopes: scopesToHandOn(who, body.scopes, SCOPES),
      telescopes: await telescopesToHandOn(deps, who, body.telescopes),
      expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
      mintedBy: who.credentialId,
    });
  },
);

export const listKeys = route(
  {
    method: 'get',
    path: '/api/keys',
    id: 'listKeys',
    tag: 'Access',
    summary: 'Server keys, without their values',
    guard: { scopes: ['tokens:write'] },
    narrows: true,
    answers: { 200: { description: 'All', schema: z.object({ data: z.array(KeyRow) }).meta({ id: 'ApiKeyList' }) } },
  },
  async ({ deps, who }) => {
    const all = await deps.db.apiKey.findMany({ orderBy: { createdAt: 'desc' } });
    return json({ data: all.filter((row) => who.telescopes === null || covers(who, row)).map(showKey) });
  },
);

const KeyId = z.object({ key_id: z.string().max(64) });

export const rotateKey = route(
  {
    method: 'post',
    path: '/api/keys/{key_id}/rotate',
    id: 'rotateKey',
    tag: 'Access',
    summary: 'A successor for a key with its scopes, telescopes and expiry; the old one ends after the overlap',
    guard: { scopes: ['tokens:write'] },
    narrows: true,
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
  async ({ deps, who, params, body }) => {
    requireKey(who, 'Rotating keys');
    const old = await deps.db.apiKey.findUnique({ where: { id: params.key_id } });
    if (!old || old.revokedAt) throw new Problem('not_found', 'No such key.');
    requireCovers(who, old);
    const endsMs = deps.now() + (body.overlap_seconds ?? 86_400) * 1000;
    const { name, scopes, telescopes, expiresAt, mintedBy } = old;
    const response = await mintKey(deps, who, { name, scopes, telescopes, expiresAt, mintedBy }, async (tx, made) => {
      // What the old key made goes on as the new one's: a rotation ends nobody's session.
      const handOver = { where: { mintedBy: old.id }, data: { mintedBy: made.id } };
      await Promise.all([
        tx.apiKey.updateMany(handOver),
        tx.token.updateMany(handOver),
        tx.operator.updateMany(handOver),
      ]);
      const expires = new Date(Math.min(old.expiresAt?.getTime() ?? Infinity, endsMs));
      await tx.apiKey.update({ where: { id: old.id }, data: { expiresAt: expires } });
    });
    await publish(deps.db, { kind: 'control', what: 'keys.changed', data: {} });
    deps.keys.forget();
    return response;
  },
);

export const revokeKey = route(
  {
    method: 'delete',
    path: '/api/keys/{key_id}',
    id: 'revokeKey',
    tag: 'Access',
    summary: 'Revoke a server key, with every key, operator and token that it made',
    guard: { scopes: ['tokens:write'] },
    narrows: true,
    params: KeyId,
    answers: { 204: { description: 'Revoked' } },
  },
  async ({ deps, who, params }) => {
    requireKey(who, 'Revoking keys');
    const now = new Date(deps.now());
    const old = await deps.db.apiKey.findUnique({ where: { id: params.key_id } });
    if (!old || old.revokedAt) throw new Problem('not_found', 'No such key.');
    requireCovers(who, old);
    const tokens = await deps.db.$transaction(async (tx) => {
      const ended = await revokeWithOffspring(tx, old.id, now);
      await tx.audit.create({
        data: {
          id: randomUUID(),
          at: now,
          actor: who.name,
          action: 'key.revoke',
          data: { id: old.id, tokens: ended.length },
        },
      });
      return ended;
    });
    refuseFromNow(deps, tokens);
    await publish(deps.db, { kind: 'control', what: 'keys.changed', data: {} });
    deps.keys.forget();
    return new Response(null, { status: 204 });
  },
);
