import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { GatewayAbort, type Receipt } from '../domain/contracts/control.ts';
import { toError } from '../platform/errors.ts';
import { GATEWAY_HEADERS, verifyGatewayRequest } from '../platform/gateway-auth.ts';
import type { Logger } from '../platform/logger.ts';
import { MaintenanceWindows } from './telescope/maintenance.ts';
import type { TelescopeGateway } from './telescope/telescope.ts';

export interface GatewayHttpOptions {
  telescopes: ReadonlyMap<string, TelescopeGateway>;
  /** GATEWAY_SECRET; without it every signed route answers 503. */
  secret: string | null;
  metrics: () => Promise<{ type: string; text: string }>;
  /** Null when ready, else why not. */
  readiness: () => string | null;
  logger: Logger;
}
const MAX_BODY = 64 * 1024;

/**
 * The gateway's own HTTP (docs/safety.md, 7): emergency abort, halt, state, preview and history, signed with GATEWAY_SECRET; health and metrics
 * open. Nothing here waits for PostgreSQL or Temporal.
 */
export function createGatewayHttp(options: GatewayHttpOptions): Server {
  return createServer((request, response) => {
    handle(options, request, response).catch((thrown: unknown) => {
      options.logger.error({ err: toError(thrown), path: request.url }, 'gateway http');
      if (!response.headersSent) problem(response, 500, 'Internal error');
      else response.destroy();
    });
  });
}

async function handle(options: GatewayHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '/';
  const path = target.split('?')[0]!;
  const method = request.method ?? 'GET';
  if (method === 'GET' && path === '/healthz') return json(response, 200, { status: 'ok' });
  if (method === 'GET' && path === '/readyz') {
    const why = options.readiness();
    return json(
      response,
      why === null ? 200 : 503,
      why === null ? { status: 'ready' } : { status: 'not ready', reason: why },
    );
  }
  if (method === 'GET' && path === '/metrics') {
    const { type, text } = await options.metrics();
    response.writeHead(200, { 'content-type': type }).end(text);
    return;
  }
  const route = routeOf(path);
  if (!route) return problem(response, 404, 'No such route');
  const body = method === 'POST' ? await readBody(request) : '';
  if (body === null) return problem(response, 413, `A body of more than ${MAX_BODY} bytes`);
  if (!options.secret) return problem(response, 503, 'GATEWAY_SECRET is not set on the gateway');
  const header = (name: string): string | null => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const why = verifyGatewayRequest(options.secret, method, target, body, {
    timestamp: header(GATEWAY_HEADERS.timestamp),
    signature: header(GATEWAY_HEADERS.signature),
  });
  if (why) return problem(response, 401, `Request ${why}`);
  const gateway = options.telescopes.get(decodeURIComponent(route[1]));
  if (!gateway) return problem(response, 404, `Telescope "${route[1]}" is not served by this gateway`);
  const serve = ROUTES.get(`${method} ${route[2]}`);
  return serve ? serve(gateway, { body, target, request, response }) : problem(response, 404, 'No such route');
}

/** Path, telescope and verb of `…/v1/telescopes/ID/VERB`; whatever stands before it is a proxy's. */
function routeOf(path: string): [string, string, string] | null {
  const [version, kind, id = '', verb = ''] = path.split('/').slice(-4);
  return version === 'v1' && kind === 'telescopes' && id !== '' && /^[a-z.-]{1,40}$/.test(verb)
    ? [path, id, verb]
    : null;
}

interface Exchange {
  body: string;
  /** Path and query. */
  target: string;
  request: IncomingMessage;
  response: ServerResponse;
}
type Route = (gateway: TelescopeGateway, exchange: Exchange) => Promise<void> | void;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET state', (gateway, { response }) => json(response, 200, gateway.state())],
  ['GET weather', (gateway, { response }) => json(response, 200, { sources: gateway.weather.sources() })],
  ['GET history', sendHistory],
  ['GET preview.jpg', sendPreview],
  [
    'POST abort',
    async (gateway, { body, response }) => sendReceipt(response, await gateway.aborts.abort(wished(body))),
  ],
  [
    'POST halt',
    async (gateway, { body, response }) =>
      sendReceipt(response, { ...(await gateway.aborts.halt(wished(body))), kind: 'halt' }),
  ],
  ['POST maintenance', takeMaintenance],
  ['POST emergency-over', endEmergency],
]);

function sendHistory(gateway: TelescopeGateway, { target, response }: Exchange): void {
  const since = Date.parse(new URL(target, 'http://gateway').searchParams.get('since') ?? '');
  json(response, 200, { series: gateway.mirror.history.all(Number.isFinite(since) ? since : 0) });
}
function sendPreview({ preview }: TelescopeGateway, { request, response }: Exchange): void {
  if (!preview) {
    problem(response, 404, 'No picture yet');
    return;
  }
  const etag = `"${preview.meta.id}"`;
  const headers = { etag, 'last-modified': new Date(preview.meta.at).toUTCString(), 'cache-control': 'no-cache' };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  preview.readers += 1;
  response.once('close', () => (preview.readers -= 1));
  response
    .writeHead(200, { ...headers, 'content-type': 'image/jpeg', 'content-length': preview.jpeg.length })
    .end(preview.jpeg);
}
/** What a stop asks for: every field is one that it can do without. */
function wished(body: string): GatewayAbort {
  const said = parseJson(body);
  return GatewayAbort.parse(typeof said === 'object' && said !== null && !Array.isArray(said) ? said : {});
}
const STATUS_OF_RECEIPT: Partial<Record<Receipt['state'], number>> = { refused: 409, confirmed: 200 };
const sendReceipt = (response: ServerResponse, receipt: Receipt): void =>
  json(response, STATUS_OF_RECEIPT[receipt.state] ?? 202, receipt);

async function takeMaintenance(gateway: TelescopeGateway, { body, response }: Exchange): Promise<void> {
  const parsed = MaintenanceWindows.safeParse(parseJson(body));
  if (parsed.success) {
    json(response, 200, { known: await gateway.knowMaintenance(parsed.data.windows) });
    return;
  }
  const errors = parsed.error.issues.map((issue) => [issue.path.join('.') || 'body', [issue.message]]);
  problem(response, 422, 'Not a valid request', Object.fromEntries(errors) as Record<string, string[]>);
}
function endEmergency(gateway: TelescopeGateway, { body, response }: Exchange): void {
  const by = (parseJson(body) as { requested_by?: unknown } | null)?.requested_by;
  if (typeof by === 'string' && by.length > 0) json(response, 200, { ended: gateway.hearing.endEmergency(by) });
  else problem(response, 422, 'Not a valid request', { requested_by: ['must name who says so'] });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
    })
    .end(text);
}
function problem(response: ServerResponse, status: number, title: string, errors?: Record<string, string[]>): void {
  const text = JSON.stringify({ type: 'about:blank', title, status, ...(errors ? { errors } : {}) });
  response
    .writeHead(status, { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}
