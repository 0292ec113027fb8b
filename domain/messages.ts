import type { ControlKind, ReceiptState } from './contracts/control.ts';
import type { LedgerClass } from './contracts/ledger.ts';
import type { HoldCause, Outcome, Phase } from './phases.ts';
import type { Reason } from './reasons.ts';

/**
 * The session workflow's face: names and bodies of its signals, updates and query, shared by workflow, api, gateway and tests.
 * Bodies hold ids only: nothing of a person, no secret.
 */
export const SESSION_WORKFLOW = 'session';
export const FINALISE_WORKFLOW = 'finalise';
export const COMMAND_WORKFLOW = 'telescopeCommand';

export const LATE_FRAMES_WORKFLOW = 'lateFrames';

export const SIGNALS = {
  pause: 'pause',
  resume: 'resume',
  abort: 'abort',
  cancel: 'cancel',
  framesWaiting: 'framesWaiting',
  telescopeEvent: 'telescopeEvent',
} as const satisfies { [Name in keyof SignalBodies]: Name };
export const UPDATES = { reschedule: 'reschedule', amendPlan: 'amendPlan', extend: 'extend' } as const satisfies {
  [Name in keyof UpdateBodies]: Name;
};
export const QUERIES = { snapshot: 'snapshot' } as const;

/** Argument of the session workflow. Everything else is read from the booking row by an activity. */
export interface SessionInput {
  bookingId: string;
  telescopeId: string;
  /** Carried through continue-as-new; never given by a caller. */
  carried?: unknown;
  /** Tests lower it to see continue-as-new. */
  maxHistoryEvents?: number;
  /** A run that takes over from one that is gone. */
  adopted?: AdoptedSession;
}

/** What is known of a session whose workflow is gone: it was terminated or failed, or the service has lost it. */
export interface AdoptedSession {
  /** The last that was recorded; the new run counts on from here. */
  transition: number;
  /** Where the new run's command keys begin, so that none of them was ever used. */
  commands: number;
  phase: Phase;
  holdCause: HoldCause | null;
  reason: Reason | null;
  /** First motion inside the slot. */
  startedAt: string | null;
  objectsMade: boolean;
  /** Objects of the generation that stood before the booking was changed unheard. */
  obsolete: { generation: number; setGuid: string; targetGuid: string; shotGuids: string[] }[];
  /** The guest has paused and not resumed, whatever else holds. */
  paused: boolean;
  /** Commands that wait for their end; a change of the booking among them stands in its row, which the new run reads. */
  receipts: { commandId: string; kind: ControlKind; requestedBy: string; state: ReceiptState }[];
  /** What is told once and was told. */
  told: string[];
  spans: { class: LedgerClass; start: string; end: string | null; cause: string | null }[];
  /** How it ends, and the command that asked for it; null when the night goes on. */
  ending: { outcome: Outcome; reason: Reason | null; commandId: string | null } | null;
}

/** pause, resume, abort, cancel. A repeated commandId has no second effect. */
export interface ControlSignal {
  commandId: string;
  requestedBy: string;
  /** The gateway's emergency path has stopped the target already; the workflow takes the latch over. */
  alreadyStopped?: boolean;
  reason?: Reason;
}

/** The gateway's journal holds frames of this booking that nobody has drained; sent at most once in 2 s. */
export interface FramesWaitingSignal {
  upTo: { epoch: number; n: number };
}

/** What the gateway tells a session without being asked. `at` is ISO. */
export interface TelescopeEventSignal {
  id: string;
  at: string;
  kind:
    | 'weather_changed'
    | 'voyager_error'
    | 'voyager_restarted'
    | 'link_lost'
    | 'link_ready'
    | 'emergency_begun'
    | 'emergency_over'
    | 'target_finished'
    | 'foreign_target'
    | 'guiding_lost'
    | 'camera_error'
    | 'aborted_at_gateway'
    | 'local_operator';
  detail?: string;
}

export interface RescheduleUpdate {
  commandId: string;
  requestedBy: string;
  start: string;
  end: string;
}
export interface AmendPlanUpdate {
  commandId: string;
  requestedBy: string;
  bodyHash: string;
}
export interface ExtendUpdate {
  commandId: string;
  requestedBy: string;
  end: string;
}
export interface UpdateResult {
  commandId: string;
  state: ReceiptState;
  reason?: Reason;
  message?: string;
}

/** The body of each signal and of each update, by its name. */
export interface SignalBodies {
  pause: ControlSignal;
  resume: ControlSignal;
  abort: ControlSignal;
  cancel: ControlSignal;
  framesWaiting: FramesWaitingSignal;
  telescopeEvent: TelescopeEventSignal;
}
export interface UpdateBodies {
  reschedule: RescheduleUpdate;
  amendPlan: AmendPlanUpdate;
  extend: ExtendUpdate;
}

export interface SessionSnapshot {
  bookingId: string;
  phase: Phase;
  holdCause: HoldCause | null;
  reason: Reason | null;
  outcome: Outcome | null;
  generation: number;
  slot: { start: string; end: string };
  setGuid: string | null;
  targetGuid: string | null;
  shotsDone: number;
  shotsTotal: number;
  next: { what: string; at: string } | null;
  receipts: { commandId: string; kind: ControlKind; state: ReceiptState; reason?: Reason }[];
  checks: number;
}
