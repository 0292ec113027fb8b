import type {
  CommandOutcome,
  Grant,
  ObjectsPlan,
  Observation,
  ShotDone,
  TelescopeActivities,
} from '../../domain/ports.ts';
import type { ActivityInfo, ObservatoryScript, Span } from './script.ts';
import { notConnected } from '../../gateway/activities/context.ts';
import { watchOnce } from '../../gateway/activities/watch.ts';
import type { WeatherState } from '../../domain/contracts/state.ts';
import { stableId } from '../../domain/ids.ts';
import type { Reason } from '../../domain/reasons.ts';

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
export interface Taken {
  guid: string;
  /** 0, 1, 2, … in the order in which they were taken. */
  nth: number;
  shotGuid: string;
  index: number;
  startedAt: number;
  exposureSeconds: number;
}

/** The world moves in steps of so many milliseconds, so that a command that comes some milliseconds later changes nothing. */
export const TICK_MS = 30_000;
const SETUP_MS = 60_000;
const BETWEEN_MS = 30_000;
const DEBOUNCE_MS = 300_000;

const within = (spans: readonly Span[], at: number): boolean => spans.some((s) => at >= s.from && at < s.to);
const up = (at: number): number => Math.ceil(at / TICK_MS) * TICK_MS;
const down = (at: number): number => Math.floor(at / TICK_MS) * TICK_MS;

/**
 * One telescope's Voyager, RoboTarget and gateway behind the TelescopeActivities port: a pure function of its script, of the commands it got and of
 * virtual time. Commands are written down with their effect, so that "once" and "never" can be proven.
 */
export class Observatory {
  readonly commands: CommandRecord[] = [];
  readonly taken: Taken[] = [];
  /** Instants at which the target was enabled and disabled, in turns. */
  readonly switched: number[] = [];
  /** What was asked for while Voyager carried out an emergency, and kept back by the gate. */
  readonly refusedInEmergency: { at: number; name: string }[] = [];
  /** Faults that something of ours has met. */
  readonly met = new Set<string>();
  plan: ObjectsPlan | null = null;
  /** GUIDs of targets that stand in RoboTarget. */
  readonly targets = new Set<string>();
  grant: Grant | null = null;
  readonly borrowed = new Set<string>();
  latch: { commandId: string; requestedBy: string; at: string } | null = null;
  private on = false;
  private exposing: { shot: number; startedAt: number } | null = null;
  private readyAt: number | null = null;
  /** The next tick. */
  private clock: number | null = null;
  private readonly count = new Map<string, number>();
  private readonly doneOf = new Map<string, number>();
  private readonly changes: number[];
  private handled = 0;
  private lastLook = 0;

  constructor(
    readonly script: ObservatoryScript,
    private readonly graceMs: number,
    private readonly info: () => ActivityInfo,
  ) {
    const spans: Span[] = [
      script.weather,
      script.linkDown,
      script.voyagerError,
      script.emergency,
      script.cameraAway,
      script.guidingLost,
      script.foreignRuns,
      script.roboTargetOff,
    ].flat();
    this.changes = [
      ...spans.flatMap((s) => [s.from, s.to]),
      ...script.disabledByHand,
      ...(script.finishedFrom === null ? [] : [script.finishedFrom]),
    ].sort((a, b) => a - b);
  }

  get enabled(): boolean {
    return this.on;
  }
  private set enabled(value: boolean) {
    if (value !== this.on) this.switched.push(this.clock ?? 0);
    this.on = value;
  }
  private now(): number {
    return this.info().currentAttemptScheduledTimestampMs;
  }
  private hit(kind: string, is: boolean): boolean {
    if (is) this.met.add(kind);
    return is;
  }
  weatherAt(at: number): { state: WeatherState; reason: Reason | null; stale: boolean; okSince: number | null } {
    const bad = this.script.weather.find((w) => at >= w.from && at < w.to);
    if (bad) return { state: bad.state, reason: bad.reason, stale: bad.stale ?? false, okSince: null };
    return {
      state: 'ok',
      reason: null,
      stale: false,
      okSince: Math.max(0, ...this.script.weather.filter((w) => w.to <= at).map((w) => w.to)),
    };
  }
  linkUp(at: number): boolean {
    return !within(this.script.linkDown, at);
  }
  private mayRun(at: number): boolean {
    const target = this.plan?.target;
    return (
      this.on &&
      target !== undefined &&
      at >= target.C_DateStart * 1000 &&
      at < target.C_DateEnd * 1000 &&
      this.mayExpose(at) &&
      !within(this.script.guidingLost, at) &&
      !within(this.script.foreignRuns, at) &&
      !within(this.script.roboTargetOff, at) &&
      !(this.script.finishedFrom !== null && at >= this.script.finishedFrom)
    );
  }
  /** What cuts off an exposure under way too. */
  private mayExpose(at: number): boolean {
    return (
      this.weatherAt(at).state !== 'unsafe' &&
      !within(this.script.emergency, at) &&
      !within(this.script.cameraAway, at) &&
      at < (this.plan?.target.C_DateEnd ?? 0) * 1000
    );
  }
  private done(index: number): number {
    return this.doneOf.get(this.plan?.shots[index]?.GuidShot ?? '') ?? 0;
  }
  private nextShot(): number {
    return (this.plan?.shots ?? []).findIndex((s, i) => s.Enabled && this.done(i) < s.Num);
  }
  get finished(): boolean {
    return this.plan !== null && this.nextShot() < 0;
  }

