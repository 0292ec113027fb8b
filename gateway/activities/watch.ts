import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE } from '../../domain/failures.ts';
import type { Observation, WatchPlan } from '../../domain/ports.ts';
import { pictureOf } from '../../domain/watch.ts';

/**
 * One attempt of the activity `watch`: the first looks at nothing, each later one asks to run again while the picture stays. Attempts leave no
 * event in the history, so an hour of checks is one activity.
 * @throws ApplicationFailure Quiet (benign) with the delay to the next look
 */
export async function watchOnce(
  plan: WatchPlan,
  attempt: number,
  look: () => Promise<Observation>,
): Promise<Observation> {
  if (attempt > 1) {
    const seen = await look();
    if (attempt > plan.looks || pictureOf(seen, plan.goal, plan.progress) !== plan.picture) return seen;
  }
  throw ApplicationFailure.create({
    type: FAILURE.quiet,
    message: `nothing new; look ${attempt} of ${plan.looks} in ${plan.everySeconds} s`,
    nextRetryDelay: plan.everySeconds * 1000,
    category: ApplicationFailureCategory.BENIGN,
  });
}
