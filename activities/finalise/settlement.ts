import { createHash } from 'node:crypto';
import type { LedgerClass, LedgerInterval, SettlementLine } from '../../domain/contracts/ledger.ts';
import { toCredits } from '../../domain/credits.ts';
import { afterThePlan, buildLedger, secondsByClass, type LedgerSpan } from '../../domain/ledger.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { asBody, settleByRule, type NightFacts } from '../../domain/settle.ts';
import { moonlight } from '../../domain/sky.ts';
import { WRONG_FILTER } from '../frames/filter-check.ts';
import { nightLedger, patienceOf } from '../../domain/night-ledger.ts';
import { foundInRecord } from '../../domain/night-lines.ts';
import type { Outcome } from '../../domain/phases.ts';
import { planDoneAtMs } from '../../domain/plan-progress.ts';
import type { Span, Transition } from '../../domain/ports.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { linesOf, shotsOf } from '../../platform/booking-columns.ts';
import { latestSettlement, lockSettlement, writeSettlement } from '../../platform/settlements.ts';
import type { Booking, Frame } from '../../prisma/client/client.ts';
import { findBooking } from '../session/booking.ts';
import { appendLog } from '../session/records.ts';
import { readRecord } from './record.ts';
import { refuseUntaken, type Slot } from './untaken.ts';

/** Exposures as spans of imaging: from the frame's start for its exposure time. */
export function imagingSpans(frames: readonly Pick<Frame, 'capturedAt' | 'exposure' | 'state'>[]): LedgerSpan[] {
  return frames.flatMap((frame) =>
    frame.capturedAt && frame.exposure && frame.state !== 'missing'
      ? [
          {
            class: 'imaging' as const,
            start: frame.capturedAt.toISOString(),
            end: new Date(frame.capturedAt.getTime() + frame.exposure * 1000).toISOString(),
            cause: null,
          },
        ]
      : [],
  );
}

/** What a settlement is made of. */
interface Night {
  bookingId: string;
  telescopeId: string;
  /** What the session itself saw. */
  spans: readonly Span[];
  outcome: Outcome | null;
  /** As the session knew it; left out, the booking's row decides. */
  slot?: Slot;
  /** The guest gave the slot up before it began, or it never came to it: nothing was observed, and nothing is looked up. */
  before?: boolean;
}
type SettlementLineOf = ReturnType<typeof SettlementLine.parse>;

/**
 * Ledger and settlement of a booking, in one transaction. The gateway's own record is read first and what the session saw is laid on top, so that a
 * session which slept through the rain charges nobody for it. The settlement's id follows from its lines: the same night settles once; a night
 * whose seconds changed (late frames, a late record) gets a new one that supersedes the old. A session that failed without one exposure is given
 * back whole, overhead included.
 */
export async function settleBooking(
  db: Database,
  night: Night,
): Promise<{ settlementId: string; seconds: Record<LedgerClass, number>; lines: SettlementLineOf[]; refund: number }> {
  const { bookingId, telescopeId, outcome, before = false } = night;
  const { row: booked, telescope } = await findBooking(db, bookingId);
  // What the guest was promised and never got is not charged: an extension that no session heard of did not happen.
  const row = night.slot ? await refuseUntaken(db, bookingId, night.slot, new Date()) : booked;
  const slot = night.slot ?? { start: row.startsAt.toISOString(), end: row.endsAt.toISOString() };
  const { intervals, samples, found, frames } = await ledgerOf(db, { ...night, slot }, telescope);
  const seconds = secondsByClass(intervals);
  const { refund: rule } = telescope.policy;
  const settled = settleByRule(
    rule,
    {
      outcome,
      seconds,
      ...delivered(frames),
      ...planned(row),
      before,
      minutesBefore: before && rule.late_cancellation ? await minutesBefore(db, bookingId, slot) : null,
      moonlight: rule.moon && telescope.site ? moonlight(telescope.site, slot) : 0,
    },
    row.chargedHundredths,
  );
  const digest = createHash('sha256').update(JSON.stringify(settled)).digest('hex');
  const { id, refund } = await db.$transaction(async (tx) => {
    await lockSettlement(tx, bookingId);
    await writeLedger(tx, bookingId, intervals);
    if (found) await appendLog(tx, { bookingId, telescopeId }, `gateway-record/${digest}`, new Date(slot.end), found);
    return writeSettlement(tx, { bookingId, telescopeId, settled, samples, before });
  });
  const { lines } = asBody(settled);
  return { settlementId: id, seconds, lines, refund: toCredits(refund) };
}

const TAKEN = {
  capturedAt: true,
  exposure: true,
  state: true,
  type: true,
  reason: true,
  shotGuid: true,
  filter: true,
  binning: true,
} as const;
type Taken = Pick<Frame, keyof typeof TAKEN>;
/** Good frames stand in the archive and came through the filter that was asked for. */
function delivered(frames: readonly Taken[]): Pick<NightFacts, 'goodFrames' | 'goodSeconds' | 'takenFrames'> {
  const good = frames.filter(({ state, reason }) => state === 'archived' && reason !== WRONG_FILTER);
  return {
    goodFrames: good.length,
    goodSeconds: good.reduce((sum, { exposure }) => sum + (exposure ?? 0), 0),
    takenFrames: frames.length,
  };
}

