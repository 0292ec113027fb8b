import { altAz, hourAngleHours } from '../../domain/sky.ts';
import type { Camera } from '../camera/camera.ts';
import { Aborted, ActionError, abortReason, type Context } from '../context.ts';
import { OFF } from '../world/devices.ts';
import { clockTime, italianDateTime, voyagerSeconds } from '../wire/lines.ts';
import { guidOf } from '../random.ts';
import { same, type DoneRow, type ShotRow, type TargetRow } from './store.ts';

/** Seconds; no sequence lasts longer, and Node's timers end at 24.8 days. */
const A_DAY = 86_400;

/** A target under way: what Voyager shows as a running sequence. */
export interface Run {
  number: number;
  target: TargetRow;
  controller: AbortController;
  startedAt: number;
  totalSeconds: number;
  /** Exposed seconds of frames that are done. */
  doneSeconds: number;
}

/** RoboTarget: plans the best target of the moment, runs it as a sequence, and plans again. */
export class RoboTarget {
  private readonly context: Context;
  private readonly camera: Camera;
  /** Name of the DragScript that holds RoboTarget; null = RoboTarget is not running. */
  dragScript: string | null = null;
  run: Run | null = null;
  suspended = false;
  private session = '';
  private loop: Promise<void> | null = null;
  private halt = new AbortController();
  private nudge: (() => void) | null = null;
  /** Frames taken whose record comes late; they count as done for the plan. */
  private readonly unrecorded = new Map<string, number>();
  /** Targets by GUID that ended in an error, and when they may be tried again. */
  private readonly notBefore = new Map<string, number>();

