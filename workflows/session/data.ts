import type { VoyagerShot } from '../../domain/contracts/booking.ts';
import type { ControlKind, ReceiptState } from '../../domain/contracts/control.ts';
import type { HoldCause, Outcome, Phase } from '../../domain/phases.ts';
import type { Observation, ReceiptChange, SessionBooking, Span, Transition } from '../../domain/ports.ts';
import type { Reason } from '../../domain/reasons.ts';

/** A control as it waits for the night's single thread of work. */
export interface Control {
  kind: ControlKind;
  commandId: string;
  requestedBy: string;
  alreadyStopped: boolean;
  reason: Reason | null;
  /** reschedule: the new slot; extend: the new end. */
  start: string | null;
  end: string | null;
}
export interface KnownReceipt {
  commandId: string;
  kind: ControlKind;
  requestedBy: string;
  state: ReceiptState;
  reason: Reason | null;
  message: string | null;
}
interface LogLine {
  at: string;
  text: string;
}
/** What waits to be written into our own database, in order. */
export type Projection =
  | { kind: 'transition'; body: Transition }
  | { kind: 'receipt'; body: ReceiptChange }
  | {
      kind: 'log';
      body: {
        bookingId: string;
        telescopeId: string;
        key: string;
        at: string;
        log: Transition['log'];
        notify?: Transition['notify'];
      };
    }
  | { kind: 'check'; body: { bookingId: string; telescopeId: string; at: string; observation: Observation } }
  | {
      kind: 'alert';
      body: { bookingId: string; telescopeId: string; key: string; at: string; reason: Reason; message: string };
    };

/** How a session ends. */
export interface Ending {
  outcome: Outcome;
  reason: Reason | null;
  /** The control that asked for it, so that its receipt is settled when it is done. */
  commandId: string | null;
}

/** Objects of an older generation that are removed once the new ones are confirmed. */
export interface Obsolete {
  generation: number;
  setGuid: string;
  targetGuid: string;
  shotGuids: string[];
}

/** Everything that survives continue-as-new, as JSON. */
export interface Carried {
  booking: SessionBooking | null;
  firstEnd: string | null;
  phase: Phase;
  holdCause: HoldCause | null;
  reason: Reason | null;
  outcome: Outcome | null;
  ending: Ending | null;
  transition: number;
  commands: number;
  prepared: boolean;
  objectsMade: boolean;
  engaged: boolean;
  /** The target was told to be enabled and not seen stopped since; unknown in a state of older code, which counts as yes. */
  mayRun?: boolean;
  started: boolean;
  startedAt: string | null;
  userPaused: boolean;
  replan: boolean;
  /** The slot began by a plan that could not be read again; `changed`: it was read since, and the target must stand before it is written. */
  planUnread?: 'unread' | 'changed';
  borrowed: boolean;
  alerts: string[];
  obsolete: Obsolete[];
  voyagerShots: VoyagerShot[];
  shotsDone: Record<string, number>;
  maintenance: SessionBooking['maintenance'];
  spans: Span[];
  receipts: KnownReceipt[];
  inbox: Control[];
  framesWaiting: boolean;
  /** What had become of the frames when they were taken in last. */
  frames?: { captured: number; archived: number };
  lines: LogLine[];
  projections: Projection[];
  checks: number;
  next: { what: string; at: string } | null;
  takenOver: string | null;
  /** The gateway's own stop that was seen last, with its instant: the target has stood since then, whenever a worker heard of it. */
  latched?: { commandId: string; at: string };
  /** Since when our target has been enabled with nothing begun; null while it runs. */
  idleSince?: string | null;
  /** The weather was known to be bad at the last look, or before Voyager's emergency that goes on (policy.ts `badWeatherSeen`). */
  badWeather?: boolean;
}
