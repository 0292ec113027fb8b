import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import type { LinkState } from '../../domain/contracts/state.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { backoffMs, KNOCK_FOR_MS, KNOCK_MS, LOGIN_RETRY_MS } from './backoff.ts';
import { LineFramer } from './framer.ts';
import { Handshake } from './handshake.ts';
import { Incoming } from './incoming.ts';
import { Keepalive } from './keepalive.ts';
import {
  type Address,
  type Credentials,
  type LinkEvents,
  type LinkStats,
  noStats,
  type RequestOutcome,
  type VoyagerLink,
  type VoyagerLinkOptions,
  type VoyagerRequest,
} from './link.ts';
import { Outgoing } from './outgoing.ts';
import { PictureBuffers } from './picture-buffers.ts';
import { openSocket } from './socket.ts';

const CONNECT_MS = 10_000;
/** Voyager says Version at once, and wants a login within 5 s. */
const HELLO_MS = 5_000;
const BYE_MS = 1_000;

export function createVoyagerLink(options: VoyagerLinkOptions): VoyagerLink {
  return new Link(options);
}

class Link extends EventEmitter<LinkEvents> implements VoyagerLink {
  state: LinkState = 'idle';
  epoch = 0;
  reconnects = 0;
  reason: string | null = null;
  readonly stats: LinkStats = noStats();

  private readonly options: VoyagerLinkOptions;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly outgoing: Outgoing;
  private readonly incoming: Incoming;
  private readonly handshake: Handshake;
  private readonly keepalive: Keepalive;
  private readonly pictures = new PictureBuffers();
  private credentials: Credentials | null;
  private address: Address;
  private socket: Socket | null = null;
  /** Deadline of the present step, or the wait before the next connection. */
  private step: Timer | null = null;
  private attempt = 0;
  private everReady = false;
  private loginRejected = false;
  private onClosed: (() => void) | null = null;

  constructor(options: VoyagerLinkOptions) {
    super();
    this.options = options;
    this.clock = options.clock;
    this.logger = options.logger;
    this.credentials = options.credentials;
    this.address = options;
    const sessionKey = (): string => this.sessionKey ?? '';
    this.outgoing = new Outgoing(options, this.stats, {
      socket: () => this.socket,
      notReady: () => this.notReady(),
      sessionKey,
      onSent: () => this.keepalive.sent(),
    });
    this.incoming = new Incoming(this.clock, this.logger, this.stats, this.outgoing.pending, {
      instance: () => this.address.instance,
      onMessage: () => this.keepalive.message(),
      onEvent: (event) => this.tell('event', event),
      onBadLine: (bad) => this.tell('badLine', bad),
      onVersion: () => this.onVersion(),
    });
    this.handshake = new Handshake(options, this.outgoing, {
      credentials: () => this.credentials,
      sessionKey,
      epoch: () => this.epoch,
      underWay: () => this.state === 'handshaking',
      accepted: () => {
        this.loginRejected = false;
      },
      rejected: (message) => this.onRejected(message),
      ready: () => this.ready(),
      lost: (reason) => this.lost(reason),
    });
    this.keepalive = new Keepalive(
      this.clock,
      () => this.sendHeartbeat(),
      (reason) => this.lost(reason),
    );
  }

  get voyagerVersion(): string | null {
    return this.incoming.voyagerVersion;
  }
  get sessionKey(): string | null {
    return this.incoming.sessionKey;
  }
  idleMs(): number | null {
    const { lastValid } = this.incoming;
    return lastValid === null ? null : this.clock.monotonicMs() - lastValid;
  }
  clockOffsetSeconds(): number | null {
    return this.incoming.offset.median();
  }

  start(): void {
    if (this.state === 'idle') this.open();
  }

  async stop(reason: string): Promise<void> {
    if (this.state === 'idle') return;
    if (this.state === 'closing') return new Promise((resolve) => this.once('status', () => resolve()));
    this.step?.cancel();
    const canSpeak = this.socket !== null && (this.state === 'ready' || this.state === 'handshaking');
    this.setState('closing', reason);
    this.outgoing.dropWaiting('not sent: the gateway is closing the connection');
    if (canSpeak) {
      await new Promise<void>((resolve) => {
        this.onClosed = resolve;
        this.step = this.clock.setTimeout(resolve, BYE_MS);
        const bye = { method: 'disconnect', id: this.outgoing.takeId() };
        this.outgoing.write([{ kind: 'bye', method: 'disconnect', params: {} }], [bye]);
      });
    }
    this.onClosed = null;
    this.dropSocket(reason);
    this.setState('idle', reason);
  }

  updateCredentials(credentials: Credentials | null): void {
    const changed = JSON.stringify(credentials) !== JSON.stringify(this.credentials);
    this.credentials = credentials;
    if (!changed || !this.loginRejected) return;
    this.loginRejected = false;
    if (this.state !== 'waiting') return;
    this.step?.cancel();
    this.open();
  }

  moveTo({ host, port, instance }: Address): void {
    const before = this.address;
    if (before.host === host && before.port === port && before.instance === instance) return;
    this.address = { host, port, instance };
    this.attempt = 0;
    this.incoming.shutDownAt = null;
    this.loginRejected = false;
    if (this.state === 'waiting') {
      this.step?.cancel();
      this.open();
    } else this.lost(`moved to ${host}:${port}`, 0);
  }

