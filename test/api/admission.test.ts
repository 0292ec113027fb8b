import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { Admission } from '../../api/live/admission.ts';
import { APP, pusherAuth, startApi, startPostgres, type RunningApi } from './harness.ts';

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
    api = await startApi(postgres.url);
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
