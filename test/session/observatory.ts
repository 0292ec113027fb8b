import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../domain/failures.ts';
import type {
  CommandOutcome,
  FrameCounts,
  Grant,
  ObjectsPlan,
  Observation,
  ShotDone,
  TelescopeActivities,
} from '../../domain/ports.ts';
import { watchOnce } from '../../gateway/activities/watch.ts';
import type { WeatherState } from '../../domain/contracts/state.ts';
import { stableId } from '../../domain/ids.ts';
import type { Reason } from '../../domain/reasons.ts';

/**
 * An observatory behind the TelescopeActivities port: RoboTarget, weather, camera and the gateway's own rules as a pure function of a script and
 * of virtual time. It knows nothing of workflows. Every command is written down with its effect, so that a test can prove "once" and "never".
 */
export interface Span {
  from: number;
  to: number;
}
export interface ObservatoryScript {
  telescopeId: string;
  /** Weather other than ok. */
  weather?: (Span & { state: WeatherState; reason?: Reason })[];
  /** Voyager does not answer the gateway. */
  linkDown?: Span[];
  /** RoboTarget's list is read, and our target is not on it. */
  targetGone?: Span[];
  /** Voyager answers, RoboTarget's list cannot be read. */
  unreadable?: Span[];
  /** RoboTarget refuses the target: the set is made, the rest is not. */
  targetRefused?: Span[];
  /** VOYSTAT says ERROR. */
  voyagerError?: Span[];
  emergency?: Span[];
  /** Commands whose answer is lost although they work: the nth command of that name. */
  lost?: { name: string; nth: number }[];
  /** Commands that Voyager answers with an error: the nth of that name. */
  refused?: { name: string; nth: number }[];
  /** Site problems found by checkSite while in the span. */
  siteProblem?: (Span & { reason: Reason; message: string })[];
  /** Somebody at the console disables the target at these instants. */
  disabledByHand?: number[];
  /** Other people's enabled targets. */
  foreign?: Foreign[];
  /** Camera or mount are not connected. */
  unplugged?: (Span & { what: 'camera' | 'mount' })[];
  /** The guide star is lost: exposures go on, unguided. */
  guidingLost?: Span[];
  /** RoboTarget does not run from these instants until it is started. */
  scriptEnds?: number[];
  /** RoboTarget takes no target, and nothing that Voyager tells says so. */
  idle?: Span[];
  /** RoboTarget says that the target is finished, whatever its counts. */
  finishedFrom?: number;
  /** Seconds of slew, focus and guiding before the first exposure after each enabling, and between two exposures. */
  setupSeconds?: number;
  betweenSeconds?: number;
  debounceSeconds?: number;
}
export interface Foreign {
  guid: string;
  name: string;
  /** The owner does not let go of it. */
  locked?: boolean;
  /** Enabled from then on, and preferred by RoboTarget to ours. */
  takesOverAt?: number;
}
export interface CommandRecord {
  at: number;
  name: string;
  /** What changed in the world; null when nothing did. */
  effect: string | null;
  inSlot: boolean;
  weather: WeatherState;
}
interface Exposure {
  shot: number;
  startedAt: number;
}
export interface Taken {
  guid: string;
  shotGuid: string;
  index: number;
  startedAt: number;
  exposureSeconds: number;
}

export class Observatory {
  readonly commands: CommandRecord[] = [];
  readonly taken: Taken[] = [];
  private readonly perShot = new Map<string, number>();
  plan: ObjectsPlan | null = null;
  readonly removed: string[] = [];
  enabled = false;
  grant: Grant | null = null;
  grants = 0;
  /** How often it was looked at. */
  looks = 0;
  readonly borrowed = new Set<string>();
  latch: Observation['latchedAbort'] = null;
  private exposing: Exposure | null = null;
  private readyAt: number | null = null;
  private clock = 0;
  private readonly count = new Map<string, number>();
  private handled = 0;
  constructor(
    readonly script: ObservatoryScript,
    private readonly now: () => number,
  ) {}

