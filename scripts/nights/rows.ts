import { planObjects, toSessionBooking } from '../../activities/session/booking.ts';
import type { Shot } from '../../domain/contracts/booking.ts';
import type { SitedTelescope } from '../../domain/contracts/telescope.ts';
import { isFinal } from '../../domain/phases.ts';
import type { PlannedLine } from '../../domain/plan-progress.ts';
import { planRemainder } from '../../domain/planning.ts';
import type { ReceiptChange, SessionActivities, SessionBooking, Transition } from '../../domain/ports.ts';
import type { Booking } from '../../prisma/client/client.ts';
import type { Span } from '../../simulator/stand-in/script.ts';
import type { Faults } from './faults.ts';
import type { NightPlan } from './plan.ts';

export interface Row {
  startsAt: Date;
  endsAt: Date;
  shots: Shot[];
  generation: number;
  /** Counts each change of the row, as the api and a refusal that puts it back do. */
  version: number;
  occupies: boolean;
}

/** Our rows of one booking, and what the session's activities read and write of them. */
export class Rows {
  readonly booking: Row;
  readonly transitions: Transition[] = [];
  readonly receipts = new Map<string, ReceiptChange>();
  /** When each receipt was last written, by the world's own clock: what a session dates is no witness of itself. */
  readonly answeredAtMs = new Map<string, number>();
  readonly logs: { at: string; level: string; event: string; message: string }[] = [];
  readonly alerts = new Set<string>();
  /** Maintenance that began without notice; `known`: the gateway's gate was told. */
  maintained: (Span & { known: boolean; bookings: 'hold' | 'cancel' }) | null = null;
  private readonly logKeys = new Set<string>();

  constructor(
    private readonly plan: NightPlan & { bookingId: string },
    private readonly telescope: SitedTelescope,
    private readonly rightAscensionHours: number,
    private readonly faults: Faults,
    private readonly now: () => number,
  ) {
    this.booking = {
      startsAt: new Date(plan.start),
      endsAt: new Date(plan.end),
      shots: plan.shots,
      generation: 0,
      version: 1,
      occupies: true,
    };
  }

  private bookingRow(): Booking {
    const { startsAt, endsAt, shots, generation, version, occupies } = this.booking;
    return {
      id: this.plan.bookingId,
      telescopeId: this.telescope.id,
      startsAt,
      endsAt,
      userRef: 'guest',
      occupies,
      createdAt: new Date(this.plan.bookedAt),
      generation,
      version,
      target: { name: 'M 42', ra_hours: this.rightAscensionHours, dec_degrees: 0, pa_degrees: 0 },
      shots,
      constraints: { min_altitude_degrees: 0, hour_angle_start_hours: -12, hour_angle_end_hours: 12 },
      credits: { charged: this.plan.credits },
    } as unknown as Booking;
  }
  /** The plan line by line, each with its shot at the observatory. */
  plannedLines(): PlannedLine[] {
    const made = planObjects(this.bookingRow(), this.telescope, this.booking.generation).shots;
    return this.booking.shots.map((shot, i) => ({ ...shot, guid: made[i]!.GuidShot }));
  }
  private maintenance(from: number, to: number): SessionBooking['maintenance'] {
    const now = this.maintained;
    if (now && now.from < to && now.to > from && this.now() >= now.from)
      return { from: new Date(now.from).toISOString(), to: new Date(now.to).toISOString(), bookings: now.bookings };
    const span = this.faults.spans('maintenance').find((s) => s.from < to && s.to > from);
    if (!span) return null;
    this.faults.met.add('maintenance');
    const cancels = this.faults.of('maintenance')[0]!.nth === 1;
    return {
      from: new Date(span.from).toISOString(),
      to: new Date(span.to).toISOString(),
      bookings: cancels ? 'cancel' : 'hold',
    };
  }

  activities(): SessionActivities {
    return {
      loadBooking: async ({ generation = 0 }) => {
        this.faults.needDatabase(this.now());
        this.booking.generation = Math.max(this.booking.generation, generation);
        return toSessionBooking(
          this.bookingRow(),
          this.telescope,
          this.booking.generation,
          this.maintenance(this.booking.startsAt.getTime(), this.booking.endsAt.getTime()),
        );
      },
      recordTransition: async (t) => {
        this.faults.needDatabase(this.now());
        if (t.transition <= (this.transitions.at(-1)?.transition ?? 0)) return;
        this.transitions.push(t);
        if (isFinal(t.phase) && this.booking.endsAt.getTime() > Date.parse(t.at)) this.booking.occupies = false;
        this.log(`transition/${t.transition}`, t.at, t.log);
      },
      recordReceipt: async (change) => {
        this.faults.needDatabase(this.now());
        const before = this.receipts.get(change.commandId);
        if (before && (before.state === 'confirmed' || before.state === 'refused')) return;
        this.receipts.set(change.commandId, change);
        this.answeredAtMs.set(change.commandId, this.now());
      },
      recordLog: async ({ key, at, log }) => {
        this.faults.needDatabase(this.now());
        this.log(key, at, log);
      },
      recordCheck: async ({ at }) => {
        this.faults.needDatabase(this.now());
        return { maintenance: this.maintenance(Date.parse(at), this.booking.endsAt.getTime()) };
      },
      alertOperator: async ({ key, at, reason, message }) => {
        this.faults.needDatabase(this.now());
        this.alerts.add(key);
        this.log(`alert/${key}`, at, { level: 'ERROR', event: 'operator_alert', message: `${reason}: ${message}` });
      },
      planRemainder: async ({ now, end, done }) => {
        this.faults.needDatabase(this.now());
        const row = this.bookingRow();
        const shots = planObjects(row, this.telescope, this.booking.generation).shots.map((s) => ({
          guid: s.GuidShot,
          exposure_seconds: s.Exposure,
          quantity: s.Num,
          done: done[s.GuidShot] ?? 0,
        }));
        const booking = toSessionBooking(row, this.telescope, this.booking.generation, null);
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
}
