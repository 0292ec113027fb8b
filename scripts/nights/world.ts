import { SiderealTime } from 'astronomy-engine';
import type { SitedTelescope } from '../../domain/contracts/telescope.ts';
import { SIGNALS, type UpdateResult } from '../../domain/messages.ts';
import type { Phase } from '../../domain/phases.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { midnightLongitudeDegrees } from '../../domain/sky.ts';
import { offsetAt, type ActivityInfo, type Span } from '../../simulator/stand-in/script.ts';
import { StandIn } from '../../simulator/stand-in/stand-in.ts';
import { announcements } from './announcements.ts';
import { virtualTelescope } from './telescope.ts';
import { Faults } from './faults.ts';
import { Finaliser } from './finaliser.ts';
import { NightFrames } from './frames.ts';
import type { Told } from './operators.ts';
import { UNDISPUTED, type Owners } from './owners.ts';
import { people } from './people.ts';
import type { FaultKind, NightPlan, Step } from './plan.ts';
import { chance } from './random.ts';
import { type Row, Rows } from './rows.ts';

const SECOND = 1000;
/** The world moves in steps of so many milliseconds, so that a command that comes some milliseconds later changes nothing. */
const TICK_MS = 30 * SECOND;
/** The gateway tells of frames in its journal this often. */
const PULSE_MS = 120 * SECOND;
const PULSE_OFFSET_MS = 10 * SECOND;
/** Putting things back is given up after a day. */
const LONGEST_CLEARING_MS = 26 * 3600 * SECOND;

/** What people and the gateway ask of Temporal; false or an error where no open workflow answers. */
export interface TemporalFace {
  signal(workflowId: string, name: string, body: unknown): Promise<boolean>;
  update(
    workflowId: string,
    name: string,
    body: unknown,
    settled: (result: UpdateResult | null) => void,
  ): Promise<void>;
  cancel(workflowId: string): Promise<boolean>;
  isOpen(workflowId: string): Promise<boolean>;
  startLateFrames(bookingId: string, telescopeId: string): Promise<void>;
}

/** What the world does by itself at an instant. */
interface Due {
  at: number;
  act: () => Promise<void>;
}

/**
 * Everything around the workflows of one booking: the observatory, our rows, the gateway's signals and the people, on top of the real rules of
 * domain/ and of the session's activities. `info` tells the running activity's time, so the same world serves the virtual and the real server.
 */
export class World {
  readonly faults: Faults;
  readonly telescope: SitedTelescope;
  readonly observatory: StandIn;
  readonly row: Row;
  readonly rows: Rows;
  readonly frameRows: NightFrames;
  readonly finaliser: Finaliser;
  /** What people asked for and when: the command ids that reached the workflow. */
  readonly asked: { at: number; commandId: string; kind: Step['kind'] }[] = [];
  /** Stops that reached the gateway itself. */
  readonly stopsAtGateway: { at: number; kind: Step['kind'] }[] = [];
  private readonly due: Due[] = [];
  private nextPulse: number;

  constructor(
    readonly plan: NightPlan,
    readonly temporal: TemporalFace,
    info: () => ActivityInfo,
    /** Who owned the telescope, where two gateways might. */
    readonly owners: Owners = UNDISPUTED,
  ) {
    this.faults = new Faults(plan);
    const middle = (plan.start + plan.end) / 2;
    const longitude = midnightLongitudeDegrees(middle);
    const rightAscensionHours = (((SiderealTime(new Date(middle)) + longitude / 15) % 24) + 24) % 24;
    const now = (): number => info().currentAttemptScheduledTimestampMs;
    this.telescope = virtualTelescope(longitude, plan.policy, () => this.faults.fileChanged(now()));
    const booked = { ...plan, bookingId: this.bookingId };
    this.rows = new Rows(booked, this.telescope, rightAscensionHours, this.faults, now);
    this.row = this.rows.booking;
    this.observatory = new StandIn({
      telescope: this.telescope,
      script: { ...this.faults.script(TICK_MS), unowned: owners.nobody },
      pace: { tickMs: TICK_MS, betweenMs: TICK_MS },
      info,
      slot: () => ({ start: this.row.startsAt.getTime(), end: this.row.endsAt.getTime() }),
    });
    this.frameRows = new NightFrames(this.observatory, this.faults, now, () => this.finaliser.settlements.size > 0);
    this.finaliser = new Finaliser(this, now);
    this.nextPulse = plan.start + PULSE_OFFSET_MS;
    for (const step of plan.steps) this.due.push({ at: plan.start + step.at * SECOND, act: () => people(this, step) });
    this.announceChanges();
    this.restoreFolders();
    this.due.sort((a, b) => a.at - b.at);
  }

