import type { Observation } from '../../../domain/ports.ts';
import { beginAnew, historyIsLong } from '../continue.ts';
import { controls } from '../controls.ts';
import { circumstances, slotOver, type Night } from '../night.ts';
import { EMERGENCY_EVERY_SECONDS, QUICK_LOOK_MS, watchPlan } from '../pace.ts';
import { planFinished } from '../../../domain/watch.ts';
import { debounceLeftMs, inMaintenance, judge, type Verdict } from '../policy.ts';
import type { Ending } from '../data.ts';
import { planAgain } from '../fresh.ts';
import { keepWatch, observe } from '../telescope.ts';
import { SECOND, nowIso } from '../time.ts';
import { interruptible, interruptibleBy, waitFor } from '../waiting.ts';
import { isStalled, noteProgress, stallDueMs } from '../progress.ts';
import { tooLateToBegin, engage, keepOurs, remainder, running } from './engage.ts';
import { hold } from './hold.ts';

/** The first pause before a disable or stop that failed is tried again; it doubles. */
const STOP_AGAIN_MS = 15 * SECOND;
/** Two looks at the telescope are at least this far apart, however fast it calls. */
const LEAST_BETWEEN_CHECKS_MS = 2 * SECOND;

/** The loop of checks: look, judge, act, wait. Returns when the session ends, or null when it goes back to waiting. */
export async function watch(night: Night): Promise<Ending | null> {
  const { state } = night;
  for (;;) {
    if (historyIsLong(night)) await beginAnew(night);
    const controlled = await controls(night);
    if (controlled !== 'nothing') return controlled === 'restarted' ? null : controlled;
    if (Date.now() >= state.endMs) return slotOver(night);

    const earliest = night.memory.lastCheckAt + LEAST_BETWEEN_CHECKS_MS;
    if (!night.memory.quiet && Date.now() < earliest)
      await waitFor(night, Math.min(earliest, state.endMs), () => state.data.inbox.length > 0, 'between two checks');
    if (state.data.inbox.length > 0) continue;
    const seen = await check(night);
    if (seen === undefined) continue;
    if (seen) night.takeLatch(seen);
    if (seen?.latchedAbort && state.data.inbox.length > 0) continue;
    const over = seen ? endedBy(night, seen) : cancelledByMaintenance(night);
    if (over) return over;

    night.memory.stalled = seen !== null && (await isStalled(night));
    if (night.memory.stalled && night.cutShort()) continue;
    let verdict = judge(seen, circumstances(night, null));
    if (!verdict.go) datedBack(night, verdict);
    if (verdict.go) {
      const refusal = state.data.engaged ? null : await engage(night, seen!);
      if (refusal && night.cutShort()) continue;
      night.memory.registered = refusal === 'foreign_target' ? JSON.stringify(night.grant()) : null;
      if (refusal) verdict = judge(seen, circumstances(night, refusal));
      else {
        running(night, verdict.advisory);
        if (state.waiting('resume').length > 0) night.logbook.confirmResumes();
        if (await keepOurs(night, seen!)) continue;
      }
    }
    if (!verdict.go) {
      await hold(night, verdict, seen);
      if (night.memory.stalled && seen) await keepOurs(night, seen);
      if (night.cutShort()) continue;
      const tooLate = await nothingFits(night, verdict);
      if (tooLate) return tooLate;
    }
    if (readsPlan(night, seen) && (await planAgain(night))) return null;
    await waitForNextCheck(night, verdict, seen);
  }
}

function cancelledByMaintenance({ state: { data } }: Night): Ending | null {
  const cancels = data.maintenance?.bookings === 'cancel' && inMaintenance(data.maintenance, Date.now());
  return cancels ? { outcome: data.started ? 'aborted' : 'failed', reason: 'maintenance', commandId: null } : null;
}

/** What is seen ends the session: maintenance that cancels bookings, the end of the slot, or the whole plan taken. */
function endedBy(night: Night, seen: Observation): Ending | null {
  const { state } = night;
  const cancelled = cancelledByMaintenance(night);
  if (cancelled) return cancelled;
  return state.data.started && planFinished(seen, state.plannedShots())
    ? { outcome: 'completed', reason: 'plan_finished', commandId: null }
    : tooLateToBegin(night);
}

/** The plan by which the slot began is to be read: last in a turn, since what is judged must be fresh. No quiet watch begins meanwhile. */
const readsPlan = ({ state }: Night, seen: Observation | null): boolean => seen !== null && !!state.data.planUnread;

