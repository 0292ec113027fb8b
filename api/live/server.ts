import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { hmacBase64Url } from '../../platform/signing.ts';
import { Admission, STRANGER_FOR_MS, originAllowed, type Place } from './admission.ts';
import { Cluster } from './cluster.ts';
import type { Tenancy } from '../telescopes/mirror.ts';
import { Feed, type LiveDeps } from './feed.ts';
import { followBus } from './from-bus.ts';
import { Grants } from './grants.ts';
import { Hub, type Viewer } from './hub.ts';
import { Presence } from './presence.ts';
import { CLOSE, appOf, readMessage, refusalOf, wire, type AppAddress } from './protocol.ts';
import { Relay, parseRelayUrl } from './relay.ts';
import { Replicas } from './replicas.ts';
import { LiveSnapshots } from './snapshots.ts';
import { Subscriptions } from './subscriptions.ts';

const ACTIVITY_TIMEOUT_SECONDS = 30;
const PING_AFTER_MS = 45_000;
const PONG_WITHIN_MS = 30_000;
/** Also what shows a page that it hears: silence of 25 s is taken for deafness there. */
const SNAPSHOT_EVERY_MS = 10_000;
const RELAYED_SNAPSHOT_EVERY_MS = 30_000;
const ACTIVE_EVERY_MS = 15_000;
const MAX_MESSAGE_BYTES = 16 * 1024;

/** The Pusher-compatible live server: sockets in, bus events out. */
export class LiveServer {
  readonly hub: Hub;
  readonly presence = new Presence();
  readonly cluster: Cluster;
  readonly grants: Grants;
  readonly replicas: Replicas;
  readonly key: string;
  readonly secret: string;
  /** Sends what the session channels carry on to a customer's own server. */
  readonly relay: Relay | null;
  private readonly feed: Feed;
  private readonly subscriptions: Subscriptions;
  private readonly wss: WebSocketServer;
  private readonly admission = new Admission();
  private readonly places = new WeakMap<Viewer, { place: Place; sinceMs: number }>();
  private readonly timers: NodeJS.Timeout[] = [];
  private draining = false;

