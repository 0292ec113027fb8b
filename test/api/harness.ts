import { createHmac, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, type Api } from '../../api/app.ts';
import type { ApiOptions } from '../../api/ground.ts';
import { listen } from '../../api/listen.ts';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import { midnightLongitudeDegrees } from '../../domain/sky.ts';
import { BusListener, appendEvent } from '../../platform/bus.ts';
import { loadConfig, type Config } from '../../platform/config.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { verifyGatewayRequest } from '../../platform/gateway-auth.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { createLogger } from '../../platform/logger.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import { syncTelescopes } from '../../platform/telescopes.ts';
import { startPostgres } from '../support/postgres.ts';

/** The night in which these tests happen: 22 November 2026, 22:00 UTC, midnight at the site. */
export const NIGHT = Date.UTC(2026, 10, 22, 22, 0, 0);
export const KEY = 'server-key-of-the-tests';
export const GATEWAY_SECRET = 'gateway-secret-of-the-tests';
export const APP = { id: 'app1', key: 'appkey', secret: 'app-secret-of-the-tests' };
const started = Date.now();
/** Runs at the usual pace from NIGHT on. */
export const nightNow = (): number => NIGHT + (Date.now() - started);
export const at = (minutes: number): string => new Date(NIGHT + minutes * 60_000).toISOString();

export function telescope(id: string, over: Partial<TelescopeInput> = {}): Telescope {
  return Telescope.parse({
    id,
    name: `Telescope ${id}`,
    host: '192.0.2.1',
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site: {
      latitude_degrees: 45,
      longitude_degrees: midnightLongitudeDegrees(NIGHT),
      elevation_meters: 200,
      timezone: 'Etc/UTC',
    },
    gateway_url: 'http://127.0.0.1:9',
    ...over,
  });
}

/** A booking that is fine: near the zenith at midnight of this night. RA of the zenith then is about 4 h. */
export function body(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    telescope_id: 't1',
    start: at(60),
    end: at(120),
    user: { ref: 'user-1', display_name: 'Ada Lovelace', email: 'ada@example.org', locale: 'en' },
    target: { name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1 },
    shots: [{ filter: 'L', exposure_seconds: 60, quantity: 10 }],
    credits: { charged: 12 },
    ...over,
  };
}

export function config(over: Record<string, string> = {}): Config {
  return loadConfig({
    LOG_LEVEL: 'silent',
    GATEWAY_SECRET,
    VOYAGER_PROXY_API_KEY: KEY,
    PUSHER_APP_ID: APP.id,
    PUSHER_APP_KEY: APP.key,
    PUSHER_APP_SECRET: APP.secret,
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    PUBLIC_URL: 'http://nocturne.test',
    ...over,
  });
}

export interface RunningApi extends Api {
  url: string;
  port: number;
  bus: BusListener;
  db: Database;
  config: Config;
  fetch(path: string, init?: RequestInit & { key?: string | null; token?: string }): Promise<Response>;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
  json<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    init?: { key?: string | null; token?: string; headers?: Record<string, string> },
  ): Promise<{ status: number; body: T; headers: Headers }>;
  stop(): Promise<void>;
}

/** One api process's worth of parts, on a free port. */
export async function startApi(
  databaseUrl: string,
  options: {
    config?: Config;
    telescopes?: Telescope[];
    now?: () => number;
    limits?: ApiOptions['limits'];
    sync?: boolean;
    port?: number;
    stopRowMs?: number;
  } = {},
): Promise<RunningApi> {
  const settings = options.config ?? config();
  const logger = createLogger('api-test', settings.LOG_LEVEL);
  const db = createDatabase(databaseUrl, logger, 6, 10_000);
  const { client, connection } = createTemporalClient(settings);
  const bus = new BusListener(databaseUrl, logger);
  const telescopes = options.telescopes ?? [telescope('t1')];
  if (options.sync !== false) await syncTelescopes(db, telescopes);
  const { app, deps } = createApp({
    config: settings,
    logger,
    db,
    temporal: client,
    bus,
    telescopes,
    now: options.now ?? nightNow,
    temporalTimeoutMs: settings.TEMPORAL_ADDRESS.endsWith(':9') ? 800 : 5_000,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.stopRowMs ? { stopRowMs: options.stopRowMs } : {}),
  });
  deps.live.start();
  await bus.start();
  await deps.revocations.load().catch(() => undefined);
  const server = await listen(
    app,
    deps,
    { host: '127.0.0.1', port: options.port ?? 0 },
    { headersMs: 2_000, requestMs: 3_000 },
  );
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const send: RunningApi['fetch'] = (path, init = {}) => {
    const { key, token, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (token) headers.set('authorization', `Bearer ${token}`);
    else if (key !== null) headers.set('x-api-key', key ?? KEY);
    return fetch(`${url}${path}`, { ...rest, headers });
  };
  return {
    app,
    deps,
    url,
    port,
    bus,
    db,
    config: settings,
    fetch: send,
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
    async json<T>(
      method: string,
      path: string,
      payload?: unknown,
      init: { key?: string | null; token?: string; headers?: Record<string, string> } = {},
    ) {
      const response = await send(path, {
        method,
        ...(init.key !== undefined ? { key: init.key } : {}),
        ...(init.token ? { token: init.token } : {}),
        headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers },
        ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text ? JSON.parse(text) : null) as T, headers: response.headers };
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await deps.live.stop();
      server.closeAllConnections();
      await closed;
      await bus.stop();
      // The SDK's retry of a call to a server that is away throws when its channel has gone before.
      await Promise.allSettled([
        db.$disconnect(),
        ...(settings.TEMPORAL_ADDRESS.endsWith(':9') ? [] : [connection.close()]),
      ]);
    },
  };
}

