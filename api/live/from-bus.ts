import { type Cluster, CLUSTER } from './cluster.ts';
import type { Feed, LiveDeps } from './feed.ts';
import type { Grants } from './grants.ts';

/** Tells the live server's parts what the bus tells, for as long as the process lives. */
export function followBus(deps: LiveDeps, feed: Feed, cluster: Cluster, grants: Grants): void {
  const { bus, snapshots, recent, revocations, keys, telescopes } = deps;
  bus.on('message', (message) => {
    if (message.kind === 'event') feed.take(message.event);
    else if (message.kind === 'ref') feed.takeReference(message);
    else if (message.what === CLUSTER) cluster.take(message.data);
    else if (message.what === 'token.revoked') {
      const id = String(message.data.id);
      revocations.add(id);
      grants.revoke(id);
    } else if (message.what === 'keys.changed') keys.forget();
    else if (message.what === 'telescopes.changed') telescopes.forget();
    else if (message.what === 'booking.changed') snapshots.forget(String(message.data.booking_id));
  });
  /** LISTEN was away: nothing remembered counts, and everything watched is brought up to date before it is served again. */
  const catchUp = async (): Promise<void> => {
    snapshots.forgetAll();
    recent.forgetAll();
    keys.forget();
    telescopes.forget();
    revocations.distrust();
    await grants.endRevoked();
    feed.catchUp();
  };
  bus.on('resumed', () => void catchUp());
  bus.on('lost', () => revocations.distrust());
}
