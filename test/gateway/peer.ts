import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface PeerMessage {
  method?: string;
  Event?: string;
  id?: number;
  params?: Record<string, unknown>;
  [field: string]: unknown;
}
/** Answers one line in its own way; true when it did, false to let the usual answer go out. */
export type Script = (message: PeerMessage, client: PeerClient) => boolean | void;

export interface PeerOptions {
  /** Sends Version at once on a new connection. */
  hello?: boolean;
  now?: () => number;
  script?: Script;
  port?: number;
}

/** One connection as the peer sees it: what came in, in order, and ways to answer. */
export class PeerClient {
  readonly received: PeerMessage[] = [];
  bytesIn = 0;
  bytesOut = 0;
  closed = false;
  private rest = '';
  readonly socket: Socket;
  private readonly peer: Peer;
  constructor(peer: Peer, socket: Socket) {
    this.peer = peer;
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.bytesIn += chunk.length;
      this.rest += chunk.toString('utf8');
      const lines = this.rest.split('\r\n');
      this.rest = lines.pop()!;
      for (const line of lines) this.peer.take(JSON.parse(line) as PeerMessage, this);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }
  raw(bytes: string | Buffer): void {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
    this.bytesOut += buffer.length;
    this.socket.write(buffer);
  }
  send(...messages: object[]): void {
    this.raw(messages.map((m) => `${JSON.stringify(m)}\r\n`).join(''));
  }
  event(name: string, fields: object = {}): void {
    this.send(this.peer.event(name, fields));
  }
  reply(message: PeerMessage): object {
    return { jsonrpc: '2.0', result: 0, id: message.id };
  }
  error(message: PeerMessage, text: string, code = 1): object {
    return { jsonrpc: '2.0', error: { code, message: text }, id: message.id };
  }
  result(message: PeerMessage, fields: object = {}): object {
    return this.peer.event('RemoteActionResult', {
      UID: message.params?.UID,
      ActionResultInt: 4,
      Motivo: '',
      ParamRet: {},
      ...fields,
    });
  }
  methods(): string[] {
    return this.received.flatMap((m) => (m.method ? [m.method] : []));
  }
  heartbeats(): number {
    return this.received.filter((m) => m.Event === 'Polling').length;
  }
}

/** A scripted Voyager on a free loopback port: says Version, accepts logins and modes, answers everything else as its script says. */
export class Peer {
  readonly clients: PeerClient[] = [];
  script: Script | undefined;
  hello: boolean;
  private readonly server: Server;
  private readonly now: () => number;
  private constructor(options: PeerOptions) {
    this.hello = options.hello ?? true;
    this.script = options.script;
    this.now = options.now ?? Date.now;
    this.server = createServer((socket) => {
      const client = new PeerClient(this, socket);
      this.clients.push(client);
      if (this.hello)
        client.event('Version', { VOYVersion: 'Release 2.3.14 - Built 2024-12-27', VOYSubver: '', MsgVersion: 1 });
    });
  }
  static async listen(options: PeerOptions = {}): Promise<Peer> {
    const peer = new Peer(options);
    await peer.open(options.port ?? 0);
    return peer;
  }
  async open(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
  }
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  /** The newest connection. */
  get last(): PeerClient {
    const client = this.clients.at(-1);
    if (!client) throw new Error('no client has connected yet');
    return client;
  }
  event(name: string, fields: object = {}): object {
    return { Event: name, Timestamp: Math.round(this.now()) / 1000, Host: 'PEER', Inst: 1, ...fields };
  }
  take(message: PeerMessage, client: PeerClient): void {
    client.received.push(message);
    if (this.script?.(message, client)) return;
    if (message.method?.startsWith('Authenticate'))
      client.send({
        jsonrpc: '2.0',
        authbase: { Username: 'admin', FirstName: '', LastName: '', Mail: '', Permissions: '', Note: '' },
        id: message.id,
      });
    else if (message.method === 'disconnect') {
      client.send(client.reply(message));
      client.socket.end();
    } else if (message.method?.startsWith('RemoteSet')) client.send(client.reply(message), client.result(message));
  }
  /** Closes the listening port and every connection. */
  async close(): Promise<void> {
    for (const client of this.clients) client.socket.destroy();
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

/** Waits, by turns of the event loop, until a condition holds; fails with its name after `ms` of real time. */
export async function until(what: string, condition: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
