import type { ObservatoryScript, Span } from '../../simulator/stand-in/script.ts';
import { FROZEN_AFTER_MS } from '../../domain/weather-memory.ts';
import type { Fault, FaultKind, NightPlan } from './plan.ts';

const SECOND = 1000;
/** How far a host's clock is set, by the fault's number. */
const JUMPS_MS = [2 * 3_600_000, -3_600_000, 75 * SECOND] as const;
/** Longer than any night. */
const FOR_EVER_MS = 10 * 86_400_000;

/** Faults of a plan by kind, and their spans of time. */
export class Faults {
  /** Kinds that the night really met. */
  readonly met = new Set<FaultKind>();

  constructor(private readonly plan: Pick<NightPlan, 'faults' | 'start' | 'bookedAt'>) {}

  of(...kinds: FaultKind[]): Fault[] {
    return this.plan.faults.filter((f) => kinds.includes(f.kind));
  }
  spanOf(fault: Fault): Span {
    const from = this.plan.start + fault.at * SECOND;
    return { from, to: from + fault.seconds * SECOND };
  }
  spans(...kinds: FaultKind[]): Span[] {
    return this.of(...kinds).map((fault) => this.spanOf(fault));
  }
  during(at: number, ...kinds: FaultKind[]): boolean {
    return this.spans(...kinds).some((s) => at >= s.from && at < s.to);
  }
  /** The gateway's process lives and can ask Temporal. */
  gatewayHeard(at: number): boolean {
    return !this.during(at, 'gateway_away', 'gateway_no_temporal');
  }

  /** Remembers that a kind was met; returns what it was given. */
  hit(kind: FaultKind, is: boolean): boolean {
    if (is) this.met.add(kind);
    return is;
  }
  /** The gateway's process lives. */
  gatewayUp(at: number): boolean {
    return !this.during(at, 'gateway_away');
  }
  /** The gateway's journal stands in PostgreSQL. */
  journalArrives(at: number): boolean {
    return this.gatewayUp(at) && !this.hit('gateway_no_database', this.during(at, 'gateway_no_database'));
  }
  /** @throws Error while PostgreSQL is away */
  needDatabase(at: number): void {
    if (this.hit('database_away', this.during(at, 'database_away'))) throw new Error('the database does not answer');
  }
  /** @throws Error while the store's disk is away: nothing is taken in or judged */
  needStore(at: number): void {
    if (this.hit('store_away', this.during(at, 'store_away'))) throw new Error('the store is away');
  }

  /** The owner has changed the telescope's file by then. */
  fileChanged(at: number): boolean {
    return this.hit(
      'telescope_file',
      this.spans('telescope_file').some(({ from }) => at >= from),
    );
  }

  /** A host's clock less the true time. */
  clockOf(kind: 'gateway_clock' | 'api_clock' | 'temporal_clock'): (Span & { offsetMs: number })[] {
    return this.of(kind).map((f) => ({ ...this.spanOf(f), offsetMs: JUMPS_MS[(f.nth! - 1) % 3]! }));
  }

  /** What happens at the observatory; a tick of the world in milliseconds. */
  script(tickMs: number): Partial<ObservatoryScript> {
    const restarts = this.spans('voyager_restart');
    return {
      weather: this.weather(),
      linkDown: [...this.spans('link_lost'), ...restarts.map((s) => ({ from: s.from, to: s.from + 4 * tickMs }))],
      voyagerError: this.spans('voyager_error'),
      emergency: this.spans('emergency'),
      unplugged: this.spans('camera').map((s) => ({ ...s, what: 'camera' as const })),
      guidingLost: this.spans('guiding').map((s) => ({ ...s, waits: true })),
      foreignRuns: this.spans('foreign_target'),
      voyagerClock: this.spans('clock').map((s) => ({ ...s, offsetMs: -75 * SECOND })),
      gatewayClock: this.clockOf('gateway_clock'),
      gatewayDead: this.spans('gateway_away'),
      databaseAway: this.spans('gateway_no_database'),
      idle: [
        ...restarts.map((s) => ({ ...s, because: 'voyager_restart' })),
        // Never started, in one night of three.
        ...this.of('robotarget_idle').map((f) => {
          const span = this.spanOf(f);
          return f.nth === 1 ? { from: this.plan.bookedAt, to: span.to + FOR_EVER_MS } : span;
        }),
      ],
      targetRefused: this.of('base_sequence').map((f) => {
        const { to } = this.spanOf(f);
        return { from: 0, to: f.nth === 1 ? to + FOR_EVER_MS : to };
      }),
      lost: this.of('answer_lost').map((f) => ({ name: f.detail!, nth: f.nth! })),
      refused: this.of('refusal').map((f) => ({ name: f.detail!, nth: f.nth! })),
      siteProblem: this.spans('site').map((s) => ({
        ...s,
        reason: 'profile_mismatch' as const,
        message: 'another profile is loaded',
      })),
      disabledByHand: this.spans('console').map((s) => s.from),
      finishedFrom: this.spans('finished_early')[0]?.from ?? null,
      foreign: [
        ...this.of('foreign_borrowed').map(() => ({ guid: 'f1', name: 'Owner’s target' })),
        ...this.of('foreign_locked').map(() => ({ guid: 'f2', name: 'Survey', locked: true })),
      ],
    };
  }
  private weather(): ObservatoryScript['weather'] {
    return [
      ...this.spans('unsafe_weather').map((s) => ({ ...s, state: 'unsafe' as const })),
      ...this.spans('weather_stale').map((s) => ({ ...s, state: 'unsafe' as const, stale: true })),
      ...this.spans('clouds').map((s) => ({ ...s, state: 'hold' as const })),
      ...this.spans('weather_split').map((s) => ({ ...s, state: 'unsafe' as const, source: 'boltwood' as const })),
      ...this.of('weather_frozen').map((f) => {
        const { from, to } = this.spanOf(f);
        const station = { to, state: 'ok' as const, source: 'boltwood' as const };
        // Figures that stand are known for what they are after hours only.
        return f.nth === 1
          ? { ...station, from: from - FROZEN_AFTER_MS, frozen: 'values' as const }
          : { ...station, from, frozen: 'dated' as const };
      }),
    ];
  }
}
