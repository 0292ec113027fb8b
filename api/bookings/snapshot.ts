import { timezoneOf } from '../../domain/contracts/telescope.ts';
import type { Settlement } from '../../domain/contracts/ledger.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import type { Event } from '../../domain/contracts/event.ts';
import { toCredits, toHundredths } from '../../domain/credits.ts';
import { formatDec, formatRa } from '../../domain/coordinates.ts';
import {
  isActivePhase,
  isFinal,
  laravelStatus,
  type HoldCause,
  type Outcome,
  type Phase,
} from '../../domain/phases.ts';
import type { Reason } from '../../domain/reasons.ts';
import { progressOf } from '../../domain/plan-progress.ts';
import { withoutNames } from '../../domain/others.ts';
import { Gather } from '../gather.ts';
import type { Ground } from '../ground.ts';
import { seenBy, tenancyOf } from '../telescopes/mirror.ts';
import { countedOf, linesOf, targetOf } from '../../platform/booking-columns.ts';
import { toReceipt } from '../../platform/receipts.ts';
import { readSession, readSessions, type SessionRows } from './session-rows.ts';
import { phaseOf } from './view.ts';

/** How long a snapshot may be shown again when nothing was heard, and the rows behind it; the bus drops them earlier. */
const FRESH_MS = 1_000;
const ROWS_FRESH_MS = 5_000;
const MOST_KEPT = 5_000;

interface Text {
  head: string;
  tail: string;
  madeMs: number;
}
interface Kept {
  rows: SessionRows;
  readMs: number;
  text: Text | null;
  making: Promise<Text> | null;
  /** Somebody has asked for it since it was read. */
  asked: boolean;
}
const NOW_MARK = '1970-01-01T00:00:00.000Z';

/** Which controls a guest can use now, and why not the others. */
function controls(phase: Phase, holdCause: HoldCause | null, slotOver: boolean): Snapshot['controls'] {
  if (isFinal(phase)) return { pause: 'session_over', resume: 'session_over', abort: 'session_over' };
  if (phase === 'finalising') return { pause: 'finalising', resume: 'finalising', abort: 'finalising' };
  if (slotOver) return { pause: 'slot_over', resume: 'slot_over', abort: isActivePhase(phase) ? null : 'slot_over' };
  if (!isActivePhase(phase)) return { pause: 'outside_slot', resume: 'outside_slot', abort: null };
  const paused = phase === 'holding' && holdCause === 'user';
  return { pause: paused ? 'already_paused' : null, resume: paused ? null : 'not_paused', abort: null };
}

/**
 * What pages ask about sessions, kept while the bus tells of changes: two thousand of them that open at once, or come back at once, cost
 * one read for each session. `now` is put into the snapshot at the last moment.
 */
export class SnapshotCache {
  private readonly kept = new Map<string, Kept>();
  private readonly reading = new Map<string, Promise<Kept | null>>();
  private readonly rowsOf: Gather<SessionRows>;
  constructor(private readonly deps: Ground) {
    this.rowsOf = new Gather((ids) => readSessions(deps.db, ids));
  }

  /** Something about this booking has changed; what is being read of it is for those who asked before. */
  forget(bookingId: string): void {
    this.kept.delete(bookingId);
    this.reading.delete(bookingId);
  }
  forgetAll(): void {
    this.kept.clear();
    this.reading.clear();
  }
  take(event: Event): void {
    if (event.booking_id && event.type !== 'control.updated' && event.type !== 'shot.progress')
      this.forget(event.booking_id);
  }

  /** Null when there is no such booking. */
  async rows(bookingId: string): Promise<SessionRows | null> {
    return (await this.keptOf(bookingId))?.rows ?? null;
  }
  /** JSON text and owner, or null when there is no such booking. */
  async text(bookingId: string): Promise<{ json: string; userRef: string } | null> {
    const kept = await this.keptOf(bookingId);
    if (!kept) return null;
    const now = this.deps.now();
    const { head, tail } =
      kept.text && Math.abs(now - kept.text.madeMs) <= FRESH_MS ? kept.text : await this.newText(kept);
    return { json: `${head}${new Date(now).toISOString()}${tail}`, userRef: kept.rows.booking.userRef };
  }

