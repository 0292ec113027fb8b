import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Transport } from './client.ts';

/** A newcomer that says nothing within this time (wall clock: it concerns the transport, not the night) is a TCP client and gets its Version. */
const SNIFF_MS = 60;

export interface Acceptor {
  /** Returns where the bytes of this connection go. */
  accept(transport: Transport): { receive(chunk: Buffer): void; gone(reason: string): void };
  refuses(): boolean;
}

/** One port for both: TCP lines, and WebSocket for whoever begins with an HTTP request. */
export class WireServer {
  private readonly server: Server;
  private readonly http: HttpServer;
  private readonly sockets = new Set<Socket>();
  private readonly acceptor: Acceptor;

  constructor(acceptor: Acceptor) {
    this.acceptor = acceptor;
    this.http = createHttpServer((_, response) => response.writeHead(426).end());
    const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.http.on('upgrade', (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        const session = acceptor.accept({
          write: (bytes) => ws.send(bytes, { binary: false }),
          end: () => ws.close(),
          destroy: () => ws.terminate(),
          pending: () => ws.bufferedAmount,
          remote: request.socket.remoteAddress ?? '',
        });
        ws.on('message', (data: Buffer) => session.receive(endsLine(data) ? data : Buffer.concat([data, CRLF])));
        ws.on('close', () => session.gone('closed by client'));
        ws.on('error', () => session.gone('socket error'));
      });
    });
    this.server = createServer((socket) => this.connected(socket));
  }

  private connected(socket: Socket): void {
    socket.on('error', () => {});
    if (this.acceptor.refuses()) {
      socket.resetAndDestroy();
      return;
    }
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.setNoDelay(true);
    const sniff = (): void => {
      socket.off('readable', sniff);
      clearTimeout(timer);
      const first = socket.read() as Buffer | null;
      if (first !== null && first.subarray(0, 4).toString('latin1') === 'GET ') {
        socket.unshift(first);
        this.http.emit('connection', socket);
        return;
      }
      const session = this.acceptor.accept({
        write: (bytes) => socket.write(bytes),
        end: () => socket.end(),
        destroy: () => socket.destroy(),
        pending: () => socket.writableLength,
        remote: socket.remoteAddress ?? '',
      });
      if (first !== null) session.receive(first);
      socket.on('data', (chunk: Buffer) => session.receive(chunk));
      socket.on('close', () => session.gone('closed by client'));
    };
    const timer = setTimeout(sniff, SNIFF_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.on('readable', sniff);
  }

  /** @returns the port, also when 0 was asked for. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
  get listening(): boolean {
    return this.server.listening;
  }
}
const CRLF = Buffer.from('\r\n');
const endsLine = (data: Buffer): boolean => data.length > 0 && data[data.length - 1] === 10;
