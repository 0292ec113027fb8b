import { WebSocket } from 'ws';

interface Message {
  event: string;
  data?: string;
  channel?: string;
}
const AGAIN_MS = 500;

/** Somebody who watches a session over wss:// as a page does: joins, reads what it missed, and comes back whenever it is cut off. */
export class Viewer {
  /** Numbers of the stored events that came, live or read after a gap. */
  readonly known = new Set<number>();
  live = 0;
  connections = 0;
  private last = 0;
  private closed = false;
  private socket: WebSocket | null = null;
  private repairing: Promise<void> | null = null;
  constructor(
    private readonly url: string,
    private readonly app: string,
    readonly bookingId: string,
    private readonly token: string,
  ) {}

  open(): void {
    if (this.closed) return;
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/app/${this.app}?protocol=7`, {
      handshakeTimeout: 10_000,
    });
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => void setTimeout(() => this.open(), AGAIN_MS));
    socket.on('message', (raw: Buffer) => this.heard(socket, JSON.parse(raw.toString()) as Message));
  }
  close(): void {
    this.closed = true;
    this.socket?.terminate();
  }
  private heard(socket: WebSocket, { event, data = '{}' }: Message): void {
    const said = JSON.parse(data) as { socket_id?: string; seq?: number; id?: string };
    if (event === 'pusher:connection_established') {
      this.connections++;
      void this.join(socket, said.socket_id!);
    } else if (event === 'pusher_internal:subscription_succeeded') void this.repair();
    else if (event === 'pusher:ping') socket.send('{"event":"pusher:pong","data":"{}"}');
    else if (said.id !== undefined && said.seq !== undefined) this.take(said.seq);
  }
  private take(seq: number): void {
    this.live++;
    if (seq > this.last + 1) void this.repair();
    else if (seq === this.last + 1) this.know(seq);
  }
  private know(seq: number): void {
    this.known.add(seq);
    this.last = Math.max(this.last, seq);
  }
  private async join(socket: WebSocket, socketId: string): Promise<void> {
    const channel = `private-session.${this.bookingId}`;
    try {
      const response = await this.ask('POST', '/broadcasting/auth', { socket_id: socketId, channel_name: channel });
      socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...response } }));
    } catch {
      // Cut off, and begun anew.
      socket.close();
    }
  }
  /** Reads what lies between the last event that is known and the newest. */
  async repair(): Promise<void> {
    this.repairing ??= this.read().finally(() => (this.repairing = null));
    await this.repairing;
  }
  private async read(): Promise<void> {
    while (!this.closed)
      try {
        const path = `/api/bookings/${this.bookingId}/events?after=${this.last}&limit=200`;
        const { data } = (await this.ask('GET', path)) as { data: { seq: number }[] };
        for (const { seq } of data) if (seq > this.last) this.know(seq);
        if (data.length < 200) return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
  }
  private async ask(method: string, path: string, body?: object): Promise<object> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return (await response.json()) as object;
  }
}
