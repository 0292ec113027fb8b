import { setImmediate } from 'node:timers/promises';
import type { MiddlewareHandler } from 'hono';
import { isKnown, type AppEnv } from './guard.ts';
import type { Ground } from './ground.ts';
import { Turns } from './turns.ts';

const AT_ONCE = 2;
const MOST_ASKING = 256;
/** After a deploy every open page loads its new parts. */
const MOST_LOADING = 4_096;
/** A supervisor asks these, and takes a process that does not answer for a dead one. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** What a stranger asks here may wait for the database; everything else comes from memory or a file of ours. */
const ASKS_THE_DATABASE = /^\/(api|apps|broadcasting|calendar|unsubscribe)\//;

/**
 * Whoever is not known waits for one of few turns. A crowd of strangers delays strangers then, and no guest and no stop; and while the database is
 * slow, pages still load. A stranger who would wait too long gets 503 `busy` with Retry-After.
 */
export function strangersWait(deps: Ground): MiddlewareHandler<AppEnv> {
  const [asking, loading] = [new Turns(AT_ONCE, MOST_ASKING), new Turns(AT_ONCE, MOST_LOADING)];
  let asked = 0;
  return (c, next) => {
    if (PROBES.has(c.req.path) || isKnown(deps, c)) return next();
    const turns = ASKS_THE_DATABASE.test(c.req.path) ? asking : loading;
    asked += 1;
    return turns.run(String(asked), async () => {
      // Between two strangers everybody else is served: a line of short answers would otherwise run off in one go.
      await setImmediate();
      await next();
    });
  };
}
