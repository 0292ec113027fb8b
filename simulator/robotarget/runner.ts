import { altAz, hourAngleHours } from '../../domain/sky.ts';
import type { Camera } from '../camera/camera.ts';
import { Aborted, ActionError, abortReason, type Context } from '../context.ts';
import { italianDateTime } from '../wire/lines.ts';
import { guidOf } from '../random.ts';
import type { Run } from './run.ts';
import { Shots } from './shots.ts';
import { Steps } from './steps.ts';
import { same, type TargetRow } from './store.ts';

/** Seconds; no sequence lasts longer, and Node's timers end at 24.8 days. */
const A_DAY = 86_400;

/** RoboTarget: plans the best target of the moment, runs it as a sequence, and plans again. */
export class RoboTarget {
  private readonly context: Context;
  /** What a client may ask for outside a sequence too. */
  readonly steps: Steps;
  private readonly shots: Shots;
  /** Name of the DragScript that holds RoboTarget; null = RoboTarget is not running. */
  dragScript: string | null = null;
  run: Run | null = null;
  suspended = false;
  private session = '';
  private loop: Promise<void> | null = null;
  private halt = new AbortController();
  private nudge: (() => void) | null = null;
  /** Targets by GUID that ended in an error, and when they may be tried again. */
  private readonly notBefore = new Map<string, number>();

  constructor(context: Context, camera: Camera) {
    this.context = context;
    this.steps = new Steps(context, camera);
    this.shots = new Shots(context, camera);
  }

  start(dragScript: string): void {
    if (this.dragScript !== null) return;
    this.dragScript = dragScript;
    this.halt = new AbortController();
    this.session = guidOf(this.context.options.seed, 'session', this.context.store.next());
    this.context.log.effect('robotarget.start', { dragscript: dragScript });
    this.context.logEvent(10, 'RoboTarget Run');
    this.loop = this.plan();
  }
  /** Ends the running sequence and RoboTarget with it. */
  async stop(reason: string): Promise<void> {
    if (this.dragScript === null) return;
    this.dragScript = null;
    this.context.log.effect('robotarget.stop', { reason });
    this.run?.controller.abort(reason);
    this.halt.abort(reason);
    await this.loop;
    this.loop = null;
  }
  /** Stops the running sequence; RoboTarget plans again. @returns the run that was stopped. */
  abortCurrent(reason: string): Run | null {
    const { run } = this;
    if (!run || run.controller.signal.aborted) return null;
    this.context.logEvent(8, 'Abort Running Target Sequence. Broadcast Event incoming');
    this.context.logEvent(3, 'Sequence will be aborted and RoboTarget will proceed with a new Scheduling');
    run.controller.abort(reason);
    return run;
  }
  suspend(): void {
    this.suspended = true;
    this.run?.controller.abort('emergency');
  }
  resume(): void {
    this.suspended = false;
    this.wake();
  }
  /** The database has changed: plan now rather than at the next turn. */
  wake(): void {
    this.nudge?.();
  }

  /** Why this target cannot run now; null = it can. */
  obstacle(target: TargetRow): string | null {
    const { options, store, weather } = this.context;
    const now = this.context.now();
    const set = store.find('sets', target.RefGuidSet);
    if (!set || set.row.Status !== 0) return 'set disabled';
    if (target.Status !== 0) return 'target disabled';
    if (now / 1000 < target.C_DateStart) return 'before its start date';
    if (now / 1000 >= target.C_DateEnd) return 'after its end date';
    if (weather.sunAltitude() > options.nightSunAltitudeDegrees) return 'not night';
    if (altAz(options.site, target.RAJ2000, target.DECJ2000, now).altitudeDegrees < target.C_AltMin)
      return 'below its altitude limit';
    const hourAngle = hourAngleHours(options.site, target.RAJ2000, target.DECJ2000, now);
    if (hourAngle < target.C_HAStart || hourAngle > target.C_HAEnd) return 'outside its hour angles';
    if (!this.shots.next(target)) return 'nothing left to do';
    return null;
  }
  /** Highest priority first, then the oldest in the database. */
  choose(): TargetRow | null {
    const able = this.context.store
      .targets()
      .filter(
        (t) => this.obstacle(t.row) === null && (this.notBefore.get(t.row.GuidTarget) ?? 0) <= this.context.now(),
      );
    able.sort(
      (a, b) => b.row.Priority - a.row.Priority || a.row.DateCreation - b.row.DateCreation || a.order - b.order,
    );
    return able[0]?.row ?? null;
  }
  /** −1 unknown, 0 idle, 1 running, 2 finished. */
  statusOp(target: TargetRow): number {
    if (this.run && same(this.run.target.GuidTarget, target.GuidTarget)) return 1;
    return this.context.store.finished(target) ? 2 : 0;
  }

