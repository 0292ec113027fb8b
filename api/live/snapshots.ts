import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { SnapshotCache } from '../bookings/snapshot.ts';
import type { Hub, Viewer } from './hub.ts';
import { stateChannel } from './protocol.ts';
import type { Relay } from './relay.ts';

const MAX_SNAPSHOT_BYTES = 8_192;
export const SNAPSHOT_EVENT = 'session.snapshot';

/** The snapshot that opens the cache channel of a session, and refreshes it. */
export class LiveSnapshots {
  constructor(
    private readonly cache: SnapshotCache,
    private readonly hub: Hub,
    private readonly relay: Relay | null,
    private readonly logger: Logger,
  ) {}

  private async data(bookingId: string): Promise<string | null> {
    const made = await this.cache.text(bookingId);
    if (!made) return null;
    if (Buffer.byteLength(made.json) <= MAX_SNAPSHOT_BYTES) return made.json;
    const whole = JSON.parse(made.json) as { plan: unknown[] };
    const snapshot = { ...whole, telescope: null, partial: true };
    while (snapshot.plan.length > 0 && Buffer.byteLength(JSON.stringify(snapshot)) > MAX_SNAPSHOT_BYTES)
      snapshot.plan.pop();
    return JSON.stringify(snapshot);
  }
  /** To one viewer who has just come. */
  async send(viewer: Viewer, bookingId: string): Promise<void> {
    const channel = stateChannel(bookingId);
    try {
      const data = await this.data(bookingId);
      if (!viewer.channels.has(channel)) return;
      if (data === null) this.hub.send(viewer, 'pusher:cache_miss', {}, channel);
      else this.hub.send(viewer, SNAPSHOT_EVENT, data, channel);
    } catch (thrown) {
      this.logger.warn({ err: toError(thrown).message, bookingId }, 'snapshot not made');
      this.hub.send(viewer, 'pusher:cache_miss', {}, channel);
    }
  }
  /** To all who watch, here and through the relay. */
  async broadcast(bookingId: string): Promise<void> {
    const channel = stateChannel(bookingId);
    if (!this.hub.has(channel) && !this.relay) return;
    try {
      const data = await this.data(bookingId);
      if (data === null) return;
      this.hub.broadcast(channel, SNAPSHOT_EVENT, data, { replaces: true });
      this.relay?.push(channel, SNAPSHOT_EVENT, data, true);
    } catch (thrown) {
      this.logger.warn({ err: toError(thrown).message, bookingId }, 'snapshot not made');
    }
  }
}
