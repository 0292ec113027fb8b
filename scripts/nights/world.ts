import { SiderealTime } from 'astronomy-engine';
import { imagingSpans } from '../../activities/finalise/settlement.ts';
import type {
  FinaliseActivities,
  FrameActivities,
  FrameCounts,
  ReceiptChange,
  SessionActivities,
  SessionBooking,
  Transition,
} from '../../domain/ports.ts';
import { planObjects, toSessionBooking } from '../../activities/session/booking.ts';
import type { Shot } from '../../domain/contracts/booking.ts';
import type { LedgerInterval } from '../../domain/contracts/ledger.ts';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { stableId } from '../../domain/ids.ts';
import { secondsByClass, type LedgerSpan } from '../../domain/ledger.ts';
import { SIGNALS, UPDATES } from '../../domain/messages.ts';
import type { ControlSignal, UpdateResult } from '../../domain/messages.ts';
import { isFinal, isWaitingPhase, type Outcome, type Phase } from '../../domain/phases.ts';
import { planRemainder } from '../../domain/planning.ts';
import { midnightLongitudeDegrees } from '../../domain/sky.ts';
import type { Booking } from '../../prisma/client/client.ts';
import type { ActivityInfo, Span } from '../../simulator/stand-in/script.ts';
import { StandIn } from '../../simulator/stand-in/stand-in.ts';
import { announcements } from './announcements.ts';
import { Faults } from './faults.ts';
import { operate, type Told } from './operators.ts';
import type { FaultKind, NightPlan, Step } from './plan.ts';
import { gatewayRecord, settleNight } from './settlement.ts';
import { chance } from './random.ts';

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

export interface FrameRow {
  guid: string;
  state: 'archived' | 'rejected' | 'missing';
  reason: string | null;
  startedAt: number;
  exposureSeconds: number;
  /** Taken in after the settlement. */
  late: boolean;
}
interface Row {
  startsAt: Date;
  endsAt: Date;
  shots: Shot[];
  generation: number;
  occupies: boolean;
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
  readonly telescope: Telescope;
  readonly observatory: StandIn;
  readonly row: Row;
  readonly transitions: Transition[] = [];
  readonly receipts = new Map<string, ReceiptChange>();
  readonly logs: { at: string; level: string; event: string; message: string }[] = [];
  readonly alerts = new Set<string>();
  readonly settlements = new Map<string, { refund: number }>();
  readonly frames = new Map<string, FrameRow>();
  /** What people asked for and when: the command ids that reached the workflow. */
  readonly asked: { at: number; commandId: string; kind: Step['kind'] }[] = [];
  /** Stops that reached the gateway itself. */
  readonly stopsAtGateway: { at: number; kind: Step['kind'] }[] = [];
  /** Maintenance that began without notice; `known`: the gateway's gate was told. */
  maintained: (Span & { known: boolean; bookings: 'hold' | 'cancel' }) | null = null;
  readonly met = new Set<FaultKind>();
  ledger: LedgerInterval[] = [];
  reports = 0;
  shotListRead = false;
  private readonly journalled = new Set<string>();
  private readonly unseen: string[] = [];
  private seenFrames = 0;
  private toldFrames = 0;
  private readonly logKeys = new Set<string>();
  private readonly due: Due[] = [];
  private nextPulse: number;

  constructor(
    readonly plan: NightPlan,
    readonly temporal: TemporalFace,
    private readonly info: () => ActivityInfo,
  ) {
    this.faults = new Faults(plan);
    const middle = (plan.start + plan.end) / 2;
    const longitude = midnightLongitudeDegrees(middle);
    this.telescope = Telescope.parse({
      id: 't1',
      name: 'Virtual',
      host: '127.0.0.1',
      base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      site: { latitude_degrees: 0, longitude_degrees: longitude },
      policy: plan.policy,
    } satisfies TelescopeInput);
    this.rightAscension = (((SiderealTime(new Date(middle)) + longitude / 15) % 24) + 24) % 24;
    this.row = {
      startsAt: new Date(plan.start),
      endsAt: new Date(plan.end),
      shots: plan.shots,
      generation: 0,
      occupies: true,
    };
    this.observatory = new StandIn({
      telescope: this.telescope,
      script: this.faults.script(TICK_MS),
      pace: { tickMs: TICK_MS, betweenMs: TICK_MS },
      info,
      slot: () => ({ start: this.row.startsAt.getTime(), end: this.row.endsAt.getTime() }),
    });
    this.nextPulse = plan.start + PULSE_OFFSET_MS;
    for (const step of plan.steps) this.due.push({ at: plan.start + step.at * SECOND, act: () => this.people(step) });
    this.announceChanges();
    this.due.sort((a, b) => a.at - b.at);
  }
  private readonly rightAscension: number;

