import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { Connections, type Answer } from './connections.ts';

/**
 * Viewers that do what a page does: connect, have three channels signed by one question and subscribe to them, read the events they missed, and ask for
 * the snapshot where the socket has brought none that knows these events. A lost connection is opened again after a second, as pusher-js does.
 * Arguments: port, viewers, events that there are. One JSON line once all are complete, and again for each number of events that stdin names.
 */
const [port, viewers, first] = process.argv.slice(2).map(Number) as [number, number, number];
const tokens = JSON.parse(process.env.TOKENS ?? '[]') as string[];
let wanted = first;
let requests = 0;
let refused = 0;
let turnedAway = 0;
let sinceMs = performance.now();
let told = false;
const waiting = new Set<Viewer>();
const http = new Connections(port);

function ask(method: 'GET' | 'POST', path: string, token: string, body?: object): Promise<Answer> {
  requests++;
  return http.ask(method, path, token, body);
}

class Viewer {
  private seq = 0;
  private subscribed = new Set<string>();
  private snapshotSeq = 0;
  /** Of the snapshot that the socket has brought since this repair began. */
  private broughtSeq = -1;
  private aheadSeq = 0;
  private repairing = false;
  completeMs = 0;
  constructor(
    private readonly address: string,
    private readonly session: string,
    private readonly token: string,
  ) {}

  open(): void {
    this.subscribed.clear();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/app/bench?protocol=7`, {
      perMessageDeflate: false,
      localAddress: this.address,
    });
    socket.on('error', (err) => (turnedAway += err.message.includes('503') ? 1 : 0));
    socket.on('close', () => setTimeout(() => this.open(), 1_000));
    socket.on('message', (raw: Buffer) => this.heard(socket, JSON.parse(raw.toString()) as Message));
  }
  private heard(socket: WebSocket, { event, data, channel }: Message): void {
    if (event === 'pusher:connection_established')
      void this.join(socket, (JSON.parse(data) as { socket_id: string }).socket_id);
    else if (event === 'pusher_internal:subscription_succeeded') {
      this.subscribed.add(channel!);
      if (channel === `private-session.${this.session}`) void this.repair();
    } else if (event === 'session.snapshot') {
      this.snapshotSeq = this.broughtSeq = (JSON.parse(data) as { seq: number }).seq;
      this.behind(this.broughtSeq);
    } else if (event === 'log.appended') {
      const { seq } = JSON.parse(data) as { seq: number };
      if (seq === this.seq + 1) this.seq = seq;
      else this.behind(seq);
    } else if (event === 'pusher:ping') socket.send('{"event":"pusher:pong","data":"{}"}');
    this.judge();
  }
  private async join(socket: WebSocket, socketId: string): Promise<void> {
    const { session } = this;
    const channels = [`private-session.${session}`, `private-cache-session.${session}.state`, 'presence-telescope.t'];
    try {
      const { status, body } = await ask('POST', '/broadcasting/auth', this.token, {
        socket_id: socketId,
        channel_name: channels,
      });
      if (status !== 200) throw new Error(String(status));
      const answers = (JSON.parse(body) as { channels: Record<string, { auth?: string }> }).channels;
      for (const channel of channels) this.subscribe(socket, socketId, channel, answers[channel]!);
    } catch {
      for (const channel of channels) this.again(socket, () => void this.joinOne(socket, socketId, channel));
    }
  }
  private async joinOne(socket: WebSocket, socketId: string, channel: string): Promise<void> {
    const asked = { socket_id: socketId, channel_name: channel };
    const answer = await ask('POST', '/broadcasting/auth', this.token, asked).catch(() => null);
    this.subscribe(socket, socketId, channel, answer?.status === 200 ? (JSON.parse(answer.body) as object) : {});
  }
  private subscribe(socket: WebSocket, socketId: string, channel: string, answer: { auth?: string }): void {
    if (answer.auth === undefined) this.again(socket, () => void this.joinOne(socket, socketId, channel));
    else socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...answer } }));
  }
  private again(socket: WebSocket, what: () => void): void {
    refused++;
    setTimeout(() => socket.readyState === 1 && what(), 750 + Math.random() * 500);
  }
  private async repair(): Promise<void> {
    if (this.repairing) return;
    this.repairing = true;
    try {
      await this.readMissed();
    } catch {
      refused++;
      setTimeout(() => void this.repair(), 750 + Math.random() * 500);
    }
    this.repairing = false;
    if (this.aheadSeq > this.seq) void this.repair();
    this.judge();
  }
  /** There are events up to `seq`. */
  private behind(seq: number): void {
    this.aheadSeq = Math.max(this.aheadSeq, seq);
    if (seq > this.seq) void this.repair();
  }
  private async readMissed(): Promise<void> {
    const base = `/api/bookings/${this.session}`;
    this.broughtSeq = -1;
    this.aheadSeq = 0;
    const { status, body } = await ask('GET', `${base}/events?after=${this.seq}&limit=200`, this.token);
    if (status !== 200) throw new Error(String(status));
    for (const { seq } of (JSON.parse(body) as { data: { seq: number }[] }).data)
      if (seq === this.seq + 1) this.seq = seq;
    if (this.broughtSeq >= this.seq) return;
    const snapshot = await ask('GET', `${base}/snapshot`, this.token);
    if (snapshot.status !== 200) throw new Error(String(snapshot.status));
    this.snapshotSeq = (JSON.parse(snapshot.body) as { seq: number }).seq;
  }
  judge(): void {
    if (!waiting.has(this) || this.subscribed.size < 3 || this.seq < wanted || this.snapshotSeq < first) return;
    waiting.delete(this);
    this.completeMs = performance.now() - sinceMs;
    report();
  }
}
interface Message {
  event: string;
  data: string;
  channel?: string;
}

const all = Array.from(
  { length: viewers },
  (_, i) => new Viewer(`127.1.${i >> 8}.${i & 255}`, `s-${i % tokens.length}`, tokens[i % tokens.length]!),
);
for (const viewer of all) waiting.add(viewer);
/** Once all are complete, or after a minute. */
function report(late = false): void {
  if (told || (waiting.size > 0 && !late)) return;
  told = true;
  const times = all.filter((viewer) => !waiting.has(viewer)).map(({ completeMs }) => completeMs / 1_000);
  times.sort((a, b) => a - b);
  const figures = {
    complete: times.length,
    p50_seconds: times[times.length >> 1] ?? -1,
    max_seconds: times.at(-1) ?? -1,
    requests,
    refused,
    turned_away: turnedAway,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
createInterface({ input: process.stdin }).on('line', (line) => {
  wanted = Number(line);
  sinceMs = performance.now();
  told = false;
  requests = 0;
  refused = 0;
  turnedAway = 0;
  for (const viewer of all) waiting.add(viewer);
  for (const viewer of all) viewer.judge();
  setTimeout(() => report(true), 60_000).unref();
});
// They come in one after the other; only the crowd comes back at once.
for (let i = 0; i < all.length; i += 50) {
  for (const viewer of all.slice(i, i + 50)) viewer.open();
  const left = all.length - Math.min(all.length, i + 50);
  while (waiting.size > left) await new Promise((resolve) => setTimeout(resolve, 20));
}
