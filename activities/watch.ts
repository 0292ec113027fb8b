import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { FAILURE } from './failures.ts';
import type { Observation, WatchPlan } from './ports.ts';

/** Largest clock offset that no verdict minds, in seconds (safety.md 11). */
const CLOCK_OFFSET_SECONDS = 60;

/**
 * All of an observation that a verdict depends on, as one comparable text: two looks with the same picture ask for nothing new. Counts and ages
 * stay out of it, except that the plan is done.
 */
export function pictureOf(seen: Observation, goal: WatchPlan['goal']): string {
  const { weather, target } = seen;
  const done = seen.shotsDone;
  return JSON.stringify([
    seen.connected,
    seen.voyagerStatus === 'ERROR',
    seen.emergency,
    seen.running === 'foreign',
    seen.roboTargetRunning === false,
    seen.guiding === 'TIMEOUT',
    seen.mountConnected === false,
    seen.cameraConnected === false,
    seen.clockOffsetSeconds !== null && Math.abs(seen.clockOffsetSeconds) > CLOCK_OFFSET_SECONDS,
    weather.state,
    weather.reason,
    weather.stale,
    target?.enabled === false,
    target?.statusOp === 'finished' ||
      (done !== null && goal.length > 0 && goal.every((shot) => (done[shot.guid] ?? 0) >= shot.quantity)),
    target?.statusOp === 'no_ephemeris',
    seen.latchedAbort?.commandId ?? null,
  ]);
}

/**
 * One attempt of the activity `watch`. The first attempt looks at nothing; each later one looks, and as long as the picture is the one that the
 * session knows it asks to be run again an interval later. Attempts leave no event in the history, so an hour of checks costs it one activity.
 * @throws ApplicationFailure Quiet (benign) with the delay to the next look
 */
export async function watchOnce(
  plan: WatchPlan,
  attempt: number,
  look: () => Promise<Observation>,
): Promise<Observation> {
  if (attempt > 1) {
    const seen = await look();
    if (attempt > plan.looks || pictureOf(seen, plan.goal) !== plan.picture) return seen;
  }
  throw ApplicationFailure.create({
    type: FAILURE.quiet,
    message: `nothing new; look ${attempt} of ${plan.looks} in ${plan.everySeconds} s`,
    nextRetryDelay: plan.everySeconds * 1000,
    category: ApplicationFailureCategory.BENIGN,
  });
}
