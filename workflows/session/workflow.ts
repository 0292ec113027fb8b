import {
  ActivityFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  setWorkflowOptions,
} from '@temporalio/workflow';
import type { SessionInput } from '../../domain/messages.ts';
import type { Outcome } from '../../domain/phases.ts';
import { NIGHT_LINES } from '../../domain/night-lines.ts';
import type { Reason } from '../../domain/reasons.ts';
import { frames, records } from './activities.ts';
import { Night } from './night.ts';
import { end } from './phases/end.ts';
import { prepare, waitToPrepare, waitToStart } from './phases/prepare.ts';
import { watch } from './phases/watch.ts';
import type { Ending } from './data.ts';
import { stateOf } from './state.ts';
import { nowIso } from './time.ts';

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, session);

/** One booking from its acceptance to its end: waits for J-1, prepares, waits for H, watches the night, wraps up. */
export async function session(input: SessionInput): Promise<{ outcome: Outcome; reason: Reason | null }> {
  return run(new Night(stateOf(input), input.maxHistoryEvents ?? null));
}

async function run(night: Night): Promise<{ outcome: Outcome; reason: Reason | null }> {
  const draining = night.background
    .run(() => drainFrames(night))
    .catch((thrown: unknown) => {
      if (!isCancellation(thrown)) throw thrown;
    });
  let ending: Ending;
  try {
    if (!night.state.data.booking) {
      // Also when it is cancelled by then: without its booking a session cannot even be ended.
      night.state.data.booking = await CancellationScope.nonCancellable(() =>
        records.loadBooking.executeWithOptions({ summary: 'booking' }, [
          { bookingId: night.state.bookingId, now: nowIso() },
        ]),
      );
      night.state.data.firstEnd = night.state.booking.end;
      night.state.data.maintenance = night.state.booking.maintenance;
      if (night.state.adopted) adopt(night);
      if (night.state.data.transition === 0)
        night.logbook.transition('scheduled', {
          event: 'scheduled',
          ...NIGHT_LINES.scheduled,
        });
      if (night.state.booking.cancelled && !night.begun)
        night.state.data.ending ??= { outcome: 'cancelled', reason: 'user_cancel', commandId: null };
    }
    ending = night.state.data.ending ?? (await live(night));
  } catch (thrown) {
    if (!isCancellation(thrown)) throw thrown;
    ending = { outcome: night.begun ? 'aborted' : 'cancelled', reason: 'operator_abort', commandId: null };
  }
  return CancellationScope.nonCancellable(async () => {
    night.memory.over = true;
    await end(night, ending);
    night.background.cancel();
    await draining;
    night.state.closed = true;
    night.logbook.refuseAll('session_over');
    await night.projector.flush();
    await condition(allHandlersFinished);
    await night.projector.flush();
    night.projector.stop();
    await night.projecting;
    return { outcome: ending.outcome, reason: ending.reason };
  });
}

/** Another run of this session is gone without having wrapped it up (activities/session/lost.ts). */
function adopt(night: Night): void {
  night.logbook.log({
    level: 'WARNING',
    event: 'taken_over',
    ...NIGHT_LINES.takenOver,
  });
  night.logbook.alertOnce('taken_over', 'internal_error', NIGHT_LINES.takenOver.message);
  if (night.state.data.ending) return;
  // The booking that was just read has them.
  for (const { commandId, kind } of night.state.data.receipts)
    if (kind === 'amend' || kind === 'reschedule' || kind === 'extend') night.logbook.receipt(commandId, 'confirmed');
}

/** What the phase asks for now. Not async, so that a step costs the workflow no further turn. */
function step(night: Night): Promise<Ending | null> {
  const { phase, prepared } = night.state.data;
  if (phase === 'scheduled') return waitToPrepare(night);
  if (!prepared) return prepare(night);
  if (phase === 'prepared' || phase === 'preparing') return waitToStart(night);
  return watch(night);
}

/** From the first day to the reason why it ends. */
async function live(night: Night): Promise<Ending> {
  for (;;) {
    const ending = await step(night);
    if (ending) {
      night.state.data.ending = ending;
      return ending;
    }
  }
}

async function drainFrames(night: Night): Promise<void> {
  const { state } = night;
  const t = frames(state.telescopeId);
  for (;;) {
    await condition(() => state.data.framesWaiting);
    state.data.framesWaiting = false;
    try {
      const { captured, archived } = await t.drainFrames.executeWithOptions({ summary: 'frames' }, [
        { bookingId: state.bookingId, telescopeId: state.telescopeId, linger: true },
      ]);
      state.data.frames = { captured, archived };
      night.logbook.refresh();
    } catch (thrown) {
      if (isCancellation(thrown)) {
        state.data.framesWaiting = true;
        throw thrown;
      }
      if (!(thrown instanceof ActivityFailure)) throw thrown;
      log.warn('frames wait in the journal for the reconciliation', { error: thrown.cause?.message });
    }
  }
}