  /** Moves the world on to `to`: from change to change, since nothing happens in between. A command takes effect at the next tick. */
  advance(to: number): void {
    const last = down(to);
    this.clock ??= last;
    while (this.clock <= last) {
      this.step(this.clock);
      this.clock = Math.min(last + TICK_MS, Math.max(this.clock + TICK_MS, up(this.nextChange(this.clock))));
    }
  }
  private nextChange(at: number): number {
    let next = this.changes.find((change) => change > at) ?? Infinity;
    const consider = (instant: number | null | undefined): void => {
      if (instant !== null && instant !== undefined && instant > at && instant < next) next = instant;
    };
    consider(this.readyAt);
    consider(this.exposing ? this.exposing.startedAt + this.plan!.shots[this.exposing.shot]!.Exposure * 1000 : null);
    consider(this.plan ? this.plan.target.C_DateStart * 1000 : null);
    consider(this.plan ? this.plan.target.C_DateEnd * 1000 : null);
    consider(this.grant ? Date.parse(this.grant.end) + this.graceMs : null);
    return next;
  }
  private step(at: number): void {
    const hands = this.script.disabledByHand;
    for (; this.handled < hands.length && hands[this.handled]! <= at; this.handled++) {
      this.hit('console', this.on);
      this.enabled = false;
    }
    if (
      this.grant &&
      at >= Date.parse(this.grant.end) + this.graceMs &&
      this.linkUp(at) &&
      !within(this.script.emergency, at)
    ) {
      this.enabled = false;
      this.stopExposure();
      this.grant = null;
    }
    if (this.exposing) {
      const shot = this.plan!.shots[this.exposing.shot]!;
      const over = at >= this.exposing.startedAt + shot.Exposure * 1000;
      if (over) {
        const n = this.done(this.exposing.shot);
        this.doneOf.set(shot.GuidShot, n + 1);
        this.taken.push({
          guid: stableId('taken', shot.GuidShot, n),
          nth: this.taken.length,
          shotGuid: shot.GuidShot,
          index: this.exposing.shot,
          startedAt: this.exposing.startedAt,
          exposureSeconds: shot.Exposure,
        });
        this.exposing = null;
        this.readyAt = at + BETWEEN_MS;
      } else if (!this.mayExpose(at)) this.stopExposure();
    }
    if (!this.mayRun(at)) {
      if (!this.exposing) this.readyAt = null;
      return;
    }
    this.readyAt ??= at + SETUP_MS;
    const next = this.nextShot();
    if (!this.exposing && next >= 0 && at >= this.readyAt) this.exposing = { shot: next, startedAt: at };
  }
  private stopExposure(): void {
    this.exposing = null;
    this.readyAt = null;
  }

  /** One command of the gateway: written down, done, and its answer lost or refused where the script says so. */
  private command(name: string, key: string | null, act: () => string | null): CommandOutcome {
    const at = this.now();
    this.advance(at);
    if (this.hit('link_lost', !this.linkUp(at)))
      return { outcome: 'unknown', reason: 'voyager_away', message: 'the link to Voyager is down' };
    if (within(this.script.emergency, at)) {
      this.refusedInEmergency.push({ at, name });
      return { outcome: 'refused', reason: 'voyager_emergency', message: 'gate: silent in an emergency' };
    }
    const nth = (this.count.get(name) ?? 0) + 1;
    this.count.set(name, nth);
    if (
      this.hit(
        'refusal',
        this.script.refusals.some((r) => r.name === name && r.nth === nth),
      )
    )
      return { outcome: 'refused', reason: 'refused_by_voyager', message: 'Voyager answers ERROR' };
    this.record(name, key, at, act());
    if (
      this.hit(
        'answer_lost',
        this.script.lostAnswers.some((l) => l.name === name && l.nth === nth),
      )
    )
      return { outcome: 'unknown', reason: 'no_answer', message: 'the answer was lost' };
    return { outcome: 'done', reason: null, message: null };
  }
  private record(name: string, key: string | null, at: number, effect: string | null): void {
    const inSlot = this.grant !== null && at >= Date.parse(this.grant.start) && at < Date.parse(this.grant.end);
    this.commands.push({ at, name, key, effect, inSlot, weather: this.weatherAt(at).state });
  }
  private reachable(): void {
    if (this.hit('link_lost', !this.linkUp(this.now()))) throw notConnected('the link to Voyager is down');
  }

