import { setImmediate } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import type { AppEnv } from './guard.ts';
import { Turns } from './turns.ts';

const AT_ONCE = 2;
const MOST_WAITING = 256;
/** A supervisor asks these, and takes a process that does not answer for a dead one. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Something that looks like a credential; whether it is one is cheap to see (guard.ts). */
const hasCredential = (c: Context): boolean =>
  c.req.header('authorization') !== undefined ||
  c.req.header('x-api-key') !== undefined ||
  c.req.query('sig') !== undefined;

/**
 * Whoever shows no credential waits for one of few turns. A crowd of strangers delays strangers then, and no guest and no stop.
 * A stranger who would wait too long gets 503 `busy` with Retry-After.
 */
export function strangersWait(): MiddlewareHandler<AppEnv> {
  const turns = new Turns(AT_ONCE, MOST_WAITING);
  let asked = 0;
  return (c, next) =>
    hasCredential(c) || PROBES.has(c.req.path)
      ? next()
      : turns.run(String((asked += 1)), async () => {
          // Between two strangers everybody else is served: a line of short answers would otherwise run off in one go.
          await setImmediate();
          await next();
        });
}