/** One look, or the end of a quiet watch; null when the gateway does not answer, undefined when a control came in between. */
export async function check(night: Night): Promise<Observation | null | undefined> {
  const { state } = night;
  // What is told meanwhile asks for a look now, not for another watch.
  const quiet = state.events.length > 0 ? null : night.memory.quiet;
  night.memory.quiet = null;
  const eventAt = state.events.reduce<string | null>(
    (first, e) => (first === null || e.at < first ? e.at : first),
    null,
  );
  state.events.length = 0;
  night.memory.lastCheckAt = Date.now();
  const pausing = state.data.userPaused && state.waiting('pause').some((receipt) => receipt.state !== 'unknown');
  const usual = pausing ? QUICK_LOOK_MS : 60 * SECOND;
  const patience = night.memory.gatewayAway ? Math.max(60, state.booking.policy.check_interval) * SECOND : usual;
  const maintenance = JSON.stringify(state.data.maintenance);
  const called = (): boolean =>
    state.data.inbox.length > 0 || state.events.length > 0 || JSON.stringify(state.data.maintenance) !== maintenance;
  const seen = quiet
    ? await interruptibleBy(night, called, () => keepWatch(night, quiet))
    : await interruptible(night, () =>
        observe(night, Math.max(5 * SECOND, Math.min(patience, state.endMs - Date.now()))),
      );
  if (quiet && !seen) night.checkAtOnce();
  if (seen === undefined) return undefined;
  night.memory.lastCheckAt = Date.now();
  const now = night.memory.lastCheckAt;
  state.data.checks += 1;
  night.memory.sinceWhen =
    eventAt !== null && eventAt > new Date(Math.max(state.startMs, now - 10 * 60 * SECOND)).toISOString()
      ? eventAt
      : nowIso();
  night.memory.lastObservation = seen;
  if (seen) {
    night.noteLook(seen);
    noteProgress(night, seen);
    for (const [guid, done] of Object.entries(seen.shotsDone ?? {}))
      state.data.shotsDone[guid] = Math.max(state.data.shotsDone[guid] ?? 0, done);
    night.projector.push({
      kind: 'check',
      body: { bookingId: state.bookingId, telescopeId: state.telescopeId, at: nowIso(), observation: seen },
    });
  }
  return seen;
}

/** An idle target is a fault from when it began to idle; what comes while it is held for that begins when it is seen. */
function datedBack(night: Night, verdict: Extract<Verdict, { go: false }>): void {
  const { idleSince, phase } = night.state.data;
  if (night.memory.stalled && verdict.cause === 'fault' && phase !== 'holding' && idleSince)
    night.memory.sinceWhen = idleSince;
}

/** Bad weather has left no room for one exposure: the end, with what there is. */
export async function nothingFits(night: Night, verdict: Extract<Verdict, { go: false }>): Promise<Ending | null> {
  const { state } = night;
  if (verdict.cause !== 'weather') return null;
  const rest = await interruptible(night, () => remainder(night));
  if (!rest || (rest.anyShotFits && rest.usefulSeconds >= night.minimumUsefulMs() / SECOND)) return null;
  return {
    outcome: state.shotsTaken() > 0 ? 'completed' : 'weathered_out',
    reason: 'weather_no_time_left',
    commandId: null,
  };
}

/** When maintenance begins or ends next. */
function maintenanceTurnsAt({ state }: Night, now: number): number | undefined {
  const { maintenance } = state.data;
  return maintenance ? [maintenance.from, maintenance.to].map((t) => Date.parse(t)).find((t) => t > now) : undefined;
}

export async function waitForNextCheck(night: Night, verdict: Verdict, seen: Observation | null): Promise<void> {
  const { state } = night;
  const now = Date.now();
  let at = now + state.booking.policy.check_interval * SECOND;
  if (seen === null) at = Math.min(at, now + 30 * SECOND);
  if (!verdict.go && verdict.reason === 'weather_debounce' && seen)
    at = Math.min(at, now + Math.max(SECOND, debounceLeftMs(seen, state.booking.policy, now)));
  const emergency = !verdict.go && (verdict.reason === 'voyager_emergency' || night.inEmergency());
  if (emergency) at = Math.min(at, now + EMERGENCY_EVERY_SECONDS * SECOND);
  if (!verdict.go && night.memory.stillFailures > 0)
    at = Math.min(at, now + STOP_AGAIN_MS * 2 ** (night.memory.stillFailures - 1));
  const boundary = maintenanceTurnsAt(night, now);
  if (boundary) at = Math.min(at, boundary);
  const stallAt = stallDueMs(night);
  const progress = stallAt > now;
  if (progress) at = Math.min(at, stallAt);
  at = Math.min(at, state.endMs);
  state.data.next = { what: at === state.endMs ? 'end' : 'check', at: new Date(at).toISOString() };
  night.logbook.refresh();
  if (night.memory.gatewayAway) return;
  if (seen && !readsPlan(night, seen)) {
    const { check_interval: regular } = state.booking.policy;
    night.memory.quiet = watchPlan(seen, {
      policy: {
        check_interval: emergency ? Math.min(regular, EMERGENCY_EVERY_SECONDS) : regular,
      },
      now,
      regularAt: at,
      slotMs: state.endMs - state.startMs,
      ends: [state.endMs, boundary ?? Infinity, progress ? stallAt : Infinity],
      goal: state.plannedShots(),
      progress: state.data.engaged,
    });
    if (night.memory.quiet) return;
  }
  await waitFor(
    night,
    at,
    () => state.data.inbox.length > 0 || state.events.length > 0,
    at === state.endMs ? 'end of the slot' : 'next check',
  );
}
