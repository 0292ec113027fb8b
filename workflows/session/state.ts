import type { Observation, ReceiptChange, SessionBooking, Span, Transition } from '../../domain/ports.ts';
import type { VoyagerShot } from '../../domain/contracts/booking.ts';
import type { ControlKind, ReceiptState } from '../../domain/contracts/control.ts';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import type {
  AdoptedSession,
  ControlSignal,
  SessionInput,
  SessionSnapshot,
  TelescopeEventSignal,
  UpdateResult,
} from '../../domain/messages.ts';
import type { HoldCause, Outcome, Phase } from '../../domain/phases.ts';
import { isFinal } from '../../domain/phases.ts';
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
interface KnownReceipt {
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
interface Carried {
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
  lines: LogLine[];
  projections: Projection[];
  checks: number;
  next: { what: string; at: string } | null;
  takenOver: string | null;
  /** The weather was known to be bad at the last look, or before Voyager's emergency that goes on (policy.ts `badWeatherSeen`). */
  badWeather?: boolean;
}

/** RoboTarget's type of a shot of the sky. */
const LIGHT = 0;
/** Receipts and log lines that are kept at hand; the rows in the database keep all. */
const KEPT_RECEIPTS = 200;
const KEPT_LINES = 60;

/**
 * All that a session knows. Handlers only put things in; the night's single thread of work takes them out, so no two controls ever race.
 */
export class SessionState {
  data: Carried;
  /** Answers of updates by command id. */
  readonly answers = new Map<string, UpdateResult>();
  readonly events: TelescopeEventSignal[] = [];
  closed = false;
  /** The run is about to continue as new: what still waits for its turn is carried over, and its caller is told so far. */
  leaving = false;

  constructor(
    readonly bookingId: string,
    readonly telescopeId: string,
    carried?: unknown,
    readonly adopted: AdoptedSession | null = null,
  ) {
    this.data = (carried as Carried | undefined) ?? {
      booking: null,
      firstEnd: null,
      phase: 'scheduled',
      holdCause: null,
      reason: null,
      outcome: null,
      ending: null,
      transition: 0,
      commands: 0,
      prepared: false,
      objectsMade: false,
      engaged: false,
      mayRun: false,
      started: false,
      startedAt: null,
      userPaused: false,
      replan: false,
      borrowed: false,
      alerts: [],
      obsolete: [],
      voyagerShots: [],
      shotsDone: {},
      maintenance: null,
      spans: [],
      receipts: [],
      inbox: [],
      framesWaiting: false,
      lines: [],
      projections: [],
      checks: 0,
      next: null,
      takenOver: null,
      ...(adopted ? takenOverFrom(adopted) : {}),
    };
  }

  get booking(): SessionBooking {
    if (!this.data.booking) throw new Error('the booking is not loaded yet');
    return this.data.booking;
  }
  get startMs(): number {
    return Date.parse(this.booking.start);
  }
  get endMs(): number {
    return Date.parse(this.booking.end);
  }

  /** A signal: taken in unless its command id was seen before. */
  receive(kind: ControlKind, body: ControlSignal): void {
    this.take({
      kind,
      commandId: body.commandId,
      requestedBy: body.requestedBy,
      alreadyStopped: body.alreadyStopped ?? false,
      reason: body.reason ?? null,
      start: null,
      end: null,
    });
  }
  take(control: Control): void {
    if (this.data.receipts.some((r) => r.commandId === control.commandId)) return;
    if (this.closed) {
      this.answers.set(control.commandId, { commandId: control.commandId, state: 'refused', reason: 'session_over' });
      return;
    }
    this.data.receipts.push({
      commandId: control.commandId,
      kind: control.kind,
      requestedBy: control.requestedBy,
      state: 'accepted',
      reason: null,
      message: null,
    });
    if (this.data.receipts.length > KEPT_RECEIPTS) this.data.receipts.shift();
    this.data.inbox.push(control);
  }
  /** Where a command stands; null when it was never seen. */
  receipt(commandId: string): KnownReceipt | null {
    return this.data.receipts.find((r) => r.commandId === commandId) ?? null;
  }
  /** Receipts of a kind that wait for their effect to be seen. */
  waiting(kind: ControlKind): KnownReceipt[] {
    return this.data.receipts.filter(
      (r) => r.kind === kind && (r.state === 'accepted' || r.state === 'sent' || r.state === 'unknown'),
    );
  }

  /** A key for a physical command: the same command never gets a second one, another try always does. */
  commandKey(name: string): string {
    this.data.commands += 1;
    return `${this.bookingId}/${this.booking.generation}/${name}/${this.data.commands}`;
  }

