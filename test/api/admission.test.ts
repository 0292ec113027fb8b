import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { Admission } from '../../api/live/admission.ts';
import { APP, at, config, insertBooking, pusherAuth, startApi, startPostgres, type RunningApi } from './harness.ts';

describe('places for live sockets', () => {
  test('strangers are bounded by address and in all; who shows a right makes room; a place is given back once', () => {
    const admission = new Admission({ strangersPerAddress: 2, strangers: 3, sockets: 5 });
    const [first, second] = [admission.enter('a'), admission.enter('a')];
    expect(admission.enter('a')).toBeNull();
    const third = admission.enter('b')!;
    expect(admission.enter('c')).toBeNull();
    first!.known();
    expect(first!.isStranger()).toBe(false);
    const fourth = admission.enter('a');
    expect(fourth).not.toBeNull();
    for (const place of [first, first, second, third, fourth]) place!.leave();
    const all = ['a', 'b', 'c', 'd', 'e'].map((address) => {
      const place = admission.enter(address);
      place?.known();
      return place;
    });
    expect(all.every((place) => place !== null)).toBe(true);
    expect(admission.enter('f')).toBeNull();
  });
});

describe('the live server under a flood of anonymous sockets', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config({ CORS_ORIGINS: 'https://shop.example' }) });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    await api?.stop();
    await postgres?.stop();
  });
  /** Its socket id, or the status with which it was refused. */
  const open = (): Promise<string | number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${api.port}/app/${APP.key}?protocol=7`);
      sockets.push(socket);
      socket.on('error', reject);
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode!));
      socket.once('message', (raw: Buffer) => {
        const { data } = JSON.parse(raw.toString()) as { data: string };
        resolve((JSON.parse(data) as { socket_id: string }).socket_id);
      });
    });

  test('the preflight of a stock client passes with the headers that it adds; another origin’s does not', async () => {
    const preflight = (origin: string): Promise<Response> =>
      api.fetch('/broadcasting/auth', {
        method: 'OPTIONS',
        key: null,
        headers: {
          origin,
          'access-control-request-method': 'POST',
          // Echo and axios with Laravel’s meta tag, and tracers.
          'access-control-request-headers':
            'authorization,content-type,x-csrf-token,x-requested-with,x-socket-id,traceparent',
        },
      });
    const { headers } = await preflight('https://shop.example');
    expect(headers.get('access-control-allow-origin')).toBe('https://shop.example');
    const allowed = headers.get('access-control-allow-headers')!.toLowerCase();
    for (const name of ['x-csrf-token', 'x-socket-id', 'x-requested-with', 'authorization', 'traceparent'])
      expect(allowed).toContain(name);
    expect((await preflight('https://elsewhere.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('sixty people on one shared link all subscribe; one socket that asks without end is held back alone', async () => {
    await insertBooking(api, 'shared', { start: at(-10), end: at(50) }, { ref: 'ada' }, 'running');
    const { token } = (
      await api.json<{ token: string }>('POST', '/api/tokens', {
        kind: 'booking',
        subject: 'shared',
        scopes: ['session:view'],
      })
    ).body;
    const ask = async (socket: number, channel: string): Promise<number> => {
      const body = new URLSearchParams({ socket_id: `1.${socket}`, channel_name: channel });
      return (await api.fetch('/broadcasting/auth', { method: 'POST', token, key: null, body })).status;
    };
    const people = Array.from({ length: 60 }, (_, person) => person + 1);
    const channels = ['private-session.shared', 'private-cache-session.shared.state', 'presence-telescope.t1'];
    const asked = await Promise.all(people.flatMap((person) => channels.map((channel) => ask(person, channel))));
    expect(asked.filter((status) => status !== 200)).toEqual([]);
    const flood = await Promise.all(Array.from({ length: 60 }, () => ask(99, channels[0]!)));
    expect(flood.filter((status) => status === 429).length).toBeGreaterThan(20);
    expect(await ask(100, channels[0]!)).toBe(200);
  });

  test('an address has 200 without a subscription; one that subscribes makes room, a public channel does not', async () => {
    const ids: (string | number)[] = [];
    for (let i = 0; i < 200; i++) ids.push(await open());
    expect(ids.filter((id) => typeof id !== 'string')).toEqual([]);
    expect(await open()).toBe(503);
    const subscribe = (i: number, channel: string): Promise<void> =>
      new Promise((resolve) => {
        sockets[i]!.once('message', () => resolve());
        sockets[i]!.send(
          JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: pusherAuth(ids[i] as string, channel) } }),
        );
      });
    await subscribe(0, 'news');
    expect(await open()).toBe(503);
    await subscribe(1, 'private-session.b-1');
    expect(await open()).toEqual(expect.any(String));
    expect((await api.fetch('/healthz')).status).toBe(200);
  }, 60_000);
});
