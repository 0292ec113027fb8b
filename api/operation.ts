import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { lenient, tidyQuery } from '../domain/contracts/shapes.ts';
import type { Scope } from '../domain/contracts/token.ts';
import { verifySignedPath } from '../platform/signing.ts';
import { unauthenticated, type Identity } from './auth.ts';
import type { Deps } from './deps.ts';
import { readLeniently } from './lenient.ts';
import { EVERY_ROUTE, PROBLEMS, Problem, ProblemDocument, type ProblemCode } from './errors.ts';

export interface AppEnv {
  Variables: { requestId: string; who: Identity };
}
export type App = OpenAPIHono<AppEnv>;

/**
 * How a route is guarded. `scopes`: one of them is needed. `signedUrl`: `exp` and `sig` in the query do as well.
 * `failOpen`: a revocation that cannot be looked up does not stop it (abort alone).
 */
export type Guard = 'public' | { scopes: readonly Scope[]; signedUrl?: boolean; failOpen?: boolean };

interface Answer {
  description: string;
  schema?: z.ZodType;
  /** Media type of an answer that is not JSON. */
  media?: string;
  headers?: Record<string, string>;
}

type NoFields = Readonly<Record<string, never>>;

export interface OperationSpec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  path: string;
  id: string;
  tag: string;
  summary: string;
  description?: string;
  guard: Guard;
  params?: P;
  query?: Q;
  body?: B;
  /** The body may be left out altogether. */
  bodyOptional?: boolean;
  /** A stop: what its body and query can say is taken, and nothing about their form refuses it. */
  lenient?: boolean;
  answers: Record<number, Answer>;
  problems?: readonly ProblemCode[];
}

export interface Call<P, Q, B> {
  c: Context<AppEnv>;
  deps: Deps;
  who: Identity;
  params: P;
  query: Q;
  body: B;
}

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });

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
};

/** The credential of a request: `X-API-Key`, or `Authorization: Bearer` with a token or a key. */
export async function identify(deps: Deps, c: Context, failOpen: boolean): Promise<Identity> {
  const key = c.req.header('x-api-key');
  if (key) return deps.keys.identify(key);
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
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

function guardMiddleware(
  deps: Deps,
  guard: Guard,
  body: { present: boolean; optional: boolean; lenient: boolean },
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (guard === 'public') c.set('who', anonymous);
    else {
      const address = clientAddress(c);
      const sig = guard.signedUrl ? c.req.query('sig') : undefined;
      if (sig !== undefined) {
        const wrong = verifySignedPath(deps.urlKey, c.req.path, c.req.query('exp'), sig, deps.now());
        if (wrong) {
          refuseGuessing(deps, address);
          throw new Problem(
            wrong === 'expired' ? 'token_expired' : 'unauthenticated',
            wrong === 'expired' ? 'This link has expired.' : 'The signature of this link does not match.',
          );
        }
        c.set('who', { ...anonymous, name: 'signed-url', scopes: new Set<Scope>(['session:view']) });
      } else {
        let who: Identity;
        try {
          who = await identify(deps, c, guard.failOpen ?? false);
        } catch (thrown) {
          if (thrown instanceof Problem && thrown.status === 401) refuseGuessing(deps, address);
          throw thrown;
        }
        if (who.kind !== 'key') {
          const wait = deps.limiter.take(`cred:${who.credentialId}`);
          // An abort is never told to wait.
          if (wait > 0 && !guard.failOpen)
            throw new Problem(
              'too_many_requests',
              'Too many requests with this token.',
              {},
              { 'retry-after': String(wait) },
            );
        }
        if (!guard.scopes.some((scope) => who.scopes.has(scope)))
          throw new Problem('forbidden', `This needs the scope ${guard.scopes.join(' or ')}.`);
        c.set('who', who);
      }
    }
    if (body.present && body.lenient) await readLeniently(c);
    else if (body.present) {
      const type = c.req.header('content-type');
      const length = c.req.header('content-length');
      const empty = length === '0' || (length === undefined && c.req.header('transfer-encoding') === undefined);
      if (empty && body.optional) {
        if (type !== undefined) {
          const headers = new Headers(c.req.raw.headers);
          headers.delete('content-type');
          c.req.raw = new Request(c.req.url, { method: c.req.method, headers });
        }
      } else if (!/^application\/([a-z0-9.+-]+\+)?json\b/i.test(type ?? ''))
        throw new Problem('unsupported_media_type', 'Send the body as application/json.');
    }
    await next();
  };
}

