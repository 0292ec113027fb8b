import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from '../platform/errors.ts';
import type { EffectEntry } from './effects.ts';

/** What tests and the demo may ask of the simulator itself, beside the wire. Loopback only. */
export interface Controls {
  state(): Record<string, unknown>;
  entries(after: number): EffectEntry[];
  /** @throws UsageError */
  inject(json: unknown): number;
  /** @throws UsageError */
  setWeather(values: Record<string, unknown>): void;
  restart(seconds: number): void;
  shutdown(seconds: number): void;
}

/** GET /state, GET /log?after=n (JSON lines), POST /faults, /weather, /restart, /shutdown. */
export class ControlServer {
  private readonly controls: Controls;
  private readonly server: Server;
  constructor(controls: Controls) {
    this.controls = controls;
    this.server = createServer((request, response) => void this.handle(request, response));
    this.server.keepAliveTimeout = 2_000;
  }
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
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
    this.server.closeAllConnections();
    await closed;
  }
  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const send = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    try {
      const route = `${request.method} ${url.pathname}`;
      if (route === 'GET /state' || route === 'GET /healthz') return send(200, this.controls.state());
      if (route === 'GET /log') {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.end(
          this.controls
            .entries(Number(url.searchParams.get('after') ?? 0))
            .map((entry) => `${JSON.stringify(entry)}\n`)
            .join(''),
        );
        return;
      }
      if (request.method !== 'POST') return send(404, { error: 'not found' });
      const body = await readJson(request);
      if (url.pathname === '/faults') return send(200, { steps: this.controls.inject(body) });
      if (url.pathname === '/weather') {
        this.controls.setWeather(body);
        return send(200, this.controls.state());
      }
      const seconds = typeof body.for_seconds === 'number' ? body.for_seconds : 1;
      if (url.pathname === '/restart') {
        this.controls.restart(seconds);
        return send(202, { restart: seconds });
      }
      if (url.pathname === '/shutdown') {
        this.controls.shutdown(seconds);
        return send(202, { shutdown: seconds });
      }
      send(404, { error: 'not found' });
    } catch (thrown) {
      send(thrown instanceof UsageError || thrown instanceof SyntaxError ? 422 : 500, {
        error: thrown instanceof Error ? thrown.message : String(thrown),
      });
    }
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text.trim() === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
