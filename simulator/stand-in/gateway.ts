import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { StopReason } from '../../domain/contracts/control.ts';
import type { CommandOutcome, Grant, Observation } from '../../domain/ports.ts';
import type { Reason } from '../../domain/reasons.ts';
import { whyNotStart, type Permit } from '../../gateway/telescope/gate.ts';
import { Grants } from '../../gateway/telescope/grants.ts';
import { Latches, ORPHAN_LATCH_MS } from '../../gateway/telescope/latches.ts';
import { KnownMaintenance, type MaintenanceWindow } from '../../gateway/telescope/maintenance.ts';
import { done, refused } from '../../gateway/telescope/outcomes.ts';
import { WeatherLatch } from '../../gateway/telescope/weather-latch.ts';
import { SteadyClock } from '../../platform/steady-clock.ts';
import { GrantCopies, MemoryState } from './memory.ts';
import type { Runner } from './runner.ts';
import { offsetAt, within, type ObservatoryScript } from './script.ts';
import type { Sky } from './sky.ts';

/** Voyager's offset is the median of twenty events, one in two seconds: a clock that was set is seen this much later. */
const OFFSET_LAG_MS = 22_000;

/** Loans are owed once nobody has a grant, whoever took them (gateway/telescope/watchdog.ts, payBack). */
const ANY_LOAN = 'loan';

interface World {
  telescope: Telescope;
  script: ObservatoryScript;
  sky: Sky;
  runner: Runner;
  /** The booking row's own slot; null when PostgreSQL cannot be asked. */
  slot: (bookingId: string) => { start: number; end: number } | null;
}

/**
 * The gateway's part of a stand-in, made of the gateway's own decisions: gate, grants, latches, maintenance, weather latch and steady clock. What it
 * guards by itself, it guards at each step of the world.
 */
export class StandInGateway {
  readonly grants: Grants;
  readonly latches: Latches;
  weatherLatch: WeatherLatch;
  private readonly state = new MemoryState();
  private readonly rows: GrantCopies;
  private backup: ReturnType<MemoryState['copy']> | null = null;
  /** Since this process began, what PostgreSQL knows was read. */
  private adopted = true;
  private readonly maintenance: KnownMaintenance;
  private readonly clock: SteadyClock;
  private at = 0;
  private unsafeSince: number | null = null;
  private readonly looked = new Map<string, number>();
  /** Loans whose sky could not be given back yet, by booking. */
  private readonly owed = new Set<string>();
  /** Stops that the guard carried out by itself. */
  readonly stops: { at: number; why: 'slot_over' | 'latch' | 'weather' }[] = [];

  constructor(private readonly world: World) {
    const inner = {
      now: () => this.at + offsetAt(world.script.gatewayClock, this.at),
      monotonicMs: () => this.at,
      setTimeout: () => ({ cancel: () => {} }),
    };
    this.clock = new SteadyClock(inner, () => this.clockOffsetSeconds(this.at));
    this.rows = new GrantCopies((bookingId) => world.slot(bookingId));
    this.grants = new Grants(this.state, () => this.clock.now(), this.rows);
    this.latches = new Latches(this.state);
    this.weatherLatch = new WeatherLatch(this.state);
    this.maintenance = new KnownMaintenance(this.state, () => this.clock.now());
  }

  /** Ours less Voyager's, as the gateway knows it. */
  clockOffsetSeconds(at: number): number {
    const seen = at - OFFSET_LAG_MS;
    const { gatewayClock, voyagerClock } = this.world.script;
    return (offsetAt(gatewayClock, seen) - offsetAt(voyagerClock, seen)) / 1000 + 0.1;
  }
  linkUp(at: number): boolean {
    return !within(this.world.script.linkDown, at);
  }
  silent(at: number): boolean {
    return within(this.world.script.emergency, at);
  }
  /** The instant as the gateway's own clock has it. */
  seenAt(at: number): number {
    this.at = Math.max(this.at, at);
    return this.clock.now();
  }

  register(grant: Grant, at: number): CommandOutcome {
    this.seenAt(at);
    const slot = within(this.world.script.databaseAway, at) ? null : this.world.slot(grant.bookingId);
    const why = this.grants.register(grant, slot);
    if (why) return refused(why);
    this.rows.copy(grant, 'active');
    return done();
  }
  revoke(bookingId: string, at: number): void {
    this.seenAt(at);
    this.grants.end(bookingId, 'revoked');
    this.weatherLatch.forget(bookingId);
    for (const latch of this.latches.all())
      if (latch.bookingId === bookingId && latch.state === 'confirmed') this.latches.release(latch.commandId);
  }
  /** The gate's own judgement of a start (gateway/telescope/gate.ts). */
  whyNotStart(permit: Permit, targetGuid: string | null, at: number): Reason | null {
    this.seenAt(at);
    const { sky } = this.world;
    return whyNotStart(
      {
        readOnly: false,
        emergency: () => (this.silent(at) ? 'suspend' : null),
        ownsLease: () => !within(this.world.script.unowned, at),
        weather: () => sky.whyNotStart(at),
        clockOffsetSeconds: () => this.clockOffsetSeconds(at),
        grant: (grant) => this.grants.check(grant),
        slotRunning: () => this.grants.current().length > 0,
        latched: (guid, bookingId) => {
          const latch =
            (guid === null ? null : this.latches.ofTarget(guid)) ??
            (bookingId === null ? null : this.latches.ofBooking(bookingId));
          return latch && (latch.reason ?? 'user_abort');
        },
        inMaintenance: () => this.maintenance.current,
      },
      permit,
      targetGuid,
    );
  }
  knowMaintenance(windows: MaintenanceWindow[], at: number): void {
    this.seenAt(at);
    this.maintenance.set(windows);
  }

