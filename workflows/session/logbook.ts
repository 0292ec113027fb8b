import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { ReceiptState } from '../../domain/contracts/control.ts';
import type { HoldCause, Outcome, Phase } from '../../domain/phases.ts';
import type { Transition } from '../../domain/ports.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { SEARCH_ATTRIBUTES } from '../../domain/queues.ts';
import { detailsOf, nextOf } from './face.ts';
import type { Projector } from './projection.ts';
import type { Control } from './data.ts';
import type { SessionState } from './state.ts';
import { nowIso } from './time.ts';

/**
 * What a session says: its phases, lines, alerts and receipts. Everything goes into our own database by way of the projector, and into the
 * current details of Temporal's page.
 */
export class Logbook {
  constructor(
    private readonly state: SessionState,
    private readonly projector: Projector,
  ) {}

  transition(
    phase: Phase,
    line: {
      level?: 'INFO' | 'WARNING' | 'ERROR';
      event: string;
      message: string;
      messageFr: string;
      data?: Record<string, unknown>;
    },
    more: {
      reason?: Reason | null;
      holdCause?: HoldCause;
      outcome?: Outcome;
      notify?: Transition['notify'];
      objects?: boolean;
      sessionEndedAt?: string;
    } = {},
  ): void {
    const { state } = this;
    const { data } = state;
    data.phase = phase;
    data.reason = more.reason ?? null;
    data.holdCause = more.holdCause ?? null;
    data.transition += 1;
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.phase, value: phase },
      { key: SEARCH_ATTRIBUTES.start, value: new Date(state.startMs) },
      { key: SEARCH_ATTRIBUTES.bookingId, value: state.bookingId },
      { key: SEARCH_ATTRIBUTES.telescopeId, value: state.telescopeId },
    ]);
    this.line(`**${phase}** ${line.message}`);
    this.projector.push({
      kind: 'transition',
      body: {
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        transition: data.transition,
        at: nowIso(),
        phase,
        holdCause: data.holdCause,
        reason: data.reason,
        outcome: more.outcome ?? null,
        generation: state.booking.generation,
        ...(more.objects
          ? {
              setGuid: state.booking.plan.set.Guid,
              targetGuid: state.booking.plan.target.GuidTarget,
              voyagerShots: data.voyagerShots,
            }
          : {}),
        ...(data.startedAt ? { sessionStartedAt: data.startedAt } : {}),
        ...(more.sessionEndedAt ? { sessionEndedAt: more.sessionEndedAt } : {}),
        next: nextOf(state.booking, phase),
        log: {
          level: line.level ?? 'INFO',
          event: line.event,
          message: line.message,
          messageFr: line.messageFr,
          ...(line.data ? { data: line.data } : {}),
        },
        ...(more.notify ? { notify: more.notify } : {}),
      },
    });
  }

  log(entry: Transition['log'], notify?: Transition['notify']): void {
    const { state } = this;
    state.data.commands += 1;
    this.line(entry.message);
    this.projector.push({
      kind: 'log',
      body: {
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        key: `${entry.event}/${state.data.commands}`,
        at: nowIso(),
        log: entry,
        ...(notify ? { notify } : {}),
      },
    });
  }

  line(text: string): void {
    this.state.line(nowIso(), text);
    this.refresh();
  }
  /** Temporal's page shows the state of now; it is asked for by a query and costs no event. */
  refresh(): void {
    setCurrentDetails(detailsOf(this.state));
  }

  alertOnce(key: string, reason: Reason, message: string): void {
    const { state } = this;
    const name = `alert_${key}`;
    if (state.data.alerts.includes(name)) return;
    state.data.alerts.push(name);
    this.projector.push({
      kind: 'alert',
      body: { bookingId: state.bookingId, telescopeId: state.telescopeId, key: name, at: nowIso(), reason, message },
    });
  }

  receipt(commandId: string, to: ReceiptState, reason: Reason | null = null, message: string | null = null): void {
    const { state } = this;
    const known = state.receipt(commandId);
    if (!known) return;
    if (known.state === to && known.reason === reason && to !== 'accepted') return;
    Object.assign(known, { state: to, reason, message });
    this.projector.push({
      kind: 'receipt',
      body: {
        commandId,
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        kind: known.kind,
        state: to,
        reason,
        message,
        requestedBy: known.requestedBy,
        at: nowIso(),
      },
    });
  }

  refuse(control: Control, reason: Reason): 'nothing' {
    this.receipt(control.commandId, 'refused', reason, REASONS[reason].en);
    return 'nothing';
  }

  refuseAll(reason: Reason): void {
    for (let control = this.state.data.inbox.shift(); control; control = this.state.data.inbox.shift())
      this.refuse(control, reason);
    for (const receipt of this.state.data.receipts)
      if (receipt.state === 'accepted' || receipt.state === 'sent')
        this.receipt(
          receipt.commandId,
          receipt.kind === 'abort' || receipt.kind === 'cancel' ? 'confirmed' : 'unknown',
          receipt.kind === 'abort' || receipt.kind === 'cancel' ? null : reason,
        );
  }

  /** Why what was asked for is not done yet, said in its receipt; the same is said once. */
  explain(kind: 'pause' | 'resume', reason: Reason, to: ReceiptState = 'unknown'): void {
    for (const receipt of this.state.waiting(kind))
      if (receipt.state !== to || receipt.reason !== reason)
        this.receipt(receipt.commandId, to, reason, REASONS[reason].en);
  }

  /** Written after the row that shows it: whoever hears of a confirmed resume finds the session running. */
  confirmResumes(): void {
    for (const receipt of this.state.waiting('resume')) this.receipt(receipt.commandId, 'confirmed');
  }
}
