import type { Place } from './admission.ts';
import type { Feed } from './feed.ts';
import type { Hub, Member, Viewer } from './hub.ts';
import type { Presence } from './presence.ts';
import {
  CHANNEL_NAME,
  CLOSE,
  bookingOfChannel,
  isCache,
  isEncrypted,
  isGuarded,
  isPresence,
  sessionChannel,
  stateChannel,
  verifyChannel,
  verifySignin,
  type Asked,
  userChannel,
} from './protocol.ts';
import type { Replicas } from './replicas.ts';
import type { LiveSnapshots } from './snapshots.ts';

const MAX_CHANNELS_PER_VIEWER = 50;

/** The app of this server in Pusher's sense. */
export interface PusherApp {
  key: string;
  secret: string;
}
/** What subscriptions work with. */
interface Parts {
  app: PusherApp;
  hub: Hub;
  presence: Presence;
  replicas: Replicas;
  feed: Feed;
  snapshots: LiveSnapshots;
  placeOf: (viewer: Viewer) => Place | undefined;
}
interface Refusal {
  error: string;
  status: number;
}

/** Who listens to what: subscribe, unsubscribe and sign in. */
export class Subscriptions {
  constructor(private readonly parts: Parts) {}

  signin(viewer: Viewer, { user_data: userData, auth }: Asked): void {
    const { app, hub } = this.parts;
    const signed = typeof userData === 'string' && verifySignin(app.key, app.secret, viewer.id, userData, auth);
    const user = signed ? parseUser(userData, 'id') : null;
    if (!user) {
      hub.send(viewer, 'pusher:error', {
        code: CLOSE.unauthorised,
        message: signed ? 'user_data needs an id.' : 'The signature of this sign-in does not match.',
      });
      hub.close(viewer, CLOSE.unauthorised, 'not authorised');
      return;
    }
    viewer.userId = user.userId;
    viewer.signedIn = user;
    this.parts.placeOf(viewer)?.known();
    hub.send(viewer, 'pusher:signin_success', { user_data: userData });
  }

  subscribe(viewer: Viewer, asked: Asked): void {
    const { channel } = asked;
    if (typeof channel !== 'string' || !(CHANNEL_NAME.test(channel) || isOwn(viewer, channel))) {
      const name = typeof channel === 'string' ? channel.slice(0, 200) : '';
      this.refuse(viewer, name, { error: 'The channel name is not valid.', status: 400 });
      return;
    }
    const refusal = this.refusalOf(viewer, channel, asked) ?? this.enter(viewer, channel, asked.channel_data);
    if (refusal) {
      this.refuse(viewer, channel, refusal);
      return;
    }
    if (isGuarded(channel)) this.parts.placeOf(viewer)?.known();
    this.follow(viewer, channel);
  }
  private refuse(viewer: Viewer, channel: string, { error, status }: Refusal): void {
    this.parts.hub.send(viewer, 'pusher:subscription_error', { type: 'AuthError', error, status }, channel);
  }
  private refusalOf(viewer: Viewer, channel: string, { auth, channel_data }: Asked): Refusal | null {
    if (viewer.channels.has(channel)) return { error: 'Subscribed to this channel already.', status: 400 };
    if (viewer.channels.size >= MAX_CHANNELS_PER_VIEWER)
      return { error: `At most ${MAX_CHANNELS_PER_VIEWER} channels on one connection.`, status: 429 };
    if (isEncrypted(channel)) return { error: 'Encrypted channels are not offered.', status: 400 };
    const { key, secret } = this.parts.app;
    if (isGuarded(channel) && !verifyChannel(key, secret, viewer.id, channel, auth, channel_data || undefined))
      return { error: 'The signature of this subscription is missing or does not match.', status: 401 };
    return null;
  }
  private enter(viewer: Viewer, channel: string, channelData: unknown): Refusal | null {
    const { hub, presence, replicas } = this.parts;
    if (!isPresence(channel)) {
      hub.join(viewer, channel);
      hub.send(viewer, 'pusher_internal:subscription_succeeded', {}, channel);
      return null;
    }
    // Whoever has signed in is known already (Pusher: authorizing users).
    const member = channelData ? parseUser(channelData, 'user_id') : viewer.signedIn;
    if (!member) return { error: 'channel_data needs a user_id.', status: 400 };
    replicas.join(viewer, channel, member);
    hub.send(viewer, 'pusher_internal:subscription_succeeded', presence.roster(channel), channel);
    return null;
  }
  /** What a new subscription begins with, and what is kept up for it. */
  private follow(viewer: Viewer, channel: string): void {
    const { hub, replicas, feed, snapshots } = this.parts;
    const bookingId = bookingOfChannel(channel);
    if (bookingId !== null) feed.watch(bookingId);
    if (bookingId !== null && channel === sessionChannel(bookingId)) replicas.countSoon(channel);
    if (!isCache(channel)) return;
    if (bookingId !== null && channel === stateChannel(bookingId)) {
      void snapshots.send(viewer, bookingId);
      return;
    }
    const cached = hub.cache.get(channel);
    if (cached) hub.sendRaw(viewer, cached);
    else hub.send(viewer, 'pusher:cache_miss', {}, channel);
  }

  unsubscribe(viewer: Viewer, channel: string): void {
    const { hub, replicas, feed } = this.parts;
    hub.leave(viewer, channel);
    if (isPresence(channel)) replicas.leave(viewer, channel);
    const bookingId = bookingOfChannel(channel);
    if (bookingId === null) return;
    if (channel === sessionChannel(bookingId)) replicas.countSoon(channel);
    feed.unwatch(bookingId);
  }
}

/** What a server has signed about a person: `user_data` of a sign-in has `id`, `channel_data` of a presence channel `user_id`. */
function parseUser(text: unknown, key: 'id' | 'user_id'): Member | null {
  if (typeof text !== 'string') return null;
  try {
    const said = JSON.parse(text) as { id?: unknown; user_id?: unknown; user_info?: unknown } | null;
    const id = said?.[key];
    if ((typeof id !== 'string' || id === '') && typeof id !== 'number') return null;
    return { userId: String(id), info: said?.user_info ?? {} };
  } catch {
    return null;
  }
}
const isOwn = (viewer: Viewer, channel: string): boolean =>
  viewer.signedIn !== null && channel === userChannel(viewer.signedIn.userId);
