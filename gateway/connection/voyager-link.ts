import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { LinkState } from '../../domain/contracts/state.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { decodeLine, excerpt, type Message } from '../protocol/codec.ts';
import { isEvent, type VoyagerEvent } from '../protocol/events.ts';
import { classify, COMMANDS, payloadFailure } from '../protocol/requests.ts';
import { type Dialect, fillParams } from '../robotarget/dialect.ts';
import { ActionQueue } from './action-queue.ts';
import { backoffMs, KNOCK_FOR_MS, KNOCK_MS, LOGIN_RETRY_MS } from './backoff.ts';
import { ClockOffset } from './clock-offset.ts';
import { LineFramer, type Picture } from './framer.ts';
import { Keepalive } from './keepalive.ts';
import type {
  Address,
  Credentials,
  Gate,
  LinkEvents,
  LinkStats,
  OutgoingLine,
  RequestOutcome,
  VoyagerLink,
  VoyagerRequest,
} from './link.ts';
import { PendingRequests } from './pending.ts';
import { PictureBuffers } from './picture-buffers.ts';

export interface VoyagerLinkOptions {
  host: string;
  port: number;
  /** From 1; goes into the heartbeat and is compared with what Voyager says. */
  instance: number;
  credentials: Credentials | null;
  /** Asked before every line; everything passes without one. */
  gate?: Gate;
  clock: Clock;
  logger: Logger;
  dialect: Dialect;
  robotargetSecret: string | null;
  /** A line over this is refused and the connection reset. */
  maxLineMb: number;
  /** Modes to switch on after each login; `logLevel` 0 all, 1 without INFO and DEBUG, null none. */
  modes: { dashboard: boolean; logLevel: 0 | 1 | null };
  random?: () => number;
}

const CONNECT_MS = 10_000;
/** Voyager says Version at once, and wants a login within 5 s. */
const HELLO_MS = 5_000;
const LOGIN_MS = 5_000;
const MODE_MS = 10_000;
const BYE_MS = 1_000;
const READ_BYTES = 64 * 1024;
/** After so many bytes everything else has its turn: while a preview comes in, libuv would read two megabytes before it looks at an abort. */
const TURN_BYTES = 4 * READ_BYTES;
/** Bound on unanswered requests; what stops the telescope is sent all the same. */
const MAX_IN_FLIGHT = 256;

export function createVoyagerLink(options: VoyagerLinkOptions): VoyagerLink {
  return new Link(options);
}

/** A request with everything its line needs. */
interface Prepared {
  id: number;
  uid: string;
  line: OutgoingLine;
  answer: 'reply' | 'result';
  timeoutMs: number;
  settle: (outcome: RequestOutcome) => void;
}

class Link extends EventEmitter<LinkEvents> implements VoyagerLink {
  state: LinkState = 'idle';
  epoch = 0;
  voyagerVersion: string | null = null;
  sessionKey: string | null = null;
  reconnects = 0;
  reason: string | null = null;
  readonly stats: LinkStats = {
    bytesIn: 0,
    bytesOut: 0,
    linesIn: 0,
    linesOut: 0,
    badLines: 0,
    mendedLines: 0,
    unknownEvents: 0,
    heartbeatsIn: 0,
    heartbeatsOut: 0,
    pictures: 0,
    gated: 0,
  };

  private readonly options: VoyagerLinkOptions;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly random: () => number;
  private readonly pending: PendingRequests;
  private readonly actions: ActionQueue;
  private readonly keepalive: Keepalive;
  private readonly offset = new ClockOffset();
  private readonly pictures = new PictureBuffers();
  private credentials: Credentials | null;
  private address: Address;
  private socket: Socket | null = null;
  /** Deadline of the present step, or the wait before the next connection. */
  private step: Timer | null = null;
  private attempt = 0;
  private nextId = 1;
  private everReady = false;
  private loginRejected = false;
  private lastValid: number | null = null;
  private shutDownAt: number | null = null;
  private onClosed: (() => void) | null = null;

  constructor(options: VoyagerLinkOptions) {
    super();
    this.options = options;
    this.clock = options.clock;
    this.logger = options.logger;
    this.random = options.random ?? Math.random;
    this.credentials = options.credentials;
    const { host, port, instance } = options;
    this.address = { host, port, instance };
    this.pending = new PendingRequests(this.clock);
    this.actions = new ActionQueue(this.clock);
    this.keepalive = new Keepalive(
      this.clock,
      () => this.sendHeartbeat(),
      (reason) => this.lost(reason),
    );
  }

