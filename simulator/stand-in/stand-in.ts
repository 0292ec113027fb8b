import type { StopReason } from '../../domain/contracts/control.ts';
import type { WeatherState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { CommandOutcome, FrameCounts, Grant, ObjectsPlan, Observation } from '../../domain/ports.ts';
import { notConnected } from '../../gateway/activities/context.ts';
import { done, refused, unknown } from '../../gateway/telescope/outcomes.ts';
import { StandInGateway } from './gateway.ts';
import { Runner, type Taken } from './runner.ts';
import {
  fullScript,
  within,
  type ActivityInfo,
  type ObservatoryScript,
  type Pace,
  type WeatherSpan,
} from './script.ts';
import { Sky } from './sky.ts';

export interface CommandRecord {
  at: number;
  name: string;
  /** The workflow's own key of the command; null where it has none. */
  key: string | null;
  /** What changed in the world; null when nothing did. */
  effect: string | null;
  inSlot: boolean;
  weather: WeatherState;
}

/** The name of bad weather, by how it came about and what it looks like. */
function weatherMet(spans: readonly WeatherSpan[], weather: Observation['weather']): string {
  if (spans.some((s) => s.frozen)) return 'weather_frozen';
  if (spans.some((s) => s.source)) return 'weather_split';
  if (weather.stale) return 'weather_stale';
  return weather.state === 'hold' ? 'clouds' : 'unsafe_weather';
}

export interface StandInOptions {
  telescope: Telescope;
  script?: Partial<ObservatoryScript>;
  pace?: Partial<Pace>;
  /** The activity that runs now. */
  info: () => ActivityInfo;
  /** The booking row's own slot, which a wider grant needs; each grant's own by default. */
  slot?: (bookingId: string) => { start: number; end: number } | null;
}
const NO_SLOT = { start: -8_640_000_000_000_000, end: 8_640_000_000_000_000 };

/**
 * One telescope's Voyager, RoboTarget and gateway behind the TelescopeActivities port, as a pure function of script, commands and virtual time.
 * Weather, gate, grants and latches are the product's own; each command is kept with its effect.
 */
export class StandIn {
  readonly commands: CommandRecord[] = [];
  /** What was asked for while Voyager carried out an emergency, and kept back by the gate. */
  readonly refusedInEmergency: { at: number; name: string }[] = [];
  /** Faults that something of ours has met. */
  readonly met = new Set<string>();
  /** GUIDs of targets that stand in RoboTarget. */
  readonly targets = new Set<string>();
  readonly removed: string[] = [];
  /** How often it was looked at, and how often a grant was registered. */
  looks = 0;
  granted = 0;
  readonly telescope: Telescope;
  readonly script: ObservatoryScript;
  /** May change in the night. */
  readonly pace: Pace;
  readonly sky: Sky;
  readonly runner: Runner;
  readonly gateway: StandInGateway;
  readonly info: () => ActivityInfo;
  private readonly count = new Map<string, number>();

  constructor({ telescope, script, pace, info, slot = () => NO_SLOT }: StandInOptions) {
    this.telescope = telescope;
    this.script = fullScript(script ?? {});
    this.info = info;
    this.sky = new Sky(this.script, telescope);
    const hit = (kind: string): void => void this.met.add(kind);
    this.pace = { tickMs: 1_000, setupMs: 60_000, betweenMs: 5_000, ...pace };
    this.runner = new Runner(this.script, this.sky, this.pace, hit);
    this.gateway = new StandInGateway({ telescope, script: this.script, sky: this.sky, runner: this.runner, slot });
    this.runner.guarding = this.gateway;
  }

  get taken(): Taken[] {
    return this.runner.taken;
  }
  get plan(): ObjectsPlan | null {
    return this.runner.plan;
  }
  get enabled(): boolean {
    return this.runner.enabled;
  }
  get borrowed(): ReadonlySet<string> {
    return this.runner.borrowed;
  }
  get grant(): Grant | null {
    return this.gateway.grants.active()[0] ?? null;
  }
  get latch(): Observation['latchedAbort'] {
    const latch = this.gateway.latches.all()[0];
    if (!latch) return null;
    const { commandId, requestedBy, at, reason } = latch;
    return { commandId, requestedBy, at, ...(reason ? { reason } : {}) };
  }
  now(): number {
    return this.info().currentAttemptScheduledTimestampMs;
  }
  advance(to = this.now()): void {
    this.runner.advance(to);
  }
  /** Weather that nobody has foreseen; told again, that it ends otherwise. */
  weatherComes(span: WeatherSpan): void {
    if (!this.script.weather.includes(span)) this.script.weather.push(span);
    this.sky.judge();
    this.runner.plansChanged();
  }
  hit(kind: string, is: boolean): boolean {
    if (is) this.met.add(kind);
    return is;
  }
  counts(): FrameCounts {
    const taken = this.taken.length;
    return { captured: taken, archived: taken, rejected: 0, missing: 0, pending: 0 };
  }

  /** @throws NotConnected while the link to Voyager is down */
  reachable(): void {
    if (this.hit('link_lost', !this.gateway.linkUp(this.now()))) throw notConnected('the link to Voyager is down');
  }
  /** One command of the gateway: written down, done, and its answer lost or refused where the script says so. */
  command(name: string, key: string | null, act: () => string | null): CommandOutcome {
    const at = this.now();
    this.advance(at);
    if (this.hit('link_lost', !this.gateway.linkUp(at))) return unknown('voyager_away', 'the link to Voyager is down');
    if (this.gateway.silent(at)) {
      this.refusedInEmergency.push({ at, name });
      return refused('voyager_emergency', 'gate: silent in an emergency');
    }
    const nth = (this.count.get(name) ?? 0) + 1;
    this.count.set(name, nth);
    const isNth = (one: { name: string; nth: number }): boolean => one.name === name && one.nth === nth;
    if (this.hit('refusal', this.script.refused.some(isNth)))
      return refused('refused_by_voyager', 'Voyager answers ERROR');
    this.record(name, key, at, act());
    if (this.hit('answer_lost', this.script.lost.some(isNth))) return unknown('no_answer', 'the answer was lost');
    return done();
  }
  private record(name: string, key: string | null, at: number, effect: string | null): void {
    const { grant } = this;
    const inSlot = grant !== null && at >= Date.parse(grant.start) && at < Date.parse(grant.end);
    this.commands.push({ at, name, key, effect, inSlot, weather: this.sky.at(at).state });
  }

  /** The gateway's emergency path. */
  emergencyAbort(by: { commandId: string; requestedBy: string; reason?: StopReason }, at = this.now()): void {
    this.advance(at);
    this.gateway.abort(by, at);
  }
  /** The admin's halt: everything of RoboTarget's stops and stays so until a person has started it again. */
  halt(by: { commandId: string; requestedBy: string }, at = this.now()): void {
    this.emergencyAbort({ ...by, reason: 'operator_abort' }, at);
    this.runner.haltedAt = at;
  }

  /** What the gateway's mirror and RoboTarget's lists show. */
  observation(grant: Pick<Grant, 'bookingId'>, look: string, at = this.now()): Observation {
    const { script, runner, gateway } = this;
    this.looks += 1;
    this.advance(at);
    const weather = gateway.weatherSeenBy(grant.bookingId, look, at);
    this.noteMet(at, weather);
    const connected = gateway.linkUp(at);
    const readable = connected && !within(script.unreadable, at);
    const listed = readable && !within(script.targetGone, at) && runner.plan !== null;
    const ours = runner.oursAt(at) && !(connected && within(script.targetGone, at) && !runner.running);
    const { RUNDS, roboTargetRunning } = this.script_(at, ours);
    return {
      at: new Date(at).toISOString(),
      connected,
      ageSeconds: connected ? 1 : 60,
      voyagerStatus: this.statusAt(at, ours),
      emergency: gateway.silent(at) ? 'suspend' : null,
      running: readable ? this.runningAt(at, ours) : 'unknown',
      roboTargetRunning,
      runSequence: ours ? 'Sequence' : null,
      runDragScript: RUNDS,
      guiding: this.guidingAt(at, ours),
      mountConnected: !script.unplugged.some((u) => u.what === 'mount' && within([u], at)),
      cameraConnected: !script.unplugged.some((u) => u.what === 'camera' && within([u], at)),
      lastError: null,
      clockOffsetSeconds: gateway.clockOffsetSeconds(at),
      weather,
      target: listed ? { enabled: runner.enabled, statusOp: this.statusOp(at, ours) } : null,
      targetAbsent: readable && !listed,
      shotsDone: listed ? Object.fromEntries(runner.plan!.shots.map((s, i) => [s.GuidShot, runner.done(i)])) : null,
      latchedAbort: this.latch,
    };
  }
  /** Faults of the night that this look shows. */
  private noteMet(at: number, weather: Observation['weather']): void {
    const { script } = this;
    const now = script.weather.filter((s) => within([s], at));
    if (now.length > 0 && weather.state !== 'ok') this.met.add(weatherMet(now, weather));
    this.hit('link_lost', !this.gateway.linkUp(at));
    this.hit('emergency', this.gateway.silent(at));
    this.hit('voyager_error', within(script.voyagerError, at));
    this.hit('foreign_target', within(script.foreignRuns, at));
    this.hit('camera', within(script.unplugged, at));
    this.hit('guiding', within(script.guidingLost, at));
    const idle = script.idle.find((s) => within([s], at));
    if (idle && this.runner.enabled) this.met.add(idle.because ?? 'robotarget_idle');
    if (within(script.gatewayClock, at)) this.met.add('gateway_clock');
    else if (Math.abs(this.gateway.clockOffsetSeconds(at)) > 60) this.met.add('clock');
    this.hit('finished_early', at >= (script.finishedFrom ?? Infinity) && !this.runner.running);
  }
  private statusAt(at: number, ours: boolean): Observation['voyagerStatus'] {
    if (within(this.script.voyagerError, at)) return 'ERROR';
    return ours ? 'RUN' : 'IDLE';
  }
  private guidingAt(at: number, ours: boolean): string {
    if (within(this.script.guidingLost, at)) return 'TIMEOUT';
    return ours ? 'RUNNING' : 'STOPPED';
  }
  private statusOp(at: number, ours: boolean): 'finished' | 'running' | 'idle' {
    if (this.runner.finishedAt(at)) return 'finished';
    return ours ? 'running' : 'idle';
  }
  private runningAt(at: number, ours: boolean): Observation['running'] {
    if (ours) return 'ours';
    const others = within(this.script.foreignRuns, at) || this.runner.foreignEnabled(at).length > 0;
    return others && !this.sky.stopsVoyager(at) && !this.gateway.silent(at) ? 'foreign' : 'none';
  }
  /** No field says that RoboTarget runs: a target that does proves it, a DragScript that policy starts shows in RUNDS. */
  private script_(at: number, ours: boolean): { RUNDS: string | null; roboTargetRunning: boolean | null } {
    const { policy } = this.telescope;
    const runs = this.runner.scriptRuns(at) && at < this.runner.haltedAt;
    const RUNDS = policy.robotarget_start === 'dragscript' && runs ? policy.dragscript : null;
    if (ours || RUNDS) return { RUNDS, roboTargetRunning: true };
    return { RUNDS, roboTargetRunning: policy.robotarget_start === 'dragscript' ? false : null };
  }
}
