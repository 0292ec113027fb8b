import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Every third message is refused the first time, by its id alone. */
const refusesFirst = (id: string): boolean => createHash('sha256').update(id).digest()[0]! % 3 === 0;

/** A shop's server that takes webhooks, and is not always well. */
export class Receiver {
  /** How often each id was taken with 204. */
  readonly taken = new Map<string, number>();
  refused = 0;
  private readonly seen = new Set<string>();
  private readonly server: Server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const id = String(request.headers['webhook-id'] ?? '');
      if (!this.seen.has(id) && refusesFirst(id)) {
        this.seen.add(id);
        this.refused++;
        response.writeHead(503).end();
        return;
      }
      this.taken.set(id, (this.taken.get(id) ?? 0) + 1);
      response.writeHead(204).end();
    });
  });
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }
  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
