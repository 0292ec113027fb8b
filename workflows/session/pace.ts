import type { Observation, SessionBooking, WatchPlan } from '../../domain/ports.ts';
import { pictureOf } from '../../domain/watch.ts';
import { SECOND } from './time.ts';

/** The least useful remainder in seconds: the policy's, but never more than a tenth of the slot, so that short slots are not lost to it. */
export function minimumUsefulSeconds(policy: SessionBooking['policy'], slotSeconds: number): number {
  return Math.min(policy.minimum_useful_seconds, slotSeconds / 10);
}

export const HOUR_MS = 3_600_000;
/** Instants of a preparation that does not succeed: the operator is told, the guest is told, the slot begins (issue: J-1). */
export function preparationMilestones(startMs: number): { alertAt: number; deadlineAt: number } {
  return { alertAt: startMs - 6 * HOUR_MS, deadlineAt: startMs - HOUR_MS / 2 };
}

/** Milliseconds between two tries of a preparation: a quarter of an hour while there is a day, five minutes or the check interval when it gets late. */
export function preparationPaceMs(
  policy: Pick<SessionBooking['policy'], 'check_interval'>,
  startMs: number,
  now: number,
): number {
  const { alertAt } = preparationMilestones(startMs);
  return now < alertAt ? Math.min(HOUR_MS / 4, alertAt - now) : Math.min(policy.check_interval * 1000, HOUR_MS / 12);
}

/** A slot is reported to the history in about so many pieces: 12 events each on a fair night, 24 in weather that holds. */
const REPORTS_PER_SLOT = 36;

/**
 * The watch that stands for the next checks while nothing happens: as many looks as fit before whatever comes first of `ends`, at most one
 * piece of the slot (`REPORTS_PER_SLOT`). Null when the next check is due otherwise than by the interval, or when the interval does not fit any more: then a timer waits.
 */
export function watchPlan(
  seen: Observation,
  c: {
    policy: Pick<SessionBooking['policy'], 'check_interval'>;
    now: number;
    regularAt: number;
    slotMs: number;
    ends: readonly number[];
    goal: WatchPlan['goal'];
    /** Our target's beginning or ceasing to run ends the watch. */
    progress?: boolean;
  },
): WatchPlan | null {
  const everyMs = c.policy.check_interval * 1000;
  if (c.regularAt < c.now + everyMs) return null;
  const fit = Math.floor((Math.min(...c.ends) - c.now) / everyMs);
  const looks = Math.min(fit, Math.max(1, Math.ceil(c.slotMs / everyMs / REPORTS_PER_SLOT)));
  return looks < 1
    ? null
    : {
        everySeconds: c.policy.check_interval,
        looks,
        picture: pictureOf(seen, c.goal, c.progress),
        goal: c.goal,
        ...(c.progress ? { progress: true } : {}),
      };
}

/** While Voyager carries out an emergency it is looked at this often. */
export const EMERGENCY_EVERY_SECONDS = 30;
/** A look that a control waits for is given up after this long. */
export const QUICK_LOOK_MS = 8 * SECOND;
