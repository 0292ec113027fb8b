import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Metrics } from '../metrics.ts';
import { Outgoing, type Outlet } from './outgoing.ts';
import { wire } from './protocol.ts';

export interface Member {
  userId: string;
  info: unknown;
}

/** One open connection. */
export interface Viewer extends Outlet {
  readonly channels: Set<string>;
  /** When a message or pong last came in, by Date.now(). */
  seenMs: number;
  pinged: boolean;
  userId: string | null;
  /** Who has signed in on it, as the app's server signed. */
  signedIn: Member | null;
  /** Rights that end: channel → token and end. */
  grants: Map<string, { tokenId: string; expiresAtMs: number | null }> | null;
}

/** Sockets and channels of this process. Knows nothing of sessions. */
export class Hub {
  readonly viewers = new Map<string, Viewer>();
  private readonly channels = new Map<string, Set<Viewer>>();
  private readonly outgoing: Outgoing;
  /** Last event of cache channels that others push to. */
  readonly cache = new Map<string, string>();

  constructor(private readonly metrics: Metrics) {
    this.outgoing = new Outgoing(metrics);
  }

  add(ws: WebSocket, socket: Duplex): Viewer {
    let id: string;
    do id = `${randomInt(1, 1_000_000_000)}.${randomInt(1, 1_000_000_000)}`;
    while (this.viewers.has(id));
    const viewer: Viewer = {
      id,
      ws,
      socket,
      channels: new Set(),
      seenMs: Date.now(),
      pinged: false,
      userId: null,
      signedIn: null,
      newest: null,
      burst: null,
      grants: null,
    };
    this.viewers.set(id, viewer);
    this.metrics.viewers.set(this.viewers.size);
    return viewer;
  }
  remove(viewer: Viewer): void {
    for (const channel of viewer.channels) this.leave(viewer, channel);
    this.viewers.delete(viewer.id);
    this.outgoing.forget(viewer);
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

  /** Sends to all of a channel. `replaces` marks events of which only the newest counts, `atOnce` those that wait for nothing. */
  broadcast(
    channel: string,
    event: string,
    data: unknown,
    options: { replaces?: boolean; atOnce?: boolean; exceptSocket?: string | undefined } = {},
  ): void {
    const set = this.channels.get(channel);
    if (!set) return;
    this.outgoing.toAll(set, wire(event, data, channel), {
      key: options.replaces ? `${channel} ${event}` : null,
      atOnce: options.atOnce ?? false,
      except: options.exceptSocket,
    });
  }
  send(viewer: Viewer, event: string, data: unknown, channel?: string): void {
    this.outgoing.toOne(viewer, wire(event, data, channel));
  }
  sendRaw(viewer: Viewer, text: string): void {
    this.outgoing.toOne(viewer, text);
  }
  /** Says why, closes, and cuts the connection when the peer does not follow. */
  close(viewer: Viewer, code: number, message: string): void {
    this.outgoing.close(viewer, code, message);
  }
  stop(): void {
    this.outgoing.stop();
  }
}
