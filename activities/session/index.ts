import { planRemainder } from '../../domain/planning.ts';
import type { Database } from '../../platform/database.ts';
import type { SessionActivities } from '../../domain/ports.ts';
import { findSitedBooking, maintenanceOf, toSessionBooking } from './booking.ts';
import { alertOperator, recordCheck, recordLog, recordReceipt, recordTransition } from './records.ts';

/** Activities of queue `session`: the booking's row in, the projection out, and arithmetic over the sky. */
export function createSessionActivities(deps: { db: Database }): SessionActivities {
  const { db } = deps;
  return {
    async loadBooking({ bookingId, generation = 0 }) {
      const { row, telescope } = await findSitedBooking(db, bookingId);
      const wanted = Math.max(row.generation, generation);
      if (wanted !== row.generation)
        await db.booking.updateMany({
          where: { id: bookingId, generation: { lt: wanted } },
          data: { generation: wanted },
        });
      return toSessionBooking(
        row,
        telescope,
        wanted,
        await maintenanceOf(db, row.telescopeId, row.startsAt, row.endsAt),
      );
    },
    recordTransition: (input) => recordTransition(db, input),
    recordReceipt: (input) => recordReceipt(db, input),
    recordLog: (input) => recordLog(db, input),
    recordCheck: (input) => recordCheck(db, input),
    alertOperator: (input) => alertOperator(db, input),
    async planRemainder({ bookingId, now, end, done }) {
      const { row, telescope } = await findSitedBooking(db, bookingId);
      const booking = toSessionBooking(row, telescope, row.generation, null);
      const shots = booking.plan.shots.map((shot) => ({
        guid: shot.GuidShot,
        exposure_seconds: shot.Exposure,
        quantity: shot.Num,
        done: done[shot.GuidShot] ?? 0,
      }));
      return planRemainder(telescope, booking.target, booking.constraints, shots, Date.parse(now), Date.parse(end));
    },
  };
}
