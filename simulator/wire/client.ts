import type { Clock, Timer } from '../../platform/clock.ts';
import { LineReader, toLine } from './lines.ts';

/** What carries the bytes: a TCP socket or a WebSocket. */
export interface Transport {
  write(bytes: Buffer): void;
  /** Orderly end after what is queued. */
  end(): void;
  destroy(): void;
  /** Bytes that the peer has not taken yet. */
  pending(): number;
  remote: string;
}

export interface ClientHooks {
  message(client: Client, message: Record<string, unknown>): void;
  closed(client: Client, reason: string): void;
  /** Takes one armed fault of the line, if there is one. */
  lineFault(kind: 'join_lines' | 'split_bytes' | 'empty_lines'): boolean;
  polling(client: Client): Record<string, unknown>;
}
/** Voyager's own times, in ms: silence after which it sends Polling, silence of the client after which it closes, and the wait for a login. */
export const HEARTBEAT_MS = 5_000;
export const SILENCE_MS = 15_000;
export const LOGIN_MS = 5_000;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** One connection: framing, heartbeat both ways, login deadline, and the faults of the line. Nothing outlives it. */
export class Client {
  readonly number: number;
  readonly connectedAt: number;
  authenticated = false;
  dashboard = false;
  /** null = log events off; 0 all, 1 without INFO and DEBUG. */
  logLevel: number | null = null;
  donuts = false;
  /** The 30 s round of weather events runs for this connection. */
  weatherRound = false;
  /** Digits of the Version event's Timestamp, as they went out. */
  sessionKey = '';
  closed = false;
  /** Faults that hold for this connection. */
  halfOpen = false;
  noPolling = false;
  dropAfterBytes: number | null = null;
  dripBytesPerSecond: number | null = null;

  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly hooks: ClientHooks;
  private readonly reader = new LineReader();
  private readonly timers = new Set<Timer>();
  private lastReceived: number;
  private lastSent: number;
  private held: Buffer[] = [];
  private queue: Buffer[] = [];
  private pumping = false;
  private ending = false;

  constructor(number: number, transport: Transport, clock: Clock, hooks: ClientHooks, loginNeeded: boolean) {
    this.number = number;
    this.transport = transport;
    this.clock = clock;
    this.hooks = hooks;
    this.connectedAt = this.lastReceived = this.lastSent = clock.monotonicMs();
    this.authenticated = !loginNeeded;
    this.watchSilence();
    this.watchHeartbeat();
    if (loginNeeded) {
      this.after(LOGIN_MS, () => {
        if (!this.authenticated) this.close('no login within 5 s');
      });
    }
  }

  private after(ms: number, fn: () => void): void {
    const timer = this.clock.setTimeout(() => {
      this.timers.delete(timer);
      if (!this.closed) fn();
    }, ms);
    this.timers.add(timer);
  }
  private watchSilence(): void {
    const left = this.lastReceived + SILENCE_MS - this.clock.monotonicMs();
    if (left <= 0) this.close('15 s without data');
    else this.after(left, () => this.watchSilence());
  }
  private watchHeartbeat(): void {
    let left = this.lastSent + HEARTBEAT_MS - this.clock.monotonicMs();
    if (left <= 0) {
      if (!this.noPolling) this.send(this.hooks.polling(this));
      left = HEARTBEAT_MS;
    }
    this.after(left, () => this.watchHeartbeat());
  }

  receive(chunk: Buffer): void {
    if (this.closed || this.halfOpen) return;
    let lines: string[];
    try {
      lines = this.reader.push(chunk);
    } catch {
      this.close('line too long');
      return;
    }
    for (const line of lines) {
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        continue; // not valid data: it does not count against the 15 s either
      }
      if (typeof message !== 'object' || message === null || Array.isArray(message)) continue;
      this.lastReceived = this.clock.monotonicMs();
      this.hooks.message(this, message as Record<string, unknown>);
      if (this.closed) return;
    }
  }

  send(message: Record<string, unknown>): void {
    this.sendText(toLine(message));
  }
  sendText(line: string): void {
    this.sendBytes(Buffer.from(`${line}\r\n`, 'utf8'));
  }
  sendBytes(bytes: Buffer): void {
    if (this.closed || this.ending) return;
    this.lastSent = this.clock.monotonicMs();
    if (this.halfOpen) return;
    if (this.hooks.lineFault('empty_lines')) this.push(Buffer.from('\r\n'));
    if (this.hooks.lineFault('join_lines')) {
      this.held.push(bytes);
      return;
    }
    const whole = this.held.length > 0 ? Buffer.concat([...this.held, bytes]) : bytes;
    this.held = [];
    if (this.hooks.lineFault('split_bytes')) for (const byte of whole) this.push(Buffer.from([byte]));
    else this.push(whole);
  }

  private push(bytes: Buffer): void {
    let out = bytes;
    let drop = false;
    if (this.dropAfterBytes !== null) {
      if (bytes.length >= this.dropAfterBytes) {
        out = bytes.subarray(0, this.dropAfterBytes);
        drop = true;
      }
      this.dropAfterBytes -= out.length;
    }
    if (out.length > 0) this.queue.push(out);
    if (drop) {
      while (this.queue.length > 0) this.transport.write(this.queue.shift()!);
      this.close('fault: drop after bytes');
      return;
    }
    if (!this.pumping) this.pump();
  }
  private pump(): void {
    this.pumping = false;
    while (this.queue.length > 0 && !this.closed) {
      if (this.dripBytesPerSecond !== null) {
        const share = Math.max(1, Math.round(this.dripBytesPerSecond / 10));
        const first = this.queue[0]!;
        this.write(first.subarray(0, share));
        if (first.length > share) this.queue[0] = first.subarray(share);
        else this.queue.shift();
        this.pumping = true;
        this.after(100, () => this.pump());
        return;
      }
      const next = this.queue.shift()!;
      this.write(next);
      if (next.length === 1) {
        // one byte per turn of the loop, so that the kernel sends them singly
        this.pumping = true;
        setImmediate(() => this.pump());
        return;
      }
    }
    if (this.ending && !this.closed) this.finish('closed by us');
  }
  private write(bytes: Buffer): void {
    this.transport.write(bytes);
    if (this.transport.pending() > MAX_PENDING_BYTES) this.close('peer does not read');
  }

  /** Orderly end: what is queued still goes out. */
  end(reason: string): void {
    if (this.closed) return;
    this.ending = true;
    if (this.queue.length === 0) this.finish(reason);
  }
  private finish(reason: string): void {
    this.transport.end();
    this.gone(reason);
  }
  close(reason: string): void {
    if (this.closed) return;
    this.transport.destroy();
    this.gone(reason);
  }
  /** The peer has closed, or we have. */
  gone(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.queue = [];
    this.hooks.closed(this, reason);
  }
}
