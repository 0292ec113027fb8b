import { ActivityFailure, condition, isCancellation, startChild, upsertSearchAttributes } from '@temporalio/workflow';
import type { WebhookType } from '../../../domain/contracts/webhook.ts';
import type { LedgerClass } from '../../../domain/contracts/ledger.ts';
import { FINALISE_WORKFLOW } from '../../../domain/messages.ts';
import { isFinal, type Outcome } from '../../../domain/phases.ts';
import type { FinaliseInput, FinaliseResult } from '../../../domain/ports.ts';
import { PRIORITY } from '../../../domain/priority.ts';
import { QUEUE_FINALISE, SEARCH_ATTRIBUTES, finaliseWorkflowId } from '../../../domain/queues.ts';
import { NIGHT_LINES, reasonWords } from '../../../domain/night-lines.ts';
import type { Reason } from '../../../domain/reasons.ts';
import { settling, telescope } from '../activities.ts';
import type { Night } from '../night.ts';
import { outdate, removeObsolete } from '../objects.ts';
import type { Ending } from '../data.ts';
import { restore } from '../telescope.ts';
import { nowIso } from '../time.ts';
import { stopForGood } from './stop.ts';

const ENDING_EVENTS: Record<Outcome, WebhookType> = {
  completed: 'session.completed',
  cancelled: 'session.cancelled',
  aborted: 'session.aborted',
  weathered_out: 'session.weathered_out',
  failed: 'session.failed',
};
/** Endings that are neither the guest's nor the sky's: what is left of the slot is an outage. */
const OUR_DOING: readonly Reason[] = ['operator_abort', 'maintenance'];

/** From when nothing of this session ran any more: a stop of the gateway's own has its own instant, whenever a worker heard of it. */
function stoodFrom(night: Night, ending: Ending, now: string): string {
  const { booking, startMs, data } = night.state;
  const byGateway = data.latched && data.latched.commandId === ending.commandId ? data.latched.at : now;
  const from = byGateway < now && Date.parse(byGateway) > startMs ? byGateway : now;
  return from < booking.end ? from : booking.end;
}

