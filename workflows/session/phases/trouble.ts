import { log } from '@temporalio/workflow';
import { reasonWords } from '../../../domain/night-lines.ts';
import { reload } from '../changes.ts';
import { circumstances, type Night } from '../night.ts';
import { QUICK_LOOK_MS } from '../pace.ts';
import { inMaintenance, judge, preparationHold } from '../policy.ts';
import type { Ending } from '../data.ts';
import { observe, type Problem } from '../telescope.ts';
import { SECOND } from '../time.ts';
import { interruptible, waitFor } from '../waiting.ts';
import { holding } from './hold.ts';

export async function preparationTrouble(
  night: Night,
  problem: Problem,
  attempt: number,
  milestones: { alertAt: number; deadlineAt: number },
): Promise<void> {
  const { state } = night;
  const now = Date.now();
  if (now >= milestones.alertAt) night.logbook.alertOnce('preparation', problem.reason, problem.message);
  if (now >= milestones.deadlineAt && !state.data.alerts.includes('preparation_late')) {
    state.data.alerts.push('preparation_late');
    night.logbook.log(
      { level: 'ERROR', event: 'preparation_late', ...reasonWords(problem.reason, problem.message) },
      { type: 'error.occurred', data: { reason: problem.reason } },
    );
  }
  if (now >= state.startMs) {
    await holdPreparation(night, problem);
    return;
  }
  if (state.data.reason !== problem.reason) {
    night.logbook.transition(
      'preparing',
      {
        level: 'WARNING',
        event: 'preparation_problem',
        ...reasonWords(problem.reason, problem.message),
      },
      { reason: problem.reason },
    );
  } else log.info('still not prepared', { attempt, reason: problem.reason });
}

/** Time of the slot that passes without a preparation: what the sky and Voyager show now says whose it is. */
export async function holdPreparation(night: Night, problem: Problem): Promise<void> {
  const seen = await interruptible(night, () => observe(night, 15 * SECOND));
  if (seen === undefined) return;
  if (seen) night.noteLook(seen);
  const verdict = seen ? judge(seen, circumstances(night, null)) : null;
  const { cause, reason, ledger } = preparationHold(problem.reason, verdict);
  // What stood in the way of the preparation says nothing of another cause that counts now.
  holding(night, cause, reason, ledger, reason === problem.reason ? problem.message : null);
}

/**
 * What is told while no check looks: an abort that the gateway has latched goes into the inbox, a maintenance that begins now is read. The
 * ending when that maintenance cancels what falls into it.
 */
export async function heardWhilePreparing(night: Night): Promise<Ending | null> {
  const { state } = night;
  const told = state.events.splice(0);
  if (told.some((event) => event.kind === 'aborted_at_gateway')) {
    const seen = await observe(night, QUICK_LOOK_MS);
    if (seen) night.takeLatch(seen);
  }
  if (told.some((event) => event.detail === 'maintenance')) await interruptible(night, () => reload(night));
  const { maintenance } = state.data;
  return Date.now() >= state.startMs && maintenance?.bookings === 'cancel' && inMaintenance(maintenance, Date.now())
    ? { outcome: 'failed', reason: 'maintenance', commandId: null }
    : null;
}

export async function waitForMaintenance(night: Night): Promise<void> {
  const { state } = night;
  night.memory.sinceWhen = '';
  holding(night, 'maintenance', 'maintenance', 'outage', null);
  const until = Math.min(Date.parse(state.data.maintenance!.to), state.endMs - night.minimumUsefulMs());
  state.data.next = { what: 'prepare', at: new Date(until).toISOString() };
  await waitFor(night, until, () => night.called(), 'end of the maintenance');
}