  get bookingId(): string {
    return `n${this.plan.seed}-${this.plan.night}`;
  }
  get workflowId(): string {
    return sessionWorkflowId(this.bookingId);
  }
  get phase(): Phase {
    return this.transitions.at(-1)?.phase ?? 'scheduled';
  }
  spans(...kinds: FaultKind[]): Span[] {
    return this.faults.spans(...kinds);
  }
  private hit(kind: FaultKind, is: boolean): boolean {
    if (is) this.met.add(kind);
    return is;
  }

  // ── what happens by itself ──────────────────────────────────────────────────────────────────────────────────────

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
    if (this.late() > 0 && this.settlements.size > 0)
      await this.temporal.startLateFrames(this.bookingId, this.telescope.id);
    return null;
  }
  /** The gateway's journal: frames whose event arrived, told in one signal. */
  private async pulse(now: number): Promise<void> {
    if (!this.journalArrives(now) || !this.faults.gatewayHeard(now)) return;
    this.observatory.advance(now);
    this.journal();
    this.catchUp(now);
    if (this.journalled.size === this.toldFrames) return;
    this.toldFrames = this.journalled.size;
    await this.temporal.signal(this.workflowId, SIGNALS.framesWaiting, { upTo: { epoch: 1, n: this.journalled.size } });
  }
  private journal(): void {
    for (; this.seenFrames < this.observatory.taken.length; this.seenFrames++) {
      const frame = this.observatory.taken[this.seenFrames]!;
      const end = frame.startedAt + frame.exposureSeconds * SECOND;
      const lost = this.hit(
        'frame_event_lost',
        this.faults.of('frame_event_lost').some((f) => frame.nth % 4 === f.nth),
      );
      if (lost) continue;
      if (this.journalArrives(end) && this.observatory.gateway.linkUp(end)) this.journalled.add(frame.guid);
      else this.unseen.push(frame.guid);
    }
  }
  /** Back at Voyager the gateway reads the shot-done list for what it has missed. */
  private catchUp(now: number): void {
    if (this.journalArrives(now) && this.observatory.gateway.linkUp(now))
      for (const guid of this.unseen.splice(0)) this.journalled.add(guid);
  }
  /** The gateway's process lives. */
  private gatewayUp(at: number): boolean {
    return !this.faults.during(at, 'gateway_away');
  }
  /** Its journal stands in PostgreSQL. */
  private journalArrives(at: number): boolean {
    return this.gatewayUp(at) && !this.hit('gateway_no_database', this.faults.during(at, 'gateway_no_database'));
  }
  apiReachesGateway(at: number): boolean {
    return this.gatewayUp(at) && !this.hit('api_no_gateway', this.faults.during(at, 'api_no_gateway'));
  }
  /** What the gateway, or the api in its place, tells the session of. */
  async tell(at: number, told: Told): Promise<void> {
    if (this.hit('gateway_no_temporal', this.faults.during(at, 'gateway_no_temporal'))) return;
    await this.temporal.signal(this.workflowId, SIGNALS.telescopeEvent, { ...told, at: new Date(at).toISOString() });
  }
  /** Frames that lie in the folder or the journal and have no row yet. */
  private late(): number {
    this.journal();
    return this.observatory.taken.filter(
      (t) => !this.frames.has(t.guid) && (this.journalled.has(t.guid) || this.fate(t.nth) !== 'absent'),
    ).length;
  }

  /** The gateway tells the session at once of what it sees change; half of what it tells is lost in the nights with `event_lost`. */
  private announceChanges(): void {
    for (const [i, { at, kind }] of announcements(this.faults, this.observatory.sky).entries())
      this.due.push({
        at,
        act: async () => {
          if (!this.gatewayUp(at) || this.eventIsLost(i)) return;
          await this.tell(at, { id: `e${i + 1}`, kind });
        },
      });
  }
  private eventIsLost(number: number): boolean {
    const { seed, night } = this.plan;
    return (
      this.faults.of('event_lost').length > 0 &&
      this.hit('event_lost', chance(seed, night, 'event lost', number + 1) < 0.5)
    );
  }

  // ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private async people(step: Step): Promise<void> {
    const at = this.plan.start + step.at * SECOND;
    const body: ControlSignal = { commandId: step.commandId, requestedBy: 'guest' };
    const told = (taken: boolean): void => {
      if (taken) this.asked.push({ at, commandId: step.commandId, kind: step.kind });
    };
    switch (step.kind) {
      case 'pause':
      case 'resume':
      case 'abort':
      case 'cancel':
        return told(await this.temporal.signal(this.workflowId, SIGNALS[step.kind], body));
      case 'gateway_abort':
      case 'operator_halt':
      case 'operator_abort':
      case 'maintenance_now':
        return operate(this, step, at);
      case 'operator_cancel':
        return told(await this.temporal.cancel(this.workflowId));
      case 'extend': {
        if (!step.free || isFinal(this.phase) || this.phase === 'finalising') return;
        const end = new Date(this.row.endsAt.getTime() + step.minutes * 60 * SECOND);
        return this.change(step, { endsAt: end }, UPDATES.extend, { ...body, end: end.toISOString() });
      }
      case 'reschedule': {
        if (!isWaitingPhase(this.phase)) return;
        const [start, end] = [this.row.startsAt, this.row.endsAt].map(
          (d) => new Date(d.getTime() + step.laterSeconds * SECOND),
        ) as [Date, Date];
        return this.change(
          step,
          { startsAt: start, endsAt: end, generation: this.row.generation + 1 },
          UPDATES.reschedule,
          {
            ...body,
            start: start.toISOString(),
            end: end.toISOString(),
          },
        );
      }
      case 'amend':
        if (isFinal(this.phase)) return;
        return this.change(step, { shots: step.shots, generation: this.row.generation + 1 }, UPDATES.amendPlan, {
          ...body,
          bodyHash: step.commandId,
        });
    }
  }
  /** As the api does it: the row first, then the workflow; what it refuses goes back. */
  private async change(step: Step, to: Partial<Row>, update: string, body: Record<string, unknown>): Promise<void> {
    if (!(await this.temporal.isOpen(this.workflowId))) return;
    const { startsAt, endsAt, shots } = this.row;
    Object.assign(this.row, to);
    this.asked.push({ at: this.plan.start + step.at * SECOND, commandId: step.commandId, kind: step.kind });
    await this.temporal.update(this.workflowId, update, body, (result) => {
      if (result?.state === 'refused') Object.assign(this.row, { startsAt, endsAt, shots });
    });
  }

  // ── activities ──────────────────────────────────────────────────────────────────────────────────────────────────

  private now(): number {
    return this.info().currentAttemptScheduledTimestampMs;
  }
  /** @throws Error while PostgreSQL is away */
  private database(): void {
    const now = this.now();
    if (
      this.hit(
        'database_away',
        this.spans('database_away').some((s) => now >= s.from && now < s.to),
      )
    )
      throw new Error('the database does not answer');
  }
  private bookingRow(): Booking {
    const { startsAt, endsAt, shots, generation, occupies } = this.row;
    return {
      id: this.bookingId,
      telescopeId: this.telescope.id,
      startsAt,
      endsAt,
      userRef: 'guest',
      occupies,
      createdAt: new Date(this.plan.bookedAt),
      generation,
      target: { name: 'M 42', ra_hours: this.rightAscension, dec_degrees: 0, pa_degrees: 0 },
      shots,
      constraints: { min_altitude_degrees: 0, hour_angle_start_hours: -12, hour_angle_end_hours: 12 },
      credits: { charged: this.plan.credits },
    } as unknown as Booking;
  }
  private maintenance(from: number, to: number): SessionBooking['maintenance'] {
    const now = this.maintained;
    if (now && now.from < to && now.to > from && this.now() >= now.from)
      return { from: new Date(now.from).toISOString(), to: new Date(now.to).toISOString(), bookings: now.bookings };
    const span = this.spans('maintenance').find((s) => s.from < to && s.to > from);
    if (!span) return null;
    this.met.add('maintenance');
    const cancels = this.faults.of('maintenance')[0]!.nth === 1;
    return {
      from: new Date(span.from).toISOString(),
      to: new Date(span.to).toISOString(),
      bookings: cancels ? 'cancel' : 'hold',
    };
  }

  sessionActivities(): SessionActivities {
    return {
      loadBooking: async ({ generation = 0 }) => {
        this.database();
        this.row.generation = Math.max(this.row.generation, generation);
        return toSessionBooking(
          this.bookingRow(),
          this.telescope,
          this.row.generation,
          this.maintenance(this.row.startsAt.getTime(), this.row.endsAt.getTime()),
        );
      },
      recordTransition: async (t) => {
        this.database();
        if (t.transition <= (this.transitions.at(-1)?.transition ?? 0)) return;
        this.transitions.push(t);
        if (isFinal(t.phase) && this.row.endsAt.getTime() > Date.parse(t.at)) this.row.occupies = false;
        this.log(`transition/${t.transition}`, t.at, t.log);
      },
      recordReceipt: async (change) => {
        this.database();
        const before = this.receipts.get(change.commandId);
        if (before && (before.state === 'confirmed' || before.state === 'refused')) return;
        this.receipts.set(change.commandId, change);
      },
      recordLog: async ({ key, at, log }) => {
        this.database();
        this.log(key, at, log);
      },
      recordCheck: async ({ at }) => {
        this.database();
        return { maintenance: this.maintenance(Date.parse(at), this.row.endsAt.getTime()) };
      },
      alertOperator: async ({ key, at, reason, message }) => {
        this.database();
        this.alerts.add(key);
        this.log(`alert/${key}`, at, { level: 'ERROR', event: 'operator_alert', message: `${reason}: ${message}` });
      },
      planRemainder: async ({ now, end, done }) => {
        this.database();
        const row = this.bookingRow();
        const shots = planObjects(row, this.telescope, this.row.generation).shots.map((s) => ({
          guid: s.GuidShot,
          exposure_seconds: s.Exposure,
          quantity: s.Num,
          done: done[s.GuidShot] ?? 0,
        }));
        const booking = toSessionBooking(row, this.telescope, this.row.generation, null);
        return planRemainder(
          this.telescope,
          booking.target,
          booking.constraints,
          shots,
          Date.parse(now),
          Date.parse(end),
        );
      },
    };
  }
  private log(key: string, at: string, log: Transition['log']): void {
    if (this.logKeys.has(key)) return;
    this.logKeys.add(key);
    this.logs.push({ at, level: log.level, event: log.event, message: log.message });
  }

  /** What becomes of the nth exposure's file. */
  private fate(nth: number): 'archived' | 'absent' | 'damaged' {
    if (
      this.hit(
        'frame_absent',
        this.faults.of('frame_absent').some((f) => nth % 5 === f.nth),
      )
    )
      return 'absent';
    if (
      this.hit(
        'frame_damaged',
        this.faults.of('frame_damaged').some((f) => nth % 7 === f.nth),
      )
    )
      return 'damaged';
    return 'archived';
  }
  private take(guids: ReadonlySet<string>, final: boolean): FrameCounts {
    for (const t of this.observatory.taken) {
      if (!guids.has(t.guid) || this.frames.has(t.guid)) continue;
      const fate = this.fate(t.nth);
      if (fate === 'absent' && !final) continue;
      const reason = fate === 'absent' ? 'file_absent' : fate === 'damaged' ? 'corrupt' : null;
      this.frames.set(t.guid, {
        guid: t.guid,
        state: fate === 'absent' ? 'missing' : fate === 'damaged' ? 'rejected' : 'archived',
        reason,
        startedAt: t.startedAt,
        exposureSeconds: t.exposureSeconds,
        late: this.settlements.size > 0,
      });
    }
    const rows = [...this.frames.values()];
    const count = (state: FrameRow['state']): number => rows.filter((r) => r.state === state).length;
    const known = [...guids].filter((guid) => !this.frames.has(guid)).length;
    return {
      captured: rows.length + known,
      archived: count('archived'),
      rejected: count('rejected'),
      missing: count('missing'),
      pending: known,
    };
  }
  /** Somebody could tell of an exposure: its event, the folder, or Voyager's list, which nobody could read while the link was down to the end. */
  isTold(taken: { guid: string; nth: number }): boolean {
    return this.shotListRead || this.journalled.has(taken.guid) || this.fate(taken.nth) !== 'absent';
  }
  /** @throws Error while the store's disk is away: nothing is taken in or judged */
  private store(): void {
    if (this.hit('store_away', this.faults.during(this.now(), 'store_away'))) throw new Error('the store is away');
  }
  frameActivities(): FrameActivities {
    return {
      drainFrames: async () => {
        this.database();
        this.store();
        this.observatory.advance(this.now());
        this.journal();
        return this.take(this.journalled, false);
      },
      reconcileFrames: async ({ shotsDone, final }) => {
        this.database();
        this.store();
        this.observatory.advance(this.now());
        this.journal();
        if (shotsDone) this.shotListRead = true;
        const inFolder = this.observatory.taken.filter((t) => this.fate(t.nth) !== 'absent').map((t) => t.guid);
        return this.take(new Set([...this.journalled, ...(shotsDone ?? []).map((s) => s.guid), ...inFolder]), final);
      },
    };
  }
  private settle(
    spans: readonly LedgerSpan[],
    outcome: Outcome | null,
    before = false,
  ): Awaited<ReturnType<FinaliseActivities['settle']>> {
    const frames = [...this.frames.values()].map((f) => ({
      state: f.state,
      capturedAt: new Date(f.startedAt),
      exposure: f.exposureSeconds,
    }));
    const ended = this.transitions.find((t) => t.sessionEndedAt)?.sessionEndedAt;
    const { ledger, settled } = settleNight(
      {
        slot: { start: this.row.startsAt.toISOString(), end: this.row.endsAt.toISOString() },
        bookedAt: this.plan.bookedAt,
        endedAt: ended ? Date.parse(ended) : null,
        spans,
        imaging: imagingSpans(frames),
        outcome,
        before,
        rule: this.telescope.policy.refund,
        credits: this.plan.credits,
      },
      (from, to) => gatewayRecord(this.observatory, this.faults, from, to),
    );
    this.ledger = ledger;
    const settlementId = stableId('settlement', this.bookingId, JSON.stringify(settled));
    this.settlements.set(settlementId, { refund: settled.credits_refund });
    return {
      settlementId,
      seconds: secondsByClass(ledger),
      lines: settled.lines,
      refund: settled.credits_refund,
    };
  }
  finaliseActivities(): FinaliseActivities {
    return {
      buildArchive: async () => {
        this.database();
        this.store();
        return { archivePath: this.bookingId, files: this.frames.size, bytes: 0 };
      },
      settle: async ({ spans, outcome, before }) => {
        this.database();
        return this.settle(spans, outcome, before);
      },
      resettle: async () => {
        this.database();
        if (this.settlements.size === 0) return;
        const known = this.ledger.filter((i) => i.class !== 'imaging');
        this.settle(known, this.transitions.at(-1)?.outcome ?? null, !this.transitions.some((t) => t.sessionEndedAt));
      },
      buildReport: async () => {
        this.database();
        this.reports += 1;
        return { reportPath: `${this.bookingId}/report.json` };
      },
      rebuildReport: async () => {
        this.database();
        return { reportPath: `${this.bookingId}/report.json` };
      },
    };
  }
}
