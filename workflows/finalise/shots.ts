import { ActivityFailure, log, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import type { ShotDone, TelescopeActivities } from '../../domain/ports.ts';
import { telescopeQueue } from '../../domain/queues.ts';

/** Some 350 bytes each: a page stays far under the 2 MB that a payload may have, a night of 7,200 frames would not. */
const SHOTS_PER_PAGE = 2_000;
const hopeless = [FAILURE.invalid, FAILURE.notFound];

/** While a report waits for it the list is asked for some minutes at most. */
export const SHORT_PATIENCE: ActivityOptions = {
  scheduleToStartTimeout: '60 seconds',
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3, nonRetryableErrorTypes: hopeless },
};
/** When nothing waits for it: until the observatory is back, and no longer than its frames are likely to be found. */
export const LONG_PATIENCE: ActivityOptions = {
  scheduleToCloseTimeout: '3 days',
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '30 seconds', maximumInterval: '10 minutes', nonRetryableErrorTypes: hopeless },
};

/**
 * Voyager's own list of what was taken of a target, page by page: `take` gets each page but the last, which is the result. Null where the list
 * cannot be read within that patience, or the session never made a target.
 */
export async function shotsDone(
  input: { telescopeId: string; targetGuid: string | null },
  patience: ActivityOptions,
  take: (page: ShotDone[]) => Promise<unknown>,
): Promise<ShotDone[] | null> {
  const { telescopeId, targetGuid } = input;
  if (!targetGuid) return null;
  const reads = proxyActivities<Pick<TelescopeActivities, 'listShotsDone'>>({
    ...patience,
    taskQueue: telescopeQueue(telescopeId),
  });
  try {
    for (let offset = 0; ; offset += SHOTS_PER_PAGE) {
      const page = await reads.listShotsDone.executeWithOptions({ summary: 'shots done' }, [
        { telescopeId, targetGuid, offset, limit: SHOTS_PER_PAGE },
      ]);
      if (page.length < SHOTS_PER_PAGE) return page;
      await take(page);
    }
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure)) throw thrown;
    log.warn('the shot-done list cannot be read; events and folder decide', { error: thrown.cause?.message });
    return null;
  }
}
