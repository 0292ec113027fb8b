import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { HTTPException } from 'hono/http-exception';
import { z } from '@hono/zod-openapi';
import { StoreAway } from '../frames/store/presence.ts';
import { sqlState } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

/** Codes of our problem documents; `type` is `/docs/problems#<code>`. */
export const PROBLEMS = {
  bad_request: [400, 'Bad request'],
  malformed_json: [400, 'Malformed JSON'],
  unauthenticated: [401, 'Not authenticated'],
  token_expired: [401, 'Token expired'],
  token_revoked: [401, 'Token revoked'],
  forbidden: [403, 'Not allowed'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  conflict: [409, 'Conflict'],
  slot_taken: [409, 'The slot is taken'],
  booking_final: [409, 'The booking is over'],
  session_started: [409, 'The session has begun'],
  site_unknown: [409, 'The telescope’s site is not known'],
  maintenance: [409, 'The telescope is under maintenance'],
  control_refused: [409, 'The command was refused'],
  in_progress: [409, 'The same request is being handled'],
  precondition_failed: [412, 'The resource has changed'],
  too_large: [413, 'Body too large'],
  uri_too_long: [414, 'Address too long'],
  unsupported_media_type: [415, 'Unsupported content type'],
  range_not_satisfiable: [416, 'Range not satisfiable'],
  invalid: [422, 'The given data was invalid'],
  too_many_requests: [429, 'Too many requests'],
  internal: [500, 'Internal error'],
  not_installed: [501, 'Not installed here'],
  busy: [503, 'Too many write at once'],
  gateway_away: [503, 'The observatory is not reachable'],
  temporal_away: [503, 'The workflow service is not reachable'],
  database_away: [503, 'The database is not reachable'],
  storage_away: [503, 'The files cannot be read now'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof PROBLEMS;

/** What every route may answer. */
export const EVERY_ROUTE: readonly ProblemCode[] = [
  'bad_request',
  'too_many_requests',
  'busy',
  'internal',
  'database_away',
  'uri_too_long',
];

/** RFC 9457 problem document; on 422 with `message` and `errors{field: [...]}` as Laravel's validator gives them. */
export const ProblemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    request_id: z.string().optional(),
    message: z.string().optional(),
    errors: z.record(z.string(), z.array(z.string())).optional(),
  })
  .meta({ id: 'Problem' });

export type FieldErrors = Record<string, string[]>;

/** What a handler throws to answer with a problem document. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly extra: Record<string, unknown>;
  readonly headers: Record<string, string>;
  constructor(
    code: ProblemCode,
    detail: string,
    extra: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail);
    this.code = code;
    this.status = PROBLEMS[code][0];
    this.extra = extra;
    this.headers = headers;
  }
}

/** 422 naming each wrong field. */
export function invalid(errors: FieldErrors): Problem {
  const first = Object.values(errors)[0]?.[0] ?? 'The given data was invalid.';
  const more = Object.values(errors).flat().length - 1;
  return new Problem('invalid', first, { message: more > 0 ? `${first} (and ${more} more)` : first, errors });
}

/** Field names in dot form (`shots.0.filter`), as Laravel writes them. */
export function fieldErrors(
  issues: readonly { path: readonly PropertyKey[]; message: string; code?: string }[],
  whole = 'body',
): FieldErrors {
  const errors: FieldErrors = {};
  for (const issue of issues) {
    const field = issue.path.length > 0 ? issue.path.map(String).join('.') : whole;
    (errors[field] ??= []).push(issue.message);
  }
  return errors;
}

export function problemBody(c: Context, problem: Problem): z.infer<typeof ProblemDocument> {
  return {
    type: `/docs/problems#${problem.code}`,
    title: PROBLEMS[problem.code][1],
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    request_id: c.get('requestId') as string | undefined,
    ...problem.extra,
  };
}
export function problemResponse(c: Context, problem: Problem): Response {
  return c.body(JSON.stringify(problemBody(c, problem)), problem.status as ContentfulStatusCode, {
    'content-type': 'application/problem+json',
    ...problem.headers,
  });
}

const DATABASE_AWAY = [
  'ECONNREFUSED',
  'ECONNRESET',
  'Connection terminated',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  "Can't reach database",
  'terminating connection',
  'the database system is',
  'server closed the connection',
].map((words) => words.toLowerCase());
/** Is this the database being away, rather than a fault of ours. */
export function isDatabaseAway(thrown: unknown): boolean {
  const state = sqlState(thrown);
  if (state && /^(08|57P)/.test(state)) return true;
  const code = (thrown as { code?: string }).code;
  const message = toError(thrown).message.toLowerCase();
  return (
    code === 'P1001' ||
    code === 'P1017' ||
    code === 'ECONNREFUSED' ||
    code === 'P2024' ||
    DATABASE_AWAY.some((words) => message.includes(words))
  );
}

/** What the system says of a file that may well be there: no descriptor or memory left, no right to read, a disk or share that is away. */
const STORAGE_AWAY = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EACCES',
  'EPERM',
  'EIO',
  'ESTALE',
  'ENXIO',
  'ENOTCONN',
  'EBUSY',
]);

/** Prisma's: a transaction that got no connection or was not done in time, and one that lost against another. Nothing of it was written. */
const TRANSACTION_GAVE_UP = new Set(['P2028', 'P2034']);
/** PostgreSQL's: serialisation failure, deadlock, lock not available, too many connections. */
const BUSY_STATES = new Set(['40001', '40P01', '55P03', '53300']);

/** Turns whatever a route threw into a problem document; faults of ours are logged, never shown. */
export function toProblem(thrown: unknown, logger: Logger, requestId: string | undefined): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof HTTPException) {
    if (thrown.status === 400) return new Problem('malformed_json', 'The body is not valid JSON.');
    if (thrown.status === 413) return new Problem('too_large', 'The body is larger than this route takes.');
  }
  // Class 22: a value that PostgreSQL cannot hold, such as a NUL character in a text or a time beyond its calendar.
  if (sqlState(thrown)?.startsWith('22'))
    return new Problem(
      'bad_request',
      'A value of this request cannot be stored or searched for (a NUL character, or a number or time out of range).',
    );
  if (thrown instanceof StoreAway || STORAGE_AWAY.has((thrown as NodeJS.ErrnoException | null)?.code ?? '')) {
    logger.error({ err: toError(thrown), requestId }, 'files cannot be read');
    return new Problem(
      'storage_away',
      'The disk with the files does not answer; nothing is lost, try again shortly.',
      {},
      { 'retry-after': '30' },
    );
  }
  if (
    TRANSACTION_GAVE_UP.has((thrown as { code?: string } | null)?.code ?? '') ||
    BUSY_STATES.has(sqlState(thrown) ?? '')
  )
    return new Problem('busy', 'Many write at this moment; try again shortly.', {}, { 'retry-after': '2' });
  if (isDatabaseAway(thrown))
    return new Problem('database_away', 'The database does not answer; try again shortly.', {}, { 'retry-after': '5' });
  logger.error({ err: toError(thrown), requestId }, 'request failed');
  return new Problem('internal', 'Something went wrong on our side; the request id helps to find it in the log.');
}
