import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { routePath } from 'hono/route';
import { UsageError } from '../platform/errors.ts';
import { deriveKey } from '../platform/signing.ts';
import { ServerKeys, TokenSigner } from './auth.ts';
import type { Deps } from './deps.ts';
import { Problem, fieldErrors, invalid, problemResponse, toProblem } from './errors.ts';
import { GatewayClient } from './telescopes/gateway-client.ts';
import type { ApiOptions, Ground } from './ground.ts';
import { Turns } from './turns.ts';
import { RateLimiter } from './limits.ts';
import { Revocations } from './revocations.ts';
import { strangersWait } from './strangers.ts';
import { liveHttpRoutes } from './live/http-api.ts';
import { LiveServer } from './live/server.ts';
import { createMetrics } from './metrics.ts';
import { Mirror } from './telescopes/mirror.ts';
import { noticeRoutes } from './notices/routes.ts';
import type { Identified } from './listen.ts';
import type { AppEnv } from './guard.ts';
import type { App } from './operation.ts';
import { SessionsReady } from './system/readiness.ts';
import { ReceiptWaiters } from './bookings/receipts.ts';
import { accessRoutes } from './access/routes.ts';
import { adminRoutes } from './admin/routes.ts';
import { archiveRoutes } from './images/archive.ts';
import { Printer } from './bookings/print.ts';
import { bookingRoutes } from './bookings/routes.ts';
import { dropInRoutes } from './drop-in/routes.ts';
import { imageRoutes } from './images/routes.ts';
import { publicRoutes } from './public/routes.ts';
import { robotargetRoutes } from './robotarget/routes.ts';
import { sessionDataRoutes } from './bookings/data-routes.ts';
import { nothingHere, pagesOf } from './system/pages.ts';
import { systemRoutes } from './system/routes.ts';
import { telescopeRoutes } from './telescopes/routes.ts';
import { userRoutes } from './users/routes.ts';
import { RecentEvents } from './bookings/recent-events.ts';
import { SnapshotCache } from './bookings/snapshot.ts';
import { TelescopeDirectory } from './telescopes/directory.ts';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_URL_CHARS = 4_096;
/** Tokens made at once, those that wait, and for how long: a shop may make one for each of a thousand guests. */
const MINTING = [4, 5_000, 20_000] as const;

export interface Api {
  app: App;
  deps: Deps;
}

/** The services that stand on the ground. */
function depsOf(ground: Ground): Deps {
  const made = {
    ...ground,
    receipts: new ReceiptWaiters(ground.db),
    snapshots: new SnapshotCache(ground),
    recent: new RecentEvents(ground.db, ground.bus),
  };
  return {
    ...made,
    sessionsReady: new SessionsReady(ground),
    live: new LiveServer(made),
    printer: new Printer(ground.config.CHROMIUM_PATH, !ground.config.CHROMIUM_NO_SANDBOX),
    self: null,
  };
}

/** What the services are made from. @throws UsageError without GATEWAY_SECRET */
function groundOf(options: ApiOptions): Ground {
  const { config, logger, db, now = Date.now, temporalTimeoutMs = 5_000, stopRowMs = 50 } = options;
  const secret = config.GATEWAY_SECRET;
  if (!secret)
    throw new UsageError(
      'GATEWAY_SECRET is not set: it signs tokens, links and requests to the gateway; see .env.example.',
    );
  const limits = options.limits ?? { perTokenPerSecond: 20, burst: 120, authFailuresPerMinute: 60 };
  const gateways = new GatewayClient(secret, now);
  return {
    config,
    logger,
    db,
    temporal: options.temporal,
    bus: options.bus,
    now,
    temporalTimeoutMs,
    stopRowMs,
    secret,
    signer: new TokenSigner(secret),
    urlKey: deriveKey(secret, 'url'),
    keys: new ServerKeys(config.VOYAGER_PROXY_API_KEY, db, () => options.bus.trusted, now),
    revocations: new Revocations(db, () => options.bus.trusted, now),
    telescopes: new TelescopeDirectory(options.telescopes, db, now),
    gateways,
    mirror: new Mirror(gateways, now),
    limiter: new RateLimiter(limits.perTokenPerSecond, limits.burst, limits.authFailuresPerMinute),
    turns: new Turns(),
    minting: new Turns(...MINTING),
    metrics: createMetrics(),
  };
}

