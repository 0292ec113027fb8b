import { Context } from '@temporalio/activity';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { RoboTargetResult, TelescopeActivities } from '../../domain/ports.ts';
import { standInActivities } from '../../simulator/stand-in/activities.ts';
import type { Taken } from '../../simulator/stand-in/runner.ts';
import { fullScript, type ObservatoryScript, type Span } from '../../simulator/stand-in/script.ts';
import { Sky } from '../../simulator/stand-in/sky.ts';
import { StandIn } from '../../simulator/stand-in/stand-in.ts';

type Spans = 'linkDown' | 'unplugged' | 'guidingLost' | 'voyagerError' | 'emergency' | 'foreignRuns';
/** What can be made to go wrong: the part of the stand-in's script, and what else a span of it says. */
const FAULTS = {
  link_lost: { part: 'linkDown' },
  camera: { part: 'unplugged', what: 'camera' },
  mount: { part: 'unplugged', what: 'mount' },
  guiding: { part: 'guidingLost', waits: true },
  voyager_error: { part: 'voyagerError' },
  emergency: { part: 'emergency' },
  foreign_target: { part: 'foreignRuns' },
} as const satisfies Record<string, { part: Spans; what?: 'camera' | 'mount'; waits?: true }>;
export type Fault = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as [Fault, ...Fault[]];
export const WEATHERS = ['ok', 'hold', 'unsafe'] as const;

/** A frame that the camera of a booking's stand-in has taken. */
export interface TakenFrame {
  bookingId: string;
  standIn: StandIn;
  taken: Taken;
}
type Activities = Record<string, (input: never) => Promise<unknown>>;

/**
 * The observatory of the sandbox: a stand-in for each booking (RoboTarget keeps many targets, a stand-in one), all under the same sky and with the
 * same faults. Slots on a telescope do not overlap, so that no two run at once.
 */
export class SandboxObservatory {
  readonly script: ObservatoryScript = fullScript({});
  private readonly standIns = new Map<string, { standIn: StandIn; activities: TelescopeActivities; seen: number }>();
  private readonly bookingOf = new Map<string, string>();
  /** The weather over all of them. */
  readonly sky: Sky;

  constructor(
    readonly telescope: Telescope,
    /** Called after everything that a session has asked of the telescope: frames may have come. */
    private readonly looked: () => Promise<void>,
  ) {
    this.sky = new Sky(this.script, telescope);
  }

  of(bookingId: string): StandIn {
    return this.entry(bookingId).standIn;
  }
  /** The booking whose grant counts now, if any. */
  get current(): StandIn | null {
    for (const { standIn } of this.standIns.values()) if (standIn.grant) return standIn;
    return null;
  }
  private entry(bookingId: string) {
    let known = this.standIns.get(bookingId);
    if (!known) {
      const standIn = new StandIn({
        telescope: this.telescope,
        script: this.script,
        pace: { setupMs: 60_000, betweenMs: 5_000 },
        info: () => Context.current().info,
      });
      this.standIns.set(bookingId, (known = { standIn, activities: standInActivities(standIn), seen: 0 }));
    }
    return known;
  }

  /** What queue `telescope.<id>` serves, by the port of the real gateway. */
  activities(): Activities {
    const names: (keyof TelescopeActivities)[] = Object.keys(this.entry('').activities) as never;
    this.standIns.delete('');
    const served = names.map((name) => [name, (input: Asked) => this.serve(name, input)] as const);
    return { ...Object.fromEntries(served), roboTarget: notHere };
  }
  private async serve(name: keyof TelescopeActivities, input: Asked): Promise<unknown> {
    const bookingId = input.grant?.bookingId ?? input.bookingId ?? this.bookingOf.get(targetOf(input)) ?? 'none';
    const target = input.grant?.targetGuid ?? input.plan?.target?.GuidTarget;
    if (target) this.bookingOf.set(target, bookingId);
    try {
      return await (this.entry(bookingId).activities[name] as (given: Asked) => Promise<unknown>)(input);
    } finally {
      await this.looked();
    }
  }

  /** Moves every stand-in on and gives out the frames that nobody has had yet, in the order in which they were taken. */
  newFrames(nowMs: number): TakenFrame[] {
    const frames: TakenFrame[] = [];
    for (const [bookingId, known] of this.standIns) {
      const { standIn } = known;
      standIn.advance(nowMs);
      for (; known.seen < standIn.taken.length; known.seen++)
        frames.push({ bookingId, standIn, taken: standIn.taken[known.seen]! });
    }
    return frames;
  }

  /** Weather from now on; what was said before ends. */
  weather(state: (typeof WEATHERS)[number], from: number, to: number): void {
    for (const span of this.script.weather) span.to = Math.min(span.to, from);
    if (state !== 'ok') this.script.weather.push({ from, to, state });
    this.changed(from);
  }
  fault(kind: Fault, from: number, to: number): void {
    const { part, ...more } = FAULTS[kind];
    (this.script[part] as Span[]).push({ from, to, ...more });
    this.changed(from);
  }
  /** Every fault ends now. */
  mend(at: number): void {
    for (const { part } of Object.values(FAULTS)) for (const span of this.script[part]) span.to = Math.min(span.to, at);
    this.changed(at);
  }
  /** What is under way now, in the words of the routes. */
  underWay(at: number): { weather: (typeof WEATHERS)[number]; faults: Fault[] } {
    const runs = (span: Span): boolean => at >= span.from && at < span.to;
    const is = (kind: Fault): boolean => {
      const { part, ...more } = FAULTS[kind];
      const said = Object.entries(more);
      return (this.script[part] as Span[]).some(
        (span) => runs(span) && said.every(([name, value]) => span[name as never] === value),
      );
    };
    return { weather: this.script.weather.find(runs)?.state ?? 'ok', faults: FAULT_NAMES.filter(is) };
  }
  private changed(at: number): void {
    this.sky.judge();
    for (const { standIn } of this.standIns.values()) {
      standIn.advance(at);
      standIn.sky.judge();
      standIn.runner.plansChanged();
    }
  }
}

interface Asked {
  grant?: { bookingId: string; targetGuid?: string | null };
  bookingId?: string;
  targetGuid?: string;
  plan?: { target?: { GuidTarget: string } };
}
const targetOf = (input: Asked): string => input.targetGuid ?? input.plan?.target?.GuidTarget ?? '';
const notHere = async (): Promise<RoboTargetResult> => ({
  outcome: 'refused',
  reason: 'not_allowed',
  message: 'The sandbox has no RoboTarget of its own to read or write; npm start has a simulated one.',
  items: [],
});