  private async plan(): Promise<void> {
    const halt = this.halt.signal;
    try {
      for (;;) {
        const target = this.suspended ? null : this.choose();
        if (target) await this.runTarget(target);
        else await this.idle(halt);
        if (halt.aborted) return;
      }
    } catch (thrown) {
      if (!(thrown instanceof Aborted)) throw thrown;
    }
  }
  private async idle(halt: AbortSignal): Promise<void> {
    const nudged = new AbortController();
    this.nudge = () => nudged.abort('nudge');
    try {
      await this.context.wait(1, AbortSignal.any([halt, nudged.signal]));
    } catch (thrown) {
      if (halt.aborted) throw thrown;
    } finally {
      this.nudge = null;
    }
    // a burst of changes (set, target, shots) is over before anything is planned
    if (nudged.signal.aborted) await this.context.wait(0.3, halt);
  }

  private async runTarget(target: TargetRow): Promise<void> {
    const { context } = this;
    const { store, log } = context;
    const shots = store.shots(target.GuidTarget);
    const run: Run = {
      number: store.next(),
      target,
      controller: new AbortController(),
      startedAt: context.now(),
      totalSeconds: shots.reduce(
        (sum, { row }) => sum + row.Exposure * Math.max(0, store.wanted(target, row) - store.doneCount(row.GuidShot)),
        0,
      ),
      doneSeconds: 0,
    };
    this.run = run;
    const { signal } = run.controller;
    log.effect('sequence.start', { run: run.number, target: target.GuidTarget, name: target.TargetName });
    context.logEvent(10, `Target Selected : ${target.TargetName}`);
    context.logEvent(5, `Sequence Starting ... ${target.TargetName}`);
    context.logEvent(
      3,
      `This Action have a timer end settled !!! Will be stop at ${italianDateTime(target.C_DateEnd * 1000 + context.options.utcOffsetSeconds * 1000)}!!!`,
    );
    context.signal(502);
    // the end is settled when the sequence starts: a window widened meanwhile counts for the next planning only
    const left = target.C_DateEnd - context.now() / 1000;
    if (left < A_DAY) {
      context.later(Math.max(0, left), () => {
        if (this.run === run) run.controller.abort('date_end');
      });
    }
    let end = 'done';
    try {
      await this.sequence(run, signal);
      context.logEvent(2, 'Sequence Done');
    } catch (thrown) {
      if (thrown instanceof Aborted) {
        end = `aborted: ${thrown.reason}`;
        context.logEvent(
          3,
          thrown.reason === 'date_end' ? 'TIME END (FINISHED) Sequence' : 'ABORTED (FINISHED) Sequence',
        );
      } else if (thrown instanceof ActionError) {
        end = `error: ${thrown.message}`;
        context.logEvent(4, `ERROR (FINISHED) Sequence : ${thrown.message}`);
        context.signal(500);
        this.notBefore.set(target.GuidTarget, context.now() + 3_000);
      } else throw thrown;
    }
    context.guider.stop();
    if (end.startsWith('aborted')) await context.wait(context.options.overheads.abort);
    if (!context.mount.parked) context.mount.stopTracking();
    this.run = null;
    log.effect('sequence.end', { run: run.number, target: target.GuidTarget, end });
    if (store.finished(target)) log.effect('target.finished', { target: target.GuidTarget });
    context.signal(end === 'done' ? 501 : 503);
  }

  private async sequence(run: Run, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { overheads } = context.options;
    const { target } = run;
    await context.wait(overheads.sequence_start, signal);
    context.logEvent(2, 'ASYNC Cooling Down');
    if (!context.cooler.cooling) context.cooler.set({ setPoint: -10, cooling: true });
    context.logEvent(2, 'Shutdown Guide');
    context.guider.stop();
    context.logEvent(6, 'First Precise Pointing to Target');
    await this.steps.pointTo(target, signal);
    if (!this.mayGoOn(run)) return;
    await this.steps.focus(signal);
    if (!this.mayGoOn(run)) return;
    await this.steps.startGuiding(signal);
    context.logEvent(2, 'Cooling Check');
    for (;;) {
      if (!this.mayGoOn(run)) return;
      const shot = this.shots.next(target);
      if (!shot) return;
      if (context.mount.flipDue()) await this.steps.flip(target, signal);
      if (context.guider.starLost) {
        context.logEvent(3, 'Guide Star Lost');
        await this.steps.startGuiding(signal);
      }
      if (context.state.filterIndex !== shot.FilterIndex) {
        await context.wait(overheads.filter_change, signal);
        context.state.filterIndex = shot.FilterIndex;
      }
      await this.shots.take(run, shot, this.session, signal);
      if (this.shots.next(target) && this.mayGoOn(run)) await this.steps.dither(signal);
    }
  }
  /** Between two steps: is this still the target to run, or was it disabled, deleted, shut out by the sky, or outdone by nothing left? */
  private mayGoOn(run: Run): boolean {
    if (run.controller.signal.aborted) throw new Aborted(abortReason(run.controller.signal));
    const now = this.context.store.find('targets', run.target.GuidTarget);
    if (!now) return false;
    Object.assign(run.target, now.row);
    const obstacle = this.obstacle(now.row);
    if (obstacle && obstacle !== 'nothing left to do') this.context.logEvent(3, `Sequence ends : ${obstacle}`);
    return obstacle === null;
  }
}