export async function end(night: Night, ending: Ending): Promise<void> {
  const { state } = night;
  if (!night.begun) return endBefore(night, ending);
  state.data.next = null;
  if (state.data.phase !== 'finalising') {
    await stopForGood(night, ending);
    const at = nowIso();
    const ours = ending.reason !== null && OUR_DOING.includes(ending.reason);
    state.span(ours ? { class: 'outage', cause: ending.reason } : null, stoodFrom(night, ending, at));
    night.logbook.transition(
      'finalising',
      {
        level: ending.outcome === 'failed' ? 'ERROR' : 'INFO',
        event: ending.reason ?? 'over',
        ...(ending.reason ? reasonWords(ending.reason) : NIGHT_LINES.over),
      },
      { reason: ending.reason, sessionEndedAt: at },
    );
    if (ending.commandId && !night.memory.stopUnseen) night.logbook.receipt(ending.commandId, 'confirmed');
    await night.projector.flush();
  }
  night.background.cancel();
  const child = await startChild<(input: FinaliseInput) => Promise<FinaliseResult>>(FINALISE_WORKFLOW, {
    workflowId: finaliseWorkflowId(state.bookingId),
    priority: PRIORITY.finalising,
    taskQueue: QUEUE_FINALISE,
    parentClosePolicy: 'ABANDON',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Wrap up ${state.bookingId}`,
    args: [
      {
        bookingId: state.bookingId,
        telescopeId: state.telescopeId,
        targetGuid: state.data.objectsMade ? state.booking.plan.target.GuidTarget : null,
        outcome: ending.outcome,
        reason: ending.reason,
        spans: state.data.spans,
        slot: { start: state.booking.start, end: state.booking.end },
        transition: state.data.transition + 1,
      },
    ],
  });
  let finished = false;
  const result = child.result().finally(() => {
    finished = true;
  });
  const refusing = refuseUntil(night, () => finished, 'finalising');
  await putBack(night, ending);
  const wrapped = await result;
  await refusing;
  // Wrapping up knows of the frames; what the session believed follows it.
  Object.assign(ending, { outcome: wrapped.outcome, reason: wrapped.reason ?? ending.reason });
  state.data.phase = ending.outcome;
  state.data.outcome = ending.outcome;
  night.logbook.line(`${ending.outcome}: wrapped up`);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.phase, value: ending.outcome }]);
}

export async function refuseUntil(night: Night, done: () => boolean, reason: Reason): Promise<void> {
  for (;;) {
    await condition(() => done() || night.state.data.inbox.length > 0);
    for (let control = night.state.data.inbox.shift(); control; control = night.state.data.inbox.shift()) {
      if (control.alreadyStopped) {
        night.state.data.takenOver = control.commandId;
        night.logbook.receipt(control.commandId, 'confirmed');
        await releaseLatch(night);
      } else night.logbook.refuse(control, reason);
    }
    if (done()) return;
  }
}

/** Cancelled or aborted before H, or never begun: nothing has moved, so the phase is final at once and the objects are cleared away after. */
export async function endBefore(night: Night, ending: Ending): Promise<void> {
  const { state } = night;
  state.data.next = null;
  if (!isFinal(state.data.phase)) {
    night.logbook.transition(
      ending.outcome,
      {
        level: ending.outcome === 'failed' ? 'ERROR' : 'INFO',
        event: ending.outcome,
        ...(ending.reason ? reasonWords(ending.reason) : NIGHT_LINES.over),
      },
      {
        reason: ending.reason,
        outcome: ending.outcome,
        notify: { type: ENDING_EVENTS[ending.outcome], data: { reason: ending.reason } },
      },
    );
    if (ending.commandId) night.logbook.receipt(ending.commandId, 'confirmed');
  }
  state.data.outcome = ending.outcome;
  if (state.data.objectsMade) outdate(night);
  const latched = state.data.takenOver !== null;
  const cleared =
    night.state.data.obsolete.length > 0 || state.data.objectsMade || latched
      ? putBack(night, ending)
      : Promise.resolve();
  let done = false;
  const refusing = refuseUntil(night, () => done, 'session_over');
  const settled = settleBefore(night, ending);
  await Promise.all([cleared, settled]).finally(() => {
    done = true;
  });
  await refusing;
}

/** Credits and report of a booking that ended before its slot: what the guest gave up has the policy's own share, what we failed at is an outage. */
export async function settleBefore(night: Night, ending: Ending): Promise<void> {
  const { bookingId, telescopeId, booking } = night.state;
  const ids = { bookingId, telescopeId };
  const { outcome, reason } = ending;
  const ours = outcome === 'failed' || (reason !== null && OUR_DOING.includes(reason));
  const lost: LedgerClass = ours ? 'outage' : 'other';
  await night.projector.flush();
  try {
    const spans = [{ class: lost, start: booking.start, end: booking.end, cause: reason }];
    await settling.settle.executeWithOptions({ summary: 'settlement' }, [
      { ...ids, spans, outcome, before: true, slot: { start: booking.start, end: booking.end } },
    ]);
    await settling.buildReport.executeWithOptions({ summary: 'report' }, [{ ...ids, outcome, reason }]);
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    night.logbook.alertOnce('settlement', 'internal_error', `settlement: ${thrown.cause?.message ?? thrown.message}`);
  }
}

/** Borrowed targets, objects of older plans, latch and grant: put back whatever happens. */
export async function putBack(night: Night, ending: Ending): Promise<void> {
  const { state } = night;
  const t = telescope(state.telescopeId);
  const ids = { telescopeId: state.telescopeId, bookingId: state.bookingId };
  const granted = state.data.objectsMade || state.data.obsolete.length > 0;
  if (state.data.borrowed)
    await restore(night, 'return the sky', () =>
      t.restoring.returnSky.executeWithOptions({ summary: 'return the sky' }, [ids]),
    );
  await removeObsolete(night);
  if (state.data.takenOver) await releaseLatch(night);
  if (night.memory.stopUnseen) return;
  if (state.data.objectsMade || ending.outcome === 'cancelled' || granted)
    await restore(night, 'revoke the grant', () =>
      t.restoring.revokeGrant.executeWithOptions({ summary: 'revoke grant' }, [ids]),
    );
}

export async function releaseLatch(night: Night): Promise<void> {
  const { state } = night;
  await restore(night, 'release the latch', () =>
    telescope(state.telescopeId).restoring.releaseLatch.executeWithOptions({ summary: 'release latch' }, [
      { telescopeId: state.telescopeId, bookingId: state.bookingId, commandId: state.data.takenOver! },
    ]),
  );
}