  private in(spans: readonly Span[] | undefined, at: number): boolean {
    return (spans ?? []).some((s) => at >= s.from && at < s.to);
  }
  weatherAt(at: number): { state: WeatherState; reason: Reason | null; okSince: number | null } {
    const bad = (this.script.weather ?? []).find((w) => at >= w.from && at < w.to);
    if (bad)
      return {
        state: bad.state,
        reason: bad.reason ?? (bad.state === 'unsafe' ? 'weather_unsafe' : 'weather_hold'),
        okSince: null,
      };
    const ends = (this.script.weather ?? []).filter((w) => w.to <= at).map((w) => w.to);
    return { state: 'ok', reason: null, okSince: ends.length > 0 ? Math.max(...ends) : 0 };
  }
  private get mayRun(): boolean {
    const { target } = this.plan ?? {};
    return (
      this.enabled &&
      target !== undefined &&
      this.clock >= target.C_DateStart * 1000 &&
      this.clock < target.C_DateEnd * 1000 &&
      this.weatherAt(this.clock).state !== 'unsafe' &&
      !this.in(this.script.emergency, this.clock) &&
      this.scriptRuns(this.clock) &&
      !this.foreignEnabled(this.clock).some((f) => f.takesOverAt !== undefined) &&
      !this.in(this.script.targetGone, this.clock) &&
      !this.in(this.script.idle, this.clock) &&
      !this.in(this.script.unplugged, this.clock)
    );
  }
  private done(index: number): number {
    return this.perShot.get(this.plan?.shots[index]?.GuidShot ?? '') ?? 0;
  }
  private nextShot(): number {
    return (this.plan?.shots ?? []).findIndex((s, i) => s.Enabled && this.done(i) < s.Num);
  }

  /** Moves the world to `to`, second by second: exposures begin, end and are kept. */
  advance(to = this.now()): void {
    if (this.clock === 0) this.clock = to;
    for (; this.clock + 1000 <= to; this.clock += 1000) {
      for (const [i, at] of (this.script.disabledByHand ?? []).entries())
        if (i >= this.handled && at <= this.clock) {
          this.handled = i + 1;
          this.enabled = false;
        }
      if (this.exposing) {
        const shot = this.plan!.shots[this.exposing.shot]!;
        const over = this.clock >= this.exposing.startedAt + shot.Exposure * 1000;
        if (
          this.weatherAt(this.clock).state === 'unsafe' ||
          this.in(this.script.emergency, this.clock) ||
          this.clock >= this.plan!.target.C_DateEnd * 1000
        ) {
          if (!over) this.exposing = null;
        }
        if (this.exposing && over) {
          const n = this.done(this.exposing.shot);
          this.perShot.set(shot.GuidShot, n + 1);
          this.taken.push({
            guid: stableId('taken', shot.GuidShot, n),
            shotGuid: shot.GuidShot,
            index: this.exposing.shot,
            startedAt: this.exposing.startedAt,
            exposureSeconds: shot.Exposure,
          });
          this.exposing = null;
          this.readyAt = this.clock + (this.script.betweenSeconds ?? 5) * 1000;
        }
      }
      if (!this.mayRun) {
        if (!this.exposing) this.readyAt = null;
        continue;
      }
      this.readyAt ??= this.clock + (this.script.setupSeconds ?? 60) * 1000;
      const next = this.nextShot();
      if (!this.exposing && next >= 0 && this.clock >= this.readyAt)
        this.exposing = { shot: next, startedAt: this.clock };
    }
  }

  /** One command of the gateway: writes it down, does it, and loses the answer where the script says so. */
  private command(name: string, act: () => string | null): CommandOutcome {
    this.advance();
    const at = this.now();
    const nth = (this.count.get(name) ?? 0) + 1;
    this.count.set(name, nth);
    if (this.in(this.script.linkDown, at))
      return { outcome: 'unknown', reason: 'voyager_away', message: 'the link to Voyager is down' };
    if ((this.script.refused ?? []).some((r) => r.name === name && r.nth === nth))
      return { outcome: 'refused', reason: 'refused_by_voyager', message: 'Voyager answers ERROR' };
    const effect = act();
    this.commands.push({
      at,
      name,
      effect,
      inSlot: this.grant !== null && at >= Date.parse(this.grant.start) && at < Date.parse(this.grant.end),
      weather: this.weatherAt(at).state,
    });
    if ((this.script.lost ?? []).some((l) => l.name === name && l.nth === nth))
      return { outcome: 'unknown', reason: 'no_answer', message: 'the answer was lost' };
    return { outcome: 'done', reason: null, message: null };
  }
  private reachable(): void {
    if (this.in(this.script.linkDown, this.now()))
      throw ApplicationFailure.create({ type: FAILURE.notConnected, message: 'the link to Voyager is down' });
  }
  private abortExposure(): void {
    this.exposing = null;
    this.readyAt = null;
  }
  private startedAt = 0;
  private scriptRuns(at: number): boolean {
    return !(this.script.scriptEnds ?? []).some((end) => end <= at && end > this.startedAt);
  }
  get finished(): boolean {
    return this.plan !== null && (this.nextShot() < 0 || this.clock >= (this.script.finishedFrom ?? Infinity));
  }

