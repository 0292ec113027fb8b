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
import type { Ground } from '../ground.ts';
import { seenBy, tenancyOf } from '../telescopes/mirror.ts';
import { countedOf, linesOf, targetOf } from '../../platform/booking-columns.ts';
import { takenFrames } from '../../platform/plan-progress.ts';
import { toReceipt } from '../../platform/receipts.ts';
import { settlementOf } from '../../platform/settlements.ts';

/** How long a snapshot may be shown again when nothing was heard; the bus drops it earlier. */
const FRESH_MS = 1_000;

interface Cached {
  head: string;
  tail: string;
  userRef: string;
  madeMs: number;
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
 * The snapshot of a session out of projection rows and mirror, as JSON text. Kept for a second, so that two thousand pages
 * that open at once cost one set of queries; `now` is put in at the last moment.
 */
export class SnapshotCache {
  private readonly cached = new Map<string, Cached>();
  private readonly making = new Map<string, Promise<Cached | null>>();
  private generation = new Map<string, number>();
  constructor(private readonly deps: Ground) {}

  /** Something about this booking has changed. */
  forget(bookingId: string): void {
    this.cached.delete(bookingId);
    if (this.making.has(bookingId)) this.generation.set(bookingId, (this.generation.get(bookingId) ?? 0) + 1);
  }
  forgetAll(): void {
    this.cached.clear();
    for (const id of this.making.keys()) this.generation.set(id, (this.generation.get(id) ?? 0) + 1);
  }
  take(event: Event): void {
    if (event.booking_id && event.type !== 'control.updated' && event.type !== 'shot.progress')
      this.forget(event.booking_id);
  }

  /** JSON text and owner, or null when there is no such booking. */
  async text(bookingId: string): Promise<{ json: string; userRef: string } | null> {
    const now = this.deps.now();
    let cached: Cached | null = this.cached.get(bookingId) ?? null;
    if (!cached || now - cached.madeMs > FRESH_MS || !this.deps.bus.proven) {
      let making = this.making.get(bookingId);
      if (!making) {
        making = this.make(bookingId).finally(() => {
          this.making.delete(bookingId);
          this.generation.delete(bookingId);
        });
        this.making.set(bookingId, making);
      }
      cached = await making;
    }
    if (!cached) return null;
    return { json: `${cached.head}${new Date(this.deps.now()).toISOString()}${cached.tail}`, userRef: cached.userRef };
  }

  private async make(bookingId: string): Promise<Cached | null> {
    const madeMs = this.deps.now();
    const generation = this.generation.get(bookingId) ?? 0;
    const built = await buildSnapshot(this.deps, bookingId);
    if (!built) return null;
    const json = JSON.stringify({ ...built.snapshot, now: NOW_MARK });
    const at = json.indexOf(`"now":"${NOW_MARK}"`) + '"now":"'.length;
    const cached: Cached = {
      head: json.slice(0, at),
      tail: json.slice(at + NOW_MARK.length),
      userRef: built.userRef,
      madeMs,
    };
    if ((this.generation.get(bookingId) ?? 0) === generation) {
      if (this.cached.size > 5_000) this.cached.clear();
      this.cached.set(bookingId, cached);
    }
    return cached;
  }
}

/** All that was charged until the settlement, then less what it gives back, and why. */
function creditsSoFar(charged: number, settlement: Settlement | null): Snapshot['credits'] {
  if (!settlement) return { charged: toCredits(charged), used: toCredits(charged), refund: null };
  const { credits_refund: refund, explanation } = settlement;
  const used = toCredits(charged - toHundredths(refund));
  return { charged: toCredits(charged), used, refund, ...(explanation ? { explanation } : {}) };
}

export async function buildSnapshot(
  deps: Ground,
  bookingId: string,
): Promise<{ snapshot: Snapshot; userRef: string } | null> {
  const { db } = deps;
  const booking = await db.booking.findUnique({ where: { id: bookingId }, include: { session: true } });
  if (!booking) return null;
  const [counter, receipt, frames, settlement, telescope, taken] = await Promise.all([
    db.eventCounter.findUnique({ where: { bookingId } }),
    db.receipt.findFirst({ where: { bookingId }, orderBy: { updatedAt: 'desc' } }),
    db.frame.aggregate({
      where: { bookingId, type: 'LIGHT', state: 'archived' },
      _count: { _all: true },
      _avg: { hfd: true },
      _sum: { exposure: true },
    }),
    settlementOf(db, bookingId),
    deps.telescopes.find(booking.telescopeId),
    takenFrames(db, bookingId),
  ]);
  const session = booking.session;
  const phase = (session?.phase ?? 'scheduled') as Phase;
  const now = deps.now();
  const state = telescope && !isFinal(phase) ? await deps.mirror.state(telescope) : null;
  const lines = linesOf(booking, session);
  const progress = progressOf(lines, taken, countedOf(session));
  const plan = lines.map((line, i) => ({ ...line, done: progress.done[i]! }));
  const captured = taken.reduce((n, group) => n + group._count._all, 0);
  const target = targetOf(booking);
  const snapshot: Snapshot = {
    seq: counter?.seq ?? 0,
    epoch: counter?.epoch ?? 1,
    ts: new Date(now).toISOString(),
    booking_id: bookingId,
    telescope_id: booking.telescopeId,
    telescope_name: telescope?.name ?? booking.telescopeId,
    timezone: timezoneOf(telescope),
    start: booking.startsAt.toISOString(),
    end: booking.endsAt.toISOString(),
    now: new Date(now).toISOString(),
    target: {
      name: target.name,
      ra_hours: target.ra_hours,
      dec_degrees: target.dec_degrees,
      ra_text: formatRa(target.ra_hours),
      dec_text: formatDec(target.dec_degrees),
    },
    phase,
    hold_cause: (session?.holdCause ?? null) as HoldCause | null,
    reason: (session?.reason ?? null) as Reason | null,
    ...laravelStatus(phase),
    outcome: (session?.outcome ?? null) as Outcome | null,
    next: session?.nextAt && session.nextWhat ? { what: session.nextWhat, at: session.nextAt.toISOString() } : null,
    session_started_at: session?.sessionStartedAt?.toISOString() ?? null,
    session_ended_at: session?.sessionEndedAt?.toISOString() ?? null,
    plan,
    progress: {
      shots_done: progress.shots_done,
      shots_total: progress.shots_total,
      integration_seconds: frames._sum.exposure ?? 0,
      percent: progress.percent,
    },
    credits: creditsSoFar(booking.chargedHundredths, settlement),
    images: {
      captured,
      archived: frames._count._all,
      average_hfd: frames._avg.hfd === null ? null : Math.round(frames._avg.hfd * 100) / 100,
    },
    controls: controls(phase, (session?.holdCause ?? null) as HoldCause | null, now >= booking.endsAt.getTime()),
    last_receipt: receipt ? withoutNames(toReceipt(receipt)) : null,
    telescope: state && seenBy(state, session && tenancyOf({ ...session, booking })),
  };
  return { snapshot, userRef: booking.userRef };
}
