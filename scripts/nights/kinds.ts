import type { Shot } from '../../domain/contracts/booking.ts';

/** Drawn apart from the others, each in some nights. */
export const RARE_KINDS = [
  'weather_frozen',
  'weather_split',
  'robotarget_idle',
  'base_sequence',
  'store_away',
  'gateway_clock',
  'gateway_no_database',
  'gateway_no_temporal',
  'api_no_gateway',
  'worker_away',
  'telescope_file',
  'api_clock',
  'temporal_clock',
  'state_restored',
  'second_gateway',
] as const;
type RareKind = (typeof RARE_KINDS)[number];

/** What goes wrong in a night by itself. */
export const FAULT_KINDS = [
  'unsafe_weather',
  'clouds',
  'weather_stale',
  'link_lost',
  'gateway_away',
  'voyager_error',
  'voyager_restart',
  'emergency',
  'camera',
  'guiding',
  'clock',
  'foreign_target',
  'foreign_borrowed',
  'foreign_locked',
  'site',
  'finished_early',
  'console',
  'answer_lost',
  'refusal',
  'maintenance',
  'database_away',
  'slow_answers',
  'event_lost',
  'frame_event_lost',
  'frame_absent',
  'frame_damaged',
  'long_history',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number] | RareKind;

/** A fault of the plan; seconds count from the start of the slot as first booked. */
export interface Fault {
  kind: FaultKind;
  at: number;
  seconds: number;
  /** Which command, which frame, which answer: meaning by kind. */
  detail?: string;
  nth?: number;
}

/** What people do. */
export type Step = { at: number; commandId: string } & (
  | { kind: 'pause' | 'resume' | 'abort' | 'cancel' }
  /** Abort through the gateway's emergency path, as the api sends it: to the gateway at once and as a signal. */
  | { kind: 'gateway_abort'; signalled: boolean }
  | { kind: 'operator_cancel' }
  | { kind: 'operator_halt' | 'operator_abort' }
  /** From this instant on somebody works at the telescope. */
  | { kind: 'maintenance_now'; seconds: number; cancels: boolean }
  | { kind: 'extend'; minutes: number; free: boolean }
  | { kind: 'reschedule'; laterSeconds: number }
  | { kind: 'amend'; shots: Shot[] }
);
