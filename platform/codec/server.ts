import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { toError } from '../errors.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** A payload as the protocol of codec servers writes it: protobuf's JSON, bytes in base64. */
interface Written {
  metadata?: Record<string, string>;
  data?: string;
}
const read = ({ metadata = {}, data = '' }: Written): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
  data: Buffer.from(data, 'base64'),
});
const write = ({ metadata, data }: Payload): Written => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});

async function bodyOf(request: IncomingMessage): Promise<{ payloads?: Written[] }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('The body is longer than 16 MB.');
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as { payloads?: Written[] };
}

/**
 * Opens payloads for Temporal's pages and CLI (`POST /decode`, `POST /encode`, the protocol of its codec servers). Whoever reaches it reads everything:
 * it listens on loopback, and answers a browser only where its page is one of `origins`.
 */
export function createCodecServer(codec: PayloadCodec, origins: readonly string[]): Server {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { origin } = request.headers;
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    };
    if (origin !== undefined && !origins.includes(origin)) return answer(403, { message: `${origin} may not ask.` });
    if (origin !== undefined) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-methods', 'POST');
      response.setHeader('access-control-allow-headers', 'content-type, x-namespace, authorization');
      response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('vary', 'origin');
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const way = request.url?.split('?')[0]?.split('/').pop();
    if (request.method !== 'POST' || (way !== 'decode' && way !== 'encode'))
      return answer(404, { message: 'POST /decode or POST /encode.' });
    try {
      const { payloads = [] } = await bodyOf(request);
      answer(200, { payloads: (await codec[way](payloads.map(read))).map(write) });
    } catch (thrown) {
      answer(400, { message: toError(thrown).message });
    }
  };
  return createServer((request, response) => void handle(request, response));
}
