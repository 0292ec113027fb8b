import { Context } from '@temporalio/activity';

/** Six times within the shortest heartbeat timeout of the activities that are wrapped (30 s). */
const EVERY_MS = 5_000;

/**
 * The same activities, each with a steady sign of life while it runs, however long one of its steps takes: a process that is killed is missed
 * within the heartbeat timeout, one that packs a large archive is not. A step that hangs is ended by its own deadline or by `startToCloseTimeout`.
 */
export function alive<A extends object>(activities: A, everyMs = EVERY_MS): A {
  return Object.fromEntries(
    Object.entries(activities).map(([name, fn]: [string, (...args: unknown[]) => Promise<unknown>]) => [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        const context = Context.current();
        const signs = setInterval(() => context.heartbeat(), everyMs);
        try {
          return await fn.apply(activities, args);
        } finally {
          clearInterval(signs);
        }
      },
    ]),
  ) as A;
}
