import { createHash } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Booking } from '../../domain/contracts/booking.ts';
import { appendEvent } from '../../platform/bus.ts';
import { signPath } from '../../platform/signing.ts';
import {
  GATEWAY_SECRET,
  KEY,
  NIGHT,
  at,
  body,
  config,
  insertBooking,
  nightNow,
  startApi,
  startPostgres,
  telescope,
  token,
  type RunningApi,
} from './harness.ts';
import { emptied } from '../support/emptied.ts';

type Problem = { code: string; errors?: Record<string, string[]>; detail: string };

describe('who may do what, and hostile requests', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let store: string;
  let clock = nightNow;
  beforeAll(async () => {
    store = mkdtempSync(join(tmpdir(), 'nocturne-store-'));
    postgres = await startPostgres();
    api = await startApi(postgres.url, {
      config: config({
        OBSERVATIONS_STORAGE_PATH: store,
        CORS_ORIGINS: 'https://club.example',
        PUSH_SERVICES: 'push.example',
      }),
      telescopes: [telescope('t1')],
      now: () => clock(),
      limits: { perTokenPerSecond: 1, burst: 40, authFailuresPerMinute: 1_000 },
      stopRowMs: 5_000,
    });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
    rmSync(store, { recursive: true, force: true });
  });
  const fits = Buffer.from('SIMPLE  =                    T'.padEnd(2880));
  const sha = createHash('sha256').update(fits).digest('hex');
  beforeEach(async () => {
    clock = nightNow;
    await emptied(
      api.db,
      'bookings, sessions, users, events, event_counters, outbox, deliveries, receipts, audit, tokens, api_keys, frames, timeline, telemetry, ledger_intervals, settlements, reports, idempotency_keys, push_subscriptions',
    );
    await insertBooking(
      api,
      'a',
      { start: at(-30), end: at(30) },
      { ref: 'ada', display_name: 'Ada Lovelace', email: 'ada@example.org' },
    );
    await insertBooking(
      api,
      'g',
      { start: at(40), end: at(100) },
      { ref: 'grace', display_name: 'Grace Hopper', email: 'grace@example.org' },
    );
    api.deps.snapshots.forgetAll();
    mkdirSync(join(store, 'bookings/a'), { recursive: true });
    writeFileSync(join(store, 'bookings/a/M45_L_001.fits'), fits);
    writeFileSync(join(store, 'bookings/a/M45_L_001.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xd9]));
    await api.db.frame.create({
      data: {
        id: 'f1',
        telescopeId: 't1',
        bookingId: 'a',
        sourceKey: 'k1',
        sourcePath: 'C:\\Voyager\\FITS\\M45_L_001.fits',
        filename: 'M45_L_001.fits',
        type: 'LIGHT',
        filter: 'L',
        exposure: 60,
        hfd: 2.5,
        state: 'archived',
        metadata: { OBJECT: 'M45' },
        histogram: Array.from({ length: 256 }, () => 1),
        archivePath: 'bookings/a/M45_L_001.fits',
        previewPath: 'bookings/a/M45_L_001.jpg',
        sha256: sha,
        sizeBytes: 2880n,
        capturedAt: new Date(NIGHT),
        previewed: true,
      },
    });
  });
  const status = async (
    method: string,
    path: string,
    credential: { token?: string; key?: string | null },
    payload?: unknown,
  ): Promise<number> => (await api.json(method, path, payload, credential)).status;

  test('a booking token sees its booking and nothing else', async () => {
    const mine = await token(api, { kind: 'booking', subject: 'a' });
    for (const path of [
      '',
      '/snapshot',
      '/events',
      '/images',
      '/images/f1',
      '/logs',
      '/stats',
      '/ledger',
      '/telemetry',
    ])
      expect([path, await status('GET', `/api/bookings/a${path}`, { token: mine })]).toEqual([path, 200]);
    for (const path of [
      '',
      '/snapshot',
      '/events',
      '/images',
      '/logs',
      '/stats',
      '/ledger',
      '/telemetry',
      '/report',
      '/archive.zip',
      '/images/f1/fits',
    ])
      expect([path, await status('GET', `/api/bookings/g${path}`, { token: mine })]).toEqual([path, 403]);
    for (const kind of ['pause', 'resume', 'abort'])
      expect(await status('POST', `/api/bookings/g/${kind}`, { token: mine }, {})).toBe(403);
    expect(
      (await api.json<{ data: Booking[] }>('GET', '/api/bookings', undefined, { token: mine })).body.data.map(
        (b) => b.id,
      ),
    ).toEqual(['a']);
    for (const [method, path] of [
      ['PUT', '/api/bookings/a'],
      ['POST', '/api/tokens'],
      ['POST', '/api/bookings/a/extend'],
      ['GET', '/api/admin/analytics'],
      ['GET', '/api/webhooks/deliveries'],
      ['DELETE', '/api/users/ada'],
      ['POST', '/api/telescopes/t1/halt'],
      ['GET', '/api/keys'],
      ['POST', '/api/robotarget/sets'],
    ] as const)
      expect([path, await status(method, path, { token: mine }, method === 'GET' ? undefined : {})]).toEqual([
        path,
        403,
      ]);
    expect(await api.db.receipt.count()).toBe(0);
  });

  test('a spectator sees the session and no names, and controls nothing', async () => {
    const spectator = await token(api, { kind: 'booking', subject: 'a', scopes: ['session:view'] });
    const seen = await api.json<Booking>('GET', '/api/bookings/a', undefined, { token: spectator });
    expect(seen.body.user).toEqual({ ref: 'guest', locale: 'fr' });
    for (const path of ['', '/snapshot', '/images', '/events', '/logs', '/stats']) {
      const text = await (await api.fetch(`/api/bookings/a${path}`, { token: spectator })).text();
      expect(text).not.toMatch(/Ada|Lovelace|example\.org|"ada"/);
    }
    for (const kind of ['pause', 'resume', 'abort'])
      expect(await status('POST', `/api/bookings/a/${kind}`, { token: spectator }, {})).toBe(403);
    const full = await token(api, { kind: 'booking', subject: 'a' });
    expect((await api.json<Booking>('GET', '/api/bookings/a', undefined, { token: full })).body.user).toMatchObject({
      ref: 'ada',
      display_name: 'Ada Lovelace',
    });
  });

  test('a user token lists that person’s sessions only; others do not exist for it', async () => {
    const ada = await token(api, { kind: 'user', subject: 'ada' });
    expect(
      (await api.json<{ data: Booking[] }>('GET', '/api/bookings', undefined, { token: ada })).body.data.map(
        (b) => b.id,
      ),
    ).toEqual(['a']);
    expect(await status('GET', '/api/bookings?user_ref=grace', { token: ada })).toBe(403);
    expect(await status('GET', '/api/bookings/g', { token: ada })).toBe(404);
    expect(await status('GET', '/api/bookings/g/snapshot', { token: ada })).toBe(404);
    expect(await status('GET', '/api/users/ada', { token: ada })).toBe(200);
    expect(await status('GET', '/api/users/grace', { token: ada })).toBe(403);
    const telescopes = await (await api.fetch('/api/telescopes', { token: ada })).text();
    expect(telescopes).not.toMatch(/192\.0\.2\.1|gateway_url|commands|path_map/);
  });

  test('an admin token sees all but makes no tokens or keys and erases nobody', async () => {
    const admin = await token(api, { kind: 'admin', subject: 'op' });
    expect(
      (await api.json<{ data: Booking[] }>('GET', '/api/bookings', undefined, { token: admin })).body.data,
    ).toHaveLength(2);
    expect(await status('GET', '/api/admin/analytics', { token: admin })).toBe(200);
    expect(await status('GET', '/api/admin/overview', { token: admin })).toBe(200);
    expect(await status('POST', '/api/tokens', { token: admin }, { kind: 'admin', subject: 'x' })).toBe(403);
    expect(await status('POST', '/api/keys', { token: admin }, { name: 'x' })).toBe(403);
    expect(await status('DELETE', '/api/users/ada', { token: admin })).toBe(403);
    expect(await status('POST', '/api/bookings/a/extend', { token: admin }, { minutes: 5 })).toBe(403);
  });

  test('tokens end: booking tokens a day after the slot, others within 24 h, and controls with the slot', async () => {
    const { body: made } = await api.json<{ expires_at: string; control_url: string; token: string }>(
      'POST',
      '/api/tokens',
      { kind: 'booking', subject: 'a' },
    );
    expect(made.expires_at).toBe(at(30 + 25 * 60));
    expect(made.control_url).toBe(`http://nocturne.test/control/a#token=${made.token}`);
    expect(
      (await api.json<Problem>('POST', '/api/tokens', { kind: 'user', subject: 'ada', expires_at: at(25 * 60) })).body
        .errors,
    ).toHaveProperty('expires_at');
    expect(
      (await api.json<Problem>('POST', '/api/tokens', { kind: 'booking', subject: 'nobody' })).body.errors,
    ).toHaveProperty('subject');
    expect(
      (await api.json<Problem>('POST', '/api/tokens', { kind: 'booking', subject: 'a', scopes: ['admin:read'] })).body
        .errors,
    ).toHaveProperty('scopes');
    clock = () => NIGHT + 31 * 60_000;
    expect(await api.json('POST', '/api/bookings/a/pause', {}, { token: made.token })).toMatchObject({
      status: 409,
      body: { reason: 'slot_over' },
    });
    expect(await api.json('POST', '/api/bookings/a/abort', {}, { token: made.token })).toMatchObject({
      status: 409,
      body: { reason: 'slot_over' },
    });
    expect(await status('GET', '/api/bookings/a', { token: made.token })).toBe(200);
    clock = () => NIGHT + (30 + 25 * 60) * 60_000 + 1_000;
    expect((await api.json<Problem>('GET', '/api/bookings/a', undefined, { token: made.token })).body.code).toBe(
      'token_expired',
    );
  });

  test('a forged, cut or widened token is nobody’s', async () => {
    const mine = await token(api, { kind: 'booking', subject: 'a', scopes: ['session:view'] });
    const [payload, signature] = mine.slice(4).split('.') as [string, string];
    const widened = Buffer.from(
      Buffer.from(payload, 'base64url').toString().replace('"session:view"', '"session:view","admin:read"'),
    ).toString('base64url');
    for (const bad of [
      `nct_${widened}.${signature}`,
      mine.slice(0, -1),
      `${mine}x`,
      'nct_.',
      'nct_e30.',
      `nct_${payload}.${'A'.repeat(43)}`,
    ])
      expect(await status('GET', '/api/bookings/a', { token: bad })).toBe(401);
    const other = await startApi(postgres.url, {
      config: config({ GATEWAY_SECRET: 'another secret altogether' }),
      sync: false,
    });
    try {
      expect((await other.json('GET', '/api/bookings/a', undefined, { token: mine })).status).toBe(401);
    } finally {
      await other.stop();
    }
  });

  test('a revoked token is refused within a second on every replica', async () => {
    const second = await startApi(postgres.url, { config: config(), sync: false });
    try {
      const { body: made } = await api.json<{ id: string; token: string }>('POST', '/api/tokens', {
        kind: 'booking',
        subject: 'a',
      });
      expect((await second.json('GET', '/api/bookings/a', undefined, { token: made.token })).status).toBe(200);
      expect(await status('DELETE', `/api/tokens/${made.id}`, {})).toBe(204);
      expect(await status('GET', '/api/bookings/a', { token: made.token })).toBe(401);
      const began = Date.now();
      let answer = 0;
      while (answer !== 401 && Date.now() - began < 1_000)
        answer = (await second.json('GET', '/api/bookings/a', undefined, { token: made.token })).status;
      expect(answer).toBe(401);
      expect((await second.json<Problem>('GET', '/api/bookings/a', undefined, { token: made.token })).body.code).toBe(
        'token_revoked',
      );
    } finally {
      await second.stop();
    }
  });

  test('named server keys: hashed, scoped, rotated with overlap, revoked, last use noted', async () => {
    const { body: made, status: created } = await api.json<{ id: string; key: string }>('POST', '/api/keys', {
      name: 'reader',
      scopes: ['bookings:read'],
    });
    expect(created).toBe(201);
    const row = await api.db.apiKey.findUniqueOrThrow({ where: { id: made.id } });
    expect(row.hash).toBe(createHash('sha256').update(made.key).digest('hex'));
    expect(await status('GET', '/api/bookings/a', { key: made.key })).toBe(200);
    expect(await status('PUT', '/api/bookings/z', { key: made.key }, body())).toBe(403);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await api.db.apiKey.findUniqueOrThrow({ where: { id: made.id } })).lastUsedAt).not.toBeNull();
    const { body: next } = await api.json<{ id: string; key: string }>('POST', `/api/keys/${made.id}/rotate`, {
      overlap_seconds: 60,
    });
    expect([
      await status('GET', '/api/bookings/a', { key: made.key }),
      await status('GET', '/api/bookings/a', { key: next.key }),
    ]).toEqual([200, 200]);
    clock = () => NIGHT + 5 * 60_000;
    expect([
      await status('GET', '/api/bookings/a', { key: made.key }),
      await status('GET', '/api/bookings/a', { key: next.key }),
    ]).toEqual([401, 200]);
    expect(await status('DELETE', `/api/keys/${next.id}`, {})).toBe(204);
    expect(await status('GET', '/api/bookings/a', { key: next.key })).toBe(401);
    expect(JSON.stringify((await api.json('GET', '/api/keys')).body)).not.toContain(next.key);
  });

  test('pixels: ranges, ETag, disposition, and signed addresses that end', async () => {
    const { body: page } = await api.json<{ data: { url: string; preview_url: string; thumbnail_url: null }[] }>(
      'GET',
      '/api/bookings/a/images',
    );
    const { url, preview_url: preview, thumbnail_url: thumbnail } = page.data[0]!;
    expect(thumbnail).toBeNull();
    const whole = await api.fetch(url, { key: null });
    expect([
      whole.status,
      whole.headers.get('content-type'),
      whole.headers.get('content-length'),
      whole.headers.get('content-disposition'),
    ]).toEqual([200, 'image/fits', '2880', `attachment; filename="M45_L_001.fits"; filename*=UTF-8''M45_L_001.fits`]);
    expect(Buffer.from(await whole.arrayBuffer()).equals(fits)).toBe(true);
    const part = await api.fetch(url, { key: null, headers: { range: 'bytes=10-19' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 10-19/2880',
      fits.subarray(10, 20).toString(),
    ]);
    expect((await api.fetch(url, { key: null, headers: { range: 'bytes=-5' } })).headers.get('content-range')).toBe(
      'bytes 2875-2879/2880',
    );
    expect((await api.fetch(url, { key: null, headers: { range: 'bytes=9999-' } })).status).toBe(416);
    expect((await api.fetch(url, { key: null, headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).status).toBe(
      200,
    );
    const etag = whole.headers.get('etag')!;
    expect((await api.fetch(url, { key: null, headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await api.fetch(url, { key: null, method: 'HEAD' })).headers.get('content-length')).toBe('2880');
    expect((await api.fetch(preview, { key: null })).headers.get('content-type')).toBe('image/jpeg');
    const path = url.split('?')[0]!;
    expect((await api.fetch(path, { key: null })).status).toBe(401);
    expect((await api.fetch(url.replace('/f1/', '/f2/'), { key: null })).status).toBe(401);
    expect((await api.fetch(url.replace('/fits', '/preview.jpg'), { key: null })).status).toBe(401);
    expect((await api.fetch(signPath(GATEWAY_SECRET, path, NIGHT - 1_000), { key: null })).status).toBe(401);
    expect((await api.fetch(signPath(GATEWAY_SECRET, path, NIGHT + 30 * 86_400_000), { key: null })).status).toBe(200);
    const zip = await api.fetch(signPath(GATEWAY_SECRET, '/api/bookings/a/archive.zip', NIGHT + 86_400_000), {
      key: null,
    });
    expect([zip.status, zip.headers.get('content-type')]).toEqual([200, 'application/zip']);
    const bytes = Buffer.from(await zip.arrayBuffer());
    expect(bytes.length).toBe(Number(zip.headers.get('content-length')));
    expect(bytes.includes(fits)).toBe(true);
    const rest = await api.fetch('/api/bookings/a/archive.zip', {
      headers: { range: 'bytes=100-', 'if-range': zip.headers.get('etag')! },
    });
    expect([rest.status, Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(100))]).toEqual([206, true]);
  });

  test('a path in the database that leaves the store is not followed', async () => {
    await api.db.frame.update({ where: { id: 'f1' }, data: { archivePath: '../../../../etc/passwd' } });
    expect(await status('GET', '/api/bookings/a/images/f1/fits', {})).toBe(404);
    await api.db.frame.update({ where: { id: 'f1' }, data: { archivePath: '/etc/passwd' } });
    expect(await status('GET', '/api/bookings/a/images/f1/fits', {})).toBe(404);
  });

  const raw = (lines: string, ms = 4_000): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(api.port, '127.0.0.1', () => socket.write(lines));
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
      setTimeout(() => socket.destroy(), ms);
    });
  test('path traversal in addresses finds nothing', async () => {
    for (const path of [
      '/assets/../../package.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets/..%2f..%2fpackage.json',
      '/docs/../../../etc/passwd',
      '/api/bookings/..%2Fa/images/f1/fits',
    ])
      expect(await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 (404|422|400)/,
      );
  });
  test('addresses that are none, also of sockets, are answered and end nothing', async () => {
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    for (const path of ['//[', '/app/%E0%A4%A', '/app/%', 'http://[', '/app/a/b', '*'])
      expect([path, await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, 500)]).toEqual([
        path,
        expect.stringMatching(/^HTTP\/1\.1 404/),
      ]);
    for (const path of ['//[', '/api/bookings/%E0%A4%A', 'http://['])
      expect([
        path,
        await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nConnection: close\r\n\r\n`),
      ]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 4\d\d/)]);
    for (const [type, payload] of [
      ['application/json', '{'],
      ['application/json', 'null'],
      ['multipart/form-data; boundary=x', 'nonsense'],
      ['text/plain', 'socket_id=1.1'],
    ] as const) {
      const response = await api.fetch('/broadcasting/auth', {
        method: 'POST',
        headers: { 'content-type': type },
        body: payload,
      });
      expect([type, payload, response.status >= 400 && response.status < 500]).toEqual([type, payload, true]);
    }
    expect((await api.fetch('/healthz', { key: null })).status).toBe(200);
  });
  test('a replayed token of another time or booking opens nothing: a channel signature is for one socket', async () => {
    const mine = await token(api, { kind: 'booking', subject: 'a' });
    const form = (channel: string): RequestInit => ({
      method: 'POST',
      body: new URLSearchParams({ socket_id: '1.1', channel_name: channel }),
    });
    const { auth } = (await (
      await api.fetch('/broadcasting/auth', { ...form('private-session.a'), token: mine })
    ).json()) as { auth: string };
    const { verifyChannel } = await import('../../api/live/protocol.ts');
    const good = (socket: string, channel: string): boolean =>
      verifyChannel(api.deps.live.key, api.deps.live.secret, socket, channel, auth, undefined);
    expect([
      good('1.1', 'private-session.a'),
      good('1.2', 'private-session.a'),
      good('1.1', 'private-session.g'),
    ]).toEqual([true, false, false]);
    expect((await api.fetch('/broadcasting/auth', { ...form('private-session.g'), token: mine })).status).toBe(403);
    clock = () => NIGHT + (30 + 25 * 60) * 60_000 + 1_000;
    expect((await api.fetch('/broadcasting/auth', { ...form('private-session.a'), token: mine })).status).toBe(401);
    expect(await api.db.receipt.count()).toBe(0);
  });
  test('header injection: line breaks in names and ids never reach a header', async () => {
    await api.db.frame.update({ where: { id: 'f1' }, data: { filename: 'a"\r\nSet-Cookie: x=1\r\n.fits' } });
    const response = await api.fetch('/api/bookings/a/images/f1/fits');
    expect([response.status, response.headers.get('set-cookie')]).toEqual([200, null]);
    expect(response.headers.get('content-disposition')).toContain('filename="a___Set-Cookie: x=1__.fits"');
    const id = await api.fetch('/api/bookings/a', { headers: { 'x-request-id': 'ok-1' } });
    expect(id.headers.get('x-request-id')).toBe('ok-1');
    expect(
      (await api.fetch('/api/bookings/a', { headers: { 'x-request-id': 'a b<script>' } })).headers.get('x-request-id'),
    ).toMatch(/^[0-9a-f-]{36}$/);
  });
  test('bodies: too large, not JSON, wrong type, none at all', async () => {
    const put = (init: RequestInit): Promise<Response> => api.fetch('/api/bookings/h', { method: 'PUT', ...init });
    const answers: [number, string][] = [];
    for (const init of [
      { headers: { 'content-type': 'application/json' }, body: `{"a":"${'x'.repeat(300_000)}"}` },
      { headers: { 'content-type': 'application/json' }, body: '{"a":' },
      { headers: { 'content-type': 'text/plain' }, body: '{}' },
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
      {},
      { headers: { 'content-type': 'application/json' }, body: '[]' },
      { headers: { 'content-type': 'application/json' }, body: 'null' },
    ] as RequestInit[]) {
      const response = await put(init);
      answers.push([response.status, ((await response.json()) as Problem).code]);
    }
    expect(answers).toEqual([
      [413, 'too_large'],
      [400, 'malformed_json'],
      [415, 'unsupported_media_type'],
      [415, 'unsupported_media_type'],
      [415, 'unsupported_media_type'],
      [422, 'invalid'],
      [422, 'invalid'],
    ]);
    expect(await api.db.booking.count()).toBe(2);
  });
  test('addresses and headers beyond their limits', async () => {
    expect(await status('GET', `/api/bookings?target=${'x'.repeat(5_000)}`, {})).toBe(414);
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431/,
    );
  });
  test('a body that trickles in is cut off', async () => {
    const began = Date.now();
    const answer = await new Promise<string>((resolve) => {
      const slow = request(
        {
          port: api.port,
          host: '127.0.0.1',
          method: 'PUT',
          path: '/api/bookings/slow',
          headers: { 'x-api-key': KEY, 'content-type': 'application/json', 'content-length': 1_000 },
        },
        (response) => resolve(String(response.statusCode)),
      );
      const drip = setInterval(() => slow.write(' '), 500);
      slow.on('error', () => resolve('cut'));
      slow.on('close', () => clearInterval(drip));
    });
    expect(['408', 'cut']).toContain(answer);
    expect(Date.now() - began).toBeLessThan(6_000);
  });

  test('too many requests with one token: 429 with Retry-After, but an abort is never told to wait', async () => {
    const mine = await token(api, { kind: 'booking', subject: 'a' });
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => api.fetch('/api/bookings/a/snapshot', { token: mine })),
    );
    const limited = answers.filter((r) => r.status === 429);
    expect(limited.length).toBeGreaterThanOrEqual(15);
    expect(Number(limited[0]!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await status('POST', '/api/bookings/a/abort', { token: mine }, {})).not.toBe(429);
  });

  test('what costs much computing has a budget of its own, which no other credential pays for', async () => {
    const open = await startApi(postgres.url, {
      config: config({ PUSH_SERVICES: 'push.example' }),
      sync: false,
      limits: { perTokenPerSecond: 1e6, burst: 1e6, authFailuresPerMinute: 1e6 },
    });
    const check = async (as: string): Promise<number> =>
      (await open.json('POST', '/api/bookings/check', body(), { token: as })).status;
    const [viewer, other] = await Promise.all(
      ['a', 'g'].map((subject) => token(open, { kind: 'booking', subject, scopes: ['session:view'] })),
    );
    const answers = await Promise.all(Array.from({ length: 250 }, () => check(viewer!)));
    const last = await check(other!);
    await open.stop();
    expect([answers.includes(200), answers.includes(429), last]).toEqual([true, true, 200]);
  });

  test('guessing keys from one address is slowed down', async () => {
    const strict = await startApi(postgres.url, {
      config: config({ PUSH_SERVICES: 'push.example' }),
      sync: false,
      limits: { perTokenPerSecond: 100, burst: 100, authFailuresPerMinute: 5 },
    });
    try {
      const codes: number[] = [];
      for (let i = 0; i < 8; i++)
        codes.push((await strict.json('GET', '/api/bookings/a', undefined, { key: `guess-${i}` })).status);
      expect(codes).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    } finally {
      await strict.stop();
    }
  });

  test('CORS by allow-list, and headers that pages need', async () => {
    const allowed = await api.fetch('/healthz', { headers: { origin: 'https://club.example' } });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://club.example');
    const strange = await api.fetch('/healthz', { headers: { origin: 'https://evil.example' } });
    expect(strange.headers.get('access-control-allow-origin')).toBeNull();
    expect(strange.headers.get('x-content-type-options')).toBe('nosniff');
    expect(strange.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  test('a replayed request under one Idempotency-Key: the same answer, one effect; another body is refused', async () => {
    const ask = (reason: string): Promise<{ status: number; body: unknown; headers: Headers }> =>
      api.json(
        'POST',
        '/api/telescopes/t1/maintenance',
        { from: at(600), to: at(660), reason },
        { headers: { 'idempotency-key': 'm1' } },
      );
    const first = await ask('mirror');
    const second = await ask('mirror');
    // 202: entered, but no gateway is there to know of it.
    expect([first.status, second.status, second.headers.get('idempotent-replayed')]).toEqual([202, 202, 'true']);
    expect(second.body).toEqual(first.body);
    expect((await ask('other')).status).toBe(409);
    expect(await api.db.maintenance.count({ where: { reason: 'mirror' } })).toBe(1);
    await api.db.maintenance.deleteMany();
  });

  test('one browser asks to be told of two bookings and of a person’s own: each stands until it is given back by whom it is', async () => {
    const endpoint = 'https://push.example/device';
    const subscribe = async (bearer: string, booking_id?: string): Promise<string> => {
      const { status: code, body } = await api.json<{ id: string }>(
        'POST',
        '/api/push/subscriptions',
        { booking_id, endpoint, keys: { p256dh: 'k', auth: 'a' } },
        { token: bearer },
      );
      expect(code).toBe(201);
      return body.id;
    };
    const [first, second, ada] = [
      await token(api, { kind: 'booking', subject: 'a' }),
      await token(api, { kind: 'booking', subject: 'g' }),
      await token(api, { kind: 'user', subject: 'ada' }),
    ];
    const ids = [await subscribe(first), await subscribe(second), await subscribe(ada, 'a')];
    expect(new Set(ids).size).toBe(3);
    expect(await subscribe(first)).toBe(ids[0]);
    expect(await api.db.pushSubscription.count({ where: { endpoint } })).toBe(3);
    expect(await status('DELETE', `/api/push/subscriptions/${ids[0]}`, { token: second })).toBe(404);
    expect(await status('DELETE', `/api/push/subscriptions/${ids[0]}`, { token: first })).toBe(204);
    expect(
      await api.db.pushSubscription.findMany({
        where: { endpoint },
        select: { bookingId: true, userRef: true },
        orderBy: { createdAt: 'asc' },
      }),
    ).toEqual([
      { bookingId: 'g', userRef: null },
      { bookingId: 'a', userRef: 'ada' },
    ]);
    await api.db.pushSubscription.deleteMany();
  });

  test('a person: export, then erasure; the ledger stays, the tokens end', async () => {
    const ada = await token(api, { kind: 'user', subject: 'ada' });
    await api.json(
      'POST',
      '/api/push/subscriptions',
      { endpoint: 'https://push.example/x', keys: { p256dh: 'k', auth: 'a' } },
      { token: ada },
    );
    await api.db.settlement.create({
      data: { id: 's1', bookingId: 'a', rule: 'r', lines: [], chargedHundredths: 1200, refundHundredths: 300 },
    });
    const file = await api.json('GET', '/api/users/ada');
    expect(file).toMatchObject({
      status: 200,
      body: {
        email: 'ada@example.org',
        bookings: [{ id: 'a' }],
        settlements: [{ settlement_id: 's1' }],
        push_subscriptions: [{ endpoint_host: 'push.example' }],
      },
    });
    expect((await api.json('DELETE', '/api/users/ada')).status).toBe(200);
    expect((await api.json('GET', '/api/users/ada')).body).toMatchObject({
      email: null,
      display_name: null,
      push_subscriptions: [],
      settlements: [{ settlement_id: 's1' }],
    });
    expect(await status('GET', '/api/bookings', { token: ada })).toBe(401);
    const dump = await api.db.$queryRaw<
      { t: string }[]
    >`SELECT row_to_json(x)::text AS t FROM (SELECT * FROM bookings) x UNION ALL SELECT row_to_json(o)::text FROM outbox o UNION ALL SELECT row_to_json(e)::text FROM events e UNION ALL SELECT row_to_json(a)::text FROM audit a`;
    expect(dump.map((d) => d.t).join()).not.toMatch(/Ada|Lovelace|ada@example/);
  });

  test('telemetry is down-sampled here, statistics and ledger add up, deliveries replay', async () => {
    await api.db.telemetry.createMany({
      data: Array.from({ length: 600 }, (_, i) => ({
        telescopeId: 't1',
        bookingId: 'a',
        at: new Date(NIGHT - 1_000_000 + i * 1_000),
        data: {
          camera_temperature: -10 + (i % 10) / 10,
          guiding_status: i < 300 ? 'RUNNING' : 'STOPPED',
          guiding_rms: 0.5,
        },
      })),
    });
    const series = await api.json<{
      t: number[];
      bucket_seconds: number;
      series: Record<string, { mean: number[]; min: number[]; max: number[] }>;
    }>(
      'GET',
      `/api/bookings/a/telemetry?series=camera.temperature,guiding.rms&points=20&from=${encodeURIComponent(new Date(NIGHT - 1_000_000).toISOString())}&to=${encodeURIComponent(new Date(NIGHT - 400_000).toISOString())}`,
    );
    expect(series.status).toBe(200);
    expect(series.body.t).toHaveLength(20);
    const { mean, min, max } = series.body.series['camera.temperature']!;
    expect([Math.round(mean[3]! * 100) / 100, min[3], max[3]]).toEqual([-9.55, -10, -9.1]);
    expect((await api.json<Problem>('GET', '/api/bookings/a/telemetry?series=nothing')).status).toBe(422);
    const stats = await api.json('GET', '/api/bookings/a/stats');
    expect(stats.body).toMatchObject({
      images: { archived: 1, rejected: 0 },
      by_filter: [{ filter: 'L', count: 1, exposure_seconds: 60, average_hfd: 2.5, hfd_frames: 1 }],
      // No sample falls into the exposure of its only frame.
      guiding: { success_rate: null, average_rms_px: 0.5, samples: 600 },
    });
    await api.db.ledgerInterval.createMany({
      data: [
        { bookingId: 'a', startsAt: new Date(at(-30)), endsAt: new Date(at(0)), class: 'imaging' },
        {
          bookingId: 'a',
          startsAt: new Date(at(0)),
          endsAt: new Date(at(30)),
          class: 'weather_hold',
          cause: 'weather_hold',
        },
      ],
    });
    expect((await api.json('GET', '/api/bookings/a/ledger')).body).toMatchObject({
      seconds: { imaging: 1800, weather_hold: 1800, unsafe: 0 },
    });
    const analytics = await api.json('GET', `/api/admin/analytics?from=${at(-600)}&to=${at(600)}`);
    expect(analytics).toMatchObject({
      status: 200,
      body: {
        utilisation: [{ telescope_id: 't1', booked_hours: 2, imaging_hours: 0.5, utilisation: 0.25 }],
        total_observation_hours: 0.5,
        images_captured: 1,
        problems: [{ reason: 'weather_hold', count: 1 }],
      },
    });
    const [delivery] = (await api.json<{ data: { id: string }[] }>('GET', '/api/webhooks/deliveries?booking_id=a')).body
      .data;
    await api.db.outbox.update({
      where: { id: delivery!.id },
      data: { deadAt: new Date(), attempts: 40, lastError: 'HTTP 500' },
    });
    await api.db.delivery.create({
      data: { id: 'd1', outboxId: delivery!.id, attempt: 40, status: 500, durationMs: 12 },
    });
    expect((await api.json('GET', `/api/webhooks/deliveries/${delivery!.id}`)).body).toMatchObject({
      state: 'dead',
      log: [{ attempt: 40, status: 500, duration_ms: 12 }],
    });
    expect((await api.json('POST', '/api/webhooks/replay', { dead: true })).body).toEqual({ count: 1 });
    expect((await api.json('GET', `/api/webhooks/deliveries/${delivery!.id}`)).body).toMatchObject({
      state: 'waiting',
      attempts: 0,
    });
  });

  test('events page by sequence number without a gap', async () => {
    await api.db.$transaction(async (tx) => {
      for (let i = 0; i < 30; i++)
        await appendEvent(tx, { key: `e${i}`, type: 'log.appended', bookingId: 'a', telescopeId: 't1', data: { i } });
    });
    const seen: number[] = [];
    for (let after = 0, complete = false; !complete;) {
      const page = await api.json<{ data: { seq: number }[]; meta: { complete: boolean } }>(
        'GET',
        `/api/bookings/a/events?after=${after}&limit=7`,
      );
      seen.push(...page.body.data.map((e) => e.seq));
      after = seen.at(-1)!;
      ({ complete } = page.body.meta);
    }
    expect(seen).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
  });
});
