import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type PusherLibrary from 'pusher';
import type PusherClient from 'pusher-js';
import { WebSocket } from 'ws';
import { APP, config, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';

const require = createRequire(import.meta.url);
const PusherServer = require('pusher') as typeof PusherLibrary;
const PusherJs = require('pusher-js') as typeof PusherClient.default;
type Page = InstanceType<typeof PusherJs>;

describe('people on the live stream, as Pusher’s own libraries speak of them', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let server: InstanceType<typeof PusherServer>;
  const clients: Page[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')], now: Date.now });
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
    for (const client of clients) client.disconnect();
    await api?.stop();
    await postgres?.stop();
  });

  /** A page of a person whom the app's server signs in; presence channels are signed without channel_data, as for whoever is known. */
  const page = (id: string): Page => {
    const client = new PusherJs(APP.key, {
      cluster: '',
      wsHost: '127.0.0.1',
      wsPort: api.port,
      forceTLS: false,
      enabledTransports: ['ws'],
      userAuthentication: {
        customHandler: ({ socketId }: { socketId: string }, done: never) =>
          (done as (error: null, data: unknown) => void)(
            null,
            server.authenticateUser(socketId, { id, user_info: { name: `Name of ${id}` } }),
          ),
      } as never,
      channelAuthorization: {
        customHandler: ({ socketId, channelName }: { socketId: string; channelName: string }, done: never) =>
          (done as (error: null, data: unknown) => void)(null, server.authorizeChannel(socketId, channelName)),
      } as never,
    });
    clients.push(client);
    return client;
  };
  const heard = (bind: (callback: (data: unknown) => void) => unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing came')), 5_000);
      bind((data) => {
        clearTimeout(late);
        resolve(data);
      });
    });

  test('sendToUser reaches every page of that person and nobody else', async () => {
    const [ada, again, bob] = [page('ada'), page('ada'), page('bob')];
    let strange = 0;
    bob.user.bind('note', () => strange++);
    const ready = [ada, again, bob].map((client) =>
      heard((done) => client.bind_global((name: string) => name === 'pusher:signin_success' && done(name))),
    );
    for (const client of [ada, again, bob]) client.signin();
    await Promise.all(ready);
    const notes = [ada, again].map((client) => heard((done) => client.user.bind('note', done)));
    const answer = await server.sendToUser('ada', 'note', { text: 'your frame' });
    expect(answer.status).toBe(200);
    expect(await Promise.all(notes)).toEqual([{ text: 'your frame' }, { text: 'your frame' }]);
    expect(strange).toBe(0);
  });

  test('whoever has signed in joins a presence channel without channel_data', async () => {
    const ada = page('ada');
    const ready = heard((done) => ada.bind_global((name: string) => name === 'pusher:signin_success' && done(name)));
    ada.signin();
    await ready;
    const channel = ada.subscribe('presence-telescope.t1');
    expect(await heard((done) => channel.bind('pusher:subscription_succeeded', done))).toMatchObject({
      myID: 'ada',
      members: { ada: { name: 'Name of ada' } },
    });
  });

  /** A bare socket, to say what no library would. */
  const bare = async (): Promise<{
    id: string;
    ask: (event: string, data: unknown) => Promise<{ event: string; data: string }>;
    closed: Promise<number>;
  }> => {
    const ws = new WebSocket(`ws://127.0.0.1:${api.port}/app/${APP.key}?protocol=7`);
    const next = (): Promise<{ event: string; data: string }> =>
      new Promise((resolve) => ws.once('message', (raw: Buffer) => resolve(JSON.parse(raw.toString()) as never)));
    const { socket_id: id } = JSON.parse((await next()).data) as { socket_id: string };
    return {
      id,
      closed: new Promise((resolve) => ws.once('close', resolve)),
      ask: (event, data) => {
        const answer = next();
        ws.send(JSON.stringify({ event, data }));
        return answer;
      },
    };
  };
  test('a sign-in without an id fails, however well it is signed', async () => {
    for (const user of ['{}', '{"id":""}', '{"id":null}', '{"id":{}}', 'null']) {
      const { id, ask, closed } = await bare();
      const auth = `${APP.key}:${createHmac('sha256', APP.secret).update(`${id}::user::${user}`).digest('hex')}`;
      expect((await ask('pusher:signin', { user_data: user, auth })).event).toBe('pusher:error');
      expect(await closed).toBe(4009);
    }
  });
  test('nobody listens to another’s channel, and no listing shows one', async () => {
    const { ask } = await bare();
    expect((await ask('pusher:subscribe', { channel: '#server-to-user-ada' })).event).toBe('pusher:subscription_error');
    const channels = (await (await server.get({ path: '/channels' })).json()) as { channels: Record<string, unknown> };
    expect(Object.keys(channels.channels).filter((name) => name.startsWith('#'))).toEqual([]);
  });
  test('what is too large is refused in the words that server libraries look for', async () => {
    const large = 'x'.repeat(10 * 1024 + 1);
    await expect(server.trigger('c', 'e', large)).rejects.toMatchObject({
      status: 413,
      body: expect.stringContaining('content of this event'),
    });
    await expect(server.triggerBatch([{ channel: 'c', name: 'e', data: large }])).rejects.toMatchObject({
      status: 413,
      body: expect.stringContaining('content of this event'),
    });
    const many = Array.from({ length: 11 }, () => ({ channel: 'c', name: 'e', data: 'x' }));
    await expect(server.triggerBatch(many)).rejects.toMatchObject({
      status: 400,
      body: expect.stringContaining('Batch too large'),
    });
  });
});