/** Refuses a body that is too long. */
function bodiesAreShort(): MiddlewareHandler<AppEnv> {
  const limitBody = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) =>
      problemResponse(
        c,
        new Problem('too_large', `A body has at most ${MAX_BODY_BYTES} bytes.`, {}, { connection: 'close' }),
      ),
  });
  // Asking for the body costs more than all the rest of a short answer. These two headers say whether there is one (RFC 9112, 6), and Node's parser
  // holds a sender to the length that it has announced.
  return (c, next) => {
    const headers = (c.env as { incoming?: Identified } | undefined)?.incoming?.headers;
    if (headers === undefined || headers['transfer-encoding'] !== undefined) return limitBody(c, next);
    return Number(headers['content-length'] ?? 0) <= MAX_BODY_BYTES ? next() : limitBody(c, next);
  };
}

/** The ways to say who asks, for the OpenAPI document. */
function nameCredentials(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'Server key',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of POST /api/tokens, or a server key',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'signedUrl', {
    type: 'apiKey',
    in: 'query',
    name: 'sig',
    description: 'Signed address (`exp`, `sig`) as answers give it',
  });
}

/** Gives each request its number, refuses an address that is too long, and counts. */
const numbered =
  (metrics: Ground['metrics']): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    c.set('requestId', (c.env as { incoming?: Identified } | undefined)?.incoming?.requestId ?? randomUUID());
    const started = performance.now();
    if (c.req.url.length > MAX_URL_CHARS)
      return problemResponse(c, new Problem('uri_too_long', `An address has at most ${MAX_URL_CHARS} characters.`));
    await next();
    metrics.requests.observe(
      { method: c.req.method, route: routePath(c, -1), status: String(c.res.status) },
      (performance.now() - started) / 1000,
    );
  };

/** Lets the pages of these origins ask. */
const otherOrigins = (origin: string[]): MiddlewareHandler =>
  cors({
    origin,
    // No list of headers: what the browser asks for is allowed. Stock clients add their own (Echo X-CSRF-TOKEN and X-Socket-ID, tracers theirs),
    // none of them gives a right here, and a refused preflight would leave a page deaf.
    allowMethods: ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'],
    exposeHeaders: ['ETag', 'Location', 'Retry-After', 'X-Request-Id', 'Content-Range', 'Content-Disposition'],
    maxAge: 3_600,
  });

/** The API without a port: routes, live server and the services behind them. Call `deps.live.start()` to follow the bus. */
export function createApp(options: ApiOptions): Api {
  const ground = groundOf(options);
  const { config, logger } = ground;
  const deps = depsOf(ground);

  const app: App = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success)
        throw invalid(fieldErrors(result.error.issues, result.target === 'json' ? 'body' : result.target));
    },
  });
  nameCredentials(app);
  app.use('*', numbered(ground.metrics));
  if (config.CORS_ORIGINS.length > 0 || config.EMBED_ORIGINS.length > 0)
    app.use('*', otherOrigins([...config.CORS_ORIGINS, ...config.EMBED_ORIGINS]));
  app.use('*', strangersWait(ground));
  app.use('*', bodiesAreShort());
  app.onError((thrown, c) => problemResponse(c, toProblem(thrown, logger, c.get('requestId'))));
  app.notFound(nothingHere(pagesOf(config)));

  systemRoutes(app, deps);
  publicRoutes(app, deps);
  noticeRoutes(app, deps);
  bookingRoutes(app, deps);
  sessionDataRoutes(app, deps);
  imageRoutes(app, deps);
  archiveRoutes(app, deps);
  telescopeRoutes(app, deps);
  accessRoutes(app, deps);
  userRoutes(app, deps);
  dropInRoutes(app, deps);
  robotargetRoutes(app, deps);
  adminRoutes(app, deps);
  liveHttpRoutes(app, deps);
  return { app, deps };
}
