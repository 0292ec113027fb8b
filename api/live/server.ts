import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isVolatile, type Event } from '../../domain/contracts/event.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { withoutNames } from '../../domain/others.ts';
import { toEvent, type BusMessage } from '../../platform/bus.ts';
import { toError } from '../../platform/errors.ts';
import { hmacBase64Url } from '../../platform/signing.ts';
import { ACTIVE_PHASES, isActivePhase } from '../../domain/phases.ts';
import type { Ground } from '../ground.ts';
import { isOwnPicture, seenBy, stateOf, tenancyOf, type Tenancy } from '../telescopes/mirror.ts';
import { signImageUrls } from '../images/pixels.ts';
import type { ReceiptWaiters } from '../bookings/receipts.ts';
import type { SnapshotCache } from '../bookings/snapshot.ts';
import { Admission, STRANGER_FOR_MS, type Place } from './admission.ts';
import { Cluster, CLUSTER, type ClusterMessage } from './cluster.ts';
import { Hub, type Member, type Viewer } from './hub.ts';
import { Presence } from './presence.ts';
import { Relay, parseRelayUrl } from './relay.ts';
import {
  ADMIN_CHANNEL,
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
  wire,
} from './protocol.ts';

const ACTIVITY_TIMEOUT_SECONDS = 30;
const PING_AFTER_MS = 45_000;
const PONG_WITHIN_MS = 30_000;
/** Also what shows a page that it hears: silence of 25 s is taken for deafness there. */
const SNAPSHOT_EVERY_MS = 10_000;
const RELAYED_SNAPSHOT_EVERY_MS = 30_000;
const MAX_SNAPSHOT_BYTES = 8_192;
const MAX_CHANNELS_PER_VIEWER = 50;
const MAX_MESSAGE_BYTES = 16 * 1024;
const MAX_RELAYED_BOOKINGS = 2_000;
const COUNT_AFTER_MS = 1_000;
export const SNAPSHOT_EVENT = 'session.snapshot';

/** A booking whose events somebody here watches. */
interface Watched {
  lastSeq: number | null;
  epoch: number;
  /** Work that must keep its order; null while nothing is under way. */
  chain: Promise<void> | null;
}

/** The ground and what a change on the bus wakes or makes stale. */
type LiveDeps = Ground & { receipts: ReceiptWaiters; snapshots: SnapshotCache };

/** The Pusher-compatible live server: sockets in, bus events out. */
export class LiveServer {
  readonly hub: Hub;
  readonly presence = new Presence();
  readonly cluster: Cluster;
  readonly key: string;
  readonly secret: string;
  private readonly wss: WebSocketServer;
  private readonly watched = new Map<string, Watched>();
  /** Which booking a telescope works for, for events that name only the telescope. */
  private readonly tenancies = new Map<string, Tenancy>();
  private readonly admission = new Admission();
  private readonly places = new WeakMap<Viewer, { place: Place; sinceMs: number }>();
  private readonly timers: NodeJS.Timeout[] = [];
  private rev = 0;
  /** Session channels whose number of viewers has changed and is said in a moment. */
  private readonly counting = new Map<string, NodeJS.Timeout>();
  private draining = false;
  /** Sends what the session channels carry on to a customer's own server. */
  readonly relay: Relay | null;