  /** What the gateway's mirror and RoboTarget's lists show. */
  observation(at = this.now()): Observation {
    this.looks += 1;
    this.advance(at);
    const weather = this.weatherAt(at);
    const connected = !this.in(this.script.linkDown, at);
    const foreign = this.foreignEnabled(at)[0];
    const ours = this.exposing !== null || (this.mayRun && !this.finished);
    const listed = !this.in(this.script.targetGone, at) && !this.in(this.script.unreadable, at);
    return {
      at: new Date(at).toISOString(),
      connected,
      ageSeconds: connected ? 1 : 60,
      voyagerStatus: this.in(this.script.voyagerError, at) ? 'ERROR' : ours ? 'RUN' : 'IDLE',
      emergency: this.in(this.script.emergency, at) ? 'suspend' : null,
      running:
        connected && !this.in(this.script.unreadable, at)
          ? ours
            ? 'ours'
            : foreign && weather.state !== 'unsafe'
              ? 'foreign'
              : 'none'
          : 'unknown',
      roboTargetRunning: this.in(this.script.idle, at) ? null : this.scriptRuns(at),
      runSequence: ours ? 'Sequence' : null,
      runDragScript: 'RoboTarget',
      guiding: this.in(this.script.guidingLost, at) ? 'TIMEOUT' : ours ? 'RUNNING' : 'STOPPED',
      mountConnected: !(this.script.unplugged ?? []).some((u) => u.what === 'mount' && at >= u.from && at < u.to),
      cameraConnected: !(this.script.unplugged ?? []).some((u) => u.what === 'camera' && at >= u.from && at < u.to),
      lastError: null,
      clockOffsetSeconds: 0.1,
      weather: {
        state: weather.state,
        reason: weather.reason,
        causes: [],
        ok_since: weather.okSince === null ? null : new Date(weather.okSince).toISOString(),
        stale: false,
      },
      target:
        connected && listed && this.plan
          ? { enabled: this.enabled, statusOp: this.finished ? 'finished' : ours ? 'running' : 'idle' }
          : null,
      targetAbsent: connected && !this.in(this.script.unreadable, at) && !(listed && this.plan),
      shotsDone:
        connected && listed && this.plan
          ? Object.fromEntries(this.plan.shots.map((s, i) => [s.GuidShot, this.done(i)]))
          : null,
      latchedAbort: this.latch,
    };
  }
  private foreignEnabled(at = this.now()): Foreign[] {
    return (this.script.foreign ?? []).filter((f) => !this.borrowed.has(f.guid) && at >= (f.takesOverAt ?? 0));
  }

