import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { moveReceipt } from '../../platform/receipts.ts';
import { settledSlot, untakenChanges } from '../finalise/untaken.ts';

const SETTLE_MS = 15_000;
const LOOK_BACK_DAYS = 30;
const DAY_MS = 86_400_000;
const FINAL: string[] = [...FINAL_PHASES];

/** What was asked of sessions that are over and never answered: a stop was carried out, everything else came too late. */
export async function settleEnded({ db, now }: { db: Database; now: () => number }): Promise<void> {
  const receipts = await db.$queryRaw<{ commandId: string; kind: string; bookingId: string }[]>`
    SELECT r.command_id AS "commandId", r.kind, r.booking_id AS "bookingId"
    FROM receipts r JOIN sessions s ON s.booking_id = r.booking_id
    WHERE r.state IN ('accepted', 'sent', 'unknown') AND r.updated_at < ${new Date(now() - SETTLE_MS)}
      AND r.updated_at > ${new Date(now() - LOOK_BACK_DAYS * DAY_MS)} AND s.phase = ANY(${FINAL})
    ORDER BY r.created_at DESC LIMIT 100`;
  for (const { commandId, kind, bookingId } of receipts) {
    const booking = await db.booking.findUniqueOrThrow({ where: { id: bookingId }, include: { session: true } });
    const stopped = booking.session?.outcome === 'aborted' || booking.session?.outcome === 'cancelled';
    const slot = await settledSlot(db, booking);
    const unheard = (await untakenChanges(db, bookingId, slot)).some((change) => change.commandId === commandId);
    const change = kind === 'extend' || kind === 'reschedule' || kind === 'amend';
    const done = change ? !unheard : (kind === 'abort' || kind === 'cancel') && stopped;
    const reason = done ? null : 'session_over';
    const state = done ? 'confirmed' : 'refused';
    await db.$transaction((tx) => moveReceipt(tx, { commandId, state, reason, message: null, at: new Date(now()) }));
  }
}
