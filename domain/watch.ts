import type { Observation, WatchPlan } from './ports.ts';

/** Largest clock offset that no verdict minds, in seconds (safety.md 11). */
const CLOCK_OFFSET_SECONDS = 60;

/**
 * All of an observation that a verdict depends on, as one comparable text: two looks with the same picture ask for nothing new. Counts and ages
 * stay out of it, except that the plan is done. With `progress` it also says whether our target runs.
 */
export function pictureOf(seen: Observation, goal: WatchPlan['goal'], progress = false): string {
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
    ...(progress ? [seen.running === 'ours'] : []),
  ]);
}