  constructor(context: Context, camera: Camera) {
    this.context = context;
    this.camera = camera;
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
    if (!this.nextShot(target)) return 'nothing left to do';
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
  private nextShot(target: TargetRow): ShotRow | null {
    const { store } = this.context;
    return (
      store
        .shots(target.GuidTarget)
        .find(
          ({ row }) =>
            store.doneCount(row.GuidShot) + (this.unrecorded.get(row.GuidShot) ?? 0) < store.wanted(target, row),
        )?.row ?? null
    );
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
    await this.pointTo(target, signal);
    if (!this.mayGoOn(run)) return;
    await this.focus(signal);
    if (!this.mayGoOn(run)) return;
    await this.startGuiding(signal);
    context.logEvent(2, 'Cooling Check');
    for (;;) {
      if (!this.mayGoOn(run)) return;
      const shot = this.nextShot(target);
      if (!shot) return;
      if (context.mount.flipDue()) await this.flip(target, signal);
      if (context.guider.starLost) {
        context.logEvent(3, 'Guide Star Lost');
        await this.startGuiding(signal);
      }
      if (context.state.filterIndex !== shot.FilterIndex) {
        await context.wait(overheads.filter_change, signal);
        context.state.filterIndex = shot.FilterIndex;
      }
      await this.takeShot(run, shot, signal);
      if (this.nextShot(target) && this.mayGoOn(run)) await this.dither(signal);
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

  /** Slew, solve, and centre. */
  async pointTo(target: { RAJ2000: number; DECJ2000: number; TargetName: string }, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { mount, options } = context;
    await this.slewTo(target.RAJ2000, target.DECJ2000, signal);
    await this.camera.expose(
      {
        type: 0,
        voyType: 'SYNC',
        target: target.TargetName,
        exposure: options.overheads.sync_exposure,
        bin: 2,
        gain: 0,
        offset: 0,
        folders: ['Sync'],
        cards: [],
        handOut: false,
      },
      signal,
    );
    await context.wait(options.overheads.solve, signal);
    const off = mount.distanceTo(target.RAJ2000, target.DECJ2000);
    mount.beginSlew(target.RAJ2000, target.DECJ2000, 0);
    mount.endSlew();
    context.logEvent(2, `Precise Pointing done, correction ${(off * 60).toFixed(2)} arcmin`);
  }
  async slewTo(raHours: number, decDegrees: number, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { mount, options, random } = context;
    if (mount.error || !mount.connected) throw new ActionError('Mount Error');
    // a slew lands a little beside the target; solving puts that right
    const ra = (raHours + random.gaussian() * 0.002 + 24) % 24;
    const dec = Math.max(-89.9, Math.min(89.9, decDegrees + random.gaussian() * 0.03));
    const seconds = options.overheads.slew * Math.max(0.25, mount.distanceTo(ra, dec) / 180);
    context.log.effect('mount.slew', { ra_hours: ra, dec_degrees: dec });
    mount.beginSlew(ra, dec, seconds * 1000);
    try {
      await context.wait(seconds, signal);
    } finally {
      mount.endSlew();
    }
  }
  async focus(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const from = context.now();
    context.logEvent(6, 'Focus Requested, Start Procedure');
    context.signal(5);
    await context.wait(context.options.overheads.focus, signal);
    const failed = context.faults.take('focus_error') !== null;
    const position = failed ? context.focuser.position : context.focuser.autofocus();
    const hfd = Math.round((this.camera.fwhmArcsec() / 0.97) * 100) / 100;
    context.state.lastFocus = { at: context.now(), hfd };
    context.emit(
      'AutoFocusResult',
      {
        IsEmpty: 'false',
        Done: !failed,
        Position: position,
        HFD: failed ? 0 : hfd,
        StarPosition: {
          X: Math.round(context.options.camera.width / 2),
          Y: Math.round(context.options.camera.height / 2),
        },
        DoneTime: voyagerSeconds(context.pcNow()),
        Duration: clockTime((context.now() - from) / 1000),
        FocusTemp: Math.round(context.weather.conditions().temperature_celsius * 10) / 10,
        PercDev: failed ? 0 : Math.round(context.random.between(0.5, 4) * 100) / 100,
        LastError: failed ? 'Focus Star Not Found' : '',
        FilterIndex: context.state.filterIndex,
        FilterColor: '#C0C0C0',
      },
      'dashboard',
    );
    if (failed) {
      context.signal(1);
      context.logEvent(3, 'ERROR (FINISHED) Focus : Focus Star Not Found');
    }
  }
  async startGuiding(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { guider, options } = context;
    context.logEvent(2, 'Guide Star Acquire');
    await context.wait(options.overheads.guide_acquire, signal);
    if (guider.starLost) {
      guider.status = 3;
      throw new ActionError('Guide Star Lost');
    }
    context.logEvent(2, 'Start Guiding');
    guider.status = 1;
    await context.wait(options.overheads.guide_settle, signal);
    guider.status = 2;
  }
  private async dither(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { guider, mount, options, random } = context;
    context.logEvent(2, 'Start Dithering');
    guider.dither = 1;
    await context.wait(options.overheads.dither, signal);
    mount.nudge((random.gaussian() * 4) / 3600, (random.gaussian() * 4) / 3600);
    guider.dither = 2;
    await context.wait(options.overheads.dither_settle, signal);
    guider.dither = 0;
    context.logEvent(1, 'Wait Between Shot');
  }
  private async flip(target: TargetRow, signal: AbortSignal): Promise<void> {
    const { context } = this;
    context.logEvent(6, 'Meridian Flip');
    context.guider.stop();
    context.mount.flipping = true;
    context.log.effect('mount.flip', { target: target.GuidTarget });
    try {
      await context.wait(context.options.overheads.flip, signal);
      context.mount.beginSlew(target.RAJ2000, target.DECJ2000, 0);
      context.mount.endSlew();
      context.mount.flipped = true;
    } finally {
      context.mount.flipping = false;
    }
    await this.startGuiding(signal);
  }

  private async takeShot(run: Run, shot: ShotRow, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { store, options, state } = context;
    const { target } = run;
    const guid = guidOf(options.seed, 'shot-done', shot.GuidShot, store.next());
    const set = store.find('sets', target.RefGuidSet)?.row;
    const startedAt = context.now();
    const night = new Date(startedAt + options.utcOffsetSeconds * 1000 - 12 * 3_600_000).toISOString().slice(0, 10);
    context.logEvent(2, `Expose ${target.TargetName} ${options.filters[shot.FilterIndex] ?? ''} ${shot.Exposure}s`);
    const exposed = await this.camera.expose(
      {
        type: shot.Type,
        voyType: 'SHOT',
        target: target.TargetName,
        exposure: shot.Exposure,
        bin: shot.Bin,
        gain: shot.Gain,
        offset: shot.Offset,
        folders: [night, target.TargetName],
        handOut: true,
        cards: [
          { key: 'RTSHOT', value: guid, comment: 'RoboTarget shot done' },
          { key: 'RTSESS', value: this.session },
          { key: 'RTTARGET', value: target.GuidTarget },
          { key: 'RTTAG', value: target.Tag || set?.Tag || '' },
          { key: 'RTSETTAG', value: set?.Tag ?? '' },
        ],
      },
      signal,
    );
    run.doneSeconds += shot.Exposure;
    const row: DoneRow = {
      guid,
      refguidtarget: target.GuidTarget,
      refguidshot: shot.GuidShot,
      refguidsession: this.session,
      datetimeshot: Math.floor((startedAt + state.clockSkewMs) / 1000) + options.utcOffsetSeconds,
      datetimeshotutc: Math.floor((startedAt + state.clockSkewMs) / 1000),
      filename: exposed.filename,
      path: exposed.windowsPath,
      hfd: exposed.hfd,
      starindex: exposed.starIndex,
      max: exposed.max,
      mean: exposed.mean,
      min: exposed.min,
      bin: shot.Bin,
      filterindex: shot.FilterIndex,
      exposure: shot.Exposure,
      rating: 0,
      isdeleted: false,
    };
    this.unrecorded.set(shot.GuidShot, (this.unrecorded.get(shot.GuidShot) ?? 0) + 1);
    const late = context.faults.take('late_shot_done');
    const wrong = context.faults.take('shot_list_disagrees');
    const record = (): void => this.record(row, wrong?.how ?? null);
    if (late) context.later(late.seconds, record);
    else {
      // the record follows the file by a moment; the sequence goes on only then, abort or not
      await context.wait(context.random.between(0.05, 0.3));
      record();
    }
  }
  private record(row: DoneRow, wrong: 'omit' | 'extra' | 'wrong_filename' | 'wrong_target' | null): void {
    const { store, log } = this.context;
    const left = (this.unrecorded.get(row.refguidshot) ?? 1) - 1;
    if (wrong === 'omit') {
      // the plan counts the frame, the list will never name it
      log.effect('shot.record_omitted', { guid: row.guid, filename: row.filename });
      return;
    }
    if (left > 0) this.unrecorded.set(row.refguidshot, left);
    else this.unrecorded.delete(row.refguidshot);
    if (wrong === 'wrong_filename') row.filename = `X_${row.filename}`;
    if (wrong === 'wrong_target') row.refguidtarget = guidOf('nobody', row.guid);
    store.addDone(row);
    if (wrong === 'extra')
      store.addDone({
        ...row,
        guid: guidOf('extra', row.guid),
        refguidshot: guidOf('extra-shot', row.guid),
        filename: `GHOST_${row.filename}`,
        path: row.path.replace(row.filename, `GHOST_${row.filename}`),
      });
    log.effect('shot.done', {
      guid: row.guid,
      shot: row.refguidshot,
      target: row.refguidtarget,
      filename: row.filename,
    });
  }

  /** The fields of ControlData that speak of the running sequence and script. */
  controlData(): Record<string, unknown> {
    const { run, context } = this;
    const runs = {
      RUNSEQ: run ? `${run.target.TargetName.replace(/[\\/:*?"<>|]/g, '_')}.s2q` : '',
      RUNDS: this.dragScript ?? '',
    };
    if (!run) return { SEQTOT: 0, SEQPARZ: 0, SEQNAME: '', SEQSTART: '', SEQREMAIN: '', SEQEND: '', ...runs };
    const now = context.now();
    const { shot } = context.state;
    const elapsed =
      run.doneSeconds +
      (shot && shot.status === 1 && shot.expo > 0 ? Math.min(shot.expo, (now - shot.startedAt) / 1000) : 0);
    const remaining = Math.max(0, run.totalSeconds - elapsed);
    const local = (ms: number): string =>
      new Date(ms + context.options.utcOffsetSeconds * 1000).toISOString().slice(11, 19);
    return {
      SEQTOT: Math.round(run.totalSeconds),
      SEQPARZ: Math.round(elapsed),
      SEQNAME: run.target.TargetName,
      SEQSTART: local(run.startedAt),
      SEQREMAIN: clockTime(remaining),
      SEQEND: local(now + remaining * 1000),
      ...runs,
    };
  }
  /** Guiding as ControlData has it: errors while it runs, the OFF value otherwise. */
  guideData(): Record<string, unknown> {
    const { guider } = this.context;
    const error = guider.status === 2 && !guider.starLost ? guider.error() : null;
    return {
      GUIDECONN: guider.connected,
      GUIDESTAT: guider.starLost && guider.status === 2 ? 3 : guider.status,
      DITHSTAT: guider.dither,
      GUIDEX: error ? Math.round(error.x * 1000) / 1000 : OFF,
      GUIDEY: error ? Math.round(error.y * 1000) / 1000 : OFF,
    };
  }
}
