import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { Night } from './night.ts';

/** Runs `fn`, unless something is asked of us meanwhile: then it is left. */
export function interruptible<T>(night: Night, fn: () => Promise<T>): Promise<T | undefined> {
  return interruptibleBy(night, () => night.state.data.inbox.length > 0, fn);
}

/** Runs `fn` until it is done or something is asked of us; undefined when it was cut off. */
export async function interruptibleBy<T>(
  night: Night,
  asked: () => boolean,
  fn: () => Promise<T>,
): Promise<T | undefined> {
  const work = new CancellationScope();
  const watch = new CancellationScope();
  const result = work.run(fn);
  let settled = false;
  const quiet = result.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  const interrupted = watch
    .run(() => condition(() => settled || asked()))
    .catch((thrown: unknown) => {
      if (!isCancellation(thrown)) throw thrown;
    });
  await Promise.race([quiet, interrupted]);
  watch.cancel();
  if (!settled) work.cancel();
  try {
    return await result;
  } catch (thrown) {
    if (!isCancellation(thrown) || !work.consideredCancelled || CancellationScope.current().consideredCancelled)
      throw thrown;
    return undefined;
  }
}

/**
 * A look that is not waited for any more once its scope is cancelled, and is never cancelled itself. The SDK's core forgets an activity that was
 * cancelled as `ABANDON`, and fails every later task of the workflow when that activity's time runs out (a gateway that is away).
 */
export function left<T>(look: () => Promise<T>): Promise<T> {
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) return look();
  const seen = CancellationScope.nonCancellable(look);
  seen.catch(() => undefined);
  // A scope that shields from cancellation is told of it all the same, and waits on.
  const cancelled = scope.cancelRequested.catch((thrown: unknown) => {
    if (scope.consideredCancelled) throw thrown;
    return seen;
  });
  return Promise.race([seen, cancelled]);
}

export function wait(night: Night, untilMs: number, summary: string): Promise<void> {
  return waitFor(night, untilMs, () => night.state.data.inbox.length > 0, summary);
}

/** Sleeps to an instant, never for a length, so that drift does not add up. */
export async function waitFor(night: Night, untilMs: number, wake: () => boolean, summary: string): Promise<void> {
  const ms = untilMs - Date.now();
  if (ms > 0) await condition(wake, ms, { summary: `${summary}: ${new Date(untilMs).toISOString().slice(0, 19)}Z` });
}
