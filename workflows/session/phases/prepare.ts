import { patched } from '@temporalio/workflow';
import { NIGHT_LINES } from '../../../domain/night-lines.ts';
import { beginAnew, historyIsLong } from '../continue.ts';
import { controls } from '../controls.ts';
import { slotOver, type Night } from '../night.ts';
import { backToPreparation, freshPlan } from '../fresh.ts';
import { prepareOnce } from '../objects.ts';
import { PATCHES } from '../patches.ts';
import { HOUR_MS, preparationMilestones, preparationPaceMs } from '../pace.ts';
import type { Ending } from '../data.ts';
import { SECOND } from '../time.ts';
import { interruptible, wait, waitFor } from '../waiting.ts';
import { heardWhilePreparing, preparationTrouble, waitForMaintenance } from './trouble.ts';

export async function waitToPrepare(night: Night): Promise<Ending | null> {
  const at = Math.min(Date.parse(night.state.booking.prepareAt), night.state.startMs);
  night.state.data.next = { what: 'prepare', at: new Date(at).toISOString() };
  while (Date.now() < at) {
    await wait(night, at, 'preparation');
    const done = await controls(night);
    if (done !== 'nothing') return done === 'restarted' ? null : done;
  }
  night.logbook.transition('preparing', {
    event: 'preparing',
    ...NIGHT_LINES.preparing,
  });
  return null;
}

export async function prepare(night: Night): Promise<Ending | null> {
  const { state } = night;
  for (let attempt = 1; ; attempt++) {
    if (historyIsLong(night)) await beginAnew(night);
    const controlled = await controls(night);
    if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
    if (state.events.length > 0) {
      const heard = await heardWhilePreparing(night);
      if (heard) return heard;
      continue;
    }
    const now = Date.now();
    if (now + night.minimumUsefulMs() >= state.endMs)
      return (state.adopted && state.data.started) || night.weatheredOut()
        ? slotOver(night)
        : { outcome: 'failed', reason: state.data.reason ?? 'preparation_failed', commandId: null };
    if (night.maintained()) {
      await waitForMaintenance(night);
      continue;
    }

    const { alertAt, deadlineAt } = preparationMilestones(state.startMs);
    const patience = [alertAt, deadlineAt, state.startMs, now + 60 * SECOND].find((at) => at > now)!;
    const problem = await interruptible(night, () => prepareOnce(night, Math.max(15 * SECOND, patience - now)));
    if (problem === undefined) continue;
    if (problem === null) {
      state.data.prepared = true;
      const late = Date.now() >= state.startMs;
      night.logbook.transition(
        late ? 'starting' : 'prepared',
        {
          event: 'prepared',
          ...NIGHT_LINES.readBack,
        },
        {
          objects: true,
          ...(state.data.alerts.includes('prepared')
            ? {}
            : {
                notify: {
                  type: 'session.prepared',
                  data: { set_guid: state.booking.plan.set.Guid, target_guid: state.booking.plan.target.GuidTarget },
                },
              }),
        },
      );
      return null;
    }
    await preparationTrouble(night, problem, attempt, { alertAt, deadlineAt });
    const tried = Date.now();
    const pace = preparationPaceMs(state.booking.policy, state.startMs, tried);
    const retryAt = Math.min(tried + pace, tried < state.startMs ? state.startMs : Infinity);
    state.data.next = { what: 'prepare', at: new Date(retryAt).toISOString() };
    await waitFor(night, retryAt, () => night.called(), 'preparation again');
  }
}

export async function waitToStart(night: Night): Promise<Ending | null> {
  const { state } = night;
  if (state.data.phase === 'preparing')
    night.logbook.transition('prepared', { event: 'prepared', ...NIGHT_LINES.prepared });
  const soonAt = state.startMs - HOUR_MS;
  for (;;) {
    if (historyIsLong(night)) await beginAnew(night);
    const now = Date.now();
    if (now >= state.startMs) break;
    if (now >= soonAt && !state.data.alerts.includes('soon') && now < soonAt + HOUR_MS / 2) {
      state.data.alerts.push('soon');
      night.logbook.log(
        {
          level: 'INFO',
          event: 'starting_soon',
          ...NIGHT_LINES.startingSoon,
        },
        { type: 'session.starting_soon', data: { start: state.booking.start } },
      );
    }
    const until = now < soonAt ? soonAt : state.startMs;
    state.data.next = { what: 'start', at: state.booking.start };
    await wait(night, until, until === soonAt ? 'one hour before' : 'start of the slot');
    const controlled = await controls(night);
    if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
  }
  const plan = await freshPlan(night);
  if (plan === 'changed' || typeof plan === 'object') {
    backToPreparation(night);
    return null;
  }
  if (plan === 'unknown' && patched(PATCHES.planReadAgain)) state.data.planUnread = 'unread';
  night.logbook.transition('starting', {
    event: 'starting',
    ...NIGHT_LINES.starting,
  });
  return null;
}