  /** The gateway's emergency path: stops without asking anybody, and keeps its latch until a session has taken it over or gives its grant back. */
  emergencyAbort(commandId: string, requestedBy: string, at: number): void {
    this.advance(at);
    if (within(this.script.emergency, at) || !this.linkUp(at)) return;
    this.latch = { commandId, requestedBy, at: new Date(at).toISOString() };
    this.enabled = false;
    this.stopExposure();
  }

  /** What the gateway's mirror and RoboTarget's lists show. */
  observation(at = this.now()): Observation {
    const { script } = this;
    this.lastLook = at;
    this.advance(at);
    const weather = this.weatherAt(at);
    const connected = !this.hit('link_lost', !this.linkUp(at));
    if (weather.state !== 'ok')
      this.met.add(weather.stale ? 'weather_stale' : weather.state === 'hold' ? 'clouds' : 'unsafe_weather');
    const foreignRuns = this.hit('foreign_target', within(script.foreignRuns, at));
    const emergency = this.hit('emergency', within(script.emergency, at));
    const error = this.hit('voyager_error', within(script.voyagerError, at));
    const off = this.hit('voyager_restart', within(script.roboTargetOff, at));
    const cameraAway = this.hit('camera', within(script.cameraAway, at));
    const unguided = this.hit('guiding', within(script.guidingLost, at));
    const clockOff = this.hit('clock', within(script.clockOff, at));
    const early = this.hit(
      'finished_early',
      script.finishedFrom !== null && at >= script.finishedFrom && this.exposing === null,
    );
    const ours = this.exposing !== null || (this.mayRun(at) && !this.finished);
    const foreign = foreignRuns || (this.foreignEnabled().length > 0 && weather.state !== 'unsafe' && !emergency);
    return {
      at: new Date(at).toISOString(),
      connected,
      ageSeconds: connected ? 1 : 60,
      voyagerStatus: error ? 'ERROR' : ours ? 'RUN' : 'IDLE',
      emergency: emergency ? 'suspend' : null,
      running: !connected ? 'unknown' : ours ? 'ours' : foreign ? 'foreign' : 'none',
      roboTargetRunning: !off,
      runSequence: ours ? 'Sequence' : null,
      runDragScript: off ? null : 'RoboTarget',
      guiding: unguided ? 'TIMEOUT' : ours ? 'RUNNING' : 'STOPPED',
      mountConnected: true,
      cameraConnected: !cameraAway,
      lastError: null,
      clockOffsetSeconds: clockOff ? 75 : 0.1,
      weather: {
        state: weather.state,
        reason: weather.reason,
        causes: [],
        ok_since: weather.okSince === null ? null : new Date(weather.okSince).toISOString(),
        stale: weather.stale,
      },
      target:
        connected && this.plan
          ? { enabled: this.on, statusOp: early || this.finished ? 'finished' : ours ? 'running' : 'idle' }
          : null,
      shotsDone:
        connected && this.plan ? Object.fromEntries(this.plan.shots.map((s, i) => [s.GuidShot, this.done(i)])) : null,
      latchedAbort: this.latch,
    };
  }
  private foreignEnabled(): { guid: string; name: string; locked: boolean }[] {
    return this.script.foreign.filter((f) => !this.borrowed.has(f.guid));
  }

