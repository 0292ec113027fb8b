import { appendFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

type Mode = 'through' | 'away' | 'kill-api-on-put';

/** The wire between the site and the api, which the PHP tests cut: each asks `GET /mode/…` of the control address. */
export interface Wire {
  /** Address that stands for the api. */
  url: string;
  controlUrl: string;
  stop(): Promise<void>;
}

const listening = (server: Server | HttpServer): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
const closed = (server: Server | HttpServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export async function startWire(apiUrl: string, killApi: () => void): Promise<Wire> {
  let mode: Mode = 'through';
  let connections = 0;
  let killed = false;
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(apiUrl);
  const wire = createServer((client) => {
    connections++;
    sockets.add(client);
    client.on('error', () => client.destroy());
    if (mode === 'away') {
      client.resetAndDestroy();
      return;
    }
    const api = connect(Number(port), hostname);
    let deadly = false;
    client.on(
      'data',
      (chunk: Buffer) => (deadly ||= mode === 'kill-api-on-put' && chunk.subarray(0, 4).toString() === 'PUT '),
    );
    api.on('data', (chunk: Buffer) => {
      // The api has done its work and begun to answer: that is when it dies, and nobody hears the answer.
      if (!deadly) {
        client.write(chunk);
        return;
      }
      if (!killed) killApi();
      killed = true;
      mode = 'through';
      client.destroy();
    });
    client.pipe(api);
    api.on('end', () => client.end());
    api.on('error', () => client.destroy());
    client.on('close', () => {
      sockets.delete(client);
      api.destroy();
    });
  });
  const control = createHttp((request, response) => {
    const wanted = /^\/mode\/([\w-]+)$/.exec(request.url ?? '')?.[1];
    if (wanted) mode = wanted as Mode;
    response.end(request.url === '/connections' ? String(connections) : killed ? 'killed' : 'alive');
  });
  const [wirePort, controlPort] = await Promise.all([listening(wire), listening(control)]);
  return {
    url: `http://127.0.0.1:${wirePort}`,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      control.closeAllConnections();
      await Promise.all([closed(wire), closed(control)]);
    },
  };
}

/** A receiver of webhooks that writes down what comes, a line of JSON each. */
export async function startRecorder(file: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      appendFileSync(file, `${JSON.stringify({ headers: request.headers, body: Buffer.concat(chunks).toString() })}\n`);
      response.writeHead(204).end();
    });
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      server.closeAllConnections();
      await closed(server);
    },
  };
}
