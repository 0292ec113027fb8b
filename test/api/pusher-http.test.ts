import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type PusherLibrary from 'pusher';
import { WebSocket } from 'ws';
import { signChannel, verifyHttpRequest } from '../../api/live/protocol.ts';
import { publish } from '../../platform/bus.ts';
import {
  APP,
  config,
  insertBooking,
  pusherAuth,
  startApi,
  startPostgres,
  telescope,
  type RunningApi,
} from './harness.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';

const require = createRequire(import.meta.url);
const PusherServer = require('pusher') as typeof PusherLibrary;
const soon = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

interface Socket {
  ws: WebSocket;
  id: string;
  messages: { event: string; channel?: string; data?: string }[];
  closed: Promise<number>;
  until(what: string, check: (m: Socket['messages']) => boolean): Promise<void>;
  subscribe(channel: string, data?: string): Promise<void>;
}
async function open(port: number): Promise<Socket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/app/${APP.key}?protocol=7`);
  const messages: Socket['messages'] = [];
  ws.on('message', (raw: Buffer) => messages.push(JSON.parse(raw.toString()) as Socket['messages'][number]));
  const closed = new Promise<number>((resolve) => ws.once('close', (code) => resolve(code)));
  const until: Socket['until'] = async (what, check) => {
    const end = Date.now() + 5_000;
    while (!check(messages)) {
      if (Date.now() > end) throw new Error(`waited for ${what}; got ${JSON.stringify(messages).slice(0, 400)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until('connection', (m) => m.length > 0);
  const { socket_id: id } = JSON.parse(messages[0]!.data!) as { socket_id: string };
  return {
    ws,
    id,
    messages,
    closed,
    until,
    async subscribe(channel, data) {
      ws.send(
        JSON.stringify({
          event: 'pusher:subscribe',
          data: { channel, auth: pusherAuth(id, channel, data), ...(data === undefined ? {} : { channel_data: data }) },
        }),
      );
      await until(`subscription to ${channel}`, (m) =>
        m.some((x) => x.event === 'pusher_internal:subscription_succeeded' && x.channel === channel),
      );
    },
  };
}

