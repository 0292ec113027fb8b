import type { Reason } from './reasons.ts';

/** How soon somebody must act: read it some time, look at it this night, act now, get up. */
export const SEVERITIES = ['info', 'warning', 'critical', 'page'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Alert {
  severity: Severity;
  /** What the operator does about it, in one or two sentences. */
  todo: string;
}

const nothing = 'Nothing: it goes on by itself.';

/** Every reason as an operator's matter. The runbook (docs/operator-runbook.md) has a row for each. */
export const ALERTS: Record<Reason, Alert> = {
  waiting_for_dark: { severity: 'info', todo: nothing },
  target_below_limit: { severity: 'info', todo: nothing },
  target_outside_hour_angle: { severity: 'info', todo: nothing },
  weather_unsafe: { severity: 'info', todo: nothing },
  weather_hold: { severity: 'info', todo: nothing },
  weather_debounce: { severity: 'info', todo: nothing },
  weather_no_time_left: { severity: 'info', todo: 'Nothing: the guest may book again.' },
  weather_unknown: {
    severity: 'critical',
    todo: 'Mend the weather source; its age stands in the weather panel. Until then nothing starts.',
  },
  user_pause: { severity: 'info', todo: nothing },
  user_abort: { severity: 'info', todo: 'Nothing: the guest asked for it.' },
  user_cancel: { severity: 'info', todo: 'Nothing: the guest asked for it.' },
  operator_abort: { severity: 'info', todo: 'Nothing: an operator asked for it.' },
  gateway_away: {
    severity: 'page',
    todo: 'Start the gateway. Is its machine up, and does it reach Temporal? Voyager’s own safety is in charge meanwhile.',
  },
  voyager_away: {
    severity: 'page',
    todo: 'Look at Voyager, its Application Server and the port; run `npm run doctor`.',
  },
  voyager_error: { severity: 'critical', todo: 'Read Voyager’s log, then restart or reset Voyager itself.' },
  voyager_emergency: {
    severity: 'page',
    todo: 'Leave it alone while Voyager closes the observatory, and look at the observatory. It goes on after RESUME.',
  },
  robotarget_not_running: { severity: 'critical', todo: 'Start RoboTarget’s script in Voyager.' },
  no_frames: {
    severity: 'critical',
    todo: 'Find out why nothing was taken: RoboTarget’s log, the share with the frames, the path mapping.',
  },
  robotarget_not_set_up: {
    severity: 'critical',
    todo: 'Set VOYAGER_ROBOTARGET_SECRET, the base sequence (VOYAGER_DEFAULT_SEQUENCE_GUID, or base_sequence_guid) and the site (SITE_LATITUDE_DEGREES, SITE_LONGITUDE_DEGREES, SITE_TIMEZONE, or site), then book again.',
  },
  foreign_target: { severity: 'warning', todo: 'Disable the other target in RoboTarget, or allow borrowing.' },
  profile_mismatch: { severity: 'critical', todo: 'Correct Voyager’s profile or the telescope’s file.' },
  sequence_mismatch: { severity: 'critical', todo: 'Correct the base sequence in Voyager or in the telescope’s file.' },
  filter_mismatch: { severity: 'critical', todo: 'Correct the filters in Voyager or in the telescope’s file.' },
  equipment_error: { severity: 'critical', todo: 'Connect the device in Voyager.' },
  guiding_lost: { severity: 'warning', todo: 'Look for clouds; Voyager searches for the star by itself.' },
  safety_monitor_missing: {
    severity: 'critical',
    todo: 'Connect the safety monitor; without it no session starts unless the owner allows it.',
  },
  local_operator: { severity: 'warning', todo: 'Resume the session when the hand is off the telescope.' },
  maintenance: { severity: 'info', todo: 'End the window of maintenance when the work is done.' },
  read_only: { severity: 'warning', todo: 'Unset VOYAGER_READ_ONLY when sessions are to run.' },
  guest_complaint: { severity: 'warning', todo: 'Read it on the admin page, on the evidence, and answer.' },
  disk_low: { severity: 'critical', todo: 'Make room under OBSERVATIONS_STORAGE_PATH; frames wait until then.' },
  store_away: {
    severity: 'page',
    todo: 'Mount the disk of OBSERVATIONS_STORAGE_PATH again; frames wait in the journal until then.',
  },
  frames_lost: {
    severity: 'page',
    todo: 'Look at the store’s disk: the read-back stopped because too many frames were not whole.',
  },
  clock_offset: { severity: 'critical', todo: 'Set the clock (NTP) on Voyager’s machine.' },
  plan_finished: { severity: 'info', todo: 'Nothing: it is done.' },
  slot_over: { severity: 'info', todo: 'Nothing: it is done.' },
  outside_slot: { severity: 'info', todo: nothing },
  already_paused: { severity: 'info', todo: nothing },
  not_paused: { severity: 'info', todo: nothing },
  finalising: { severity: 'info', todo: nothing },
  session_over: { severity: 'info', todo: 'Nothing: it is done.' },
  superseded: { severity: 'info', todo: nothing },
  preparation_failed: {
    severity: 'critical',
    todo: 'Read the night log: it names each try. The guest’s time is given back if it does not succeed.',
  },
  refused_by_voyager: { severity: 'warning', todo: 'Read the receipt’s message and the list of allowed commands.' },
  not_allowed: { severity: 'warning', todo: 'Look at the telescope’s list of allowed commands.' },
  no_answer: {
    severity: 'critical',
    todo: 'Look at the target in RoboTarget: the outcome of a command is unknown and it is not sent again.',
  },
  next_slot_taken: { severity: 'warning', todo: 'Cancel or move one of the two bookings.' },
  internal_error: { severity: 'critical', todo: 'Read the worker’s log at that second.' },
};
