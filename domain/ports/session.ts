import type { VoyagerShot, LedgerClass, WebhookType } from '../contracts/index.ts';
import type { ControlKind, ReceiptState } from '../contracts/control.ts';
import type { Shot, Target, Constraints } from '../contracts/booking.ts';
import type { TelescopePolicy } from '../contracts/telescope.ts';
import type { HoldCause, Outcome, Phase } from '../phases.ts';
import type { Reason } from '../reasons.ts';
import type { z } from 'zod';
import type { ObjectsPlan, Observation } from './telescope.ts';

/** The booking as a session needs it (no person in it). */
export interface SessionBooking {
  bookingId: string;
  telescopeId: string;
  start: string;
  end: string;
  generation: number;
  /** The version of the booking's row; absent in what was loaded before there was one. */
  revision?: number;
  cancelled: boolean;
  target: z.infer<typeof Target>;
  shots: z.infer<typeof Shot>[];
  constraints: z.infer<typeof Constraints>;
  policy: TelescopePolicy & { resume_debounce_seconds: number; weather_stale_seconds: number };
  /** Instant to begin preparing at (policy applied by the activity, since `noon` needs the site's time zone). */
  prepareAt: string;
  plan: ObjectsPlan;
  maintenance: { from: string; to: string; bookings: 'hold' | 'cancel' } | null;
}

/** A change of phase (or of reason within a phase): projection, timeline, event and outbox rows, in one transaction. */
export interface Transition {
  bookingId: string;
  telescopeId: string;
  /** Grows by one with each call; a repeated or older number changes nothing. */
  transition: number;
  at: string;
  phase: Phase;
  holdCause: HoldCause | null;
  reason: Reason | null;
  outcome: Outcome | null;
  generation: number;
  setGuid?: string | null;
  targetGuid?: string | null;
  voyagerShots?: z.infer<typeof VoyagerShot>[];
  sessionStartedAt?: string;
  sessionEndedAt?: string;
  next: { what: string; at: string } | null;
  /** Line for the night log; event is a short stable name such as `prepared`, `weather_hold`. */
  log: {
    level: 'INFO' | 'WARNING' | 'ERROR';
    event: string;
    message: string;
    messageFr?: string;
    data?: Record<string, unknown>;
  };
  /** What Laravel hears; people hear of it too where notifications say so. */
  notify?: { type: WebhookType; data?: Record<string, unknown> };
}

export interface ReceiptChange {
  commandId: string;
  bookingId: string;
  telescopeId: string;
  kind: ControlKind;
  state: ReceiptState;
  reason: Reason | null;
  message: string | null;
  requestedBy: string;
  at: string;
}

/** Spans of the night that the workflow saw; the ledger is built from them and from telemetry. `end` null = still open. */
export interface Span {
  class: LedgerClass;
  start: string;
  end: string | null;
  cause: string | null;
}

/** Run by the worker on queue `session`. */
export interface SessionActivities {
  /** `generation`: at least this one from now on (a new slot or plan gets new objects); kept in the booking row. */
  loadBooking(input: { bookingId: string; now: string; generation?: number }): Promise<SessionBooking>;
  recordTransition(input: Transition): Promise<void>;
  recordReceipt(input: ReceiptChange): Promise<void>;
  /** A line for the night log without a change of phase. `key` makes a repeat a no-op. */
  recordLog(input: {
    bookingId: string;
    telescopeId: string;
    key: string;
    at: string;
    log: Transition['log'];
    notify?: Transition['notify'];
  }): Promise<void>;
  /** Progress from a check: done counts, weather, guiding, for lists and pages. Answers the maintenance that touches the slot by now. */
  recordCheck(input: {
    bookingId: string;
    telescopeId: string;
    at: string;
    observation: Observation;
  }): Promise<{ maintenance: SessionBooking['maintenance'] }>;
  /** What is still worth doing in [now, end): the shots by value and by what the sky allows. Pure function of domain/. */
  planRemainder(input: { bookingId: string; now: string; end: string; done: Record<string, number> }): Promise<{
    usefulSeconds: number;
    anyShotFits: boolean;
    nextDarkAt: string | null;
    nextVisibleAt: string | null;
    shots: { guid: string; remaining: number }[];
  }>;
  /** The operator must hear of this (mail, log, webhook `error.occurred`). */
  alertOperator(input: {
    bookingId: string;
    telescopeId: string;
    key: string;
    at: string;
    reason: Reason;
    message: string;
  }): Promise<void>;
}