/** A booking and its session as rows, for tests that are not about making one. */
export async function insertBooking(
  api: RunningApi,
  id: string,
  slot: { start: string; end: string },
  user: { ref: string; display_name?: string; email?: string },
  phase = 'scheduled',
): Promise<void> {
  const { target, shots } = body() as { target: object; shots: object[] };
  const person = { displayName: user.display_name ?? null, email: user.email ?? null };
  await api.db.$transaction(async (tx) => {
    await tx.user.upsert({ where: { ref: user.ref }, create: { ref: user.ref, ...person }, update: person });
    await tx.booking.create({
      data: {
        id,
        telescopeId: 't1',
        startsAt: new Date(slot.start),
        endsAt: new Date(slot.end),
        blockedUntil: new Date(Date.parse(slot.end) + 300_000),
        userRef: user.ref,
        target: { ...target, pa_degrees: 0 },
        shots: shots.map((shot) => ({ binning: 1, type: 'light', ...shot })),
        constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
        credits: { charged: 12 },
        bodyHash: id,
      },
    });
    await tx.session.create({ data: { bookingId: id, telescopeId: 't1', workflowId: `booking-${id}`, phase } });
    await appendEvent(tx, {
      key: 'accepted',
      type: 'session.changed',
      bookingId: id,
      telescopeId: 't1',
      data: { phase },
    });
    await enqueueOutbox(tx, {
      key: 'accepted',
      type: 'booking.accepted',
      bookingId: id,
      telescopeId: 't1',
      data: { user_ref: user.ref },
    });
  });
}

/** A token as the server makes it for a page. */
export async function token(api: RunningApi, request: Record<string, unknown>): Promise<string> {
  const { status, body: answer } = await api.json<{ token: string }>('POST', '/api/tokens', request);
  if (status !== 201) throw new Error(`token: ${status} ${JSON.stringify(answer)}`);
  return answer.token;
}

export interface GatewayPeer {
  url: string;
  requests: { method: string; path: string; body: Record<string, unknown>; genuine: string | null }[];
  /** Status and body of the next answers, by route; 404 where none is set. */
  answers: Map<string, { status: number; body: unknown; type?: string }>;
  /** Says `request` as each one comes. */
  arrivals: EventEmitter;
  stop(): Promise<void>;
}
/** The far end of the gateway's HTTP: checks signatures as the gateway does and answers as told. */
export async function startGatewayPeer(): Promise<GatewayPeer> {
  const requests: GatewayPeer['requests'] = [];
  const answers: GatewayPeer['answers'] = new Map();
  const arrivals = new EventEmitter();
  const server: Server = createServer((request, response) => {
    arrivals.emit('request');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = request.url ?? '/';
      const genuine = verifyGatewayRequest(
        GATEWAY_SECRET,
        request.method ?? 'GET',
        path,
        text,
        {
          timestamp: request.headers['x-nocturne-timestamp'] as string,
          signature: request.headers['x-nocturne-signature'] as string,
        },
        nightNow(),
      );
      const received = text ? (JSON.parse(text) as Record<string, unknown>) : {};
      requests.push({ method: request.method ?? 'GET', path, body: received, genuine });
      const route = path.split('/').at(-1)!;
      const answer = answers.get(route);
      if (!answer) {
        response.writeHead(404).end();
        return;
      }
      const out = Buffer.isBuffer(answer.body)
        ? answer.body
        : JSON.stringify(
            typeof answer.body === 'function' ? (answer.body as (r: unknown) => unknown)(received) : answer.body,
          );
      response
        .writeHead(answer.status, {
          'content-type': answer.type ?? 'application/json',
          ...(Buffer.isBuffer(answer.body) ? { etag: '"p1"' } : {}),
        })
        .end(out);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    arrivals,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export const pusherAuth = (socketId: string, channel: string, data?: string): string =>
  `${APP.key}:${createHmac('sha256', APP.secret)
    .update(data === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${data}`)
    .digest('hex')}`;

export { randomUUID, startPostgres };
