import { Context } from '@temporalio/activity';

/** Six times within the shortest heartbeat timeout of the activities that are wrapped (30 s). */
const EVERY_MS = 5_000;

/**
 * The same activities, each with a steady sign of life: a killed process is missed within the heartbeat timeout, a long step is not. A step that
 * hangs ends by its own deadline or by `startToCloseTimeout`.
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
