import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { postWebhook, signatureHeaders } from '../../activities/notify/webhook.ts';
import { clock } from './clock.ts';

const KEPT = 200;

/** One attempt to deliver a webhook. */
interface Delivery {
  /** By the sandbox's clock. */
  at: string;
  id: string;
  type: string;
  booking_id: string | null;
  url: string;
  status: number | null;
  error: string | null;
}

/**
 * The last step of a webhook's way. A receiver compares the signature's timestamp with its own clock, which nobody moves: so each delivery is signed
 * anew under the machine's time, and everything in its body keeps the sandbox's.
 */
export class Relay {
  readonly deliveries: Delivery[] = [];
  private constructor(
    private readonly to: string,
    private readonly secret: string,
    private readonly server: Server,
  ) {}

  static async start(to: string, secret: string): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(to, secret, server);
    server.on('request', (request, response) => {
      relay.pass(request).then(
        (status) => response.writeHead(status).end(),
        // What comes from elsewhere than the product.
        () => response.writeHead(400).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return relay;
  }
  /** Where the product delivers to. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** @returns what the receiver answered; 502 where it did not */
  private async pass(request: IncomingMessage): Promise<number> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts).toString('utf8');
    const message = JSON.parse(body) as { id: string; type: string; booking_id: string | null };
    const headers = signatureHeaders([this.secret], message.id, Math.floor(clock.machineMs() / 1000), body);
    const at = new Date().toISOString();
    const result = await postWebhook(this.to, { ...headers, 'x-nocturne-sandbox': at }, body, true);
    const { id, type, booking_id } = message;
    this.deliveries.push({ at, id, type, booking_id, url: this.to, status: result.status, error: result.error });
    this.deliveries.splice(0, this.deliveries.length - KEPT);
    return result.status ?? 502;
  }
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
