import { ActivityFailure, isCancellation, patched } from '@temporalio/workflow';
import type { ObjectsPlan, Observation } from '../../../domain/ports.ts';
import { NIGHT_LINES, reasonWords } from '../../../domain/night-lines.ts';
import type { Reason } from '../../../domain/reasons.ts';
import { planning, telescope } from '../activities.ts';
import type { Ending } from '../data.ts';
import { slotOver, type Night } from '../night.ts';
import { PATCHES } from '../patches.ts';
import { borrow, complain, startRoboTarget, step } from '../steps.ts';
import { confirm, submit } from '../telescope.ts';
import { SECOND, nowIso } from '../time.ts';
import { interruptible } from '../waiting.ts';

/** Our target is enabled and something else runs, or nothing: what policy allows is done, once per check interval; true when it was. */
export async function keepOurs(night: Night, seen: Observation): Promise<boolean> {
  const { policy } = night.state.booking;
  const intruder = seen.running === 'foreign' && policy.exclusivity === 'exclusive';
  const stopped = seen.roboTargetRunning === false && policy.robotarget_start === 'dragscript';
  if ((!intruder && !stopped) || Date.now() < night.memory.keptAt + policy.check_interval * SECOND) return false;
  night.memory.keptAt = Date.now();
  const refused = [...(intruder ? [await borrow(night)] : []), ...(stopped ? [await startRoboTarget(night)] : [])];
  return refused.every((reason) => reason === null);
}

/**
 * A look that comes back when the slot is over is too late to begin by: the gate would refuse it, and a session that was held for another's
 * target would end as a fault of ours.
 */
export function tooLateToBegin(night: Night): Ending | null {
  const late = !night.state.data.engaged && Date.now() >= night.state.endMs;
  return late && patched(PATCHES.nothingAtTheEnd) ? slotOver(night) : null;
}

/** Enables the target and sees that it is: null when it runs, else why not. */
export async function engage(night: Night, seen: Observation): Promise<Reason | null> {
  const { state } = night;
  const t = telescope(state.telescopeId);
  if (night.memory.registered !== JSON.stringify(night.grant())) {
    const granted = await step(night, 'grant', () =>
      t.commands.registerGrant.executeWithOptions({ summary: 'grant' }, [night.grant()]),
    );
    if (granted) return granted;
  }
  if (state.booking.policy.exclusivity === 'exclusive' && (!state.data.borrowed || seen.running === 'foreign')) {
    const borrowed = await borrow(night);
    if (borrowed) return borrowed;
  }
  if (night.cutShort()) return 'superseded';
  if (state.data.replan) await interruptible(night, () => replan(night));
  if (night.cutShort()) return 'superseded';
  if (seen.roboTargetRunning === false && state.booking.policy.robotarget_start === 'dragscript') {
    const refused = await startRoboTarget(night);
    if (refused) return refused;
  }
  if (Date.now() >= state.endMs) return 'slot_over';
  if (night.cutShort()) return 'superseded';
  state.data.mayRun = true;
  const key = state.commandKey('enable');
  for (const receipt of state.waiting('resume')) night.logbook.receipt(receipt.commandId, 'sent');
  const enabled = await submit(night, () =>
    t.commands.enableTarget.executeWithOptions({ summary: 'enable target' }, [{ grant: night.grant(), key }]),
  );
  if (enabled.outcome === 'refused') {
    const reason = enabled.reason ?? 'refused_by_voyager';
    complain(night, 'enable', 'refused', reason, enabled.message);
    night.logbook.explain('resume', reason);
    return reason;
  }
  night.memory.said.delete('enable');
  if (
    !(await confirm(
      night,
      (o) => o.target?.enabled === true,
      () => night.cutShort(),
    ))
  ) {
    if (night.cutShort()) return 'superseded';
    for (const receipt of state.waiting('resume')) night.logbook.receipt(receipt.commandId, 'unknown', 'no_answer');
    return enabled.reason ?? 'no_answer';
  }
  state.data.engaged = true;
  state.data.idleSince = nowIso();
  return null;
}

