import { clockIsOff } from './clock-offset.ts';
import type { Observation, WatchPlan } from './ports.ts';

/** Every shot of the plan is taken, by RoboTarget's own word or by the shot-done list. */
export function planFinished(
  { target, shotsDone }: Observation,
  shots: readonly { guid: string; quantity: number }[],
): boolean {
  if (target?.statusOp === 'finished') return true;
  return shotsDone !== null && shots.length > 0 && shots.every((shot) => (shotsDone[shot.guid] ?? 0) >= shot.quantity);
}

/**
 * The picture: all of an observation that a verdict depends on, as one text. Counts and ages stay out but for a finished plan; `progress` adds
 * whether our target runs.
 */
export function pictureOf(seen: Observation, goal: WatchPlan['goal'], progress = false): string {
  const { weather, target } = seen;
  return JSON.stringify([
    seen.connected,
    seen.voyagerStatus === 'ERROR',
    seen.emergency,
    seen.running === 'foreign',
    seen.roboTargetRunning === false,
    seen.guiding === 'TIMEOUT',
    seen.mountConnected === false,
    seen.cameraConnected === false,
    clockIsOff(seen.clockOffsetSeconds),
    weather.state,
    weather.reason,
    weather.stale,
    target?.enabled === false,
    planFinished(seen, goal),
    target?.statusOp === 'no_ephemeris',
    seen.latchedAbort?.commandId ?? null,
    ...(progress ? [seen.running === 'ours'] : []),
  ]);
}
