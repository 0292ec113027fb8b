import type { Logger } from '../../platform/logger.ts';
import type { Cluster, ClusterMessage } from './cluster.ts';
import type { Grants } from './grants.ts';
import type { Hub, Member, Viewer } from './hub.ts';
import type { Presence } from './presence.ts';
import { CLOSE, bookingOfChannel, isCache, wire } from './protocol.ts';

const COUNT_AFTER_MS = 1_000;
const MAX_CACHED_CHANNELS = 10_000;

/** What is done on every replica of the api: who is present, how many listen, what is triggered and whose connections end. */
export class Replicas {
  /** Session channels whose number of viewers has changed and is said in a moment. */
  private readonly counting = new Map<string, NodeJS.Timeout>();
  private stopped = false;

  constructor(
    private readonly hub: Hub,
    private readonly presence: Presence,
    private readonly cluster: Cluster,
    private readonly grants: Grants,
    private readonly logger: Logger,
  ) {
    cluster.onMessage = (from, message) => this.fromPeer(from, message);
    cluster.onNewPeer = () => {
      for (const { channel, socketKey, member } of presence.ofReplica(cluster.id))
        cluster.send({ op: 'join', channel, socket: socketKey, user_id: member.userId, user_info: member.info });
    };
    cluster.onPeerLost = (peer) => {
      for (const { channel, socketKey } of presence.ofReplica(peer)) this.left(channel, socketKey);
    };
  }
  stop(): void {
    this.stopped = true;
    for (const timer of this.counting.values()) clearTimeout(timer);
  }

  private keyOf(viewer: Viewer): string {
    return `${this.cluster.id}/${viewer.id}`;
  }
  /** A socket of ours is on a presence channel now. */
  join(viewer: Viewer, channel: string, member: Member): void {
    const socketKey = this.keyOf(viewer);
    this.joined(channel, socketKey, member);
    this.hub.join(viewer, channel);
    viewer.userId ??= member.userId;
    this.cluster.send({ op: 'join', channel, socket: socketKey, user_id: member.userId, user_info: member.info });
  }
  leave(viewer: Viewer, channel: string): void {
    const socketKey = this.keyOf(viewer);
    this.left(channel, socketKey);
    this.cluster.send({ op: 'leave', channel, socket: socketKey });
  }
  private joined(channel: string, socketKey: string, member: Member): void {
    if (this.presence.join(channel, socketKey, member))
      this.hub.broadcast(channel, 'pusher_internal:member_added', { user_id: member.userId, user_info: member.info });
  }
  private left(channel: string, socketKey: string): void {
    const userId = this.presence.leave(channel, socketKey);
    if (userId !== null) this.hub.broadcast(channel, 'pusher_internal:member_removed', { user_id: userId });
  }

  /** An event that somebody pushes through the HTTP API, on every replica. */
  trigger(channels: string[], name: string, data: string, except?: string): void {
    this.triggerHere(channels, name, data, except);
    this.cluster.send({ op: 'event', channels, name, data, except });
  }
  private triggerHere(channels: string[], name: string, data: string, except: string | undefined): void {
    const { cache } = this.hub;
    for (const channel of channels) {
      if (isCache(channel) && bookingOfChannel(channel) === null) {
        if (cache.size >= MAX_CACHED_CHANNELS) cache.delete(cache.keys().next().value!);
        cache.set(channel, wire(name, data, channel));
      }
      this.hub.broadcast(channel, name, data, { exceptSocket: except });
    }
  }
  terminateUser(userId: string): void {
    this.terminateHere(userId);
    this.cluster.send({ op: 'terminate', user_id: userId });
  }
  private terminateHere(userId: string): void {
    for (const viewer of this.hub.viewers.values())
      if (viewer.userId === userId) this.hub.close(viewer, CLOSE.unauthorised, 'connections of this user were ended');
  }

  /** Occupied channels of all replicas with their subscriptions. */
  counts(prefix: string): Promise<Map<string, number>> {
    return this.cluster.counts(prefix, this.ownCounts(prefix));
  }
  private ownCounts(prefix: string): Map<string, number> {
    const own = new Map<string, number>();
    for (const channel of this.hub.channelNames())
      // A person's own channel (`#server-to-user-…`) is no channel that is listed.
      if (channel.startsWith(prefix) && !channel.startsWith('#')) own.set(channel, this.hub.count(channel));
    return own;
  }
  /** Tells everybody on a session's channel, on every replica, how many they are: at most once in a while, however many come and go. */
  countSoon(channel: string): void {
    if (this.stopped || this.counting.has(channel)) return;
    const timer = setTimeout(() => {
      this.counting.delete(channel);
      void this.counts(channel).then((counts) => {
        const count = counts.get(channel) ?? 0;
        this.sayCount(channel, count);
        this.cluster.send({ op: 'count', channel, count });
      });
    }, COUNT_AFTER_MS);
    this.counting.set(channel, timer.unref());
  }
  /** As Pusher's subscription counting does: pusher-js keeps it in `channel.subscriptionCount` and says `pusher:subscription_count`. */
  private sayCount(channel: string, count: number): void {
    const name = 'pusher_internal:subscription_count';
    this.hub.broadcast(channel, name, { subscription_count: count }, { replaces: true });
  }

  private fromPeer(from: string, message: ClusterMessage): void {
    switch (message.op) {
      case 'join':
        this.joined(message.channel, message.socket, { userId: message.user_id, info: message.user_info });
        return;
      case 'leave':
        this.left(message.channel, message.socket);
        return;
      case 'event':
        this.triggerHere(message.channels, message.name, message.data, message.except);
        return;
      case 'count':
        this.sayCount(message.channel, message.count);
        return;
      case 'terminate':
        this.terminateHere(message.user_id);
        return;
      case 'grant':
        this.grants.keep(message.socket, message.channel, message.token, message.expires_at);
        return;
      case 'query':
        this.cluster.send({
          op: 'answer',
          query: message.query,
          counts: Object.fromEntries(this.ownCounts(message.prefix)),
        });
        return;
      default:
        this.logger.debug({ from, op: message.op }, 'cluster message');
    }
  }
}
