import type { Ground } from './ground.ts';
import type { LiveServer } from './live/server.ts';
import type { Printer } from './bookings/print.ts';
import type { SessionsReady } from './system/readiness.ts';
import type { ReceiptWaiters } from './bookings/receipts.ts';
import type { SnapshotCache } from './bookings/snapshot.ts';
import type { RecentEvents } from './bookings/recent-events.ts';

/** What routes work with: the ground and the services that stand on it. */
export interface Deps extends Ground {
  receipts: ReceiptWaiters;
  snapshots: SnapshotCache;
  recent: RecentEvents;
  sessionsReady: SessionsReady;
  live: LiveServer;
  printer: Printer;
  /** This process's own address, once it listens. */
  self: URL | null;
}