  recycle(picture: Buffer): void {
    this.pictures.give(picture);
  }

  request(request: VoyagerRequest): Promise<RequestOutcome> {
    return this.outgoing.request(request);
  }
  requestTogether(requests: VoyagerRequest[]): Promise<RequestOutcome[]> {
    return this.outgoing.requestTogether(requests);
  }
  private notReady(): string | null {
    if (this.state === 'ready') return null;
    return `the connection to Voyager is ${this.state}${this.reason ? ` (${this.reason})` : ''}`;
  }

  private sendHeartbeat(): void {
    const now = this.clock.now();
    const body = { Event: 'Polling', Timestamp: Math.round(now) / 1000, Host: hostname(), Inst: this.address.instance };
    const refused = this.outgoing.write([{ kind: 'heartbeat', method: null, params: {} }], [body]);
    if (refused.size === 0) this.stats.heartbeatsOut++;
  }

  private setState(state: LinkState, reason: string | null): void {
    this.state = state;
    this.reason = reason;
    this.announce();
  }
  private announce(): void {
    const { state, reason } = this;
    this.logger.info({ state, reason, epoch: this.epoch }, 'voyager link');
    this.tell('status', { state, reason, epoch: this.epoch });
  }

  private open(): void {
    this.epoch++;
    this.setState('connecting', null);
    const framer = new LineFramer(
      this.options.maxLineMb * 1024 * 1024,
      {
        line: (bytes, picture) => {
          if (this.socket === socket) this.incoming.take(bytes, picture);
        },
        tooLong: (bytes) => this.onTooLong(bytes),
      },
      this.pictures,
    );
    const socket: Socket = openSocket(this.address, {
      isOurs: (one) => this.socket === one,
      connected: () => this.onConnected(),
      bytes: (bytes) => {
        this.stats.bytesIn += bytes.length;
        this.keepalive.received();
        framer.push(bytes);
      },
      ended: (reason) => this.lost(reason),
    });
    this.socket = socket;
    this.step = this.clock.setTimeout(() => {
      if (this.socket === socket) this.lost(`cannot connect: no answer within ${CONNECT_MS / 1000} s`);
    }, CONNECT_MS);
  }

  private onConnected(): void {
    this.step?.cancel();
    this.incoming.begin();
    this.setState('handshaking', null);
    this.keepalive.start();
    this.step = this.clock.setTimeout(() => this.lost(`no Version from Voyager within ${HELLO_MS / 1000} s`), HELLO_MS);
  }

  private onVersion(): void {
    if (this.state !== 'handshaking' || this.outgoing.pending.size > 0) return;
    this.step?.cancel();
    this.handshake.begin();
  }
  private onRejected(message: string): void {
    this.loginRejected = true;
    this.tell('alarm', { what: 'login_rejected', message });
    this.logger.error({ message }, 'voyager rejected the login');
    this.lost(`login rejected: ${message}`, LOGIN_RETRY_MS);
  }

  private ready(): void {
    this.attempt = 0;
    this.incoming.shutDownAt = null;
    if (this.everReady) this.reconnects++;
    this.everReady = true;
    this.setState('ready', null);
  }

  private onTooLong(bytes: number): void {
    const message = `a line over ${this.options.maxLineMb} MB (VOYAGER_MAX_LINE_MB) was refused`;
    this.logger.error({ bytes }, message);
    this.tell('alarm', { what: 'line_too_long', message });
    this.lost(message);
  }

  /** The connection is over: everything in flight ends, and the next one is planned. */
  private lost(reason: string, delayMs?: number): void {
    if (this.state === 'closing') {
      this.onClosed?.();
      return;
    }
    if (this.state === 'idle' || this.state === 'waiting') return;
    this.state = 'waiting';
    this.reason = reason;
    this.step?.cancel();
    this.step = this.clock.setTimeout(() => this.open(), delayMs ?? this.delay());
    this.dropSocket(reason);
    this.announce();
  }

  private delay(): number {
    if (this.incoming.shutDownAt !== null) {
      const since = this.clock.monotonicMs() - this.incoming.shutDownAt;
      if (since < KNOCK_FOR_MS) return since < KNOCK_MS ? KNOCK_MS / 10 : KNOCK_MS;
      this.incoming.shutDownAt = null;
    }
    return backoffMs(this.attempt++, this.options.random ?? Math.random);
  }

  private dropSocket(reason: string): void {
    const { socket } = this;
    this.socket = null;
    this.keepalive.stop();
    socket?.destroy();
    this.outgoing.end(reason);
  }

  /** A fault in a listener is the listener's: it must not end the connection. */
  private tell<K extends keyof LinkEvents>(name: K, ...args: LinkEvents[K]): void {
    try {
      (this.emit as (name: K, ...args: LinkEvents[K]) => boolean).call(this, name, ...args);
    } catch (thrown) {
      this.logger.error({ err: toError(thrown), event: name }, 'a listener of the voyager link failed');
    }
  }
}
