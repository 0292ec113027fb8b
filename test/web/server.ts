import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import sharp from 'sharp';
import { WebSocketServer, type WebSocket } from 'ws';
import { Problem, problemResponse } from '../../api/errors.ts';
import type { AppEnv } from '../../api/guard.ts';
import { keepAssets } from '../../api/system/kept-assets.ts';
import { nothingHere, pageRoutes, type PageOptions } from '../../api/system/pages.ts';
import { BookingRequest } from '../../domain/contracts/booking.ts';
import { Receipt } from '../../domain/contracts/control.ts';
import type { Event } from '../../domain/contracts/event.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { catalogue } from '../../platform/catalogue.ts';
import { answerComplaints, complaintsInMemory } from './complaints.ts';
import { parseDecDegrees, parseRaHours } from '../../domain/coordinates.ts';
import { altAz, sunAltitudeDegrees } from '../../domain/sky.ts';
import { projectPath } from '../../platform/paths.ts';
import {
  BOOKING_ID,
  TELESCOPE_ID,
  bookings,
  event,
  imageSummary,
  logLines,
  newNight,
  report,
  snapshot,
  telescopeState,
  type Night,
} from './fixtures.ts';

/**
 * The pages with the API's bodies from memory and a small Pusher endpoint: for looking at pages and for tests that steer what they see.
 * Whole nights against the real processes are tested elsewhere.
 */
export interface PageServer {
  url: string;
  night: Night;
  /** Requests seen, as "GET /path". */
  requests: string[];
  /** Stores (unless volatile) and sends an event. `lost`: stored, but never sent, as when a laptop sleeps. */
  push(type: Event['type'], data: object, options?: { lost?: boolean }): Event;
  /** Sends the snapshot on the cache channel, with what it says instead. */
  pushSnapshot(over?: Partial<Snapshot>): void;
  sockets(): number;
  dropSockets(): void;
  /** Status with which the next channel authorisations are refused, those of `only` if given; null grants them again. */
  refuseChannels(status: number | null, only?: RegExp): void;
  /** No key that a page has is taken any more. */
  endKeys(): void;
  /** What the snapshot says instead that opens the state channel from now on. */
  bringOnJoining(over: Partial<Snapshot>): void;
  /** While true nothing is sent on the sockets, which stay open: as behind a proxy that buffers. */
  mute(muted: boolean): void;
  /** Until true again new sockets are refused. */
  acceptSockets(accept: boolean): void;
  /** How the next control ends. */
  nextReceipt(state: 'confirmed' | 'refused' | 'unknown', reason?: Receipt['reason']): void;
  /** The telescope shows it after all, and no event says so. */
  confirmLater(): void;
  reportReady(ready: boolean): void;
  /** Serves another build from now on, as after a deploy; assets of the one before are kept. */
  deploy(root: string): Promise<void>;
  stop(): Promise<void>;
}

const KEY = 'nocturne';
const SECRET = 'page-test';
/** Whoever looks, on the telescope's presence channel. */
const MEMBER = JSON.stringify({ user_id: 'v1', user_info: { role: 'guest', initials: 'AL' } });
const ROSTER = JSON.stringify({ presence: { count: 1, ids: ['v1'], hash: { v1: { role: 'guest', initials: 'AL' } } } });

/** A star field with a nebula; the same for the same number. */
async function picture(n: number, size: number): Promise<Buffer> {
  let state = 7_919;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const tint = n <= 20 ? '#8fa6e8' : n <= 35 ? '#e0566a' : '#46c8bd';
  const blobs = Array.from(
    { length: 26 },
    () =>
      `<circle cx="${next() * 1000}" cy="${200 + next() * 600}" r="${60 + next() * 190}" fill="${tint}" opacity="${0.03 + next() * 0.05}"/>`,
  ).join('');
  const stars = Array.from(
    { length: 700 },
    () =>
      `<circle cx="${next() * 1000 + (n % 5)}" cy="${next() * 1000}" r="${0.5 + next() ** 8 * 5}" fill="#fff" opacity="${0.3 + next() * 0.7}"/>`,
  ).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" width="${size}" height="${size}"><rect width="1000" height="1000" fill="#07080f"/><g filter="url(#b)">${blobs}</g>${stars}<filter id="b"><feGaussianBlur stdDeviation="26"/></filter></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 82 }).toBuffer();
}

