import type { Observation } from '../../domain/ports.ts';
import type { Night } from './night.ts';
import { remainder } from './phases/engage.ts';
import { SECOND, nowIso } from './time.ts';
import { interruptible } from './waiting.ts';

/** An enabled target may idle for so long, or for three of its longest exposures: RoboTarget plans, slews, centres and focuses meanwhile. */
const IDLE_MS = 300 * SECOND;
const IDLE_EXPOSURES = 3;

/** Takes in what a look shows of our target's run: exposures done since the last look, or a run of it, are progress. */
export function noteProgress(night: Night, seen: Observation): void {
  const { data } = night.state;
  const grew = Object.entries(seen.shotsDone ?? {}).some(([guid, done]) => done > (data.shotsDone[guid] ?? 0));
  if (seen.running === 'ours') data.idleSince = null;
  else if (!data.engaged || grew || seen.running === 'foreign') data.idleSince = nowIso();
  else data.idleSince ??= nowIso();
}

/** When idling becomes a fault, in milliseconds since 1970; never while our target runs. */
export function stallDueMs(night: Night): number {
  const { data } = night.state;
  if (!data.engaged || !data.idleSince) return Infinity;
  const longest = Math.max(0, ...night.state.booking.plan.shots.filter((s) => s.Enabled).map((s) => s.Exposure));
  return Date.parse(data.idleSince) + Math.max(IDLE_MS, IDLE_EXPOSURES * longest * SECOND);
}

/**
 * Whether our target is enabled and nothing has begun for too long although the sky permits. A target that is not up yet idles rightly: its time
 * counts from when it may be exposed.
 */
export async function isStalled(night: Night): Promise<boolean> {
  const { data } = night.state;
  if (Date.now() < stallDueMs(night)) return false;
  if (night.memory.stalled && data.phase === 'holding') return true;
  const rest = await interruptible(night, () => remainder(night));
  if (!rest || rest.usefulSeconds <= 0) return false;
  if (rest.nextVisibleAt && Date.parse(rest.nextVisibleAt) > Date.now()) {
    data.idleSince = rest.nextVisibleAt;
    return false;
  }
  return true;
}