  constructor(private readonly deps: LiveDeps) {
    this.hub = new Hub(deps.metrics);
    this.cluster = new Cluster(deps.db, deps.logger);
    this.key = deps.config.PUSHER_APP_KEY;
    this.secret = deps.config.PUSHER_APP_SECRET ?? hmacBase64Url(Buffer.from(deps.secret), 'pusher-app-secret');
    const { RELAY_PUSHER_URL: relayUrl } = deps.config;
    this.relay = relayUrl
      ? new Relay(parseRelayUrl(relayUrl), deps.logger, deps.metrics, () => this.cluster.isFirst)
      : null;
    this.wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      clientTracking: false,
      skipUTF8Validation: false,
    });
    this.cluster.onMessage = (from, message) => this.fromPeer(from, message);
    this.cluster.onNewPeer = () => {
      for (const { channel, socketKey, member } of this.presence.ofReplica(this.cluster.id))
        this.cluster.send({ op: 'join', channel, socket: socketKey, user_id: member.userId, user_info: member.info });
    };
    this.cluster.onPeerLost = (peer) => {
      for (const { channel, socketKey } of this.presence.ofReplica(peer)) this.presenceLeft(channel, socketKey);
    };
  }

  start(): void {
    const { bus } = this.deps;
    bus.on('message', (message) => this.fromBus(message));
    bus.on('resumed', () => void this.catchUp());
    bus.on('lost', () => this.deps.revocations.distrust());
    this.cluster.start();
    this.timers.push(
      setInterval(() => this.checkAlive(), 5_000).unref(),
      setInterval(() => this.refreshSnapshots(), SNAPSHOT_EVERY_MS).unref(),
      setInterval(() => this.relaySnapshots(), RELAYED_SNAPSHOT_EVERY_MS).unref(),
    );
    void this.loadActive();
    this.timers.push(setInterval(() => void this.loadActive(), 15_000).unref());
  }

  /** Sends every viewer to another replica, or back to this one once it stands again. */
  async stop(): Promise<void> {
    this.draining = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const timer of this.counting.values()) clearTimeout(timer);
    for (const viewer of this.hub.viewers.values()) this.hub.close(viewer, CLOSE.replaced, 'restarting: connect again');
    this.hub.stop();
    this.relay?.stop();
    await this.cluster.stop();
    this.wss.close();
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────────────────────────

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }
  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const asked = appOf(request.url ?? '/');
    if (asked === null) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    if (!this.originAllowed(request)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const place = this.admission.enter(request.socket.remoteAddress ?? 'unknown');
    if (!place) {
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    socket.once('close', () => place.leave());
    this.wss.handleUpgrade(request, socket, head, (ws) => this.connected(ws, asked.key, asked.query, place));
  }
  /** Browsers name their page; ours, the allow-listed ones and programs (which name none) may come in. */
  private originAllowed(request: IncomingMessage): boolean {
    const origin = request.headers.origin;
    const allowed = [...this.deps.config.CORS_ORIGINS, ...this.deps.config.EMBED_ORIGINS];
    if (origin === undefined || allowed.length === 0) return true;
    if (allowed.includes('*') || allowed.includes(origin)) return true;
    try {
      return new URL(origin).host === request.headers.host;
    } catch {
      return false;
    }
  }

  private connected(ws: WebSocket, key: string, query: URLSearchParams, place: Place): void {
    ws.on('error', () => ws.terminate());
    if (key !== this.key) {
      ws.send(wire('pusher:error', { code: CLOSE.noSuchApp, message: 'There is no app with this key.' }));
      ws.close(CLOSE.noSuchApp, 'no such app');
      return;
    }
    const protocol = Number(query.get('protocol') ?? '7');
    if (!(protocol >= 5 && protocol <= 7)) {
      ws.send(wire('pusher:error', { code: 4007, message: 'This server speaks protocol 7.' }));
      ws.close(4007, 'unsupported protocol');
      return;
    }
    if (this.draining) {
      ws.close(CLOSE.replaced, 'restarting: connect again');
      return;
    }
    const viewer = this.hub.add(ws);
    this.places.set(viewer, { place, sinceMs: Date.now() });
    ws.on('message', (data, binary) => {
      viewer.seenMs = Date.now();
      viewer.pinged = false;
      this.message(viewer, data, binary);
    });
    ws.on('pong', () => {
      viewer.seenMs = Date.now();
      viewer.pinged = false;
    });
    ws.on('close', () => this.gone(viewer));
    this.hub.send(viewer, 'pusher:connection_established', {
      socket_id: viewer.id,
      activity_timeout: ACTIVITY_TIMEOUT_SECONDS,
    });
  }

  private gone(viewer: Viewer): void {
    for (const channel of viewer.channels) this.unsubscribe(viewer, channel);
    this.hub.remove(viewer);
  }

  private message(viewer: Viewer, raw: RawData, binary: boolean): void {
    let parsed: { event: string; data?: unknown };
    try {
      if (binary) throw new Error('binary');
      const value = JSON.parse((raw as Buffer).toString('utf8')) as { event?: unknown; data?: unknown } | null;
      if (typeof value !== 'object' || value === null || typeof value.event !== 'string') throw new Error('shape');
      parsed = { event: value.event, data: value.data };
    } catch {
      this.hub.send(viewer, 'pusher:error', { code: null, message: 'A message is a JSON object with an event.' });
      return;
    }
    const event = parsed.event;
    let data = parsed.data;
    if (typeof data === 'string') {
      try {
        data = JSON.parse(data) as unknown;
      } catch {
        data = {};
      }
    }
    const body = (data ?? {}) as { channel?: unknown; auth?: unknown; channel_data?: unknown; user_data?: unknown };
    switch (event) {
      case 'pusher:ping':
        this.hub.send(viewer, 'pusher:pong', {});
        return;
      case 'pusher:pong':
        return;
      case 'pusher:subscribe':
        this.subscribe(viewer, body.channel, body.auth, body.channel_data || undefined);
        return;
      case 'pusher:unsubscribe':
        if (typeof body.channel === 'string' && viewer.channels.has(body.channel))
          this.unsubscribe(viewer, body.channel);
        return;
      case 'pusher:signin':
        this.signin(viewer, body.user_data, body.auth);
        return;
      default:
        this.hub.send(viewer, 'pusher:error', {
          code: 4301,
          message: event.startsWith('client-')
            ? 'Client events are not taken here; controls go through the REST API and give a receipt.'
            : `Unknown event ${event.slice(0, 80)}.`,
        });
    }
  }

  private signin(viewer: Viewer, userData: unknown, auth: unknown): void {
    if (typeof userData !== 'string' || !verifySignin(this.key, this.secret, viewer.id, userData, auth)) {
      this.hub.send(viewer, 'pusher:error', {
        code: CLOSE.unauthorised,
        message: 'The signature of this sign-in does not match.',
      });
      this.hub.close(viewer, CLOSE.unauthorised, 'not authorised');
      return;
    }
    viewer.userId = parseUserId(userData);
    this.places.get(viewer)?.place.known();
    this.hub.send(viewer, 'pusher:signin_success', { user_data: userData });
  }

  // ── subscriptions ──────────────────────────────────────────────────────────────────────────────────────────────

  private refuse(viewer: Viewer, channel: string, error: string, status = 401): void {
    this.hub.send(viewer, 'pusher:subscription_error', { type: 'AuthError', error, status }, channel);
  }

  private subscribe(viewer: Viewer, channel: unknown, auth: unknown, channelData: unknown): void {
    if (typeof channel !== 'string' || !CHANNEL_NAME.test(channel)) {
      this.refuse(
        viewer,
        typeof channel === 'string' ? channel.slice(0, 200) : '',
        'The channel name is not valid.',
        400,
      );
      return;
    }
    if (viewer.channels.has(channel)) {
      this.refuse(viewer, channel, 'Subscribed to this channel already.', 400);
      return;
    }
    if (viewer.channels.size >= MAX_CHANNELS_PER_VIEWER) {
      this.refuse(viewer, channel, `At most ${MAX_CHANNELS_PER_VIEWER} channels on one connection.`, 429);
      return;
    }
    if (isEncrypted(channel)) {
      this.refuse(viewer, channel, 'Encrypted channels are not offered.', 400);
      return;
    }
    if (isGuarded(channel) && !verifyChannel(this.key, this.secret, viewer.id, channel, auth, channelData)) {
      this.refuse(viewer, channel, 'The signature of this subscription is missing or does not match.');
      return;
    }
    if (isPresence(channel)) {
      const member = parseMember(channelData);
      if (!member) {
        this.refuse(viewer, channel, 'channel_data needs a user_id.', 400);
        return;
      }
      const socketKey = `${this.cluster.id}/${viewer.id}`;
      const isNew = this.presence.join(channel, socketKey, member);
      if (isNew)
        this.hub.broadcast(channel, 'pusher_internal:member_added', { user_id: member.userId, user_info: member.info });
      this.hub.join(viewer, channel);
      viewer.userId ??= member.userId;
      this.cluster.send({ op: 'join', channel, socket: socketKey, user_id: member.userId, user_info: member.info });
      const members = this.presence.members(channel);
      this.hub.send(
        viewer,
        'pusher_internal:subscription_succeeded',
        { presence: { count: members.size, ids: [...members.keys()], hash: Object.fromEntries(members) } },
        channel,
      );
    } else {
      this.hub.join(viewer, channel);
      this.hub.send(viewer, 'pusher_internal:subscription_succeeded', {}, channel);
    }
    if (isGuarded(channel)) this.places.get(viewer)?.place.known();
    const bookingId = bookingOfChannel(channel);
    if (bookingId !== null) this.watch(bookingId);
    if (bookingId !== null && channel === sessionChannel(bookingId)) this.countSoon(channel);
    if (isCache(channel)) {
      if (bookingId !== null && channel === stateChannel(bookingId)) void this.sendSnapshot(viewer, bookingId);
      else {
        const cached = this.hub.cache.get(channel);
        if (cached) this.hub.sendRaw(viewer, cached);
        else this.hub.send(viewer, 'pusher:cache_miss', {}, channel);
      }
    }
  }

  private unsubscribe(viewer: Viewer, channel: string): void {
    this.hub.leave(viewer, channel);
    if (isPresence(channel)) {
      const socketKey = `${this.cluster.id}/${viewer.id}`;
      this.presenceLeft(channel, socketKey);
      this.cluster.send({ op: 'leave', channel, socket: socketKey });
    }
    const bookingId = bookingOfChannel(channel);
    if (bookingId !== null && channel === sessionChannel(bookingId)) this.countSoon(channel);
    if (bookingId !== null && !this.relay && !this.hasViewers(bookingId)) this.watched.delete(bookingId);
  }
  private presenceLeft(channel: string, socketKey: string): void {
    const userId = this.presence.leave(channel, socketKey);
    if (userId !== null) this.hub.broadcast(channel, 'pusher_internal:member_removed', { user_id: userId });
  }

  /** Tells everybody on a session's channel, on every replica, how many they are: at most once in a while, however many come and go. */
  private countSoon(channel: string): void {
    if (this.draining || this.counting.has(channel)) return;
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
    this.hub.broadcast(
      channel,
      'pusher_internal:subscription_count',
      { subscription_count: count },
      { replaces: true },
    );
  }

  /** Remembers whose token opened a channel, wherever that socket lives, so that its end ends the subscription. */
  grant(socketId: string, channel: string, tokenId: string, expiresAtMs: number | null): void {
    this.keepGrant(socketId, channel, tokenId, expiresAtMs);
    if (!this.hub.viewers.has(socketId))
      this.cluster.send({ op: 'grant', socket: socketId, channel, token: tokenId, expires_at: expiresAtMs });
  }
  private keepGrant(socketId: string, channel: string, tokenId: string, expiresAtMs: number | null): void {
    const viewer = this.hub.viewers.get(socketId);
    if (viewer) (viewer.grants ??= new Map()).set(channel, { tokenId, expiresAtMs });
  }
  /** A token was revoked or has ended: whoever listens by it is sent away for good. */
  revoke(tokenId: string): void {
    for (const viewer of this.hub.viewers.values())
      if (viewer.grants && [...viewer.grants.values()].some((g) => g.tokenId === tokenId))
        this.hub.close(viewer, CLOSE.unauthorised, 'the token was revoked');
  }

  /** Revocations that the bus did not bring: read from the table, and their subscriptions ended. */
  private async endRevoked(): Promise<void> {
    try {
      await this.deps.revocations.load();
    } catch {
      return;
    }
    for (const viewer of this.hub.viewers.values())
      for (const { tokenId } of viewer.grants?.values() ?? [])
        if (this.deps.revocations.known(tokenId)) this.revoke(tokenId);
  }

  // ── what comes from the bus ────────────────────────────────────────────────────────────────────────────────────

  private fromBus(message: BusMessage): void {
    if (message.kind === 'event') this.take(message.event);
    else if (message.kind === 'ref') {
      this.deps.snapshots.forget(message.booking_id);
      const watched = this.watchedFor(message.booking_id, message.epoch, message.seq);
      if (watched) this.inOrder(message.booking_id, watched, () => this.readMissing(message.booking_id, watched));
    } else if (message.what === CLUSTER) this.cluster.take(message.data);
    else if (message.what === 'token.revoked') {
      const id = String(message.data.id);
      this.deps.revocations.add(id);
      this.revoke(id);
    } else if (message.what === 'keys.changed') this.deps.keys.forget();
    else if (message.what === 'telescopes.changed') this.deps.telescopes.forget();
    else if (message.what === 'booking.changed') this.deps.snapshots.forget(String(message.data.booking_id));
  }

  private take(event: Event): void {
    this.deps.mirror.take(event);
    this.deps.receipts.take(event);
    this.deps.snapshots.take(event);
    if (isVolatile(event.type)) {
      this.passing(event);
      return;
    }
    const bookingId = event.booking_id;
    if (bookingId === null) {
      this.admin(event);
      return;
    }
    if (event.type === 'session.changed') this.noteActive(event);
    const watched = this.watchedFor(bookingId, event.epoch, event.seq);
    if (!watched) this.admin(event);
    else this.inOrder(bookingId, watched, () => this.stored(bookingId, watched, event));
  }

  private noteActive(event: Event): void {
    const phase = String(event.data.phase);
    const known = this.tenancies.get(event.telescope_id);
    if (isActivePhase(phase))
      this.tenancies.set(event.telescope_id, {
        bookingId: event.booking_id!,
        phase,
        reason: typeof event.data.reason === 'string' ? event.data.reason : null,
        sinceMs: known?.bookingId === event.booking_id ? known.sinceMs : Date.parse(event.ts),
      });
    else if (known?.bookingId === event.booking_id) this.tenancies.delete(event.telescope_id);
  }
  private async loadActive(): Promise<void> {
    try {
      const rows = await this.deps.db.session.findMany({
        where: { phase: { in: [...ACTIVE_PHASES] } },
        include: { booking: { select: { startsAt: true } } },
      });
      this.tenancies.clear();
      for (const row of rows) this.tenancies.set(row.telescopeId, tenancyOf(row)!);
    } catch (thrown) {
      this.deps.logger.debug({ err: toError(thrown).message }, 'active sessions not read');
    }
  }

  /** Not stored: the newest replaces the older. Carries the last stored `seq` and its own `rev`. */
  private passing(event: Event): void {
    const tenancy = this.tenancies.get(event.telescope_id) ?? null;
    const bookingId = event.booking_id ?? tenancy?.bookingId ?? null;
    if (this.hub.has(ADMIN_CHANNEL) && event.type === 'control.updated')
      this.hub.broadcast(ADMIN_CHANNEL, event.type, event);
    if (bookingId === null) return;
    const data = passingFor(event, tenancy?.bookingId === bookingId ? tenancy : null);
    if (data === null) return;
    const channel = sessionChannel(bookingId);
    const watched = this.watched.get(bookingId);
    const full: Event = {
      ...event,
      data,
      booking_id: bookingId,
      seq: watched?.lastSeq ?? event.seq,
      epoch: watched?.epoch ?? event.epoch,
      rev: event.rev ?? ++this.rev,
    };
    if (this.hub.has(channel)) this.hub.broadcast(channel, event.type, full, { replaces: true });
    this.relay?.push(channel, full.type, full, true);
  }

  /** One thing after another for a booking, without a promise while nothing waits. */
  private inOrder(bookingId: string, watched: Watched, work: () => Promise<void> | undefined): void {
    if (watched.chain === null) {
      const running = work();
      if (!running) return;
      this.setChain(bookingId, watched, running);
    } else this.setChain(bookingId, watched, watched.chain.then(work));
  }
  private setChain(bookingId: string, watched: Watched, running: Promise<void>): void {
    const chain = running
      .catch((thrown: unknown) =>
        this.deps.logger.warn({ err: toError(thrown).message, bookingId }, 'live: events not read'),
      )
      .then(() => {
        if (watched.chain === chain) watched.chain = null;
      });
    watched.chain = chain;
  }

  private stored(bookingId: string, watched: Watched, event: Event): Promise<void> | undefined {
    if (watched.epoch !== event.epoch) {
      watched.epoch = event.epoch;
      watched.lastSeq = event.seq - 1;
    }
    if (watched.lastSeq !== null && event.seq <= watched.lastSeq) return undefined;
    if (watched.lastSeq !== null && event.seq > watched.lastSeq + 1) return this.readMissing(bookingId, watched);
    this.deliver(watched, event);
    return undefined;
  }
  private deliver(watched: Watched, event: Event): void {
    watched.lastSeq = event.seq;
    const bookingId = event.booking_id!;
    const channel = sessionChannel(bookingId);
    const shown =
      event.type === 'image.captured' || event.type === 'image.measured'
        ? { ...event, data: signImageUrls(this.deps, event.data) }
        : withoutNames(event);
    if (this.hub.has(channel)) this.hub.broadcast(channel, event.type, shown);
    if (event.type === 'session.changed') void this.broadcastSnapshot(bookingId);
    this.admin(event);
    this.relay?.push(channel, shown.type, shown, false);
  }
  private admin(event: Event): void {
    if (this.hub.has(ADMIN_CHANNEL) && event.type !== 'log.appended' && event.type !== 'image.measured')
      this.hub.broadcast(ADMIN_CHANNEL, event.type, event);
  }

  /** Reads what lies between the last `seq` sent and the newest stored one. */
  private async readMissing(bookingId: string, watched: Watched): Promise<void> {
    for (;;) {
      const rows = await this.deps.db.event.findMany({
        where: { bookingId, seq: { gt: watched.lastSeq ?? 0 } },
        orderBy: { seq: 'asc' },
        take: 200,
      });
      for (const row of rows) this.deliver(watched, toEvent(row));
      if (rows.length < 200) return;
    }
  }
  /** LISTEN was away: everything watched is brought up to date before it is served again. */
  private async catchUp(): Promise<void> {
    this.deps.snapshots.forgetAll();
    this.deps.keys.forget();
    this.deps.telescopes.forget();
    this.deps.revocations.distrust();
    await this.endRevoked();
    for (const [bookingId, watched] of this.watched)
      this.inOrder(bookingId, watched, () => this.readMissing(bookingId, watched));
  }

  /** The booking as somebody here watches it; a relay watches all of them, from the first event on. */
  private watchedFor(bookingId: string, epoch: number, seq: number): Watched | undefined {
    const known = this.watched.get(bookingId);
    if (known || !this.relay) return known;
    if (this.watched.size >= MAX_RELAYED_BOOKINGS)
      for (const id of this.watched.keys()) if (!this.hasViewers(id)) this.watched.delete(id);
    const watched: Watched = { lastSeq: seq - 1, epoch, chain: null };
    this.watched.set(bookingId, watched);
    return watched;
  }
  private hasViewers(bookingId: string): boolean {
    return this.hub.has(sessionChannel(bookingId)) || this.hub.has(stateChannel(bookingId));
  }
  private watch(bookingId: string): void {
    if (this.watched.has(bookingId)) return;
    const watched: Watched = { lastSeq: null, epoch: 1, chain: null };
    this.watched.set(bookingId, watched);
    this.inOrder(bookingId, watched, async () => {
      const counter = await this.deps.db.eventCounter.findUnique({ where: { bookingId } });
      watched.epoch = counter?.epoch ?? 1;
      watched.lastSeq = counter?.seq ?? 0;
    });
  }

  // ── snapshots ──────────────────────────────────────────────────────────────────────────────────────────────────

  private async snapshotData(bookingId: string): Promise<string | null> {
    const made = await this.deps.snapshots.text(bookingId);
    if (!made) return null;
    if (Buffer.byteLength(made.json) <= MAX_SNAPSHOT_BYTES) return made.json;
    const snapshot = JSON.parse(made.json) as { telescope: unknown; plan: unknown[] };
    snapshot.telescope = null;
    while (snapshot.plan.length > 0 && Buffer.byteLength(JSON.stringify(snapshot)) > MAX_SNAPSHOT_BYTES)
      snapshot.plan.pop();
    return JSON.stringify(snapshot);
  }
  private async sendSnapshot(viewer: Viewer, bookingId: string): Promise<void> {
    const channel = stateChannel(bookingId);
    try {
      const data = await this.snapshotData(bookingId);
      if (!viewer.channels.has(channel)) return;
      if (data === null) this.hub.send(viewer, 'pusher:cache_miss', {}, channel);
      else this.hub.send(viewer, SNAPSHOT_EVENT, data, channel);
    } catch (thrown) {
      this.deps.logger.warn({ err: toError(thrown).message, bookingId }, 'snapshot not made');
      this.hub.send(viewer, 'pusher:cache_miss', {}, channel);
    }
  }
  private async broadcastSnapshot(bookingId: string): Promise<void> {
    const channel = stateChannel(bookingId);
    if (!this.hub.has(channel) && !this.relay) return;
    try {
      const data = await this.snapshotData(bookingId);
      if (data === null) return;
      this.hub.broadcast(channel, SNAPSHOT_EVENT, data, { replaces: true });
      this.relay?.push(channel, SNAPSHOT_EVENT, data, true);
    } catch (thrown) {
      this.deps.logger.warn({ err: toError(thrown).message, bookingId }, 'snapshot not made');
    }
  }
  private refreshSnapshots(): void {
    for (const bookingId of this.watched.keys())
      if (this.hub.has(stateChannel(bookingId))) void this.broadcastSnapshot(bookingId);
  }
  /** Who watches by the customer's own server is not seen here. */
  private relaySnapshots(): void {
    if (!this.relay) return;
    for (const { bookingId } of this.tenancies.values())
      if (this.watched.has(bookingId) && !this.hub.has(stateChannel(bookingId))) void this.broadcastSnapshot(bookingId);
  }

  // ── other replicas, and the HTTP API ───────────────────────────────────────────────────────────────────────────

  /** An event that somebody pushes through the HTTP API, on every replica. */
  trigger(channels: string[], name: string, data: string, except?: string): void {
    this.triggerHere(channels, name, data, except);
    this.cluster.send({ op: 'event', channels, name, data, except });
  }
  private triggerHere(channels: string[], name: string, data: string, except: string | undefined): void {
    for (const channel of channels) {
      if (isCache(channel) && bookingOfChannel(channel) === null) {
        if (this.hub.cache.size >= 10_000) this.hub.cache.delete(this.hub.cache.keys().next().value!);
        this.hub.cache.set(channel, wire(name, data, channel));
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
      if (channel.startsWith(prefix)) own.set(channel, this.hub.count(channel));
    return own;
  }

  private fromPeer(from: string, message: ClusterMessage): void {
    switch (message.op) {
      case 'join':
        if (this.presence.join(message.channel, message.socket, { userId: message.user_id, info: message.user_info }))
          this.hub.broadcast(message.channel, 'pusher_internal:member_added', {
            user_id: message.user_id,
            user_info: message.user_info,
          });
        return;
      case 'leave':
        this.presenceLeft(message.channel, message.socket);
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
        this.keepGrant(message.socket, message.channel, message.token, message.expires_at);
        return;
      case 'query':
        this.cluster.send({
          op: 'answer',
          query: message.query,
          counts: Object.fromEntries(this.ownCounts(message.prefix)),
        });
        return;
      default:
        this.deps.logger.debug({ from, op: message.op }, 'cluster message');
    }
  }

  // ── keeping alive ──────────────────────────────────────────────────────────────────────────────────────────────

  private checkAlive(): void {
    if (!this.deps.bus.proven) void this.endRevoked();
    const now = Date.now();
    const clock = this.deps.now();
    for (const viewer of this.hub.viewers.values()) {
      if (viewer.grants && [...viewer.grants.values()].some((g) => g.expiresAtMs !== null && g.expiresAtMs <= clock)) {
        this.hub.close(viewer, CLOSE.unauthorised, 'the token has ended');
        continue;
      }
      const held = this.places.get(viewer);
      if (held?.place.isStranger() && now - held.sinceMs > STRANGER_FOR_MS) {
        this.hub.close(viewer, CLOSE.overload, 'no subscription: connect again when you have one');
        continue;
      }
      const silentMs = now - viewer.seenMs;
      if (viewer.pinged && silentMs > PING_AFTER_MS + PONG_WITHIN_MS)
        this.hub.close(viewer, CLOSE.pongMissing, 'no answer to ping');
      else if (!viewer.pinged && silentMs > PING_AFTER_MS) {
        viewer.pinged = true;
        this.hub.send(viewer, 'pusher:ping', {});
      }
    }
  }
}

/** What of a passing event the people of a session may see; null when nothing. */
function passingFor(event: Event, tenancy: Tenancy | null): Event['data'] | null {
  if (event.type === 'control.updated') {
    const state = stateOf(event);
    return state && seenBy(state, tenancy);
  }
  if (!tenancy || tenancy.reason === 'foreign_target' || tenancy.phase === 'starting') return null;
  if (event.type === 'preview.ready')
    return isOwnPicture(event.data as unknown as NonNullable<TelescopeState['preview']>, tenancy) ? event.data : null;
  return event.data;
}

/** Key and query of `/app/{key}?…`; null for another address, also for one that is none at all. */
function appOf(address: string): { key: string; query: URLSearchParams } | null {
  try {
    const url = new URL(address, 'http://localhost');
    const key = /^\/app\/([^/]+)$/.exec(url.pathname)?.[1];
    return key === undefined ? null : { key: decodeURIComponent(key), query: url.searchParams };
  } catch {
    return null;
  }
}
function parseUserId(userData: string): string | null {
  try {
    const id = (JSON.parse(userData) as { id?: unknown } | null)?.id;
    return typeof id === 'string' || typeof id === 'number' ? String(id) : null;
  } catch {
    return null;
  }
}
function parseMember(channelData: unknown): Member | null {
  if (typeof channelData !== 'string') return null;
  try {
    const { user_id: id, user_info: info } = JSON.parse(channelData) as { user_id?: unknown; user_info?: unknown };
    if (typeof id !== 'string' && typeof id !== 'number') return null;
    return { userId: String(id), info: info ?? {} };
  } catch {
    return null;
  }
}