  activities(): TelescopeActivities {
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
    return {
      checkSite: async () => {
        this.reachable();
        const problem = (this.script.siteProblem ?? []).find((p) => this.now() >= p.from && this.now() < p.to);
        return {
          ok: !problem,
          problems: problem ? [{ reason: problem.reason, message: problem.message }] : [],
          warnings: [],
        };
      },
      registerGrant: async (grant) => {
        if (this.grant && grant.generation < this.grant.generation)
          return { outcome: 'refused', reason: 'superseded', message: 'an older generation' };
        this.grants += 1;
        this.grant = grant;
        return { outcome: 'done', reason: null, message: null };
      },
      ensureObjects: async ({ plan }) => {
        const before = this.plan;
        if (this.in(this.script.targetRefused, this.now()))
          return {
            outcome: 'refused',
            reason: 'sequence_mismatch',
            message: 'Voyager refuses the target: the base sequence is not known',
            created: 1,
            repaired: 0,
            shots: [],
          };
        const outcome = this.command('ensureObjects', () => {
          if (same(before, plan)) return null;
          this.plan = plan;
          if (before?.target.GuidTarget !== plan.target.GuidTarget) this.abortExposure();
          return `objects ${plan.target.GuidTarget} ${JSON.stringify(plan.shots.map((s) => [s.Enabled, s.Num]))} ${plan.target.C_DateStart}-${plan.target.C_DateEnd}`;
        });
        if (before && this.plan !== before && before.target.GuidTarget === plan.target.GuidTarget && this.enabled)
          this.enabled = false;
        return {
          ...outcome,
          created: before ? 0 : 1,
          repaired: 0,
          shots: plan.shots.map((s, i) => ({
            guid: s.GuidShot,
            filter: 'L',
            filter_index: s.FilterIndex,
            exposure_seconds: s.Exposure,
            quantity: s.Num,
            binning: s.Bin,
            done: this.done(i),
          })),
        };
      },
      readObjects: async ({ plan }) => {
        this.reachable();
        return { differences: same(this.plan, plan) ? [] : ['plan'], enabled: this.enabled };
      },
      removeObjects: async ({ targetGuid }) => {
        this.reachable();
        return this.command('removeObjects', () => {
          if (this.removed.includes(targetGuid)) return null;
          this.removed.push(targetGuid);
          if (this.plan?.target.GuidTarget === targetGuid) {
            this.enabled = false;
            this.abortExposure();
            this.plan = null;
          }
          return `removed ${targetGuid}`;
        });
      },
      enableTarget: async ({ grant }) => {
        this.advance();
        const weather = this.weatherAt(this.now());
        const refused = (reason: Reason): CommandOutcome => ({
          outcome: 'refused',
          reason,
          message: `gate: ${reason}`,
        });
        if (this.in(this.script.emergency, this.now())) return refused('voyager_emergency');
        if (weather.state !== 'ok') return refused(weather.reason ?? 'weather_unsafe');
        if (this.now() - (weather.okSince ?? 0) < (this.script.debounceSeconds ?? 300) * 1000)
          return refused('weather_debounce');
        if (this.latch) return refused('operator_abort');
        if (
          this.grant?.generation !== grant.generation ||
          this.now() < Date.parse(grant.start) ||
          this.now() >= Date.parse(grant.end)
        )
          return refused('outside_slot');
        if (this.in(this.script.targetGone, this.now())) return refused('refused_by_voyager');
        return this.command('enableTarget', () => {
          if (this.enabled) return null;
          this.enabled = true;
          return `enabled ${grant.targetGuid} #${this.commands.length}`;
        });
      },
      disableTarget: async () =>
        this.command('disableTarget', () => {
          if (!this.enabled) return null;
          this.enabled = false;
          return `disabled #${this.commands.length}`;
        }),
      stopTarget: async () => {
        if (this.in(this.script.emergency, this.now()))
          return { outcome: 'refused', reason: 'voyager_emergency', message: 'gate: silent in an emergency' };
        return this.command('stopTarget', () => {
          const before = this.enabled || this.exposing !== null;
          this.enabled = false;
          this.abortExposure();
          return before ? `stopped #${this.commands.length}` : null;
        });
      },
      observe: async () => this.observation(),
      watch: async ({ plan }) => {
        const { attempt, scheduledTimestampMs } = Context.current().info;
        return watchOnce(plan, attempt, async () =>
          this.observation(scheduledTimestampMs + (attempt - 1) * plan.everySeconds * 1000),
        );
      },
      borrowSky: async () => {
        const inTheWay = this.foreignEnabled().find((f) => f.locked);
        if (inTheWay)
          return {
            outcome: 'refused',
            reason: 'foreign_target',
            message: `${inTheWay.name} may not be disabled`,
            borrowed: [],
          };
        const borrowed = this.foreignEnabled();
        const outcome = this.command('borrowSky', () => {
          for (const f of borrowed) this.borrowed.add(f.guid);
          return borrowed.length > 0 ? `borrowed ${borrowed.map((f) => f.name).join(', ')}` : null;
        });
        return { ...outcome, borrowed };
      },
      returnSky: async () => {
        this.reachable();
        return this.command('returnSky', () => {
          const had = this.borrowed.size;
          this.borrowed.clear();
          return had > 0 ? `returned ${had}` : null;
        });
      },
      startRoboTarget: async () =>
        this.command('startRoboTarget', () => {
          if (this.scriptRuns(this.now())) return null;
          this.startedAt = this.now();
          return `script #${this.commands.length}`;
        }),
      releaseLatch: async ({ commandId }) => {
        if (this.latch?.commandId === commandId) this.latch = null;
      },
      revokeGrant: async () => {
        this.grant = null;
      },
      listShotsDone: async ({ offset = 0, limit = Infinity }) => {
        this.reachable();
        this.advance();
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
      roboTarget: async () => ({ outcome: 'done', reason: null, message: null, items: [] }),
    };
  }
  counts(): FrameCounts {
    return { captured: this.taken.length, archived: this.taken.length, rejected: 0, missing: 0, pending: 0 };
  }
}
