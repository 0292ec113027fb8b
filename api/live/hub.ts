import { randomInt } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Metrics } from '../metrics.ts';
import { CLOSE, wire } from './protocol.ts';

/** Above this much unsent data a viewer is slow: it gets only the newest of what replaces itself. */
const SLOW_BYTES = 128 * 1024;
/** Above this a viewer is sent away and repairs its gap by REST when it comes back. */
const MAX_BYTES = 1024 * 1024;
const CHECK_SLOW_MS = 200;

export interface Member {
  userId: string;
  info: unknown;
}

/** One open connection. */
export interface Viewer {
  readonly id: string;
  readonly ws: WebSocket;
  readonly channels: Set<string>;
  /** When a message or pong last came in, by Date.now(). */
  seenMs: number;
  pinged: boolean;
  userId: string | null;
  /** Who has signed in on it, as the app's server signed. */
  signedIn: Member | null;
  /** What could not be sent yet and replaces itself, by channel and event. */
  newest: Map<string, string> | null;
  /** Rights that end: channel → token and end. */
  grants: Map<string, { tokenId: string; expiresAtMs: number | null }> | null;
}

/** Sockets and channels of this process. Knows nothing of sessions. */
export class Hub {
  readonly viewers = new Map<string, Viewer>();
  private readonly channels = new Map<string, Set<Viewer>>();
  private readonly slow = new Set<Viewer>();
  private slowTimer: NodeJS.Timeout | null = null;
  /** Last event of cache channels that others push to. */
  readonly cache = new Map<string, string>();

  constructor(private readonly metrics: Metrics) {}

  add(ws: WebSocket): Viewer {
    let id: string;
    do id = `${randomInt(1, 1_000_000_000)}.${randomInt(1, 1_000_000_000)}`;
    while (this.viewers.has(id));
    const viewer: Viewer = {
      id,
      ws,
      channels: new Set(),
      seenMs: Date.now(),
      pinged: false,
      userId: null,
      signedIn: null,
      newest: null,
      grants: null,
    };
    this.viewers.set(id, viewer);
    this.metrics.viewers.set(this.viewers.size);
    return viewer;
  }
  remove(viewer: Viewer): void {
    for (const channel of viewer.channels) this.leave(viewer, channel);
    this.viewers.delete(viewer.id);
    this.slow.delete(viewer);
    this.metrics.viewers.set(this.viewers.size);
  }
  join(viewer: Viewer, channel: string): void {
    viewer.channels.add(channel);
    let set = this.channels.get(channel);
    if (!set) {
      set = new Set();
      this.channels.set(channel, set);
    }
    set.add(viewer);
  }
  leave(viewer: Viewer, channel: string): void {
    viewer.channels.delete(channel);
    viewer.grants?.delete(channel);
    const set = this.channels.get(channel);
    set?.delete(viewer);
    if (set?.size === 0) this.channels.delete(channel);
  }
  has(channel: string): boolean {
    return this.channels.has(channel);
  }
  count(channel: string): number {
    return this.channels.get(channel)?.size ?? 0;
  }
  channelNames(): IterableIterator<string> {
    return this.channels.keys();
  }
  subscribers(channel: string): Iterable<Viewer> {
    return this.channels.get(channel) ?? [];
  }

  /** Sends to all of a channel in one pass; `replaces` marks events of which only the newest counts. */
  broadcast(
    channel: string,
    event: string,
    data: unknown,
    options: { replaces?: boolean; exceptSocket?: string | undefined } = {},
  ): void {
    const set = this.channels.get(channel);
    if (!set) return;
    const text = wire(event, data, channel);
    const frame = Buffer.from(text);
    const key = options.replaces ? `${channel} ${event}` : null;
    let sent = 0;
    for (const viewer of set) {
      if (viewer.id === options.exceptSocket) continue;
      if (viewer.ws.bufferedAmount > SLOW_BYTES) this.sendSlowly(viewer, key, text);
      else {
        viewer.ws.send(frame, TEXT);
        sent++;
      }
    }
    if (sent > 0) this.metrics.liveMessages.inc({ kind: 'sent' }, sent);
  }
  send(viewer: Viewer, event: string, data: unknown, channel?: string): void {
    if (viewer.ws.readyState === 1) viewer.ws.send(wire(event, data, channel));
  }
  sendRaw(viewer: Viewer, text: string): void {
    if (viewer.ws.readyState === 1) viewer.ws.send(text);
  }

  private sendSlowly(viewer: Viewer, replaceKey: string | null, text: string): void {
    if (replaceKey !== null) {
      viewer.newest ??= new Map();
      if (viewer.newest.delete(replaceKey)) this.metrics.liveMessages.inc({ kind: 'replaced' });
      viewer.newest.set(replaceKey, text);
      this.slow.add(viewer);
      this.slowTimer ??= setInterval(() => this.flushSlow(), CHECK_SLOW_MS).unref();
      return;
    }
    if (viewer.ws.bufferedAmount > MAX_BYTES)
      this.close(viewer, CLOSE.overload, 'too slow: reconnect and read what you missed');
    else viewer.ws.send(text);
  }
  private flushSlow(): void {
    for (const viewer of this.slow) {
      if (viewer.ws.bufferedAmount > SLOW_BYTES / 2) continue;
      for (const text of viewer.newest?.values() ?? []) viewer.ws.send(text);
      viewer.newest = null;
      this.slow.delete(viewer);
    }
    if (this.slow.size === 0 && this.slowTimer) {
      clearInterval(this.slowTimer);
      this.slowTimer = null;
    }
  }
  /** Says why, closes, and cuts the connection when the peer does not follow. */
  close(viewer: Viewer, code: number, message: string): void {
    if (viewer.ws.readyState > 1) return;
    this.metrics.closes.inc({ code: String(code) });
    viewer.ws.close(code, message);
    setTimeout(() => viewer.ws.terminate(), 2_000).unref();
  }
  stop(): void {
    if (this.slowTimer) clearInterval(this.slowTimer);
    this.slowTimer = null;
  }
}
const TEXT = { binary: false } as const;
