import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { lenient } from '../domain/contracts/shapes.ts';
import { type Identity } from './auth.ts';
import type { Deps } from './deps.ts';
import { refuseOtherTelescopes } from './telescope-gate.ts';
import { EVERY_ROUTE, PROBLEMS, ProblemDocument, type ProblemCode } from './errors.ts';
import { type AppEnv, type Guard, bodyMiddleware, guardMiddleware, queryMiddleware } from './guard.ts';

export type App = OpenAPIHono<AppEnv>;

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
  /** The handler itself keeps to the telescopes of whoever asks; every other route names one (telescope-gate.ts). */
  narrows?: boolean;
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
  jsonText(JSON.stringify(value), status, headers);
/** An answer whose JSON stands already. */
export const jsonText = (text: string, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } });

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

type AnySpec = OperationSpec<z.ZodObject, z.ZodObject, z.ZodType>;
const isSigned = (guard: Guard): boolean => guard !== 'public' && guard.signedUrl === true;
/** Every problem that the route may answer with. */
function codesOf(spec: AnySpec): ProblemCode[] {
  const codes: ProblemCode[] = [...EVERY_ROUTE, ...(spec.problems ?? [])];
  if (spec.guard !== 'public') codes.push('unauthenticated', 'forbidden');
  if (spec.params || spec.query || spec.body) codes.push('invalid');
  if (spec.body) codes.push('malformed_json', 'unsupported_media_type', 'too_large');
  if (spec.params && Object.keys(spec.params.shape).length > 0) codes.push('not_found');
  return codes;
}
/** The query with what signs a link. */
const queryOf = ({ guard, query }: AnySpec): z.ZodObject | undefined =>
  isSigned(guard) ? z.object({ exp: z.string().optional(), sig: z.string().optional(), ...query?.shape }) : query;
const securityOf = (guard: Guard): Record<string, string[]>[] =>
  guard === 'public' ? [] : [{ apiKey: [] }, { bearer: [] }, ...(isSigned(guard) ? [{ signedUrl: [] }] : [])];
function contentOf({ schema, media }: Answer): { content?: Record<string, { schema: z.ZodType }> } {
  if (schema) return { content: { 'application/json': { schema } } };
  return media ? { content: { [media]: { schema: z.string() } } } : {};
}
function headersOf({ headers }: Answer): { headers?: Record<string, object> } {
  if (!headers) return {};
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return { headers: Object.fromEntries(described) as Record<string, object> };
}
const goodAnswers = (answers: Record<number, Answer>): Record<string, object> =>
  Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [
      status,
      { description: answer.description, ...headersOf(answer), ...contentOf(answer) },
    ]),
  );

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
  const query = queryOf(spec);
  const route = createRoute({
    method: spec.method,
    path: spec.path as `/${string}`,
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    security: securityOf(spec.guard),
    middleware: [
      guardMiddleware(deps, spec.guard),
      ...(spec.body ? [bodyMiddleware({ optional: spec.bodyOptional ?? false, lenient: spec.lenient ?? false })] : []),
      ...(query ? [queryMiddleware(query)] : []),
    ] as never,
    request: {
      ...(spec.params ? { params: spec.params } : {}),
      ...(query ? { query } : {}),
      ...(spec.body
        ? { body: { required: !spec.bodyOptional, content: { 'application/json': { schema: lenient(spec.body) } } } }
        : {}),
    } as never,
    responses: { ...goodAnswers(spec.answers), ...problemAnswers(codesOf(spec)) } as never,
  });
  const gate = {
    path: spec.path,
    narrows: spec.narrows ?? false,
    failOpen: spec.guard !== 'public' && spec.guard.failOpen === true,
    queryFields: Object.keys(spec.query?.shape ?? {}),
  };
  const handle = async (c: Context<AppEnv>): Promise<Response> => {
    const valid = (target: 'param' | 'query' | 'json'): unknown =>
      (c.req as unknown as { valid: (t: string) => unknown }).valid(target);
    const call = {
      c,
      deps,
      who: c.get('who'),
      params: (spec.params ? valid('param') : {}) as z.output<P>,
      query: (query ? valid('query') : {}) as z.output<Q>,
      body: (spec.body ? (valid('json') ?? {}) : undefined) as z.output<B>,
    };
    if (call.who.telescopes) await refuseOtherTelescopes(deps, call.who, { ...gate, ...call });
    return handler(call);
  };
  app.openapi(route, handle as never);
}

type Add = (app: App, deps: Deps) => void;

/** A route as a value, named by what it does. Its handler finds all it needs in the call. */
export const route =
  <
    P extends z.ZodObject = z.ZodObject<NoFields>,
    Q extends z.ZodObject = z.ZodObject<NoFields>,
    B extends z.ZodType = z.ZodUndefined,
  >(
    spec: OperationSpec<P, Q, B>,
    handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Response> | Response,
  ): Add =>
  (app, deps) =>
    operation(app, deps, spec, handler);

/** The routes of a resource, in the order in which they are asked. */
export const routes =
  (...all: Add[]): Add =>
  (app, deps) => {
    for (const add of all) add(app, deps);
  };
