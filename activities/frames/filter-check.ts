import type { Shot } from '../../domain/contracts/booking.ts';
import { objectGuid } from '../../domain/ids.ts';
import type { Transaction } from '../../platform/database.ts';
import { enqueueAlert } from '../../platform/outbox.ts';
import type { Frame } from '../../prisma/client/client.ts';
import { appendLog } from '../session/records.ts';

/** Why an archived frame does not count as a good one: it was taken through another filter than its shot asked for. */
export const WRONG_FILTER = 'filter_mismatch';
const plain = (name: string): string => name.normalize().trim().toLowerCase();

/** The filter that the plan of today asks of a frame; null where its shot is of an older plan, or unknown. */
async function plannedFilter(tx: Transaction, row: Frame): Promise<string | null> {
  const { bookingId, shotGuid } = row;
  if (!bookingId || shotGuid === null) return null;
  const booking = await tx.booking.findUnique({ where: { id: bookingId }, select: { shots: true, generation: true } });
  const shots = (booking?.shots ?? []) as unknown as Shot[];
  const index = shots.findIndex(
    (_, i) => objectGuid(bookingId, booking!.generation, `shot/${i}`).toLowerCase() === shotGuid.toLowerCase(),
  );
  return shots[index]?.filter ?? null;
}

/**
 * Compares the filter that the frame's own header names with the one its shot asked for. Another one is kept, marked and told: to the guest in the
 * night log, to the operator once per pair of filters.
 */
export async function tellOfFilter(tx: Transaction, row: Frame, at: Date): Promise<void> {
  const planned = await plannedFilter(tx, row);
  const { filter: found, bookingId, telescopeId } = row;
  if (!planned || !found || !bookingId || row.type !== 'LIGHT' || plain(planned) === plain(found)) return;
  await tx.frame.update({ where: { id: row.id }, data: { reason: WRONG_FILTER } });
  await appendLog(tx, { bookingId, telescopeId }, `frame-filter/${row.id}`, at, {
    level: 'WARNING',
    event: 'frame_filter',
    message: `${row.filename} was taken through filter ${found} instead of ${planned}; it is kept and does not count as asked for.`,
    messageFr: `${row.filename} a été prise avec le filtre ${found} au lieu de ${planned} ; elle est conservée mais ne compte pas comme demandée.`,
    data: { frame_id: row.id, filename: row.filename, planned, found },
  });
  await enqueueAlert(tx, {
    key: `frame-filter/${plain(planned)}/${plain(found)}`,
    bookingId,
    telescopeId,
    reason: WRONG_FILTER,
    message: `Frames of ${bookingId} come through filter "${found}" where "${planned}" was asked for. Compare the filter wheel with the telescope's file.`,
    at,
  });
}
