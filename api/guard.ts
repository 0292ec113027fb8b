import type { z } from '@hono/zod-openapi';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { tidyQuery } from '../domain/contracts/shapes.ts';
import type { Scope } from '../domain/contracts/token.ts';
import { verifySignedPath } from '../platform/signing.ts';
import { unauthenticated, type Identity } from './auth.ts';
import type { Deps } from './deps.ts';
import type { Ground } from './ground.ts';
import { readLeniently } from './lenient.ts';
import { Problem } from './errors.ts';

export interface AppEnv {
  Variables: { requestId: string; who: Identity };
}

/**
 * How a route is guarded. `scopes`: one of them is needed. `signedUrl`: `exp` and `sig` in the query do as well.
 * `failOpen`: a revocation that cannot be looked up does not stop it (abort alone). `costly`: an answer takes tens of milliseconds of computing, in
 * which nobody else is served; a credential has few of them in a second.
 */
export type Guard = 'public' | { scopes: readonly Scope[]; signedUrl?: boolean; failOpen?: boolean; costly?: boolean };

const COSTLY = { perSecond: 4, burst: 40 } as const;

export function clientAddress(c: Context): string {
  try {
    return getConnInfo(c).remote.address ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

const anonymous: Identity = {
  kind: 'signature',
  name: 'anonymous',
  subject: null,
  scopes: new Set(),
  credentialId: 'anonymous',
  expiresAtMs: null,
  slot: null,
  telescopes: null,
};

/** Is the credential of a request, or the signature of its address, genuine as far as memory can tell? Its scopes and an end are the guard's. */
export function isKnown(deps: Ground, c: Context): boolean {
  const sig = c.req.query('sig');
  if (sig !== undefined) return verifySignedPath(deps.urlKey, c.req.path, c.req.query('exp'), sig, deps.now()) === null;
  const given = c.req.header('x-api-key') ?? BEARER.exec(c.req.header('authorization') ?? '')?.[1];
  if (given === undefined) return false;
  return given.startsWith('nct_') ? deps.signer.isGenuine(given) : deps.keys.knows(given);
}

const BEARER = /^Bearer +(\S+)$/i;
/** The credential of a request: `X-API-Key`, or `Authorization: Bearer` with a token or a key. */
export async function identify(deps: Deps, c: Context, failOpen: boolean): Promise<Identity> {
  const key = c.req.header('x-api-key');
  if (key) return deps.keys.identify(key);
  const bearer = BEARER.exec(c.req.header('authorization') ?? '')?.[1];
  if (!bearer) throw unauthenticated('Send X-API-Key, or Authorization: Bearer with a token.');
  if (!bearer.startsWith('nct_')) return deps.keys.identify(bearer);
  const who = deps.signer.read(bearer, deps.now());
  await refuseRevoked(deps, who, failOpen);
  return who;
}

export async function refuseRevoked(deps: Deps, who: Identity, failOpen: boolean): Promise<void> {
  const revoked = failOpen
    ? await Promise.race([
        deps.revocations.has(who.credentialId),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 500).unref()),
      ]).catch(() => false)
    : await deps.revocations.has(who.credentialId);
  if (revoked)
    throw new Problem(
      'token_revoked',
      'The token has been revoked.',
      {},
      { 'www-authenticate': 'Bearer error="invalid_token"' },
    );
}

/** @throws Problem `too_many_requests` instead of 401 once an address has failed too often. */
export function refuseGuessing(deps: Deps, address: string): void {
  const wait = deps.limiter.failed(address);
  if (wait > 0)
    throw new Problem(
      'too_many_requests',
      'Too many failed attempts from this address.',
      {},
      { 'retry-after': String(wait) },
    );
}

/** Who asks, and whether they may. */
export function guardMiddleware(deps: Deps, guard: Guard): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (guard === 'public') c.set('who', anonymous);
    else {
      const sig = guard.signedUrl ? c.req.query('sig') : undefined;
      c.set('who', sig === undefined ? await holderOf(deps, c, guard) : bySignature(deps, c, sig));
    }
    await next();
  };
}
/** The bearer of a signed link. @throws Problem when it does not hold any more. */
function bySignature(deps: Deps, c: Context, sig: string): Identity {
  const wrong = verifySignedPath(deps.urlKey, c.req.path, c.req.query('exp'), sig, deps.now());
  if (wrong) {
    refuseGuessing(deps, clientAddress(c));
    throw wrong === 'expired'
      ? new Problem('token_expired', 'This link has expired.')
      : new Problem('unauthenticated', 'The signature of this link does not match.');
  }
  return { ...anonymous, name: 'signed-url', scopes: new Set<Scope>(['session:view']) };
}
function waitOf({ limiter }: Deps, { credentialId }: Identity, costly: boolean): number {
  const wait = limiter.take(`cred:${credentialId}`);
  return costly && wait === 0 ? limiter.take(`costly:${credentialId}`, COSTLY.perSecond, COSTLY.burst) : wait;
}
/** The holder of a key or token with one of the scopes, within its limit. */
async function holderOf(deps: Deps, c: Context, guard: Exclude<Guard, 'public'>): Promise<Identity> {
  const who = await identify(deps, c, guard.failOpen ?? false).catch((thrown: unknown) => {
    if (thrown instanceof Problem && thrown.status === 401) refuseGuessing(deps, clientAddress(c));
    throw thrown;
  });
  const wait = who.kind === 'key' ? 0 : waitOf(deps, who, guard.costly ?? false);
  // An abort is never told to wait.
  if (wait > 0 && !guard.failOpen)
    throw new Problem('too_many_requests', 'Too many requests with this token.', {}, { 'retry-after': String(wait) });
  if (!guard.scopes.some((scope) => who.scopes.has(scope)))
    throw new Problem('forbidden', `This needs the scope ${guard.scopes.join(' or ')}.`);
  return who;
}

/** A body is JSON and says so; what may be left out may be empty, and of a stop's body what can be read is taken. */
export function bodyMiddleware(body: { optional: boolean; lenient: boolean }): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (body.lenient) await readLeniently(c);
    else if (body.optional && isEmpty(c)) withoutType(c);
    else if (!/^application\/([a-z0-9.+-]+\+)?json\b/i.test(c.req.header('content-type') ?? ''))
      throw new Problem('unsupported_media_type', 'Send the body as application/json.');
    await next();
  };
}
function isEmpty(c: Context): boolean {
  const length = c.req.header('content-length');
  return length === '0' || (length === undefined && c.req.header('transfer-encoding') === undefined);
}
/** The media type of nothing is forgotten: the validator would read it. */
function withoutType(c: Context): void {
  if (c.req.header('content-type') === undefined) return;
  const headers = new Headers(c.req.raw.headers);
  headers.delete('content-type');
  c.req.raw = new Request(c.req.url, { method: c.req.method, headers });
}

/** What is empty in an address is absent, and times may be written in each harmless way, before the query is judged. */
export function queryMiddleware(schema: z.ZodObject): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const at = c.req.url.indexOf('?');
    const tidied = at < 0 ? null : tidyQuery(schema, new URLSearchParams(c.req.url.slice(at + 1)));
    if (tidied) {
      const all: Record<string, string[]> = {};
      for (const key of tidied.keys()) all[key] = tidied.getAll(key);
      c.req.queries = ((key?: string) => (key === undefined ? all : all[key])) as typeof c.req.queries;
    }
    await next();
  };
}
