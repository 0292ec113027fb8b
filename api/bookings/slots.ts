import { lockSlots, type Transaction } from '../../platform/database.ts';
import type { Deps } from '../deps.ts';

/** A change of a telescope's slots, one after the other; a burst of them waits here and not for connections, which others need to read. */
export const writeSlots = (deps: Deps, telescopeId: string, write: (tx: Transaction) => Promise<void>): Promise<void> =>
  deps.turns.run(`slots/${telescopeId}`, () =>
    deps.db.$transaction(async (tx) => {
      await lockSlots(tx, telescopeId);
      await write(tx);
    }),
  );