  private async keptOf(bookingId: string): Promise<Kept | null> {
    const kept = this.kept.get(bookingId);
    if (kept) kept.asked = true;
    if (kept && this.deps.bus.proven && this.ageOf(kept) <= ROWS_FRESH_MS) return kept;
    const known = this.reading.get(bookingId);
    if (known) return known;
    const reading = this.begin(bookingId);
    this.renewOthers();
    return reading;
  }
  private ageOf({ readMs }: Kept): number {
    return Math.abs(this.deps.now() - readMs);
  }
  private begin(bookingId: string): Promise<Kept | null> {
    const reading = this.read(bookingId, () => this.reading.get(bookingId) === reading);
    this.reading.set(bookingId, reading);
    return reading;
  }
  /** What a crowd watches and must soon be read again goes in the same statement. */
  private renewOthers(): void {
    for (const [bookingId, kept] of this.kept)
      if (kept.asked && !this.reading.has(bookingId) && this.ageOf(kept) > ROWS_FRESH_MS / 2)
        this.begin(bookingId).catch(() => undefined);
  }
  private async read(bookingId: string, isNewest: () => boolean): Promise<Kept | null> {
    const readMs = this.deps.now();
    try {
      const rows = await this.rowsOf.get(bookingId);
      const kept = rows ? { rows, readMs, text: null, making: null, asked: false } : null;
      if (kept && isNewest()) {
        if (this.kept.size >= MOST_KEPT) this.kept.clear();
        this.kept.set(bookingId, kept);
      }
      return kept;
    } finally {
      if (isNewest()) this.reading.delete(bookingId);
    }
  }
  private newText(kept: Kept): Promise<Text> {
    kept.making ??= this.make(kept.rows)
      .then((text) => (kept.text = text))
      .finally(() => (kept.making = null));
    return kept.making;
  }
  private async make(rows: SessionRows): Promise<Text> {
    const madeMs = this.deps.now();
    const snapshot = await snapshotOf(this.deps, rows);
    const json = JSON.stringify({ ...snapshot, now: NOW_MARK });
    const at = json.indexOf(`"now":"${NOW_MARK}"`) + '"now":"'.length;
    return { head: json.slice(0, at), tail: json.slice(at + NOW_MARK.length), madeMs };
  }
}

/** All that was charged until the settlement, then less what it gives back, and why. */
function creditsSoFar(charged: number, settlement: Settlement | null): Snapshot['credits'] {
  if (!settlement) return { charged: toCredits(charged), used: toCredits(charged), refund: null };
  const { credits_refund: refund, explanation } = settlement;
  const used = toCredits(charged - toHundredths(refund));
  return { charged: toCredits(charged), used, refund, ...(explanation ? { explanation } : {}) };
}

/** The snapshot as it stands in the database now; null when there is no such booking. */
export async function buildSnapshot(deps: Ground, bookingId: string): Promise<Snapshot | null> {
  const rows = await readSession(deps.db, bookingId);
  return rows && snapshotOf(deps, rows);
}

function targetShown(booking: SessionRows['booking']): Snapshot['target'] {
  const { name, ra_hours, dec_degrees } = targetOf(booking);
  return { name, ra_hours, dec_degrees, ra_text: formatRa(ra_hours), dec_text: formatDec(dec_degrees) };
}
function whereItStands(
  session: SessionRows['session'],
): Pick<Snapshot, 'phase' | 'hold_cause' | 'reason' | 'outcome' | 'next' | 'session_started_at' | 'session_ended_at'> {
  return {
    phase: phaseOf(session),
    hold_cause: (session?.holdCause ?? null) as HoldCause | null,
    reason: (session?.reason ?? null) as Reason | null,
    outcome: (session?.outcome ?? null) as Outcome | null,
    next: session?.nextAt && session.nextWhat ? { what: session.nextWhat, at: session.nextAt.toISOString() } : null,
    session_started_at: session?.sessionStartedAt?.toISOString() ?? null,
    session_ended_at: session?.sessionEndedAt?.toISOString() ?? null,
  };
}
function planShown({ booking, session, taken, archived }: SessionRows): Pick<Snapshot, 'plan' | 'progress' | 'images'> {
  const lines = linesOf(booking, session);
  const { done, shots_done, shots_total, percent } = progressOf(lines, taken, countedOf(session));
  return {
    plan: lines.map((line, i) => ({ ...line, done: done[i]! })),
    progress: { shots_done, shots_total, integration_seconds: archived.exposure_seconds ?? 0, percent },
    images: {
      captured: taken.reduce((n, group) => n + group._count._all, 0),
      archived: archived.count,
      average_hfd: archived.average_hfd === null ? null : Math.round(archived.average_hfd * 100) / 100,
    },
  };
}

async function snapshotOf(deps: Ground, rows: SessionRows): Promise<Snapshot> {
  const { booking, session, counter, receipt, settlement } = rows;
  const telescope = await deps.telescopes.find(booking.telescopeId);
  const phase = phaseOf(session);
  const now = deps.now();
  const state = telescope && !isFinal(phase) ? await deps.mirror.state(telescope) : null;
  return {
    seq: counter.seq,
    epoch: counter.epoch,
    ts: new Date(now).toISOString(),
    booking_id: booking.id,
    telescope_id: booking.telescopeId,
    telescope_name: telescope?.name ?? booking.telescopeId,
    timezone: timezoneOf(telescope),
    start: booking.startsAt.toISOString(),
    end: booking.endsAt.toISOString(),
    now: new Date(now).toISOString(),
    target: targetShown(booking),
    ...whereItStands(session),
    ...laravelStatus(phase),
    ...planShown(rows),
    credits: creditsSoFar(booking.chargedHundredths, settlement),
    controls: controls(phase, (session?.holdCause ?? null) as HoldCause | null, now >= booking.endsAt.getTime()),
    last_receipt: receipt ? withoutNames(toReceipt(receipt)) : null,
    telescope: state && seenBy(state, session && tenancyOf({ ...session, booking })),
  };
}
