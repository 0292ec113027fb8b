import { ActivityFailure, ApplicationFailure, TimeoutFailure, isCancellation, log } from '@temporalio/workflow';
import { PRIORITY } from '../../domain/priority.ts';
import { FAILURE } from '../../domain/failures.ts';
import type { CommandOutcome, Grant, Observation, WatchPlan } from '../../domain/ports.ts';
import { NIGHT_LINES } from '../../domain/night-lines.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { telescope } from './activities.ts';
import type { Night } from './night.ts';
import { notThere } from './policy.ts';
import { SECOND } from './time.ts';
import { interruptibleBy, left, waitFor } from './waiting.ts';

const CONFIRM_TRIES = 6;
const CONFIRM_EVERY_MS = 2 * SECOND;

/** What stands in the way, and the words of whoever said so. */
export interface Problem {
  reason: Reason;
  message: string;
}

/** Why an activity on the telescope's queue failed, in our words. */
export function unreachable(failure: ActivityFailure): Problem {
  const cause = failure.cause;
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'SCHEDULE_TO_START'
      ? { reason: 'gateway_away', message: 'No gateway took the work in time.' }
      : {
          reason: 'no_answer',
          message: `No answer in time (${String(cause.timeoutType).toLowerCase().replaceAll('_', ' ')}).`,
        };
  }
  if (cause instanceof ApplicationFailure) {
    if (cause.type === FAILURE.notConnected) return { reason: 'voyager_away', message: cause.message };
    const detail = cause.type === FAILURE.refused ? cause.details?.[0] : undefined;
    if (typeof detail === 'string' && Object.hasOwn(REASONS, detail))
      return { reason: detail as Reason, message: cause.message };
    return { reason: 'internal_error', message: cause.message };
  }
  return { reason: 'no_answer', message: cause?.message ?? failure.message };
}

export async function observe(night: Night, patienceMs: number): Promise<Observation | null> {
  night.memory.gatewayAway = false;
  try {
    const { reads } = telescope(night.state.telescopeId, patienceMs);
    return await left(() => reads.observe.executeWithOptions({ summary: 'check' }, [{ grant: night.grant() }]));
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    night.memory.gatewayAway = unreachable(thrown).reason === 'gateway_away';
    return null;
  }
}

/** Looks until something changes; undefined when the watch itself failed, and a plain look must tell why. */
export async function keepWatch(night: Night, plan: WatchPlan): Promise<Observation | undefined> {
  try {
    const summary = `${plan.looks > 1 ? `${plan.looks} checks` : 'check'} every ${plan.everySeconds} s`;
    const { watching } = telescope(night.state.telescopeId);
    return await left(() => watching.watch.executeWithOptions({ summary }, [{ grant: night.grant(), plan }]));
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    log.warn('the watch ended; looking again', { error: thrown.cause?.message });
    return undefined;
  }
}

/** A command's result; what timed out or was cut off is unknown, and unknown is read back. */
export async function submit(night: Night, fn: () => Promise<CommandOutcome>): Promise<CommandOutcome> {
  try {
    return await fn();
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    const { reason, message } = unreachable(thrown);
    return {
      outcome:
        thrown.cause instanceof ApplicationFailure && thrown.cause.type === FAILURE.refused ? 'refused' : 'unknown',
      reason,
      message,
    };
  }
}

/** Reads back until the telescope shows it, for a dozen seconds; false when it does not. */
export async function confirm(
  night: Night,
  shown: (seen: Observation) => boolean,
  cut: () => boolean = () => false,
): Promise<boolean> {
  for (let i = 0; i < CONFIRM_TRIES && !cut(); i++) {
    const seen = await interruptibleBy(night, cut, () => observe(night, 15 * SECOND));
    if (seen) night.memory.lastObservation = seen;
    if (seen && shown(seen)) return true;
    if (!seen) return false;
    await waitFor(night, Date.now() + CONFIRM_EVERY_MS, cut, 'read back again');
  }
  return false;
}

/** Disables or stops the target and sees that it is so. */
export async function still(night: Night, how: 'disable' | 'stop', cut: () => boolean = () => false): Promise<boolean> {
  const { state } = night;
  const t = telescope(state.telescopeId);
  const key = state.commandKey(how);
  const body = [{ grant: night.grant(), key }] as [{ grant: Grant; key: string }];
  const result = await submit(night, () =>
    how === 'stop'
      ? t.stopping.stopTarget.executeWithOptions({ summary: 'stop target' }, body)
      : t.commands.disableTarget.executeWithOptions({ summary: 'disable target', priority: PRIORITY.stop }, body),
  );
  night.memory.unseenBecause = result.reason ?? 'no_answer';
  if (result.outcome === 'refused') {
    night.logbook.log({
      level: 'ERROR',
      event: `${how}_refused`,
      ...NIGHT_LINES.refusedByVoyager,
      ...(result.message ? { message: result.message } : {}),
    });
    return false;
  }
  const away = result.reason === 'gateway_away' || result.reason === 'voyager_away';
  if (result.outcome === 'unknown' && away) return false;
  const stopped = await confirm(
    night,
    (o) => (o.target !== null ? !o.target.enabled : notThere(o)) && (how === 'disable' || o.running !== 'ours'),
    cut,
  );
  // A disabled target still finishes its exposure.
  const { running } = night.memory.lastObservation ?? { running: 'unknown' };
  if (stopped && (how === 'stop' || running === 'none' || running === 'foreign')) state.data.mayRun = false;
  return stopped;
}

/** Runs what must be put back; true when it was. A day of failing is told to the operator and does not stop the rest. */
export async function restore(night: Night, what: string, fn: () => Promise<CommandOutcome | void>): Promise<boolean> {
  try {
    const result = await fn();
    if (result && result.outcome !== 'done') {
      night.logbook.alertOnce(what, result.reason ?? 'internal_error', `${what}: ${result.message ?? result.outcome}`);
      return false;
    }
    return true;
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure) || isCancellation(thrown)) throw thrown;
    night.logbook.alertOnce(what, unreachable(thrown).reason, `${what}: ${thrown.cause?.message ?? thrown.message}`);
    return false;
  }
}