export function running(night: Night, advisory: Reason | null): void {
  const { state } = night;
  const { data } = state;
  const first = !data.started;
  const foreign = night.memory.lastObservation?.running === 'foreign';
  state.span(
    foreign ? { class: 'foreign', cause: 'foreign_target' } : { class: 'overhead', cause: null },
    first ? nowIso() : night.memory.sinceWhen,
  );
  if (data.phase === 'running' && data.reason === advisory) return;
  if (data.phase === 'running') {
    data.reason = advisory;
    night.logbook.log(
      advisory
        ? { level: 'WARNING', event: advisory, ...reasonWords(advisory) }
        : {
            level: 'INFO',
            event: 'as_planned',
            ...NIGHT_LINES.asPlanned,
          },
    );
    return;
  }
  data.started = true;
  if (first) {
    data.startedAt = nowIso();
    data.framesWaiting = true;
  }
  night.logbook.transition(
    'running',
    first
      ? {
          event: 'started',
          ...NIGHT_LINES.started,
        }
      : { event: 'resumed', ...NIGHT_LINES.resumed },
    { reason: advisory, notify: { type: first ? 'session.started' : 'session.resumed' } },
  );
}

export async function remainder(night: Night): Promise<{
  usefulSeconds: number;
  anyShotFits: boolean;
  nextVisibleAt?: string | null;
  shots: { guid: string; remaining: number }[];
} | null> {
  const { state } = night;
  const now = nowIso();
  try {
    return await planning.planRemainder.executeWithOptions({ summary: 'what still fits' }, [
      { bookingId: state.bookingId, now, end: state.booking.end, done: { ...state.data.shotsDone } },
    ]);
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
    const seconds = (state.endMs - Date.now()) / SECOND;
    const left = state.booking.plan.shots.filter((s) => s.Enabled && (state.data.shotsDone[s.GuidShot] ?? 0) < s.Num);
    return {
      usefulSeconds: seconds,
      anyShotFits: left.some((s) => s.Exposure <= seconds),
      shots: left.map((s) => ({ guid: s.GuidShot, remaining: s.Num })),
    };
  }
}

/** After a hold RoboTarget gets the plan that still fits; when it cannot be written the old plan stands, and the slot's end cuts it. */
export async function replan(night: Night): Promise<void> {
  const { state } = night;
  const rest = await remainder(night);
  state.data.replan = false;
  if (rest === null || !rest.anyShotFits) return;
  const shots = state.booking.plan.shots.map((shot) => {
    const line = rest.shots.find((s) => s.guid === shot.GuidShot);
    const done = state.data.shotsDone[shot.GuidShot] ?? 0;
    const wanted = line ? Math.min(shot.Num, done + line.remaining) : shot.Num;
    return wanted === 0 ? { ...shot, Enabled: false } : { ...shot, Num: wanted };
  });
  if (JSON.stringify(shots) === JSON.stringify(state.booking.plan.shots)) return;
  const plan: ObjectsPlan = { ...state.booking.plan, shots };
  try {
    const written = await telescope(state.telescopeId).objects.ensureObjects.executeWithOptions(
      { summary: 'plan that still fits' },
      [{ grant: night.grant(), plan }],
    );
    if (written.outcome !== 'done') return;
    state.data.booking = { ...state.booking, plan };
    night.logbook.log({
      level: 'INFO',
      event: 'replanned',
      ...NIGHT_LINES.replanned,
      data: { shots: shots.map((s) => ({ guid: s.GuidShot, quantity: s.Enabled ? s.Num : 0 })) },
    });
  } catch (thrown) {
    if (isCancellation(thrown) || !(thrown instanceof ActivityFailure)) throw thrown;
  }
}