  activities(): TelescopeActivities {
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
    const done: CommandOutcome = { outcome: 'done', reason: null, message: null };
    const refused = (reason: Reason, message: string): CommandOutcome => ({ outcome: 'refused', reason, message });
    return {
      checkSite: async () => {
        this.reachable();
        const problem = this.script.siteProblem.find((p) => this.now() >= p.from && this.now() < p.to);
        this.hit('site', problem !== undefined);
        return {
          ok: !problem,
          problems: problem ? [{ reason: problem.reason, message: problem.message }] : [],
          warnings: [],
        };
      },
      registerGrant: async (grant) => {
        if (this.grant && grant.generation < this.grant.generation) return refused('superseded', 'an older generation');
        this.grant = grant;
        return done;
      },
      ensureObjects: async ({ plan }) => {
        const before = this.plan;
        const outcome = this.command('ensureObjects', null, () => {
          this.targets.add(plan.target.GuidTarget);
          if (same(before, plan)) return null;
          if (before?.target.GuidTarget !== plan.target.GuidTarget) this.stopExposure();
          this.plan = plan;
          this.enabled = false;
          return `objects ${plan.target.GuidTarget}`;
        });
        const shots = plan.shots.map((s, i) => ({
          guid: s.GuidShot,
          filter: 'L',
          filter_index: s.FilterIndex,
          exposure_seconds: s.Exposure,
          quantity: s.Num,
          binning: s.Bin,
          done: this.done(i),
        }));
        return { ...outcome, created: before ? 0 : 1, repaired: 0, shots };
      },
      readObjects: async ({ plan }) => {
        this.reachable();
        return { differences: same(this.plan, plan) ? [] : ['plan'], enabled: this.on };
      },
      removeObjects: async ({ targetGuid }) => {
        this.reachable();
        return this.command('removeObjects', null, () => {
          if (!this.targets.delete(targetGuid)) return null;
          if (this.plan?.target.GuidTarget === targetGuid) {
            this.enabled = false;
            this.stopExposure();
            this.plan = null;
          }
          return `removed ${targetGuid}`;
        });
      },
      enableTarget: async ({ grant, key }) => {
        const at = this.now();
        this.advance(at);
        const weather = this.weatherAt(at);
        if (weather.state !== 'ok') return refused(weather.reason ?? 'weather_unsafe', 'gate: weather');
        if (at - (weather.okSince ?? 0) < DEBOUNCE_MS)
          return refused('weather_debounce', 'gate: safe for too short a time');
        if (this.latch) return refused('operator_abort', 'gate: an abort is latched');
        if (
          this.grant?.generation !== grant.generation ||
          at < Date.parse(this.grant.start) ||
          at >= Date.parse(this.grant.end)
        )
          return refused('outside_slot', 'gate: outside of the grant');
        return this.command('enableTarget', key, () => {
          if (this.on) return null;
          this.enabled = true;
          return 'enabled';
        });
      },
      disableTarget: async ({ key }) =>
        this.command('disableTarget', key, () => {
          if (!this.on) return null;
          this.enabled = false;
          return 'disabled';
        }),
      stopTarget: async ({ key }) =>
        this.command('stopTarget', key, () => {
          const before = this.on || this.exposing !== null;
          this.enabled = false;
          this.stopExposure();
          return before ? 'stopped' : null;
        }),
      observe: async () => this.observation(),
      watch: async ({ plan }) => {
        const { attempt, scheduledTimestampMs } = this.info();
        return watchOnce(plan, attempt, async () =>
          this.observation(Math.max(this.lastLook, scheduledTimestampMs + (attempt - 1) * plan.everySeconds * 1000)),
        );
      },
      borrowSky: async ({ key }) => {
        const inTheWay = this.foreignEnabled().find((f) => f.locked);
        if (this.hit('foreign_locked', inTheWay !== undefined))
          return { ...refused('foreign_target', `${inTheWay!.name} may not be disabled`), borrowed: [] };
        const borrowed = this.foreignEnabled();
        const outcome = this.command('borrowSky', key, () => {
          for (const f of borrowed) this.borrowed.add(f.guid);
          return borrowed.length > 0 ? `borrowed ${borrowed.length}` : null;
        });
        this.hit('foreign_borrowed', borrowed.length > 0);
        return { ...outcome, borrowed };
      },
      returnSky: async () => {
        this.reachable();
        return this.command('returnSky', null, () => {
          const had = this.borrowed.size;
          this.borrowed.clear();
          return had > 0 ? `returned ${had}` : null;
        });
      },
      startRoboTarget: async ({ key }) => this.command('startRoboTarget', key, () => null),
      releaseLatch: async ({ commandId }) => {
        if (this.latch?.commandId === commandId) this.latch = null;
      },
      revokeGrant: async () => {
        this.grant = null;
        this.latch = null;
      },
      listShotsDone: async ({ offset = 0, limit = Infinity }) => {
        this.reachable();
        this.advance(this.now());
        return this.taken.slice(offset, offset + limit).map((t): ShotDone => ({
          guid: t.guid,
          shotGuid: t.shotGuid,
          at: new Date(t.startedAt + t.exposureSeconds * 1000).toISOString(),
          filename: `${t.guid}.fit`,
          path: `C:\\Voyager\\FITS\\${t.guid}.fit`,
          hfd: 2.5,
          starIndex: 8,
          exposureSeconds: t.exposureSeconds,
          binning: 1,
          filterIndex: 0,
        }));
      },
      roboTarget: async () => ({ ...done, items: [] }),
    };
  }
}
