import { ActivityFailure, ApplicationFailure, isCancellation, log } from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import type { Reason } from '../../domain/reasons.ts';
import { NIGHT_LINES, sessionMoved, slotNowEnds } from '../../domain/night-lines.ts';
import { records, telescope } from './activities.ts';
import type { Night } from './night.ts';
import { outdate, prepareOnce } from './objects.ts';
import type { Control } from './data.ts';
import { restore, still } from './telescope.ts';
import { SECOND, nowIso } from './time.ts';
import { interruptibleBy } from './waiting.ts';

/** The row of the booking decides; it is read again. Answers why a plan cannot be made of it, which no repetition mends; null when it was. */
export async function reload(night: Night, generation?: number): Promise<Reason | null> {
  const { state } = night;
  try {
    await load(night, generation);
    return null;
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    const { cause } = thrown;
    const invalid = cause instanceof ApplicationFailure && cause.type === FAILURE.invalid;
    log.error('the booking cannot be loaded', { bookingId: state.bookingId, error: cause?.message });
    return invalid ? 'filter_mismatch' : 'internal_error';
  }
}

async function load(night: Night, generation?: number): Promise<void> {
  const { state } = night;
  state.data.booking = await records.loadBooking.executeWithOptions({ summary: 'booking again' }, [
    { bookingId: state.bookingId, now: nowIso(), ...(generation === undefined ? {} : { generation }) },
  ]);
  state.data.maintenance = state.booking.maintenance;
}

/** The booking's new plan under a new generation; what stands in Voyager is out of date then. */
async function replan(night: Night): Promise<Reason | null> {
  const { state } = night;
  const obsolete = [...state.data.obsolete];
  outdate(night);
  const unloadable = await reload(night, state.booking.generation + 1);
  if (unloadable) state.data.obsolete = obsolete;
  return unloadable;
}

/** Where the slot's old end passed before the telescope knew of the new one, nobody could observe in between. */
function neverTold(night: Night, endedMs: number): void {
  const { state } = night;
  const open = state.data.spans.at(-1);
  if (Date.now() <= endedMs || !open || open.end !== null || Date.parse(open.start) >= endedMs) return;
  const { class: name, cause } = open;
  state.span({ class: 'outage', cause: 'internal_error' }, new Date(endedMs).toISOString());
  state.span({ class: name, cause }, nowIso());
}

export async function extend(night: Night, control: Control): Promise<'nothing'> {
  const { state } = night;
  const ceiling = Date.parse(state.data.firstEnd!) + state.booking.policy.extend_ceiling_minutes * 60 * SECOND;
  if (control.end === null || Date.parse(control.end) <= state.endMs)
    return night.logbook.refuse(control, 'not_allowed');
  if (Date.parse(control.end) > ceiling) return night.logbook.refuse(control, 'not_allowed');
  const endedMs = state.endMs;
  const unloadable = await reload(night);
  if (unloadable) return night.logbook.refuse(control, unloadable);
  if (state.endMs < Date.parse(control.end)) return night.logbook.refuse(control, 'next_slot_taken');
  let confirmed = true;
  if (state.data.prepared)
    confirmed =
      (await interruptibleBy(
        night,
        () => night.stopAsked(),
        () => prepareOnce(night, 15 * SECOND),
      )) === null;
  neverTold(night, endedMs);
  state.data.engaged = false;
  night.logbook.log(
    {
      level: 'INFO',
      event: 'extended',
      ...slotNowEnds(state.booking.end),
    },
    { type: 'session.extended', data: { end: state.booking.end } },
  );
  night.logbook.receipt(control.commandId, confirmed ? 'confirmed' : 'unknown', confirmed ? null : 'no_answer');
  night.checkAtOnce();
  return 'nothing';
}

export async function reschedule(night: Night, control: Control): Promise<'restarted' | 'nothing'> {
  const { state } = night;
  const moved = state.data.started || state.data.mayRun === true;
  if (night.begun && moved && !(await still(night, 'stop'))) return night.logbook.refuse(control, 'no_answer');
  const unloadable = await replan(night);
  if (unloadable) return night.logbook.refuse(control, unloadable);
  const data = state.data;
  let returned: boolean | undefined = true;
  if (data.borrowed) {
    const giveBack = (): Promise<boolean> =>
      restore(night, 'return the sky', () =>
        telescope(state.telescopeId).restoring.returnSky({
          telescopeId: state.telescopeId,
          bookingId: state.bookingId,
        }),
      );
    returned = await interruptibleBy(night, () => night.stopAsked(), giveBack);
  }
  Object.assign(data, {
    prepared: false,
    objectsMade: false,
    engaged: false,
    mayRun: false,
    // Cut off by a stop: the end gives it back.
    borrowed: returned === undefined,
    replan: false,
    userPaused: false,
    spans: [],
    alerts: [],
    shotsDone: {},
    firstEnd: state.booking.end,
  });
  night.logbook.transition(
    'scheduled',
    {
      event: 'rescheduled',
      ...sessionMoved(state.booking.start),
    },
    { notify: { type: 'session.rescheduled', data: { start: state.booking.start, end: state.booking.end } } },
  );
  night.logbook.receipt(control.commandId, 'confirmed');
  return 'restarted';
}

export async function amend(night: Night, control: Control): Promise<'restarted' | 'nothing'> {
  const { state } = night;
  const begun = night.begun;
  if (begun && Date.now() + night.minimumUsefulMs() >= state.endMs) return night.logbook.refuse(control, 'slot_over');
  if (begun && night.inEmergency()) return night.logbook.refuse(control, 'voyager_emergency');
  const enabled = state.data.engaged || state.data.mayRun === true;
  if (begun && enabled && !(await still(night, 'disable'))) return night.logbook.refuse(control, 'no_answer');
  const unloadable = await replan(night);
  if (unloadable) {
    // The target holds by now; the next check enables it again as it was.
    state.data.engaged = false;
    night.checkAtOnce();
    return night.logbook.refuse(control, unloadable);
  }
  Object.assign(state.data, { prepared: false, objectsMade: false, engaged: false, replan: false, shotsDone: {} });
  night.logbook.log({
    level: 'INFO',
    event: 'amended',
    ...NIGHT_LINES.amended,
    data: { generation: state.booking.generation },
  });
  if (state.data.phase === 'prepared')
    night.logbook.transition('preparing', {
      event: 'preparing',
      ...NIGHT_LINES.preparingChanges,
    });
  night.logbook.receipt(control.commandId, 'confirmed');
  return 'restarted';
}
