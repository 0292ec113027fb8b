import type { ControlKind } from '../../domain/contracts/control.ts';
import type { LedgerClass } from '../../domain/contracts/ledger.ts';
import type {
  AdoptedSession,
  ControlSignal,
  SessionInput,
  TelescopeEventSignal,
  UpdateResult,
} from '../../domain/messages.ts';
import type { SessionBooking } from '../../domain/ports.ts';
import type { Carried, Control, KnownReceipt } from './data.ts';
import { takenOverFrom } from './adopted.ts';

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
  /** Updates whose senders wait for an answer, by command id. */
  readonly awaited = new Set<string>();
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
    this.data.inbox.push(control);
    this.forgetSettled();
  }
  /** The oldest receipts go when there are many, and only those that nobody waits for any more. */
  private forgetSettled(): void {
    while (this.data.receipts.length > KEPT_RECEIPTS) {
      const oldest = this.data.receipts.findIndex(
        ({ state, commandId }) => (state === 'confirmed' || state === 'refused') && !this.awaited.has(commandId),
      );
      if (oldest < 0) return;
      this.data.receipts.splice(oldest, 1);
    }
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
}

export const stateOf = (input: SessionInput): SessionState =>
  new SessionState(input.bookingId, input.telescopeId, input.carried, input.adopted);
