import type { SessionBooking } from './ports.ts';
import type { Reason } from './reasons.ts';

/** One thing that the telescope's file says otherwise than when a plan was made. */
export interface PlanDifference {
  text: string;
  /** What the operator is told under; null where only the night log says it. */
  reason: Reason | null;
  /** The objects in Voyager must be written anew. */
  objects: boolean;
}

type Side = Pick<SessionBooking, 'plan' | 'policy'>;

/** What has become of filters, base sequence, profile, tags and policy since the plan was made; both values named. */
export function planDifferences(before: Side, now: Side): PlanDifference[] {
  const found: PlanDifference[] = [];
  const say = (what: string, was: unknown, is: unknown, reason: Reason | null, objects = true): void => {
    const [a, b] = [JSON.stringify(was), JSON.stringify(is)];
    if (a !== b) found.push({ text: `${what}: ${a} became ${b}`, reason, objects });
  };
  say('profile', before.plan.set.ProfileName, now.plan.set.ProfileName, 'profile_mismatch');
  say('set name', before.plan.set.Name, now.plan.set.Name, null);
  say('set tag', before.plan.set.Tag, now.plan.set.Tag, null);
  const sequence = (side: Side): unknown => side.plan.target.RefGuidBaseSequence;
  say('base sequence', sequence(before), sequence(now), 'sequence_mismatch');
  for (const [i, shot] of now.plan.shots.entries()) {
    const was = before.plan.shots[i];
    if (was) say(`filter of shot ${i + 1}`, was.FilterIndex, shot.FilterIndex, 'filter_mismatch');
  }
  for (const key of Object.keys({ ...before.policy, ...now.policy }).sort() as (keyof Side['policy'])[])
    say(`policy ${key}`, before.policy[key], now.policy[key], null, false);
  return found;
}