/** Drawn once for all servers of a process: a blurred nebula costs more than the page that shows it. */
const pictures = new Map<string, Promise<Buffer>>();
function jpeg(n: number, size: number): Promise<Buffer> {
  const key = `${n}/${size}`;
  let made = pictures.get(key);
  if (!made) pictures.set(key, (made = picture(n, size)));
  return made;
}

export async function startPageServer(
  options: { webRoot?: string; port?: number; token?: string } = {},
): Promise<PageServer> {
  const webRoot = options.webRoot ?? projectPath('dist', 'web');
  let token = options.token ?? 'guest';
  const night = newNight();
  const events: Event[] = [];
  const requests: string[] = [];
  const sockets = new Map<WebSocket, Set<string>>();
  let accepting = true;
  let refusal: { status: number; only: RegExp } | null = null;
  let muted = false;
  let onJoining: Partial<Snapshot> = {};
  let receipt: Receipt | null = null;
  let ending: { state: Receipt['state']; reason?: Receipt['reason'] } = { state: 'confirmed' };
  let hasReport = true;

  const send = (channel: string, name: string, data: object): void => {
    if (muted) return;
    const text = JSON.stringify({ event: name, channel, data: JSON.stringify(data) });
    for (const [ws, channels] of sockets) if (channels.has(channel)) ws.send(text);
  };
  const push: PageServer['push'] = (type, data, { lost = false } = {}) => {
    const made = event(type, night, data);
    if (made.rev === undefined) events.push(made);
    if (!lost) send(`private-session.${BOOKING_ID}`, type, made);
    return made;
  };
  const pushSnapshot: PageServer['pushSnapshot'] = (over = {}) =>
    send(`private-cache-session.${BOOKING_ID}.state`, 'session.snapshot', { ...snapshot(night, receipt), ...over });

  const json = (response: ServerResponse, body: unknown, status = 200): void => {
    response
      .writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' })
      .end(JSON.stringify(body));
  };
  const problem = (response: ServerResponse, status: number, code: string, detail: string, extra: object = {}): void =>
    json(response, { type: `/docs/problems#${code}`, title: code, status, detail, code, ...extra }, status);
  const page = (data: unknown[], next: string | null = null): object => ({
    data,
    links: {},
    meta: { path: '', per_page: 20, next_cursor: next, prev_cursor: null },
  });
  const body = async (request: IncomingMessage): Promise<string> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts).toString('utf8');
  };

  async function control(response: ServerResponse, kind: 'pause' | 'resume' | 'abort'): Promise<void> {
    const now = new Date().toISOString();
    receipt = Receipt.parse({
      command_id: `c-${requests.length}`,
      kind,
      state: 'sent',
      booking_id: BOOKING_ID,
      at: now,
    });
    push('receipt.changed', receipt);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const { state, reason } = ending;
    ending = { state: 'confirmed' };
    receipt = Receipt.parse({ ...receipt, state, ...(reason ? { reason } : {}), at: new Date().toISOString() });
    push('receipt.changed', receipt);
    if (state === 'refused') {
      problem(response, 409, 'control_refused', 'refused', receipt);
      return;
    }
    if (state === 'confirmed') {
      night.phase = kind === 'pause' ? 'holding' : kind === 'resume' ? 'running' : 'aborted';
      night.holdCause = kind === 'pause' ? 'user' : null;
      night.reason = kind === 'pause' ? 'user_pause' : kind === 'abort' ? 'user_abort' : null;
      push('session.changed', { phase: night.phase });
      pushSnapshot();
    }
    json(response, receipt, state === 'confirmed' ? 200 : 202);
  }

  function history(): object {
    const now = Date.now();
    const series = (
      n: number,
      everyMs: number,
      value: (i: number) => number,
    ): { unit: string; points: [number, number][] } => ({
      unit: '',
      points: Array.from({ length: n }, (_, i) => [now - (n - i) * everyMs, value(i)]),
    });
    return {
      series: {
        focuser_position: series(120, 30_000, (i) => 10_212 + Math.round(18 * Math.sin(i / 12))),
        focuser_temperature: series(120, 30_000, (i) => 9 - i / 100),
        guide_x: series(150, 2_000, (i) => Math.sin(i * 1.7) * 0.4),
        guide_y: series(150, 2_000, (i) => Math.cos(i * 2.3) * 0.35),
      },
    };
  }
  const telemetry = (): object => {
    const n = 200;
    const t = Array.from({ length: n }, (_, i) =>
      Math.floor(night.startMs / 1000 + (i * (night.endMs - night.startMs)) / 1000 / n),
    );
    const series = (f: (i: number) => number): object => ({ mean: t.map((_, i) => f(i)), min: [], max: [] });
    return {
      booking_id: BOOKING_ID,
      t,
      series: {
        'guiding.rms': series((i) => 0.42 + 0.1 * Math.sin(i / 7)),
        'weather.temperature': series((i) => 9 - i / 60),
        'weather.humidity': series((i) => 58 + i / 20),
        'weather.wind': series(() => 2),
        'weather.cloud': series((i) => (i > 70 && i < 96 ? 74 : 5)),
      },
    };
  };
  function visibility(query: URLSearchParams): object {
    const site = { latitude_degrees: 45, longitude_degrees: 5, elevation_meters: 300 };
    const from = Date.parse(query.get('from')!);
    const t = Array.from({ length: 193 }, (_, i) => from + i * 300_000);
    const ra = parseRaHours(Number(query.get('ra_hours')))!;
    const dec = parseDecDegrees(Number(query.get('dec_degrees')))!;
    return {
      t: t.map((at) => Math.floor(at / 1000)),
      altitude: t.map((at) => altAz(site, ra, dec, at).altitudeDegrees),
      horizon: t.map(() => 0),
      sun_altitude: t.map((at) => sunAltitudeDegrees(site, at)),
      minimum_altitude_degrees: Number(query.get('min_altitude_degrees')),
      sun_limit_degrees: -12,
      moon: { illuminated_share: 0.42, separation_degrees: 71 },
      windows: [],
    };
  }
  const complaints = complaintsInMemory();
  const analytics = (): object => ({
    from: '2026-01-01T00:00:00Z',
    to: '2026-12-01T00:00:00Z',
    utilisation: [
      { telescope_id: TELESCOPE_ID, booked_hours: 212, imaging_hours: 148, utilisation: 0.698, hours_by_class: {} },
      { telescope_id: 'refractor', booked_hours: 96, imaging_hours: 51, utilisation: 0.53, hours_by_class: {} },
    ],
    total_observation_hours: 199,
    images_captured: 8_412,
    images_by_state: { archived: 8_390, rejected: 22 },
    revenue_by_month: [
      { month: '2026-09', currency: 'EUR', amount_minor: 184_000, credits_charged: 620, credits_refund: 84 },
      { month: '2026-10', currency: 'EUR', amount_minor: 231_500, credits_charged: 770, credits_refund: 51 },
    ],
    sessions: {
      total: 118,
      by_outcome: { completed: 101, weathered_out: 11, aborted: 4, failed: 2 },
      success_rate: 0.856,
      average_minutes: 142,
    },
    problems: [
      { reason: 'weather_unsafe', count: 14 },
      { reason: 'guiding_lost', count: 6 },
      { reason: 'gateway_away', count: 2 },
    ],
    lost_hours_by_month: [
      { month: '2026-09', telescope_id: TELESCOPE_ID, class: 'weather_hold', hours: 12.4 },
      { month: '2026-10', telescope_id: TELESCOPE_ID, class: 'unsafe', hours: 7.1 },
      { month: '2026-10', telescope_id: TELESCOPE_ID, class: 'outage', hours: 0.8 },
    ],
  });

  /** The channels that a page names, as the API signs or refuses them: a form or JSON with one name, JSON with several. */
  async function sign(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await body(request);
    const isJson = request.headers['content-type'] === 'application/json';
    const asked = (isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))) as {
      socket_id: string;
      channel_name: string | string[];
    };
    const refusedBy = (channel: string): number | null => (refusal?.only.test(channel) ? refusal.status : null);
    const signature = (channel: string): object => {
      const member = channel.startsWith('presence-') ? { channel_data: MEMBER } : {};
      const signed = [asked.socket_id, channel, ...Object.values(member)].join(':');
      return { auth: `${KEY}:${createHmac('sha256', SECRET).update(signed).digest('hex')}`, ...member };
    };
    const refused = (status: number): object => ({ status, code: 'database_away', detail: 'Not now.' });
    const one = asked.channel_name;
    if (Array.isArray(one)) {
      const answers = one.map((channel) => {
        const status = refusedBy(channel);
        return [channel, status === null ? signature(channel) : refused(status)] as const;
      });
      json(response, { channels: Object.fromEntries(answers) });
      return;
    }
    const status = refusedBy(one);
    if (status === null) json(response, signature(one));
    else problem(response, status, 'database_away', 'Not now.');
  }

  async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname;
    if (path === '/api/config') {
      json(response, {
        name: 'nocturne',
        public_url: null,
        live: { key: KEY, path: '', auth_endpoint: '/broadcasting/auth', snapshot_event: 'session.snapshot' },
        support: { url: '/help', email: 'help@example.org' },
        vapid_public_key: null,
        demo: true,
        temporal_ui_url: 'http://127.0.0.1:8233',
        max_image_size_mb: 1024,
      });
      return;
    }
    if (path === '/api/catalogue') {
      json(response, {
        data: catalogue().search(url.searchParams.get('query') ?? '', Number(url.searchParams.get('limit') ?? 12)),
      });
      return;
    }
    const pixel =
      /^\/api\/bookings\/[^/]+\/images\/img-(\d+)\/(fits|quicklook\.fits|preview\.jpg|thumbnail\.jpg|full\.jpg)$/.exec(
        path,
      );
    if (pixel && url.searchParams.get('sig')) {
      if (pixel[2]!.endsWith('fits')) {
        response.writeHead(200, { 'content-type': 'application/fits' }).end(tinyFits());
        return;
      }
      response
        .writeHead(200, { 'content-type': 'image/jpeg', 'cache-control': 'max-age=60' })
        .end(await jpeg(Number(pixel[1]), pixel[2] === 'preview.jpg' ? 900 : 200));
      return;
    }
    if (request.headers.authorization !== `Bearer ${token}`) {
      problem(response, 401, 'unauthenticated', 'No valid credential.');
      return;
    }
    if (path === '/broadcasting/auth') {
      await sign(request, response);
      return;
    }
    if (await answerComplaints(complaints, request, response, path, body)) return;
    const own = path.startsWith(`/api/bookings/${BOOKING_ID}/`)
      ? path.slice(`/api/bookings/${BOOKING_ID}/`.length)
      : null;
    const count = Math.max(0, night.done);
    const newest = Array.from({ length: count }, (_, i) => imageSummary(count - i, night));
    if (own === 'snapshot') json(response, snapshot(night, receipt));
    else if (own === 'events') {
      const after = Number(url.searchParams.get('after') ?? 0);
      json(response, {
        data: events.filter((e) => e.seq > after).slice(0, 200),
        meta: { epoch: 1, last_seq: night.seq, complete: true },
      });
    } else if (own === 'images') {
      const limit = Number(url.searchParams.get('per_page') ?? 20);
      json(
        response,
        page(url.searchParams.get('order') === 'oldest' ? newest.reverse().slice(0, limit) : newest.slice(0, limit)),
      );
    } else if (own === 'logs' && url.searchParams.get('source') === 'voyager') {
      const line = { ...logLines(night, 1)[0]!, source: 'voyager', level: 'WARNING', message: 'Cloud sensor: RAIN' };
      json(response, { ...page([line]), sources: ['night', 'voyager'] });
    } else if (own === 'logs') {
      const lines = [
        ...logLines(night, night.logLines),
        ...events.filter((e) => e.type === 'log.appended').map((e) => e.data),
      ];
      if (url.searchParams.get('order') !== 'oldest') lines.reverse();
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const to = from + Number(url.searchParams.get('per_page') ?? 20);
      const sources = night.voyagerLog ? ['night', 'voyager'] : ['night'];
      json(response, { ...page(lines.slice(from, to), to < lines.length ? String(to) : null), sources });
    } else if (own === 'stats')
      json(response, {
        booking_id: BOOKING_ID,
        elapsed_seconds: 3_600,
        slot_seconds: 9_000,
        images: {},
        by_filter: [
          { filter: 'L', count: 20, exposure_seconds: 1_200, average_hfd: 2.38 },
          { filter: 'Ha', count: 4, exposure_seconds: 480, average_hfd: 2.44 },
        ],
        total_exposure_seconds: 1_680,
        average_hfd: 2.4,
        hfd_frames: 22,
        guiding: { success_rate: 0.97, average_rms_px: 0.42, samples: 900 },
      });
    else if (own === 'history') json(response, history());
    else if (own === 'telemetry') json(response, telemetry());
    else if (own === 'preview.jpg')
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(await jpeg(night.done, 900));
    else if (own === 'report') {
      if (hasReport) json(response, report(night));
      else problem(response, 404, 'not_found', 'The report is made when the session has ended.');
    } else if (own?.startsWith('commands/')) json(response, receipt);
    else if (own === 'pause' || own === 'resume' || own === 'abort') await control(response, own);
    else if (path === '/api/bookings/check') {
      const parsed = BookingRequest.safeParse(JSON.parse(await body(request)));
      if (!parsed.success) {
        problem(response, 422, 'invalid', 'The body is not valid.', {
          errors: Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.'), [issue.message]])),
        });
        return;
      }
      const { shots, start, end } = parsed.data;
      const frames = shots.reduce((n, s) => n + s.quantity, 0);
      const estimated = shots.reduce((n, s) => n + s.quantity * (s.exposure_seconds + 15), 0);
      const slot = (Date.parse(end) - Date.parse(start)) / 1000;
      const errors: Record<string, string[]> = shots.some((s) => s.exposure_seconds > slot)
        ? { 'shots.0.exposure_seconds': ['is longer than the slot'] }
        : {};
      json(response, {
        ok: Object.keys(errors).length === 0,
        errors,
        frames,
        exposure_seconds: 0,
        estimated_seconds: estimated,
        slot_seconds: slot,
        usable_seconds: slot * 0.9,
        fits: estimated <= slot * 0.9,
        altitude_at_start_degrees: 52.3,
        windows: [],
        credits: (slot / 3600) * 12,
        conflict: null,
      });
    } else if (path === '/api/bookings') {
      const wanted = url.searchParams.get('target')?.toLowerCase() ?? '';
      const state = url.searchParams.get('access_state');
      json(
        response,
        page(
          bookings().filter(
            (b) => b.target.name.toLowerCase().includes(wanted) && (!state || b.access_state === state),
          ),
        ),
      );
    } else if (/^\/api\/bookings\/[^/]+\/images$/.test(path))
      json(response, page([imageSummary((path.charCodeAt(path.length - 9) % 40) + 1, night)]));
    else if (path === '/api/telescopes')
      json(response, {
        data: [
          {
            id: TELESCOPE_ID,
            name: 'Newton 250 f/4 · Atacama',
            filters: ['L', 'R', 'G', 'B', 'Ha', 'OIII', 'SII'],
            site: { timezone: 'America/Santiago' },
          },
          { id: 'refractor', name: 'Lunette 106 · Provence', filters: ['L', 'Ha'], site: { timezone: 'Europe/Paris' } },
        ],
      });
    else if (path.endsWith('/state')) json(response, telescopeState(night));
    else if (path.endsWith('/visibility')) json(response, visibility(url.searchParams));
    else if (path === '/api/admin/analytics') json(response, analytics());
    else problem(response, 404, 'not_found', `No ${path}.`);
  }

  const kept = mkdtempSync(join(tmpdir(), 'nocturne-kept-'));
  /** The pages by the routes of the real server. */
  const pagesFrom = (root: string): ReturnType<typeof getRequestListener> => {
    const app = new Hono<AppEnv>();
    const pages: PageOptions = { root, kept, config: { PUBLIC_URL: undefined, EMBED_ORIGINS: [] } };
    pageRoutes(app, pages);
    app.notFound(nothingHere(pages));
    app.onError((thrown, c) =>
      problemResponse(c, thrown instanceof Problem ? thrown : new Problem('internal', String(thrown))),
    );
    return getRequestListener(app.fetch);
  };
  let showPages = pagesFrom(webRoot);

  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push(`${request.method} ${url.pathname}`);
    const work =
      url.pathname.startsWith('/api/') || url.pathname === '/broadcasting/auth'
        ? api(request, response, url)
        : showPages(request, response);
    Promise.resolve(work).catch((thrown: unknown) => {
      console.error(thrown);
      if (!response.headersSent) problem(response, 500, 'internal', String(thrown));
    });
  });
  const wss = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (!accepting || !request.url?.startsWith(`/app/${KEY}`)) {
      socket.destroy();
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => {
      const channels = new Set<string>();
      sockets.set(ws, channels);
      ws.send(
        JSON.stringify({
          event: 'pusher:connection_established',
          data: JSON.stringify({ socket_id: `${sockets.size}.${Date.now()}`, activity_timeout: 30 }),
        }),
      );
      ws.on('message', (raw: Buffer) => {
        const message = JSON.parse(raw.toString('utf8')) as { event: string; data?: { channel?: string } };
        if (message.event === 'pusher:ping') ws.send(JSON.stringify({ event: 'pusher:pong', data: '{}' }));
        const channel = message.data?.channel;
        if (message.event !== 'pusher:subscribe' || !channel) return;
        channels.add(channel);
        const data = channel.startsWith('presence-') ? ROSTER : '{}';
        ws.send(JSON.stringify({ event: 'pusher_internal:subscription_succeeded', channel, data }));
        if (channel.startsWith('private-cache-') && !muted)
          ws.send(
            JSON.stringify({
              event: 'session.snapshot',
              channel,
              data: JSON.stringify({ ...snapshot(night, receipt), ...onJoining }),
            }),
          );
      });
      ws.on('close', () => sockets.delete(ws));
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  // As the real server does, so that a page can tell silence from deafness.
  const refreshing = setInterval(pushSnapshot, 5_000);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    night,
    requests,
    push,
    pushSnapshot,
    sockets: () => sockets.size,
    dropSockets: () => {
      for (const ws of sockets.keys()) ws.terminate();
    },
    refuseChannels: (status, only = /^/) => {
      refusal = status === null ? null : { status, only };
    },
    endKeys: () => {
      token = 'another';
    },
    bringOnJoining: (over) => {
      onJoining = over;
    },
    mute: (value) => {
      muted = value;
    },
    acceptSockets: (accept) => {
      accepting = accept;
    },
    nextReceipt: (state, reason) => {
      ending = { state, ...(reason ? { reason } : {}) };
    },
    confirmLater: () => {
      receipt = receipt && { ...receipt, state: 'confirmed', at: new Date().toISOString() };
    },
    reportReady: (ready) => {
      hasReport = ready;
    },
    deploy: async (root) => {
      await keepAssets(webRoot, kept);
      showPages = pagesFrom(root);
    },
    stop: async () => {
      rmSync(kept, { recursive: true, force: true });
      clearInterval(refreshing);
      for (const ws of sockets.keys()) ws.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A 16-bit FITS image of 64 × 48 pixels with BZERO, a gradient and one star. */
export function tinyFits(): Buffer {
  const card = (name: string, value: string): string => `${name.padEnd(8)}= ${value.padStart(20)}`.padEnd(80);
  const header = [
    card('SIMPLE', 'T'),
    card('BITPIX', '16'),
    card('NAXIS', '2'),
    card('NAXIS1', '64'),
    card('NAXIS2', '48'),
    card('BZERO', '32768'),
    card('BSCALE', '1'),
    "OBJECT  = 'NGC 7000'".padEnd(80),
    'END'.padEnd(80),
  ]
    .join('')
    .padEnd(2880);
  const data = Buffer.alloc(Math.ceil((64 * 48 * 2) / 2880) * 2880);
  for (let i = 0; i < 64 * 48; i++)
    data.writeInt16BE((i === 24 * 64 + 32 ? 60_000 : 1_000 + (i % 64) * 10) - 32_768, i * 2);
  return Buffer.concat([Buffer.from(header, 'latin1'), data]);
}