function planned(row: Pick<Booking, 'shots'>): Pick<NightFacts, 'plannedFrames' | 'plannedSeconds'> {
  const shots = shotsOf(row);
  return {
    plannedFrames: shots.reduce((sum, shot) => sum + (shot.quantity ?? 0), 0),
    plannedSeconds: shots.reduce((sum, shot) => sum + (shot.quantity ?? 0) * (shot.exposure_seconds ?? 0), 0),
  };
}

/** How long before its slot the guest gave the booking up; null where it was not by them. */
async function minutesBefore(db: Database, bookingId: string, slot: Slot): Promise<number | null> {
  const asked = await db.receipt.findFirst({
    where: { bookingId, kind: { in: ['cancel', 'abort'] } },
    orderBy: { createdAt: 'asc' },
  });
  return asked ? (Date.parse(slot.start) - asked.createdAt.getTime()) / 60_000 : null;
}

/** The ledger from all that is known, how many samples of the gateway it rests on, and what they added to the session's own word. */
async function ledgerOf(
  db: Database,
  { bookingId, telescopeId, spans, slot, before = false }: Night & { slot: Slot },
  telescope: Telescope,
): Promise<{
  intervals: LedgerInterval[];
  samples: number | null;
  found: Transition['log'] | null;
  frames: Taken[];
}> {
  const { createdAt, shots, session } = await db.booking.findUniqueOrThrow({
    where: { id: bookingId },
    select: { createdAt: true, shots: true, session: { select: { sessionEndedAt: true, voyagerShots: true } } },
  });
  const frames = await db.frame.findMany({ where: { bookingId }, select: TAKEN });
  const kept = frames.filter(({ state }) => state !== 'missing');
  const doneAtMs = before ? null : planDoneAtMs(linesOf({ shots }, session), kept);
  const imaging = imagingSpans(frames);
  const own = afterThePlan(buildLedger(slot, [...spans, ...imaging]), doneAtMs);
  const fromMs = Math.max(Date.parse(slot.start), createdAt.getTime());
  const toMs = Math.min(Date.parse(slot.end), session?.sessionEndedAt?.getTime() ?? Infinity);
  if (before || toMs <= fromMs) return { intervals: own, samples: null, found: null, frames };
  const seen = await readRecord(db, { bookingId, telescopeId, fromMs, toMs });
  // Darks in clouds are the policy's own wish, and the session alone knows when only they were left.
  const calibrating = telescope.policy.calibration_in_bad_weather && frames.some(({ type }) => type !== 'LIGHT');
  const recorded = calibrating ? { ...seen, spans: seen.spans.filter((span) => span.class !== 'weather_hold') } : seen;
  const proven = nightLedger(slot, { spans, imaging }, recorded, patienceOf(telescope));
  const intervals = afterThePlan(proven, doneAtMs);
  return { intervals, samples: seen.samples, found: foundBesides(own, intervals), frames };
}

/** A line for the night log when the record took time from what the session took for observing; null when both say the same. */
function foundBesides(own: readonly LedgerInterval[], all: readonly LedgerInterval[]): Transition['log'] | null {
  const [told, known] = [secondsByClass(own), secondsByClass(all)];
  const more = RECORDED_CLASSES.flatMap((name) =>
    known[name] - told[name] >= WORTH_A_LINE_SECONDS ? [{ class: name, seconds: known[name] - told[name] }] : [],
  );
  if (more.length === 0) return null;
  return { level: 'WARNING', event: 'gateway_record', ...foundInRecord(more), data: { found: more } };
}
const RECORDED_CLASSES = ['unsafe', 'outage', 'foreign', 'weather_hold'] as const satisfies readonly LedgerClass[];
const WORTH_A_LINE_SECONDS = 30;

/** How a session ends that never came to its slot. */
const GIVEN_UP: readonly (Outcome | null)[] = ['cancelled', 'aborted', 'failed'];

/**
 * Settles a night once more after frames or a record came late. What is known of holds and outages is the ledger as it stands, and nothing of it
 * weaker than imaging is lost by that, since every frame claims its seconds anew. A night that was never settled is left alone.
 */
export async function resettleBooking(db: Database, bookingId: string, telescopeId: string): Promise<void> {
  const ledger = await db.ledgerInterval.findMany({ where: { bookingId }, orderBy: { startsAt: 'asc' } });
  const [first, last] = [ledger[0], ledger.at(-1)];
  if (!first || !last || !(await latestSettlement(db, bookingId))) return;
  const known = ledger.filter((i) => i.class !== 'imaging');
  const spans = known.map((i) => ({
    class: i.class as LedgerClass,
    start: i.startsAt.toISOString(),
    end: i.endsAt.toISOString(),
    cause: i.cause,
  }));
  const session = await db.session.findUnique({
    where: { bookingId },
    select: { outcome: true, sessionEndedAt: true },
  });
  const outcome = (session?.outcome ?? null) as Outcome | null;
  const slot = { start: first.startsAt.toISOString(), end: last.endsAt.toISOString() };
  await settleBooking(db, {
    bookingId,
    telescopeId,
    spans,
    slot,
    outcome,
    before: session?.sessionEndedAt === null && GIVEN_UP.includes(outcome),
  });
}

async function writeLedger(tx: Transaction, bookingId: string, intervals: readonly LedgerInterval[]): Promise<void> {
  await tx.ledgerInterval.deleteMany({ where: { bookingId } });
  await tx.ledgerInterval.createMany({
    data: intervals.map((i) => ({
      bookingId,
      startsAt: new Date(i.start),
      endsAt: new Date(i.end),
      class: i.class,
      cause: i.cause,
    })),
  });
}