describe('Pusher protocol and HTTP API', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let server: InstanceType<typeof PusherServer>;
  const sockets: Socket[] = [];
  const connect = async (): Promise<Socket> => {
    const socket = await open(api.port);
    sockets.push(socket);
    return socket;
  };
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')], now: Date.now });
    await insertBooking(api, 'b-1', { start: soon(-10), end: soon(50) }, { ref: 'u' }, 'running');
    server = new PusherServer({
      appId: APP.id,
      key: APP.key,
      secret: APP.secret,
      host: '127.0.0.1',
      port: String(api.port),
      useTLS: false,
    });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });
  beforeEach(() => {
    for (const socket of sockets.splice(0)) socket.ws.terminate();
  });
  const refusal = async (promise: Promise<unknown>): Promise<number> =>
    promise.then(
      () => 0,
      (thrown: { status: number }) => thrown.status,
    );

  test('signatures are those of Pusher’s own documents', () => {
    expect(signChannel('278d425bdf160c739803', '7ad3773142a6692b25b8', '1234.1234', 'private-foobar')).toBe(
      '278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4',
    );
    expect(
      signChannel(
        '278d425bdf160c739803',
        '7ad3773142a6692b25b8',
        '1234.1234',
        'presence-foobar',
        '{"user_id":10,"user_info":{"name":"Mr. Channels"}}',
      ),
    ).toBe('278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80');
    const query = new URLSearchParams(
      'auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c',
    );
    const text = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
    expect(
      verifyHttpRequest(
        '278d425bdf160c739803',
        '7ad3773142a6692b25b8',
        'POST',
        '/apps/3/events',
        query,
        text,
        1_353_088_179_000,
      ),
    ).toBeNull();
    expect(
      verifyHttpRequest(
        '278d425bdf160c739803',
        '7ad3773142a6692b25b8',
        'POST',
        '/apps/3/events',
        query,
        `${text} `,
        1_353_088_179_000,
      ),
    ).toBe('body_md5 does not match');
    expect(
      verifyHttpRequest(
        '278d425bdf160c739803',
        '7ad3773142a6692b25b8',
        'POST',
        '/apps/3/events',
        query,
        text,
        1_353_088_179_000 + 700_000,
      ),
    ).toMatch(/600 s off/);
  });

  test('trigger, batch and exclusion of the sender', async () => {
    const [a, b] = [await connect(), await connect()];
    await a.subscribe('chat');
    await b.subscribe('chat');
    await server.trigger('chat', 'hello', { n: 1 }, { socket_id: a.id });
    await server.triggerBatch([
      { channel: 'chat', name: 'one', data: { n: 2 } },
      { channel: 'chat', name: 'two', data: { n: 3 } },
    ]);
    await b.until('three', (m) => m.filter((x) => x.channel === 'chat' && !x.event.startsWith('pusher')).length === 3);
    await a.until('two', (m) => m.some((x) => x.event === 'two'));
    expect(a.messages.filter((m) => !m.event.startsWith('pusher')).map((m) => [m.event, m.data])).toEqual([
      ['one', '{"n":2}'],
      ['two', '{"n":3}'],
    ]);
  });

  test('limits: 10 KB of data, 100 channels, 10 in a batch, names; wrong secret, unknown app', async () => {
    expect(await refusal(server.trigger('chat', 'e', 'x'.repeat(10_300)))).toBe(413);
    const raw = (body: object): Promise<unknown> => server.post({ path: '/events', body: body as never });
    expect(await refusal(raw({ name: 'e', data: 'd', channels: Array.from({ length: 101 }, (_, i) => `c${i}`) }))).toBe(
      400,
    );
    expect(await refusal(raw({ name: 'e'.repeat(201), data: 'd', channels: ['c'] }))).toBe(400);
    expect(await refusal(raw({ name: 'e', data: 'd', channels: ['no spaces allowed'] }))).toBe(400);
    expect(await refusal(raw({ name: 'e', data: 'd' }))).toBe(400);
    expect(
      await refusal(
        server.post({
          path: '/batch_events',
          body: { batch: Array.from({ length: 11 }, () => ({ channel: 'c', name: 'e', data: 'd' })) } as never,
        }),
      ),
    ).toBe(400);
    const thief = new PusherServer({
      appId: APP.id,
      key: APP.key,
      secret: 'wrong',
      host: '127.0.0.1',
      port: String(api.port),
      useTLS: false,
    });
    expect(await refusal(thief.trigger('chat', 'e', {}))).toBe(401);
    const stranger = new PusherServer({
      appId: 'other',
      key: APP.key,
      secret: APP.secret,
      host: '127.0.0.1',
      port: String(api.port),
      useTLS: false,
    });
    expect(await refusal(stranger.trigger('chat', 'e', {}))).toBe(404);
  });

  test('channel lists, info attributes and users', async () => {
    const [a, b] = [await connect(), await connect()];
    await a.subscribe('presence-room', JSON.stringify({ user_id: 'u1', user_info: { role: 'guest' } }));
    await b.subscribe('presence-room', JSON.stringify({ user_id: 'u2', user_info: {} }));
    await a.until('member_added', (m) => m.some((x) => x.event === 'pusher_internal:member_added'));
    await b.subscribe('plain');
    const read = async (path: string, params: Record<string, string> = {}): Promise<unknown> =>
      (await server.get({ path, params })).json();
    expect(await read('/channels')).toEqual({ channels: { 'presence-room': {}, plain: {} } });
    expect(await read('/channels', { filter_by_prefix: 'presence-', info: 'user_count' })).toEqual({
      channels: { 'presence-room': { user_count: 2 } },
    });
    expect(await refusal(server.get({ path: '/channels', params: { info: 'user_count' } }))).toBe(400);
    expect(await read('/channels/presence-room', { info: 'user_count,subscription_count' })).toEqual({
      occupied: true,
      user_count: 2,
      subscription_count: 2,
    });
    expect(await read('/channels/empty')).toEqual({ occupied: false });
    expect(await read('/channels/presence-room/users')).toEqual({ users: [{ id: 'u1' }, { id: 'u2' }] });
    expect(await refusal(server.get({ path: '/channels/plain/users' }))).toBe(400);
    await server.terminateUserConnections('u1');
    expect(await a.closed).toBe(4009);
    await b.until('member_removed', (m) =>
      m.some((x) => x.event === 'pusher_internal:member_removed' && x.data === '{"user_id":"u1"}'),
    );
  });

  test('cache channels: a miss before the first event, the last one afterwards', async () => {
    const a = await connect();
    await a.subscribe('cache-news');
    await a.until('miss', (m) => m.some((x) => x.event === 'pusher:cache_miss'));
    await server.trigger('cache-news', 'update', { n: 1 });
    await server.trigger('cache-news', 'update', { n: 2 });
    const b = await connect();
    await b.subscribe('cache-news');
    await b.until('the last event', (m) => m.some((x) => x.event === 'update'));
    expect(b.messages.filter((m) => m.event === 'update').map((m) => m.data)).toEqual(['{"n":2}']);
  });

  test('what a socket sends amiss is answered, and hurts nobody', async () => {
    const a = await connect();
    for (const text of [
      'not json',
      '[]',
      '{"data":1}',
      '{"event":"pusher:subscribe","data":{"channel":5}}',
      '{"event":"pusher:subscribe","data":"{"}',
      '{"event":"made.up"}',
      '{"event":"client-x","channel":"chat","data":{}}',
      '{"event":"pusher:subscribe","data":{"channel":"private-encrypted-x"}}',
    ])
      a.ws.send(text);
    a.ws.send('{"event":"pusher:ping","data":{}}');
    await a.until('pong', (m) => m.some((x) => x.event === 'pusher:pong'));
    expect(a.messages.slice(1).map((m) => m.event)).toEqual([
      'pusher:error',
      'pusher:error',
      'pusher:error',
      'pusher:subscription_error',
      'pusher:subscription_error',
      'pusher:error',
      'pusher:error',
      'pusher:subscription_error',
      'pusher:pong',
    ]);
    a.ws.send('x'.repeat(20_000));
    expect(await a.closed).toBe(1009);
  });

  test('a viewer that does not read gets the newest state when it reads again, and costs little meanwhile', async () => {
    const slow = await connect();
    const quick = await connect();
    for (const socket of [slow, quick]) await socket.subscribe('private-session.b-1');
    const reader = (slow.ws as unknown as { _socket: { pause(): void; resume(): void } })._socket;
    reader.pause();
    const rounds = 2_500;
    for (let i = 1; i <= rounds; i++)
      api.deps.live.hub.broadcast(
        'private-session.b-1',
        'control.updated',
        { i, pad: 'x'.repeat(4_000) },
        { replaces: true },
      );
    const viewer = api.deps.live.hub.viewers.get(slow.id)!;
    expect(viewer.ws.bufferedAmount).toBeLessThan(512 * 1024);
    expect(viewer.newest?.size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    reader.resume();
    const last = (m: Socket['messages']): number =>
      (JSON.parse(m.findLast((x) => x.event === 'control.updated')?.data ?? '{"i":0}') as { i: number }).i;
    await slow.until('the newest', (m) => last(m) === rounds);
    await quick.until('the newest', (m) => last(m) === rounds);
    expect(slow.messages.length).toBeLessThan(rounds / 2);
  });

  test('a slow viewer of stored events is sent away to repair by REST, not fed without end', async () => {
    const slow = await connect();
    await slow.subscribe('private-session.b-1');
    (slow.ws as unknown as { _socket: { pause(): void } })._socket.pause();
    const viewer = api.deps.live.hub.viewers.get(slow.id)!;
    let most = 0;
    for (let i = 0; i < 3_000; i++) {
      api.deps.live.hub.broadcast('private-session.b-1', 'log.appended', { i, pad: 'x'.repeat(4_000) });
      most = Math.max(most, viewer.ws.bufferedAmount);
    }
    expect(most).toBeLessThan(1.2 * 1024 * 1024);
    expect(viewer.ws.readyState).toBeGreaterThan(1);
    (slow.ws as unknown as { _socket: { resume(): void } })._socket.resume();
    expect([4100, 1006]).toContain(await slow.closed);
  });

  test('passing events carry the last stored seq, and only the session whose telescope it is sees them', async () => {
    await insertBooking(api, 'b-2', { start: soon(60), end: soon(90) }, { ref: 'u' });
    const [mine, other, admin] = [await connect(), await connect(), await connect()];
    await mine.subscribe('private-session.b-1');
    await other.subscribe('private-session.b-2');
    await admin.subscribe('private-admin');
    await new Promise((resolve) => setTimeout(resolve, 150));
    await publish(api.db, {
      kind: 'event',
      event: {
        id: 'x',
        type: 'control.updated',
        seq: 0,
        epoch: 0,
        ts: soon(0),
        booking_id: 'b-1',
        telescope_id: 't1',
        rev: 7,
        data: { ...telescopeState(newNight()), rev: 7 },
      },
    });
    await mine.until('state', (m) => m.some((x) => x.event === 'control.updated'));
    await admin.until('state', (m) => m.some((x) => x.event === 'control.updated'));
    expect(JSON.parse(mine.messages.find((m) => m.event === 'control.updated')!.data!)).toMatchObject({
      seq: 1,
      epoch: 1,
      rev: 7,
      booking_id: 'b-1',
    });
    expect(other.messages.some((m) => m.event === 'control.updated')).toBe(false);
  });

  test('a deploy sends everybody away with a code that brings them back at once', async () => {
    const second = await startApi(postgres.url, { config: config(), sync: false, now: Date.now });
    const socket = await open(second.port);
    await second.stop();
    expect(await socket.closed).toBe(4200);
  });
});
