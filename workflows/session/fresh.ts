import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import { NIGHT_LINES, telescopeChanged } from '../../domain/night-lines.ts';
import { planDifferences } from '../../domain/plan-differences.ts';
import { recordsSoon } from './activities.ts';
import type { Night } from './night.ts';
import { still, type Problem } from './telescope.ts';
import { nowIso } from './time.ts';
import { interruptibleBy } from './waiting.ts';

/**
 * The plan by the telescope's file of today; what differs from the day of the booking is told, and the gateway compares the same file with Voyager.
 * `unknown`: the file could not be read in time, and the night goes on by what is known.
 */
export async function freshPlan(night: Night): Promise<'same' | 'changed' | 'unknown' | Problem> {
  const { state } = night;
  const before = state.booking;
  try {
    const now = await recordsSoon.loadBooking.executeWithOptions({ summary: 'plan again' }, [
      { bookingId: state.bookingId, now: nowIso() },
    ]);
    // Another slot or plan of the guest's is on its way as a control of its own, which takes it.
    if (now.start !== before.start || now.end !== before.end || now.generation !== before.generation) return 'same';
    state.data.maintenance = now.maintenance;
    const changes = planDifferences(before, now);
    if (changes.length === 0) return 'same';
    state.data.booking = now;
    const line = telescopeChanged(changes.map(({ text }) => text));
    night.logbook.log({ level: 'WARNING', event: 'telescope_changed', ...line, data: { changes } });
    const told = changes.find((change) => change.reason !== null);
    if (told?.reason) night.logbook.alertOnce(`telescope_changed/${told.text}`, told.reason, line.message);
    return changes.some(({ objects }) => objects) ? 'changed' : 'same';
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    const { cause } = thrown;
    if (cause instanceof ApplicationFailure && cause.type === FAILURE.invalid)
      return { reason: 'filter_mismatch', message: cause.message };
    if (!state.data.planUnread)
      night.logbook.log({ level: 'WARNING', event: 'plan_unread', ...NIGHT_LINES.planUnread });
    return 'unknown';
  }
}

/**
 * A slot that began by a plan which could not be read again reads it at its checks. True when the file says otherwise: the target stands, and the session
 * goes back to its preparation.
 */
export async function planAgain(night: Night): Promise<boolean> {
  const { data } = night.state;
  if (night.inEmergency()) return false;
  if (data.planUnread === 'unread') {
    const plan = await interruptibleBy(
      night,
      () => night.called(),
      () => freshPlan(night),
    );
    if (plan === undefined || plan === 'unknown') return false;
    delete data.planUnread;
    if (plan === 'same') return false;
    data.planUnread = 'changed';
  }
  if (data.planUnread !== 'changed') return false;
  if ((data.engaged || data.mayRun === true) && !(await still(night, 'disable'))) return false;
  delete data.planUnread;
  backToPreparation(night);
  return true;
}

/** What stands in Voyager is written anew. */
export function backToPreparation(night: Night): void {
  Object.assign(night.state.data, { prepared: false, engaged: false });
  night.logbook.transition('preparing', { event: 'preparing', ...NIGHT_LINES.preparingChanges });
}
