import { stableId } from '../../domain/ids.ts';
import {
  SIGNALS,
  type FramesWaitingSignal,
  type SignalBodies,
  type TelescopeEventSignal,
} from '../../domain/messages.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';

/** The way to a session's workflow. `gone`: it is closed or was never there. @throws while Temporal is away */
export interface SignalTransport {
  signal<Name extends keyof SignalBodies>(
    bookingId: string,
    name: Name,
    body: SignalBodies[Name],
  ): Promise<'sent' | 'gone'>;
}
export const NUDGE_EVERY_MS = 2_000;
/** A drain that lingers takes a row within a fraction of this (activities/frames/linger.ts); what it has taken needs no signal. */
export const TAKEN_AFTER_MS = 1_500;
const RETRY_MS = 2_000;
const EVENT_KEPT_MS = 300_000;

interface Nudge {
  upTo: FramesWaitingSignal['upTo'];
  /** The newest row when the timer was set: a drain has had its time to take it. */
  due: FramesWaitingSignal['upTo'];
  lastMs: number;
  pending: boolean;
  sending: boolean;
  timer: Timer | null;
}

/**
 * Tells sessions what they need not ask for: at most one `framesWaiting` in 2 s per booking, none for rows already taken, and never the last one
 * lost. Sessions that are gone are served by the reconcile Schedule, never by signal-with-start (docs/safety.md, 14).
 */
export class SessionSignals {
  private readonly nudges = new Map<string, Nudge>();
  private queue: { bookingId: string; body: TelescopeEventSignal; untilMs: number }[] = [];
  private working = false;
  private retry: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly telescopeId: string,
    private readonly transport: SignalTransport | null,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Whether the journal has rows up to a position that no drain has taken. @throws while PostgreSQL is away, and then the session is told */
    private readonly notTaken: ((upTo: FramesWaitingSignal['upTo']) => Promise<boolean>) | null = null,
  ) {}

  framesWaiting(bookingId: string, upTo: FramesWaitingSignal['upTo']): void {
    if (!this.transport) return;
    let nudge = this.nudges.get(bookingId);
    if (!nudge)
      this.nudges.set(
        bookingId,
        (nudge = { upTo, due: upTo, lastMs: -Infinity, pending: false, sending: false, timer: null }),
      );
    nudge.upTo = upTo;
    nudge.pending = true;
    this.plan(
      bookingId,
      nudge,
      Math.max(this.notTaken ? TAKEN_AFTER_MS : 0, NUDGE_EVERY_MS - (this.clock.monotonicMs() - nudge.lastMs)),
    );
  }

  /** Kept for five minutes while Temporal is away; the session's own checks see the rest. */
  event(bookingId: string, kind: TelescopeEventSignal['kind'], detail?: string): void {
    const nowMs = this.clock.now();
    const at = new Date(nowMs).toISOString();
    this.queue.push({
      bookingId,
      body: {
        id: stableId('telescope-event', this.telescopeId, kind, at),
        at,
        kind,
        ...(detail ? { detail: detail.slice(0, 300) } : {}),
      },
      untilMs: nowMs + EVENT_KEPT_MS,
    });
    if (this.queue.length > 200) this.queue.shift();
    void this.drain();
  }

  stop(): void {
    this.stopped = true;
    this.retry?.cancel();
    for (const nudge of this.nudges.values()) nudge.timer?.cancel();
  }

  private plan(bookingId: string, nudge: Nudge, delayMs: number): void {
    if (this.stopped || nudge.timer || nudge.sending) return;
    nudge.due = nudge.upTo;
    nudge.timer = this.clock.setTimeout(() => {
      nudge.timer = null;
      void this.nudge(bookingId, nudge);
    }, delayMs);
  }
  private async nudge(bookingId: string, nudge: Nudge): Promise<void> {
    nudge.sending = true;
    nudge.pending = false;
    let delayMs = NUDGE_EVERY_MS;
    try {
      const { due } = nudge;
      if (this.notTaken && !(await this.notTaken(due).catch(() => true))) {
        nudge.sending = false;
        if (nudge.pending || nudge.upTo.epoch !== due.epoch || nudge.upTo.n !== due.n)
          this.plan(bookingId, nudge, TAKEN_AFTER_MS);
        return;
      }
      nudge.lastMs = this.clock.monotonicMs();
      const outcome = await this.transport!.signal(bookingId, SIGNALS.framesWaiting, { upTo: nudge.upTo });
      if (outcome === 'gone') this.nudges.delete(bookingId);
      delayMs = Math.max(0, NUDGE_EVERY_MS - (this.clock.monotonicMs() - nudge.lastMs));
    } catch (thrown) {
      this.logger.warn({ bookingId, err: toError(thrown).message }, 'frames are waiting; Temporal does not answer');
      nudge.pending = true;
    }
    nudge.sending = false;
    if (nudge.pending) this.plan(bookingId, nudge, delayMs);
  }

  private async drain(): Promise<void> {
    if (this.working || this.stopped || !this.transport) return;
    this.working = true;
    try {
      for (let head = this.queue[0]; head; head = this.queue[0]) {
        if (head.untilMs >= this.clock.now())
          await this.transport.signal(head.bookingId, SIGNALS.telescopeEvent, head.body);
        this.queue.shift();
      }
    } catch (thrown) {
      this.logger.warn(
        { err: toError(thrown).message, waiting: this.queue.length },
        'telescope event not delivered; Temporal does not answer',
      );
      this.retry?.cancel();
      if (!this.stopped) this.retry = this.clock.setTimeout(() => void this.drain(), RETRY_MS);
    } finally {
      this.working = false;
    }
  }
}
