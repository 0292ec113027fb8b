import { patched } from '@temporalio/workflow';
import { NIGHT_LINES, sessionMoved, slotNowEnds } from '../../domain/night-lines.ts';
import { records, telescope } from './activities.ts';
import type { Night } from './night.ts';
import { outdate, prepareOnce } from './objects.ts';
import { PATCHES } from './patches.ts';
import type { Control } from './data.ts';
import { restore, still } from './telescope.ts';
import { SECOND, nowIso } from './time.ts';
import { interruptibleBy } from './waiting.ts';

/** The row of the booking decides; it is read again. */
export async function reload(night: Night, generation?: number): Promise<void> {
  const { state } = night;
  state.data.booking = await records.loadBooking.executeWithOptions({ summary: 'booking again' }, [
    { bookingId: state.bookingId, now: nowIso(), ...(generation === undefined ? {} : { generation }) },
  ]);
  state.data.maintenance = state.booking.maintenance;
}

export async function extend(night: Night, control: Control): Promise<'nothing'> {
  const { state } = night;
  const ceiling = Date.parse(state.data.firstEnd!) + state.booking.policy.extend_ceiling_minutes * 60 * SECOND;
  if (control.end === null || Date.parse(control.end) <= state.endMs)
    return night.logbook.refuse(control, 'not_allowed');
  if (Date.parse(control.end) > ceiling) return night.logbook.refuse(control, 'not_allowed');
  await reload(night);
  if (state.endMs < Date.parse(control.end)) return night.logbook.refuse(control, 'next_slot_taken');
  let confirmed = true;
  if (state.data.prepared)
    confirmed =
      (await interruptibleBy(
        night,
        () => night.stopAsked(),
        () => prepareOnce(night, 15 * SECOND),
      )) === null;
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
  const moved = state.data.started || (state.data.mayRun === true && patched(PATCHES.promptStop));
  if (night.begun && moved && !(await still(night, 'stop'))) return night.logbook.refuse(control, 'no_answer');
  outdate(night);
  await reload(night, state.booking.generation + 1);
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
    returned = patched(PATCHES.promptStop)
      ? await interruptibleBy(night, () => night.stopAsked(), giveBack)
      : await giveBack();
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
  if (begun && Date.now() + night.minimumUsefulMs() >= state.endMs && patched(PATCHES.lateAmend))
    return night.logbook.refuse(control, 'slot_over');
  if (begun && night.inEmergency() && patched(PATCHES.lateAmend))
    return night.logbook.refuse(control, 'voyager_emergency');
  const enabled = state.data.engaged || (state.data.mayRun === true && patched(PATCHES.promptStop));
  if (begun && enabled && !(await still(night, 'disable'))) return night.logbook.refuse(control, 'no_answer');
  outdate(night);
  await reload(night, state.booking.generation + 1);
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