/** What is empty in an address is absent, and times may be written in each harmless way, before the query is judged. */
function queryMiddleware(schema: z.ZodObject): MiddlewareHandler<AppEnv> {
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

function problemAnswers(
  codes: readonly ProblemCode[],
): Record<number, { description: string; content: Record<string, { schema: typeof ProblemDocument }> }> {
  const byStatus = new Map<number, string[]>();
  for (const code of codes) {
    const [status, title] = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), title]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, titles]) => [
      status,
      {
        description: [...new Set(titles)].join(' / '),
        content: { 'application/problem+json': { schema: ProblemDocument } },
      },
    ]),
  );
}

/** Adds one route: guard, validation, documentation and handler from one description, so that none of them can be forgotten. */
export function operation<
  P extends z.ZodObject = z.ZodObject<NoFields>,
  Q extends z.ZodObject = z.ZodObject<NoFields>,
  B extends z.ZodType = z.ZodUndefined,
>(
  app: App,
  deps: Deps,
  spec: OperationSpec<P, Q, B>,
  handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Response> | Response,
): void {
  const codes: ProblemCode[] = [...EVERY_ROUTE, ...(spec.problems ?? [])];
  if (spec.guard !== 'public') codes.push('unauthenticated', 'forbidden');
  if (spec.params || spec.query || spec.body) codes.push('invalid');
  if (spec.body) codes.push('malformed_json', 'unsupported_media_type', 'too_large');
  if (spec.params && Object.keys(spec.params.shape).length > 0) codes.push('not_found');
  const signed = spec.guard !== 'public' && spec.guard.signedUrl;
  const query = signed
    ? z.object({ exp: z.string().optional(), sig: z.string().optional(), ...spec.query?.shape })
    : spec.query;
  const security: Record<string, string[]>[] =
    spec.guard === 'public' ? [] : [{ apiKey: [] }, { bearer: [] }, ...(signed ? [{ signedUrl: [] }] : [])];
  const route = createRoute({
    method: spec.method,
    path: spec.path as `/${string}`,
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    security,
    middleware: [
      guardMiddleware(deps, spec.guard, {
        present: spec.body !== undefined,
        optional: spec.bodyOptional ?? false,
        lenient: spec.lenient ?? false,
      }),
      ...(query ? [queryMiddleware(query)] : []),
    ] as never,
    request: {
      ...(spec.params ? { params: spec.params } : {}),
      ...(query ? { query } : {}),
      ...(spec.body
        ? {
            body: {
              required: !spec.bodyOptional,
              content: { 'application/json': { schema: lenient(spec.body) } },
            },
          }
        : {}),
    } as never,
    responses: {
      ...Object.fromEntries(
        Object.entries(spec.answers).map(([status, answer]) => [
          status,
          {
            description: answer.description,
            ...(answer.headers
              ? {
                  headers: Object.fromEntries(
                    Object.entries(answer.headers).map(([name, description]) => [
                      name,
                      { description, schema: { type: 'string' } },
                    ]),
                  ),
                }
              : {}),
            ...(answer.schema
              ? { content: { 'application/json': { schema: answer.schema } } }
              : answer.media
                ? { content: { [answer.media]: { schema: z.string() } } }
                : {}),
          },
        ]),
      ),
      ...problemAnswers(codes),
    } as never,
  });
  const handle = async (c: Context<AppEnv>): Promise<Response> => {
    const valid = (target: 'param' | 'query' | 'json'): unknown =>
      (c.req as unknown as { valid: (t: string) => unknown }).valid(target);
    return handler({
      c,
      deps,
      who: c.get('who'),
      params: (spec.params ? valid('param') : {}) as z.output<P>,
      query: (query ? valid('query') : {}) as z.output<Q>,
      body: (spec.body ? (valid('json') ?? {}) : undefined) as z.output<B>,
    });
  };
  app.openapi(route, handle as never);
}
