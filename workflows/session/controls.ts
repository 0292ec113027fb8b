import { amend, extend, reschedule } from './changes.ts';
import { circumstances, type Night } from './night.ts';
import { judge } from './policy.ts';
import type { Control, Ending } from './data.ts';

/** Works off what was asked, one by one; an ending, `restarted` when the session goes back to an earlier phase, or `nothing`. */
export async function controls(night: Night): Promise<Ending | 'restarted' | 'nothing'> {
  const { state } = night;
  for (let control = state.data.inbox.shift(); control; control = state.data.inbox.shift()) {
    const result = await obey(night, control);
    if (result !== 'nothing') return result;
  }
  return 'nothing';
}

export async function obey(night: Night, control: Control): Promise<Ending | 'restarted' | 'nothing'> {
  const { state } = night;
  switch (control.kind) {
    case 'abort':
    case 'cancel': {
      night.logbook.receipt(control.commandId, 'accepted');
      if (control.alreadyStopped) state.data.takenOver = control.commandId;
      if (!night.begun)
        return {
          outcome: control.kind === 'cancel' ? 'cancelled' : 'aborted',
          reason: control.reason ?? (control.kind === 'cancel' ? 'user_cancel' : 'user_abort'),
          commandId: control.commandId,
        };
      return { outcome: 'aborted', reason: control.reason ?? 'user_abort', commandId: control.commandId };
    }
    case 'pause':
      if (!night.begun) return night.logbook.refuse(control, 'outside_slot');
      if (state.data.userPaused) return night.logbook.refuse(control, 'already_paused');
      state.data.userPaused = true;
      night.logbook.receipt(control.commandId, 'accepted');
      // What is not prepared is not enabled: there is nothing to wait for.
      if (!state.data.prepared && !state.data.engaged) night.logbook.receipt(control.commandId, 'confirmed');
      else if (night.memory.gatewayAway) night.logbook.explain('pause', 'gateway_away');
      night.checkAtOnce();
      return 'nothing';
    case 'resume': {
      if (!night.begun) return night.logbook.refuse(control, 'outside_slot');
      if (!state.data.userPaused) return night.logbook.refuse(control, 'not_paused');
      const blocked = judge(night.memory.lastObservation, { ...circumstances(night, null), userPaused: false });
      if (
        night.memory.lastObservation &&
        !blocked.go &&
        blocked.reason !== 'weather_debounce' &&
        blocked.reason !== 'local_operator'
      )
        return night.logbook.refuse(control, blocked.reason);
      if (night.memory.gatewayAway) return night.logbook.refuse(control, 'gateway_away');
      state.data.userPaused = false;
      night.logbook.receipt(control.commandId, 'accepted');
      if (!state.data.prepared && !state.data.engaged) {
        const waitsFor = state.data.reason ?? 'preparation_failed';
        night.logbook.explain('resume', waitsFor === 'user_pause' ? 'preparation_failed' : waitsFor, 'accepted');
      }
      night.checkAtOnce();
      return 'nothing';
    }
    case 'extend':
      return extend(night, control);
    case 'reschedule':
      return reschedule(night, control);
    case 'amend':
      return amend(night, control);
    default:
      return night.logbook.refuse(control, 'not_allowed');
  }
}