  get bookingId(): string {
    return `n${this.plan.seed}-${this.plan.night}`;
  }
  get workflowId(): string {
    return sessionWorkflowId(this.bookingId);
  }
  get phase(): Phase {
    return this.transitions.at(-1)?.phase ?? 'scheduled';
  }
  get transitions(): Rows['transitions'] {
    return this.rows.transitions;
  }
  get frames(): NightFrames['rows'] {
    return this.frameRows.rows;
  }
  get ledger(): Finaliser['ledger'] {
    return this.finaliser.ledger;
  }
  spans(...kinds: FaultKind[]): Span[] {
    return this.faults.spans(...kinds);
  }

  /** Does what is due by `now`; the next instant at which something is, or null when the night holds nothing more. */
  async act(now: number): Promise<number | null> {
    while (this.due[0] && this.due[0].at <= now) await this.due.shift()!.act();
    if (now >= this.nextPulse) {
      await this.pulse(now);
      this.nextPulse += PULSE_MS;
    }
    if (!(await this.temporal.isOpen(this.workflowId))) return this.afterwards(now);
    const pulseFrom = this.row.startsAt.getTime() + PULSE_OFFSET_MS;
    if (this.nextPulse < pulseFrom) this.nextPulse = pulseFrom;
    if (now > this.row.endsAt.getTime() + 20 * 60 * SECOND)
      this.nextPulse = Math.max(this.nextPulse, now + 3600 * SECOND);
    if (now > this.row.endsAt.getTime() + LONGEST_CLEARING_MS) return this.due[0]?.at ?? null;
    return Math.min(this.due[0]?.at ?? Infinity, this.nextPulse);
  }
  /** The session is over: once the observatory can be reached again and nothing more is asked, the reconcile Schedule looks for late frames. */
  private async afterwards(now: number): Promise<number | null> {
    const reachableFrom = Math.max(
      now,
      ...this.spans('gateway_away', 'gateway_no_temporal', 'gateway_no_database', 'link_lost', 'emergency').map(
        (s) => s.to + 2 * TICK_MS,
      ),
    );
    const next = Math.max(reachableFrom, this.due.at(-1)?.at ?? 0);
    if (next > now) return Math.min(this.due[0]?.at ?? Infinity, next);
    await this.pulse(now);
    if (this.frameRows.late() > 0 && this.finaliser.settlements.size > 0)
      await this.temporal.startLateFrames(this.bookingId, this.telescope.id);
    return null;
  }
  /** The gateway's journal: frames whose event arrived, told in one signal. */
  private async pulse(now: number): Promise<void> {
    if (!this.faults.journalArrives(now) || !this.faults.gatewayHeard(now)) return;
    const n = this.frameRows.toTell(now);
    if (n !== null) await this.temporal.signal(this.workflowId, SIGNALS.framesWaiting, { upTo: { epoch: 1, n } });
  }
  /** The time as the api's host has it. */
  apiNow(at: number): number {
    return at + offsetAt(this.faults.clockOf('api_clock'), at);
  }
  apiReachesGateway(at: number): boolean {
    return this.faults.gatewayUp(at) && !this.faults.hit('api_no_gateway', this.faults.during(at, 'api_no_gateway'));
  }
  /** What the gateway, or the api in its place, tells the session of. */
  async tell(at: number, told: Told): Promise<void> {
    if (this.faults.hit('gateway_no_temporal', this.faults.during(at, 'gateway_no_temporal'))) return;
    const clock = told.detail === 'maintenance' ? this.apiNow(at) : at;
    await this.temporal.signal(this.workflowId, SIGNALS.telescopeEvent, { ...told, at: new Date(clock).toISOString() });
  }
  /** The gateway begins anew on a copy of its folder; what PostgreSQL knows it reads as soon as that answers. */
  private restoreFolders(): void {
    const { gateway } = this.observatory;
    for (const span of this.faults.spans('state_restored')) {
      this.due.push({ at: span.from, act: async () => gateway.backUp() });
      this.due.push({
        at: span.to,
        act: async () => {
          this.observatory.advance(span.to);
          gateway.restart();
          this.faults.met.add('state_restored');
        },
      });
      const away = this.spans('gateway_no_database', 'database_away').find((s) => span.to >= s.from && span.to < s.to);
      this.due.push({ at: (away?.to ?? span.to) + SECOND, act: () => gateway.adopt() });
    }
  }
  /** The gateway tells the session at once of what it sees change; half of what it tells is lost in the nights with `event_lost`. */
  private announceChanges(): void {
    for (const [i, { at, kind }] of announcements(this.faults, this.observatory.sky).entries())
      this.due.push({
        at,
        act: async () => {
          if (!this.faults.gatewayUp(at) || this.eventIsLost(i)) return;
          await this.tell(at, { id: `e${i + 1}`, kind });
        },
      });
  }
  private eventIsLost(number: number): boolean {
    const { seed, night } = this.plan;
    return (
      this.faults.of('event_lost').length > 0 &&
      this.faults.hit('event_lost', chance(seed, night, 'event lost', number + 1) < 0.5)
    );
  }
}