  constructor(private readonly deps: LiveDeps) {
    const { config, logger, metrics } = deps;
    const { presence } = this;
    const hub = (this.hub = new Hub(metrics));
    const cluster = (this.cluster = new Cluster(deps.db, logger));
    this.key = config.PUSHER_APP_KEY;
    this.secret = config.PUSHER_APP_SECRET ?? hmacBase64Url(Buffer.from(deps.secret), 'pusher-app-secret');
    this.relay = config.RELAY_PUSHER_URL
      ? new Relay(parseRelayUrl(config.RELAY_PUSHER_URL), logger, metrics, () => cluster.isFirst)
      : null;
    this.grants = new Grants(hub, cluster, deps.revocations);
    const replicas = (this.replicas = new Replicas(hub, presence, cluster, this.grants, logger));
    const snapshots = new LiveSnapshots(deps.snapshots, hub, this.relay, logger);
    const feed = (this.feed = new Feed(deps, hub, this.relay, snapshots));
    const app = { key: this.key, secret: this.secret };
    const placeOf = (viewer: Viewer): Place | undefined => this.places.get(viewer)?.place;
    this.subscriptions = new Subscriptions({ app, hub, presence, replicas, feed, snapshots, placeOf });
    this.wss = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      clientTracking: false,
      skipUTF8Validation: false,
    });
  }
  /** The session that has a telescope, by what the bus told last; null where none has, or where nobody is heard. */
  tenancyOf(telescopeId: string): Tenancy | null {
    return this.deps.bus.proven ? this.feed.tenancies.of(telescopeId) : null;
  }

  start(): void {
    followBus(this.deps, this.feed, this.cluster, this.grants);
    this.cluster.start();
    this.timers.push(
      setInterval(() => this.checkAlive(), 5_000).unref(),
      setInterval(() => this.feed.refreshSnapshots(), SNAPSHOT_EVERY_MS).unref(),
      setInterval(() => this.feed.relaySnapshots(), RELAYED_SNAPSHOT_EVERY_MS).unref(),
    );
    void this.feed.loadActive();
    this.timers.push(setInterval(() => void this.feed.loadActive(), ACTIVE_EVERY_MS).unref());
  }
  /** Sends every viewer to another replica, or back to this one once it stands again. */
  async stop(): Promise<void> {
    this.draining = true;
    for (const timer of this.timers) clearInterval(timer);
    this.replicas.stop();
    for (const viewer of this.hub.viewers.values()) this.hub.close(viewer, CLOSE.replaced, 'restarting: connect again');
    this.hub.stop();
    this.relay?.stop();
    await this.cluster.stop();
    this.wss.close();
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }
  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refuse = (status: string, headers = ''): void => {
      socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    const asked = appOf(request.url ?? '/');
    if (asked === null) return refuse('404 Not Found');
    const { CORS_ORIGINS, EMBED_ORIGINS, PUBLIC_URL } = this.deps.config;
    if (!originAllowed(request.headers, [...CORS_ORIGINS, ...EMBED_ORIGINS], PUBLIC_URL))
      return refuse('403 Forbidden');
    const place = this.admission.enter(request.socket.remoteAddress ?? 'unknown');
    if (!place) return refuse('503 Service Unavailable', 'Retry-After: 10\r\n');
    socket.once('close', () => place.leave());
    this.wss.handleUpgrade(request, socket, head, (ws) => this.connected(ws, socket, asked, place));
  }
  private connected(ws: WebSocket, socket: Duplex, { key, query }: AppAddress, place: Place): void {
    ws.on('error', () => ws.terminate());
    const refusal = refusalOf(key === this.key, query.get('protocol'));
    if (refusal) {
      ws.send(wire('pusher:error', { code: refusal.code, message: refusal.message }));
      ws.close(refusal.code, refusal.reason);
      return;
    }
    if (this.draining) {
      ws.close(CLOSE.replaced, 'restarting: connect again');
      return;
    }
    const viewer = this.hub.add(ws, socket);
    this.places.set(viewer, { place, sinceMs: Date.now() });
    const heard = (): void => {
      viewer.seenMs = Date.now();
      viewer.pinged = false;
    };
    ws.on('message', (data, binary) => {
      heard();
      this.message(viewer, data, binary);
    });
    ws.on('pong', heard);
    ws.on('close', () => this.gone(viewer));
    this.hub.send(viewer, 'pusher:connection_established', {
      socket_id: viewer.id,
      activity_timeout: ACTIVITY_TIMEOUT_SECONDS,
    });
  }
  private gone(viewer: Viewer): void {
    for (const channel of viewer.channels) this.subscriptions.unsubscribe(viewer, channel);
    this.hub.remove(viewer);
  }

  private message(viewer: Viewer, raw: RawData, binary: boolean): void {
    const message = readMessage(raw as Buffer, binary);
    if (!message) {
      this.hub.send(viewer, 'pusher:error', { code: null, message: 'A message is a JSON object with an event.' });
      return;
    }
    const { event, body } = message;
    switch (event) {
      case 'pusher:ping':
        this.hub.send(viewer, 'pusher:pong', {});
        return;
      case 'pusher:pong':
        return;
      case 'pusher:subscribe':
        this.subscriptions.subscribe(viewer, body);
        return;
      case 'pusher:unsubscribe':
        if (typeof body.channel === 'string' && viewer.channels.has(body.channel))
          this.subscriptions.unsubscribe(viewer, body.channel);
        return;
      case 'pusher:signin':
        this.subscriptions.signin(viewer, body);
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

  private checkAlive(): void {
    if (!this.deps.bus.proven) void this.grants.endRevoked();
    const now = Date.now();
    const clock = this.deps.now();
    for (const viewer of this.hub.viewers.values()) {
      if (this.grants.ended(viewer, clock)) {
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
