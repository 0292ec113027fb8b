import type { Telescope } from '../../domain/contracts/telescope.ts';
import { lockSlots, type Transaction } from '../../platform/database.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

/** A change of a telescope's slots, one after the other; a burst of them waits here and not for connections, which others need to read. */
export const writeSlots = (deps: Deps, telescopeId: string, write: (tx: Transaction) => Promise<void>): Promise<void> =>
  deps.turns.run(`slots/${telescopeId}`, () =>
    deps.db.$transaction(async (tx) => {
      await lockSlots(tx, telescopeId);
      await write(tx);
    }),
  );

/** When the telescope is free again after a slot. */
export const blockedUntil = (telescope: Telescope, end: Date): Date =>
  new Date(end.getTime() + telescope.policy.turnaround_minutes * 60_000);

/** Refuses a slot inside a maintenance window, naming the window. */
export async function refuseMaintenance(deps: Deps, telescopeId: string, start: Date, end: Date): Promise<void> {
  const window = await deps.db.maintenance.findFirst({
    where: { telescopeId, endedAt: null, fromAt: { lt: end }, toAt: { gt: start } },
    orderBy: { fromAt: 'asc' },
  });
  if (window)
    throw new Problem(
      'maintenance',
      `The telescope is under maintenance from ${window.fromAt.toISOString()} to ${window.toAt.toISOString()}: ${window.reason}`,
      {
        maintenance: { from: window.fromAt.toISOString(), to: window.toAt.toISOString(), reason: window.reason },
      },
    );
}