  /** From this instant on the slot's seconds belong to `next`; null leaves them unclaimed. Going back before the open span's start is not possible. */
  span(next: { class: LedgerClass; cause: string | null } | null, atIso: string): void {
    const open = this.data.spans.at(-1);
    if (open && open.end === null) {
      if (next && open.class === next.class && open.cause === next.cause) return;
      const end = atIso > open.start ? atIso : open.start;
      if (end === open.start) this.data.spans.pop();
      else open.end = end;
      atIso = end;
    } else if (open?.end && open.end > atIso) atIso = open.end;
    if (next) this.data.spans.push({ class: next.class, start: atIso, end: null, cause: next.cause });
  }

  line(at: string, text: string): void {
    this.data.lines.push({ at, text });
    if (this.data.lines.length > KEPT_LINES) this.data.lines.shift();
  }

  /** The shots of the plan that still count, with what RoboTarget shall take of each. */
  plannedShots(): { guid: string; quantity: number }[] {
    return this.booking.plan.shots.filter((s) => s.Enabled).map((s) => ({ guid: s.GuidShot, quantity: s.Num }));
  }
  /** Darks, bias or flats are still to be taken, and no light is. */
  onlyCalibrationLeft(): boolean {
    const left = this.booking.plan.shots.filter((s) => s.Enabled && (this.data.shotsDone[s.GuidShot] ?? 0) < s.Num);
    return left.length > 0 && left.every((s) => s.Type !== LIGHT);
  }
  shotsTotal(): number {
    return this.booking.shots.reduce((sum, shot) => sum + shot.quantity, 0);
  }
  shotsTaken(): number {
    return this.booking.plan.shots.reduce(
      (sum, shot) => sum + Math.min(this.data.shotsDone[shot.GuidShot] ?? 0, shot.Num),
      0,
    );
  }

  snapshot(): SessionSnapshot {
    const booking = this.data.booking;
    return {
      bookingId: this.bookingId,
      phase: this.data.phase,
      holdCause: this.data.holdCause,
      reason: this.data.reason,
      outcome: this.data.outcome,
      generation: booking?.generation ?? 0,
      slot: { start: booking?.start ?? '', end: booking?.end ?? '' },
      setGuid: this.data.objectsMade ? (booking?.plan.set.Guid ?? null) : null,
      targetGuid: this.data.objectsMade ? (booking?.plan.target.GuidTarget ?? null) : null,
      shotsDone: booking ? this.shotsTaken() : 0,
      shotsTotal: booking ? this.shotsTotal() : 0,
      next: this.data.next,
      receipts: this.data.receipts.slice(-20).map((r) => ({
        commandId: r.commandId,
        kind: r.kind,
        state: r.state,
        ...(r.reason ? { reason: r.reason } : {}),
      })),
      checks: this.data.checks,
    };
  }

  /** The night log for Temporal's UI: Markdown, under its limit of 20 KB. */
  details(): string {
    const { phase, holdCause, reason, next } = this.data;
    const booking = this.data.booking;
    const head = [
      `### ${this.bookingId} on ${this.telescopeId}`,
      `**${phase}**${holdCause ? ` (${holdCause})` : ''}${reason ? `: ${reason}` : ''}`,
      booking
        ? `Slot ${booking.start} to ${booking.end}, generation ${booking.generation}, shots ${this.shotsTaken()}/${this.shotsTotal()}`
        : '',
      next && !isFinal(phase) ? `Next: ${next.what} at ${next.at}` : '',
    ].filter(Boolean);
    return `${head.join('\n\n')}\n\n${this.data.lines.map((l) => `- \`${l.at.slice(0, 19)}Z\` ${l.text}`).join('\n')}`;
  }
}

/** Objects and borrowed targets are looked for again rather than believed to be there. */
function takenOverFrom({
  transition,
  commands,
  phase,
  holdCause,
  reason,
  startedAt,
  objectsMade,
  obsolete,
  paused,
  receipts,
  told,
  spans,
  ending,
}: AdoptedSession): Partial<Carried> {
  return {
    transition,
    commands,
    phase,
    holdCause,
    reason,
    startedAt,
    started: startedAt !== null,
    mayRun: objectsMade,
    borrowed: startedAt !== null,
    framesWaiting: startedAt !== null,
    objectsMade,
    obsolete,
    userPaused: paused,
    receipts: receipts.map((receipt) => ({ ...receipt, reason: null, message: null })),
    alerts: told,
    spans,
    ending,
    // A stop that was asked for may stand as a latch at the gateway too.
    takenOver: ending?.commandId ?? null,
  };
}

export const stateOf = (input: SessionInput): SessionState =>
  new SessionState(input.bookingId, input.telescopeId, input.carried, input.adopted);
