import type { SessionSnapshot } from '../../domain/messages.ts';
import { isFinal, type Phase } from '../../domain/phases.ts';
import type { SessionBooking } from '../../domain/ports.ts';
import type { SessionState } from './state.ts';

/** Where the session stands, for operators: the answer of the query `snapshot`. */
export function snapshotOf(state: SessionState): SessionSnapshot {
  const booking = state.data.booking;
  return {
    bookingId: state.bookingId,
    phase: state.data.phase,
    holdCause: state.data.holdCause,
    reason: state.data.reason,
    outcome: state.data.outcome,
    generation: booking?.generation ?? 0,
    slot: { start: booking?.start ?? '', end: booking?.end ?? '' },
    setGuid: state.data.objectsMade ? (booking?.plan.set.Guid ?? null) : null,
    targetGuid: state.data.objectsMade ? (booking?.plan.target.GuidTarget ?? null) : null,
    shotsDone: booking ? state.shotsTaken() : 0,
    shotsTotal: booking ? state.shotsTotal() : 0,
    next: state.data.next,
    receipts: state.data.receipts.slice(-20).map((r) => ({
      commandId: r.commandId,
      kind: r.kind,
      state: r.state,
      ...(r.reason ? { reason: r.reason } : {}),
    })),
    checks: state.data.checks,
  };
}

/** The night log for Temporal's UI: Markdown, under its limit of 20 KB. */
export function detailsOf(state: SessionState): string {
  const { phase, holdCause, reason, next, frames } = state.data;
  const booking = state.data.booking;
  const head = [
    `### ${state.bookingId} on ${state.telescopeId}`,
    `**${phase}**${holdCause ? ` (${holdCause})` : ''}${reason ? `: ${reason}` : ''}`,
    booking
      ? `Slot ${booking.start} to ${booking.end}, generation ${booking.generation}, shots ${state.shotsTaken()}/${state.shotsTotal()}`
      : '',
    frames ? `Frames: ${frames.archived} archived of ${frames.captured}` : '',
    next && !isFinal(phase) ? `Next: ${next.what} at ${next.at}` : '',
  ].filter(Boolean);
  return `${head.join('\n\n')}\n\n${state.data.lines.map((l) => `- \`${l.at.slice(0, 19)}Z\` ${l.text}`).join('\n')}`;
}

/** What comes next in a phase, for the row of the session. */
export function nextOf(booking: SessionBooking, phase: Phase): { what: string; at: string } | null {
  if (phase === 'scheduled') return { what: 'prepare', at: booking.prepareAt };
  if (phase === 'preparing' || phase === 'prepared') return { what: 'start', at: booking.start };
  if (phase === 'starting' || phase === 'running' || phase === 'holding') return { what: 'end', at: booking.end };
  return null;
}
