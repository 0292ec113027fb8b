import type { ObjectsPlan } from '../../domain/ports.ts';
import { stableId } from '../../domain/ids.ts';
import { changesOf, offsetAt, within, type Foreign, type ObservatoryScript, type Pace } from './script.ts';
import type { Sky } from './sky.ts';

export interface Taken {
  guid: string;
  /** 0, 1, 2, … in the order in which they were taken. */
  nth: number;
  shotGuid: string;
  index: number;
  startedAt: number;
  exposureSeconds: number;
}
interface Guard {
  /** What the gateway does by itself at an instant, and when it would do something next. */
  guard(at: number): void;
  nextAt(at: number): number;
}

/** RoboTarget and the camera: what runs, what is exposed and what is kept, from change to change. */
export class Runner {
  readonly taken: Taken[] = [];
  /** Instants at which the target was enabled and disabled, in turns. */
  readonly switched: number[] = [];
  /** Exposures that something cut off. */
  readonly cut: { startedAt: number; endedAt: number }[] = [];
  plan: ObjectsPlan | null = null;
  readonly borrowed = new Set<string>();
  /** The script was started then last; what ended it before is over. */
  startedAt = -Infinity;
  /** Nothing runs from then on until a person has looked: RoboTarget was halted. */
  haltedAt = Infinity;
  guarding: Guard = { guard: () => {}, nextAt: () => Infinity };
  private on = false;
  private exposing: { shot: number; startedAt: number } | null = null;
  private readyAt: number | null = null;
  /** The next tick. */
  private clock: number | null = null;
  private readonly doneOf = new Map<string, number>();
  private changes: number[] = [];
  private handled = 0;
  private readonly hands: number[];

  constructor(
    private readonly script: ObservatoryScript,
    private readonly sky: Sky,
    private readonly pace: Pace,
    private readonly met: (kind: string) => void,
  ) {
    this.plansChanged();
    this.hands = [...script.disabledByHand].sort((a, b) => a - b);
  }

  /** Reads the script's instants anew. */
  plansChanged(): void {
    this.changes = [...changesOf(this.script), ...this.sky.changes].sort((a, b) => a - b);
  }
  get enabled(): boolean {
    return this.on;
  }
  set enabled(value: boolean) {
    if (value !== this.on) this.switched.push(this.clock ?? 0);
    this.on = value;
  }
  /** The exposure under way: place of its shot in the plan, and when it began. */
  get underWay(): Readonly<{ shot: number; startedAt: number }> | null {
    return this.exposing;
  }
  get running(): boolean {
    return this.exposing !== null;
  }
  done(index: number): number {
    return this.doneOf.get(this.plan?.shots[index]?.GuidShot ?? '') ?? 0;
  }
  private nextShot(): number {
    return (this.plan?.shots ?? []).findIndex((s, i) => s.Enabled && this.done(i) < s.Num);
  }
  get planDone(): boolean {
    return this.plan !== null && this.nextShot() < 0;
  }
  /** RoboTarget's own word. */
  finishedAt(at: number): boolean {
    return this.planDone || (at >= (this.script.finishedFrom ?? Infinity) && !this.running);
  }
  scriptRuns(at: number): boolean {
    return !this.script.scriptEnds.some((end) => end <= at && end > this.startedAt);
  }
  /** Others' targets that are enabled now. */
  foreignEnabled(at: number): Foreign[] {
    return this.script.foreign.filter((f) => !this.borrowed.has(f.guid) && at >= (f.takesOverAt ?? -Infinity));
  }
  /** RoboTarget would take our target, or has taken it. */
  oursAt(at: number): boolean {
    return this.running || (this.mayRun(at) && !this.planDone);
  }

  private mayRun(at: number): boolean {
    const target = this.plan?.target;
    const voyagerAt = at + offsetAt(this.script.voyagerClock, at);
    return (
      this.on &&
      target !== undefined &&
      voyagerAt >= target.C_DateStart * 1000 &&
      this.mayExpose(at) &&
      at < this.haltedAt &&
      this.scriptRuns(at) &&
      !this.foreignEnabled(at).some((f) => f.takesOverAt !== undefined) &&
      !within(
        this.script.guidingLost.filter((s) => s.waits),
        at,
      ) &&
      ![this.script.foreignRuns, this.script.idle, this.script.targetGone].some((spans) => within(spans, at)) &&
      at < (this.script.finishedFrom ?? Infinity)
    );
  }
  /** What cuts off an exposure under way too. */
  private mayExpose(at: number): boolean {
    return (
      !this.sky.stopsVoyager(at) &&
      !within(this.script.emergency, at) &&
      !within(this.script.unplugged, at) &&
      at + offsetAt(this.script.voyagerClock, at) < (this.plan?.target.C_DateEnd ?? 0) * 1000
    );
  }

  /** Moves the world on to `to`: from change to change, since nothing happens in between. A command takes effect at the next tick. */
  advance(to: number): void {
    const { tickMs } = this.pace;
    const last = Math.floor(to / tickMs) * tickMs;
    this.clock ??= last;
    while (this.clock <= last) {
      this.step(this.clock);
      const next = Math.ceil(this.nextChange(this.clock) / tickMs) * tickMs;
      this.clock = Math.min(last + tickMs, Math.max(this.clock + tickMs, next));
    }
  }
  private nextChange(at: number): number {
    const { plan, exposing, readyAt } = this;
    const skew = offsetAt(this.script.voyagerClock, at);
    const due = [
      this.changes.find((change) => change > at),
      readyAt,
      exposing && exposing.startedAt + plan!.shots[exposing.shot]!.Exposure * 1000,
      plan && plan.target.C_DateStart * 1000 - skew,
      plan && plan.target.C_DateEnd * 1000 - skew,
      this.guarding.nextAt(at),
    ];
    return Math.min(Infinity, ...due.filter((one): one is number => typeof one === 'number' && one > at));
  }
  private step(at: number): void {
    for (; this.handled < this.hands.length && this.hands[this.handled]! <= at; this.handled++) {
      if (this.on) this.met('console');
      this.enabled = false;
    }
    this.guarding.guard(at);
    if (this.exposing) this.expose(at);
    if (!this.mayRun(at)) {
      if (!this.exposing) this.readyAt = null;
      return;
    }
    this.readyAt ??= at + this.pace.setupMs;
    const next = this.nextShot();
    if (!this.exposing && next >= 0 && at >= this.readyAt) this.exposing = { shot: next, startedAt: at };
  }
  private expose(at: number): void {
    const { shot: index, startedAt } = this.exposing!;
    const shot = this.plan!.shots[index]!;
    if (at < startedAt + shot.Exposure * 1000) {
      if (!this.mayExpose(at)) this.stopExposure(at);
      return;
    }
    const n = this.done(index);
    this.doneOf.set(shot.GuidShot, n + 1);
    this.taken.push({
      guid: stableId('taken', shot.GuidShot, n),
      nth: this.taken.length,
      shotGuid: shot.GuidShot,
      index,
      startedAt,
      exposureSeconds: shot.Exposure,
    });
    this.exposing = null;
    this.readyAt = at + this.pace.betweenMs;
  }
  stopExposure(at: number): void {
    if (this.exposing) this.cut.push({ startedAt: this.exposing.startedAt, endedAt: at });
    this.exposing = null;
    this.readyAt = null;
  }
}
