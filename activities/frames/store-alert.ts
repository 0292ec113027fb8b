import { openStore, StoreAway } from '../../frames/store/presence.ts';
import type { FrameStore } from '../../frames/store/store.ts';
import type { Database } from '../../platform/database.ts';
import { enqueueAlert } from '../../platform/outbox.ts';

/** Tells the operator of the store, once an hour for each cause at most. */
export async function alertOfStore(
  db: Database,
  reason: 'store_away' | 'frames_lost',
  message: string,
  telescopeId: string | null = null,
): Promise<void> {
  const at = new Date();
  const key = `store/${reason}/${at.toISOString().slice(0, 13)}`;
  await db.$transaction((tx) => enqueueAlert(tx, { key, bookingId: null, telescopeId, reason, message, at }));
}

/**
 * The store, begun where there is none yet. While its disk is away nothing is taken in, judged or deleted, and the operator hears of it.
 * @throws StoreAway, after which the activity is tried again
 */
export async function storeOrAlert(db: Database, store: FrameStore, telescopeId: string | null = null): Promise<void> {
  try {
    await openStore(db, store);
  } catch (thrown) {
    if (thrown instanceof StoreAway) await alertOfStore(db, 'store_away', `${thrown.message}.`, telescopeId);
    throw thrown;
  }
}
