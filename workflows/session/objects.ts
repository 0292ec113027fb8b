import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import { telescope } from './activities.ts';
import { freshPlan } from './fresh.ts';
import type { Night } from './night.ts';
import { restore, submit, unreachable, type Problem } from './telescope.ts';
import { left } from './waiting.ts';

/** One try; null when everything stands and was read back. */
export async function prepareOnce(night: Night, patienceMs: number): Promise<Problem | null> {
  const { state } = night;
  const t = telescope(state.telescopeId, patienceMs);
  try {
    const { telescopeId, bookingId } = state;
    const site = await left(() =>
      t.reads.checkSite.executeWithOptions({ summary: 'site' }, [{ telescopeId, bookingId }]),
    );
    const first = site.problems[0];
    if (!site.ok && first) return first;
    // Voyager is as the telescope's file says; now the plan is made to be so too.
    const plan = await freshPlan(night);
    if (typeof plan === 'object') return plan;
    const granted = await submit(night, () =>
      t.commands.registerGrant.executeWithOptions({ summary: 'grant' }, [night.grant()]),
    );
    if (granted.outcome !== 'done')
      return {
        reason: granted.reason ?? 'preparation_failed',
        message: granted.message ?? 'the grant was not taken',
      };
    state.data.objectsMade = true;
    const made = await t.objects.ensureObjects.executeWithOptions({ summary: 'set, target, shots' }, [
      { grant: night.grant(), plan: state.booking.plan },
    ]);
    if (made.outcome !== 'done')
      return {
        reason: made.reason ?? 'preparation_failed',
        message: made.message ?? 'the objects could not be written',
      };
    const { plan: wanted } = state.booking;
    const read = await left(() =>
      t.reads.readObjects.executeWithOptions({ summary: 'read back' }, [{ telescopeId, plan: wanted }]),
    );
    if (read.differences.length > 0)
      return {
        reason: 'preparation_failed',
        message: `read back otherwise: ${read.differences.slice(0, 5).join('; ')}`,
      };
    state.data.voyagerShots = made.shots;
    await removeObsolete(night);
    return null;
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    return unreachable(thrown);
  }
}

export async function removeObsolete(night: Night): Promise<void> {
  const { state } = night;
  for (const old of state.data.obsolete) {
    const removed = await restore(night, 'remove the older plan', () =>
      telescope(state.telescopeId).restoring.removeObjects({
        grant: night.grant(),
        setGuid: old.setGuid,
        targetGuid: old.targetGuid,
        shotGuids: old.shotGuids,
      }),
    );
    if (removed) state.data.obsolete = state.data.obsolete.filter((o) => o !== old);
  }
}

/** What stands in Voyager now belongs to an older generation and goes once the new one is confirmed. */
export function outdate(night: Night): void {
  const { state } = night;
  if (!state.data.objectsMade) return;
  const { plan, generation } = state.booking;
  state.data.obsolete.push({
    generation,
    setGuid: plan.set.Guid,
    targetGuid: plan.target.GuidTarget,
    shotGuids: plan.shots.map((s) => s.GuidShot),
  });
}
