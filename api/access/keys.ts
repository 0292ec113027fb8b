import { randomBytes, randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { SCOPES, type Scope } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import { hashKey, requireKey, type Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { json, route } from '../operation.ts';

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

async function mintKey(deps: Deps, who: Identity, request: z.infer<typeof KeyRequest>): Promise<Response> {
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
}

export const makeKey = route(
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
  ({ deps, who, body }) => {
    requireKey(who, 'Making keys');
    return mintKey(deps, who, body);
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
    answers: { 200: { description: 'All', schema: z.object({ data: z.array(KeyRow) }).meta({ id: 'ApiKeyList' }) } },
  },
  async ({ deps }) => json({ data: (await deps.db.apiKey.findMany({ orderBy: { createdAt: 'desc' } })).map(showKey) }),
);

const KeyId = z.object({ key_id: z.string().max(64) });

export const rotateKey = route(
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
  async ({ deps, who, params, body }) => {
    requireKey(who, 'Rotating keys');
    const old = await deps.db.apiKey.findUnique({ where: { id: params.key_id } });
    if (!old || old.revokedAt) throw new Problem('not_found', 'No such key.');
    const overlap = body.overlap_seconds ?? 86_400;
    const response = await mintKey(deps, who, {
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

export const revokeKey = route(
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
  async ({ deps, who, params }) => {
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