  idleMs(): number | null {
    return this.lastValid === null ? null : this.clock.monotonicMs() - this.lastValid;
  }
  clockOffsetSeconds(): number | null {
    return this.offset.median();
  }

  start(): void {
    if (this.state === 'idle') this.open();
  }

  async stop(reason: string): Promise<void> {
    if (this.state === 'idle') return;
    if (this.state === 'closing') return new Promise((resolve) => this.once('status', () => resolve()));
    this.step?.cancel();
    const socket = this.socket;
    const canSpeak = socket !== null && (this.state === 'ready' || this.state === 'handshaking');
    this.setState('closing', reason);
    this.actions.clear('not sent: the gateway is closing the connection');
    if (canSpeak) {
      await new Promise<void>((resolve) => {
        this.onClosed = resolve;
        this.step = this.clock.setTimeout(resolve, BYE_MS);
        this.write([{ kind: 'bye', method: 'disconnect', params: {} }], [{ method: 'disconnect', id: this.nextId++ }]);
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
    this.shutDownAt = null;
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
    return new Promise((resolve) => {
      const spec = COMMANDS.get(request.method);
      if (this.state === 'ready' && spec?.action && request.params.Parallelized !== true && !this.stops(request)) {
        this.actions.enter(request.timeoutMs, {
          run: (release) =>
            this.send([request], (_, outcome) => {
              release();
              resolve(outcome);
            }),
          giveUp: (message) =>
            resolve({ outcome: 'refused', uid: request.uid ?? '', how: 'not_ready', code: null, message }),
        });
      } else this.send([request], (_, outcome) => resolve(outcome));
    });
  }

  /** What stops something waits for no turn and for no room. */
  private stops({ method, params }: VoyagerRequest): boolean {
    const { class: word } = classify(this.options.dialect, method, params);
    return word === 'safe' || word === 'halt';
  }

  requestTogether(requests: VoyagerRequest[]): Promise<RequestOutcome[]> {
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const outcomes: RequestOutcome[] = [];
      let open = requests.length;
      this.send(requests, (index, outcome) => {
        outcomes[index] = outcome;
        if (--open === 0) resolve(outcomes);
      });
    });
  }

  /** Registers all, writes what the gate lets through in one write. */
  private send(requests: VoyagerRequest[], settle: (index: number, outcome: RequestOutcome) => void): void {
    const prepared: Prepared[] = [];
    for (const [index, request] of requests.entries()) {
      const spec = COMMANDS.get(request.method);
      const ownUid = spec ? spec.uid : true;
      const uid = request.uid ?? (ownUid && typeof request.params.UID === 'string' ? request.params.UID : randomUUID());
      const refuse = (message: string): void =>
        settle(index, { outcome: 'refused', uid, how: 'not_ready', code: null, message });
      if (this.state !== 'ready')
        refuse(`not sent: the connection to Voyager is ${this.state}${this.reason ? ` (${this.reason})` : ''}`);
      else if (this.pending.size + prepared.length >= MAX_IN_FLIGHT && !this.stops(request))
        refuse(`not sent: ${MAX_IN_FLIGHT} requests are waiting for Voyager`);
      else if (request.answer === 'result' && (this.pending.hasUid(uid) || prepared.some((p) => p.uid === uid)))
        refuse('not sent: a request with this UID is under way');
      else {
        const id = this.nextId++;
        const params = {
          ...(ownUid ? { UID: uid } : {}),
          ...request.params,
          ...request.sign?.({ id, uid, sessionKey: this.sessionKey ?? '' }),
        };
        prepared.push({
          id,
          uid,
          line: { kind: 'request', method: request.method, params },
          answer: request.answer,
          timeoutMs: request.timeoutMs,
          settle: (outcome) => settle(index, outcome),
        });
      }
    }
    this.submit(prepared);
  }

  private submit(prepared: Prepared[]): void {
    for (const { id, uid, line, answer, timeoutMs, settle } of prepared)
      this.pending.add({
        id,
        uid,
        method: line.method!,
        answer,
        timeoutMs,
        settle,
        payloadFailure: (paramRet) => payloadFailure(line.method!, paramRet, this.options.dialect),
      });
    const refused = this.write(
      prepared.map((p) => p.line),
      prepared.map(({ id, line }) => ({
        method: line.method,
        ...(Object.keys(line.params).length > 0 ? { params: line.params } : {}),
        id,
      })),
    );
    for (const [index, message] of refused) {
      const { id, uid, settle } = prepared[index]!;
      this.pending.drop(id);
      settle({ outcome: 'refused', uid, how: 'gate', code: null, message });
    }
  }

  /** The only place that writes to the socket. Returns which lines were refused, and why. */
  private write(lines: OutgoingLine[], bodies: object[]): Map<number, string> {
    const refused = new Map<number, string>();
    let text = '';
    let count = 0;
    for (const [index, line] of lines.entries()) {
      const verdict = this.options.gate?.(line) ?? { allowed: true };
      if (verdict.allowed) {
        text += `${JSON.stringify(bodies[index])}\r\n`;
        count++;
      } else {
        this.stats.gated++;
        refused.set(index, verdict.reason);
      }
    }
    if (count > 0 && this.socket) {
      this.stats.linesOut += count;
      this.stats.bytesOut += Buffer.byteLength(text);
      this.keepalive.sent();
      this.socket.write(text);
    }
    return refused;
  }

  private sendHeartbeat(): void {
    const now = this.clock.now();
    const body = { Event: 'Polling', Timestamp: Math.round(now) / 1000, Host: hostname(), Inst: this.address.instance };
    if (this.write([{ kind: 'heartbeat', method: null, params: {} }], [body]).size === 0) this.stats.heartbeatsOut++;
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
          if (this.socket === socket) this.onLine(bytes, picture);
        },
        tooLong: (bytes) => this.onTooLong(bytes),
      },
      this.pictures,
    );
    let turn = 0;
    const socket: Socket = connect({
      host: this.address.host,
      port: this.address.port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => {
          if (this.socket !== socket) return false;
          this.stats.bytesIn += length;
          this.keepalive.received();
          framer.push((buffer as Buffer).subarray(0, length));
          turn += length;
          if (turn < TURN_BYTES) return true;
          turn = 0;
          setImmediate(() => {
            if (this.socket === socket) socket.resume();
          });
          return false;
        },
      },
    });
    this.socket = socket;
    const current = (fn: () => void) => (): void => {
      if (this.socket === socket) fn();
    };
    let problem: string | null = null;
    socket.on(
      'connect',
      current(() => this.onConnected()),
    );
    socket.on('error', (thrown: NodeJS.ErrnoException) => {
      problem = thrown.code ?? thrown.message;
    });
    socket.on(
      'end',
      current(() => this.lost('Voyager closed the connection')),
    );
    socket.on(
      'close',
      current(() =>
        this.lost(
          problem === null
            ? 'the connection was closed'
            : this.state === 'connecting'
              ? `cannot connect: ${problem}`
              : `the connection broke: ${problem}`,
        ),
      ),
    );
    this.step = this.clock.setTimeout(
      current(() => this.lost(`cannot connect: no answer within ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
  }

  private onConnected(): void {
    this.step?.cancel();
    this.sessionKey = null;
    this.offset.clear();
    this.setState('handshaking', null);
    this.keepalive.start();
    this.step = this.clock.setTimeout(() => this.lost(`no Version from Voyager within ${HELLO_MS / 1000} s`), HELLO_MS);
  }

  private onLine(bytes: Buffer, picture: Picture | null): void {
    this.stats.linesIn++;
    const decoded = decodeLine(bytes, picture);
    if (!decoded.ok) {
      this.noteBadLine('badLines', decoded.error, bytes);
      return;
    }
    if (decoded.mended !== null) this.noteBadLine('mendedLines', decoded.mended, bytes);
    this.lastValid = this.clock.monotonicMs();
    this.keepalive.message();
    this.onMessage(decoded.message);
  }

  /** The first ten of each kind are logged, then every hundredth. */
  private noteBadLine(kind: 'badLines' | 'mendedLines', error: string, bytes: Buffer): void {
    const count = ++this.stats[kind];
    const head = excerpt(bytes);
    const what = kind === 'badLines' ? 'line of voyager passed over' : 'line of voyager read in part';
    if (count <= 10 || count % 100 === 0) this.logger.warn({ error, head, [kind]: count }, what);
    this.tell('badLine', { error, head });
  }

  private onMessage(message: Message): void {
    if (message.kind === 'event') this.onEvent(message.event);
    else if (message.kind === 'reply') {
      if (!this.pending.onReply(message.reply))
        this.logger.debug({ id: message.reply.id, error: message.reply.error }, 'reply without a request');
    } else this.logger.warn({ method: message.request.method }, 'voyager sent a request');
  }

  private onEvent(event: VoyagerEvent): void {
    if (event.timestamp !== null) this.offset.add(this.clock.now() / 1000 - event.timestamp);
    if (event.unknown) this.stats.unknownEvents++;
    else if (event.name === 'Polling') this.stats.heartbeatsIn++;
    else if (event.name === 'NewJPGReady') this.stats.pictures++;
    else if (event.name === 'ShutDown') this.shutDownAt = this.clock.monotonicMs();
    else if (event.name === 'Version') {
      this.sessionKey = event.data.SessionKey;
      this.voyagerVersion = event.data.VOYVersion;
      if (event.inst !== null && event.inst !== this.address.instance)
        this.logger.warn(
          { expected: this.address.instance, inst: event.inst },
          'another instance of voyager answers on this port',
        );
    }
    this.tell('event', event);
    if (isEvent(event, 'RemoteActionResult')) this.pending.onResult(event.data);
    else if (isEvent(event, 'Version') && this.state === 'handshaking' && this.pending.size === 0) this.login();
  }

  private login(): void {
    this.step?.cancel();
    const credentials = this.credentials;
    if (!credentials) {
      this.enterModes(0);
      return;
    }
    const uid = randomUUID();
    const [method, params] =
      'ticket' in credentials
        ? ['AuthenticateUserTicket', { UID: uid, Ticket: credentials.ticket }]
        : [
            'AuthenticateUserBase',
            {
              UID: uid,
              Base: Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64'),
            },
          ];
    this.handshake('login', method, uid, params, 'reply', LOGIN_MS, (outcome) => {
      if (
        outcome.outcome === 'done' ||
        (outcome.outcome === 'refused' && /Authentication Level not Allow/i.test(outcome.message))
      ) {
        this.loginRejected = false;
        this.enterModes(0);
      } else if (outcome.outcome === 'refused' && outcome.how === 'reply') {
        this.loginRejected = true;
        this.tell('alarm', { what: 'login_rejected', message: outcome.message });
        this.logger.error({ message: outcome.message }, 'voyager rejected the login');
        this.lost(`login rejected: ${outcome.message}`, LOGIN_RETRY_MS);
      } else
        this.lost(
          outcome.outcome === 'refused'
            ? `login not sent: ${outcome.message}`
            : `no answer to the login within ${LOGIN_MS / 1000} s`,
        );
    });
  }

  private enterModes(index: number): void {
    const { dashboard, logLevel } = this.options.modes;
    const steps: { method: string; params: (uid: string, id: number) => Record<string, unknown> }[] = [];
    if (dashboard) steps.push({ method: 'RemoteSetDashboardMode', params: (UID) => ({ UID, IsOn: true }) });
    if (logLevel !== null)
      steps.push({ method: 'RemoteSetLogEvent', params: (UID) => ({ UID, IsOn: true, Level: logLevel }) });
    for (const mode of this.options.dialect.modes)
      steps.push({
        method: mode.method,
        params: (uid, id) =>
          fillParams(this.options.dialect, mode, {
            secret: this.options.robotargetSecret ?? '',
            sessionKey: this.sessionKey ?? '',
            id,
            uid,
          }),
      });
    const mode = steps[index];
    if (!mode) {
      this.ready();
      return;
    }
    const uid = randomUUID();
    this.handshake('mode', mode.method, uid, mode.params(uid, this.nextId), 'result', MODE_MS, (outcome) => {
      if (outcome.outcome === 'done') this.enterModes(index + 1);
      else this.lost(`${mode.method} failed: ${outcome.message}`);
    });
  }

  private handshake(
    kind: 'login' | 'mode',
    method: string,
    uid: string,
    params: Record<string, unknown>,
    answer: 'reply' | 'result',
    timeoutMs: number,
    next: (outcome: RequestOutcome) => void,
  ): void {
    const { epoch } = this;
    this.submit([
      {
        id: this.nextId++,
        uid,
        line: { kind, method, params },
        answer,
        timeoutMs,
        settle: (outcome) => {
          if (this.epoch === epoch && this.state === 'handshaking') next(outcome);
        },
      },
    ]);
  }

  private ready(): void {
    this.attempt = 0;
    this.shutDownAt = null;
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
    if (this.shutDownAt !== null) {
      const since = this.clock.monotonicMs() - this.shutDownAt;
      if (since < KNOCK_FOR_MS) return since < KNOCK_MS ? KNOCK_MS / 10 : KNOCK_MS;
      this.shutDownAt = null;
    }
    return backoffMs(this.attempt++, this.random);
  }

  private dropSocket(reason: string): void {
    const { socket } = this;
    this.socket = null;
    this.keepalive.stop();
    socket?.destroy();
    this.actions.clear(`not sent: ${reason}`);
    this.pending.endAll(reason);
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