  /** The emergency path: stops without asking anybody; kept up until a session has taken it over or gives its grant back. */
  abort(by: { commandId: string; requestedBy: string; reason?: StopReason }, at: number): void {
    this.seenAt(at);
    const grant = this.grants.active()[0];
    if (!grant?.targetGuid) return;
    this.latches.add({
      ...by,
      bookingId: grant.bookingId,
      targetGuids: [grant.targetGuid],
      setGuids: [],
      at: new Date(this.clock.now()).toISOString(),
      state: 'waiting',
    });
    this.guard(at);
  }
  /** Weather as a session's look is told it. */
  weatherSeenBy(bookingId: string, look: string, at: number): Observation['weather'] {
    this.looked.set(bookingId, at);
    return this.weatherLatch.seenBy(bookingId, look, this.world.sky.observed(at), at);
  }

  /** Somebody keeps a copy of the state folder. */
  backUp(): void {
    this.backup = this.state.copy();
  }
  /** The gateway begins anew on the copy of its folder, without what only its memory had. */
  restart(): void {
    if (this.backup) this.state.restore(this.backup);
    this.weatherLatch = new WeatherLatch(this.state);
    this.unsafeSince = null;
    this.looked.clear();
    this.owed.clear();
    this.adopted = false;
  }
  /** Reads what PostgreSQL knows, as the owner of a telescope does at its beginning. */
  async adopt(): Promise<void> {
    await this.grants.adopt();
    this.adopted = true;
  }
  /** It holds the lease and has read what PostgreSQL knows: no slot of its own is an old one. */
  private sureAt(at: number): boolean {
    return this.adopted && !within(this.world.script.databaseAway, at);
  }
  /** Voyager's own window of the target, which a gateway that is not sure asks (gateway/telescope/watchdog.ts). */
  private voyagerSaysOver(): boolean {
    const { plan } = this.world.runner;
    return plan === null || plan.target.C_DateEnd * 1000 <= this.clock.witnessedNow();
  }

  guard(at: number): void {
    this.seenAt(at);
    const { script, sky, telescope } = this.world;
    if (within(script.gatewayDead, at)) return;
    const free = this.linkUp(at) && !this.silent(at);
    const unsafe = free && sky.at(at).state === 'unsafe';
    this.unsafeSince = unsafe ? (this.unsafeSince ?? at) : null;
    const running = this.grants.current().map(({ bookingId }) => bookingId);
    const overdue = this.weatherLatch.overdue(running, unsafe, at, telescope.weather.session_patience_seconds * 1000);
    if (!free) return;
    for (const grant of this.grants.active())
      if (
        this.clock.witnessedNow() >= Date.parse(grant.end) + telescope.policy.grace_seconds * 1000 &&
        (this.sureAt(at) || this.voyagerSaysOver())
      ) {
        this.stop(at, 'slot_over');
        this.grants.end(grant.bookingId, 'over');
        this.weatherLatch.forget(grant.bookingId);
        this.owed.add(grant.bookingId);
      }
    for (const latch of this.latches.all()) this.keep(latch, at);
    for (const bookingId of overdue)
      if (this.world.runner.enabled || this.world.runner.running) {
        this.weatherLatch.stopped(bookingId, sky.at(at).weather, new Date(at).toISOString());
        this.stop(at, 'weather');
      }
    if (this.world.runner.borrowed.size > 0 && this.grants.active().length === 0) this.owed.add(ANY_LOAN);
    for (const bookingId of this.owed)
      if (this.grants.find(bookingId)?.state !== 'active') this.giveBack(bookingId, at);
  }
  private keep(latch: ReturnType<Latches['all']>[number], at: number): void {
    const grant = latch.bookingId ? this.grants.find(latch.bookingId) : null;
    const over = grant ? grant.state !== 'active' : true;
    if (latch.state !== 'confirmed' || this.world.runner.enabled) {
      this.stop(at, 'latch');
      this.latches.setState(latch.commandId, 'confirmed');
    }
    if (over && this.clock.now() - Date.parse(latch.at) > ORPHAN_LATCH_MS) this.latches.release(latch.commandId);
  }
  private stop(at: number, why: StandInGateway['stops'][number]['why']): void {
    const { runner } = this.world;
    if (runner.enabled || runner.running) this.stops.push({ at, why });
    runner.enabled = false;
    runner.stopExposure(at);
  }

  /** Enables again what was borrowed; under the same sky as any other start. Why not, or null. */
  giveBack(bookingId: string, at: number): Reason | null {
    const { runner } = this.world;
    this.owed.add(bookingId);
    if (runner.borrowed.size > 0) {
      const why = this.whyNotStart({ by: 'return' }, null, at);
      if (why) return why;
    }
    runner.borrowed.clear();
    this.owed.delete(bookingId);
    return null;
  }

  /** When the guard would do something that no change of the world announces. */
  nextAt(at: number): number {
    const { telescope } = this.world;
    const patience = telescope.weather.session_patience_seconds * 1000;
    const due: number[] = this.grants.active().map((g) => Date.parse(g.end) + telescope.policy.grace_seconds * 1000);
    if (this.unsafeSince !== null)
      due.push(
        this.unsafeSince + patience,
        this.unsafeSince + 2 * patience,
        ...[...this.looked.values()].map((l) => l + patience),
      );
    if (this.owed.size > 0 && this.world.runner.borrowed.size > 0) due.push(this.world.sky.debouncedAt(at));
    for (const latch of this.latches.all()) due.push(Date.parse(latch.at) + ORPHAN_LATCH_MS + 1);
    return Math.min(Infinity, ...due.filter((one) => one > at));
  }
}
