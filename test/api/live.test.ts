import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import EchoModule from 'laravel-echo';
import type PusherLibrary from 'pusher';
import type PusherClient from 'pusher-js';
import type { Event } from '../../domain/contracts/event.ts';
import { Snapshot } from '../../domain/contracts/snapshot.ts';
import { appendEvent, publish } from '../../platform/bus.ts';
import {
  APP,
  body,
  config,
  pusherAuth,
  startApi as startAny,
  startPostgres,
  telescope,
  token,
  type RunningApi,
} from './harness.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';
import { emptied } from '../support/emptied.ts';

const require = createRequire(import.meta.url);
const Pusher = require('pusher-js') as typeof PusherClient.default;
const PusherServer = require('pusher') as typeof PusherLibrary;
type EchoClass = typeof EchoModule;
const Echo = (EchoModule as unknown as { default?: EchoClass }).default ?? EchoModule;

/** The clients sign with the clock of the machine, so these tests happen now. */
const startApi = (url: string, options: Parameters<typeof startAny>[1] = {}): Promise<RunningApi> =>
  startAny(url, { now: Date.now, ...options });
const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

type AnyEcho = InstanceType<EchoClass>;
const until = async (what: string, check: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> => {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe('live stream, with the real clients', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  const open: { disconnect(): void }[] = [];
  const running: RunningApi[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')] });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });
  beforeEach(async () => {
    await emptied(api.db, 'bookings, sessions, users, events, event_counters, outbox, receipts, audit, tokens');
    await api.db.$transaction(async (tx) => {
      for (const [i, id] of ['b-1', 'b-2'].entries()) {
        const b = body() as { target: object; shots: object };
        await tx.user.upsert({
          where: { ref: `u-${i}` },
          create: { ref: `u-${i}`, displayName: 'Ada Lovelace' },
          update: {},
        });
        await tx.booking.create({
          data: {
            id,
            telescopeId: 't1',
            startsAt: new Date(at(i * 100)),
            endsAt: new Date(at(i * 100 + 60)),
            blockedUntil: new Date(at(i * 100 + 65)),
            userRef: `u-${i}`,
            target: { ...b.target, pa_degrees: 0 },
            shots: [{ filter: 'L', exposure_seconds: 60, quantity: 3, binning: 1, type: 'light' }],
            constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
            credits: { charged: 5 },
            bodyHash: id,
          },
        });
        await tx.session.create({
          data: { bookingId: id, telescopeId: 't1', workflowId: `booking-${id}`, phase: 'running' },
        });
      }
    });
    api.deps.snapshots.forgetAll();
  });
  afterEach(async () => {
    for (const client of open.splice(0)) client.disconnect();
    for (const other of running.splice(0)) await other.stop();
  });

  const echo = (credential: { token?: string; key?: string }, port = api.port): AnyEcho => {
    const client = new Echo({
      broadcaster: 'reverb',
      Pusher: Pusher as never,
      key: APP.key,
      wsHost: '127.0.0.1',
      wsPort: port,
      wssPort: port,
      forceTLS: false,
      enabledTransports: ['ws'],
      authEndpoint: `http://127.0.0.1:${port}/broadcasting/auth`,
      auth: {
        headers: credential.token
          ? { Authorization: `Bearer ${credential.token}` }
          : { 'X-API-Key': credential.key ?? '' },
      },
    } as never);
    open.push(client);
    return client;
  };
  const append = (
    id: string,
    key: string,
    type: Event['type'],
    data: Record<string, unknown>,
    db = api.db,
  ): Promise<Event> => db.$transaction((tx) => appendEvent(tx, { key, type, bookingId: id, telescopeId: 't1', data }));

  test('a booking token: snapshot on joining the cache channel, then changes in order', async () => {
    const client = echo({ token: await token(api, { kind: 'booking', subject: 'b-1' }) });
    const snapshots: unknown[] = [];
    const events: Event[] = [];
    client.private('cache-session.b-1.state').listen('.session.snapshot', (data: unknown) => snapshots.push(data));
    let joined = false;
    const session = client.private('session.b-1');
    session.subscribed(() => (joined = true));
    for (const name of ['.session.changed', '.log.appended', '.image.captured', '.control.updated'])
      session.listen(name, (event: Event) => events.push(event));
    await until('snapshot and subscription', () => snapshots.length === 1 && joined);
    expect(Snapshot.parse(snapshots[0])).toMatchObject({ booking_id: 'b-1', phase: 'running', seq: 0 });
    await append('b-1', 'l1', 'log.appended', { message: 'é'.repeat(20) });
    await append('b-1', 'l2', 'log.appended', { message: 'large: '.padEnd(7_500, 'x') });
    await append('b-1', 'i1', 'image.captured', { id: 'f1', url: '/api/bookings/b-1/images/f1/fits' });
    await publish(api.db, {
      kind: 'event',
      event: {
        id: 'v',
        type: 'control.updated',
        seq: 0,
        epoch: 0,
        ts: at(0),
        booking_id: null,
        telescope_id: 't1',
        data: { ...telescopeState(newNight()), rev: 1 },
      },
    });
    await append('b-1', 's1', 'session.changed', { phase: 'holding' });
    await append('b-2', 'l1', 'log.appended', { message: 'not for you' });
    await until('four stored events', () => events.filter((e) => e.type !== 'control.updated').length === 4);
    expect(events.filter((e) => e.type !== 'control.updated').map((e) => [e.seq, e.type])).toEqual([
      [1, 'log.appended'],
      [2, 'log.appended'],
      [3, 'image.captured'],
      [4, 'session.changed'],
    ]);
    const image = events.find((e) => e.type === 'image.captured')!;
    expect(image.data.url).toMatch(/^\/api\/bookings\/b-1\/images\/f1\/fits\?exp=\d+&sig=[\w-]{43}$/);
    await until('a snapshot after the change of phase', () => snapshots.length === 2);
  });

  test('refused: no token, another booking, a spectator on the admin channel, a wrong signature, a revoked token', async () => {
    const mine = await token(api, { kind: 'booking', subject: 'b-1' });
    const refuse = async (headers: Record<string, string>, channel: string): Promise<number> =>
      (
        await fetch(`${api.url}/broadcasting/auth`, {
          method: 'POST',
          headers,
          body: new URLSearchParams({ socket_id: '1.1', channel_name: channel }),
        })
      ).status;
    expect(await refuse({}, 'private-session.b-1')).toBe(401);
    expect(await refuse({ authorization: `Bearer ${mine}` }, 'private-session.b-2')).toBe(403);
    expect(await refuse({ authorization: `Bearer ${mine}` }, 'private-admin')).toBe(403);
    expect(await refuse({ authorization: `Bearer ${mine}` }, 'private-other')).toBe(403);
    expect(await refuse({ authorization: `Bearer ${mine}` }, 'private-session.b-1')).toBe(200);
    const user = await token(api, { kind: 'user', subject: 'u-1' });
    expect(await refuse({ authorization: `Bearer ${user}` }, 'private-session.b-1')).toBe(404);
    expect(await refuse({ authorization: `Bearer ${user}` }, 'private-session.b-2')).toBe(200);

    const client = new Pusher(APP.key, {
      wsHost: '127.0.0.1',
      wsPort: api.port,
      forceTLS: false,
      enabledTransports: ['ws'],
      cluster: '',
      channelAuthorization: {
        customHandler: (_params: unknown, callback: (error: null, data: { auth: string }) => void) =>
          callback(null, { auth: `${APP.key}:${'0'.repeat(64)}` }),
      },
    });
    open.push(client);
    const errors: { status: number }[] = [];
    client
      .subscribe('private-session.b-1')
      .bind('pusher:subscription_error', (error: { status: number }) => errors.push(error));
    await until('subscription error', () => errors.length === 1);
    expect(errors[0]).toMatchObject({ type: 'AuthError', status: 401 });

    const { body: made } = await api.json<{ token: string; id: string }>('POST', '/api/tokens', {
      kind: 'booking',
      subject: 'b-1',
    });
    const watcher = echo({ token: made.token });
    const states: string[] = [];
    const connection = (watcher.connector as unknown as { pusher: InstanceType<typeof Pusher> }).pusher.connection;
    connection.bind('state_change', ({ current }: { current: string }) => states.push(current));
    let joined = false;
    watcher.private('session.b-1').subscribed(() => (joined = true));
    await until('joined', () => joined);
    await api.json('DELETE', `/api/tokens/${made.id}`);
    await until('sent away for good', () => states.includes('disconnected'));
    expect(await refuse({ authorization: `Bearer ${made.token}` }, 'private-session.b-1')).toBe(401);
  });

  test('channels that Laravel signs itself with the app secret are taken', async () => {
    const client = new Pusher(APP.key, {
      wsHost: '127.0.0.1',
      wsPort: api.port,
      forceTLS: false,
      enabledTransports: ['ws'],
      cluster: '',
      channelAuthorization: {
        customHandler: (
          { socketId, channelName }: { socketId: string; channelName: string },
          callback: (e: null, d: { auth: string }) => void,
        ) => callback(null, { auth: pusherAuth(socketId, channelName) }),
      },
    });
    open.push(client);
    let joined = false;
    client.subscribe('private-session.b-2').bind('pusher:subscription_succeeded', () => (joined = true));
    await until('joined', () => joined);
  });

  test('an unknown app key is told so once, and client events are refused', async () => {
    const wrong = new Pusher('nope', {
      wsHost: '127.0.0.1',
      wsPort: api.port,
      forceTLS: false,
      enabledTransports: ['ws'],
      cluster: '',
    });
    open.push(wrong);
    const errors: unknown[] = [];
    wrong.connection.bind('error', (error: { error?: { data?: { code?: number } } }) =>
      errors.push(error.error?.data?.code),
    );
    await until('4001', () => errors.includes(4001));
    const client = echo({ token: await token(api, { kind: 'booking', subject: 'b-1' }) });
    const { pusher } = client.connector as unknown as { pusher: InstanceType<typeof Pusher> };
    const refused: unknown[] = [];
    pusher.connection.bind('error', (error: { data?: { code?: number } }) => refused.push(error.data?.code));
    let joined = false;
    const channel = client.private('session.b-1');
    channel.subscribed(() => (joined = true));
    await until('joined', () => joined);
    channel.whisper('typing', { a: 1 });
    await until('client event refused', () => refused.includes(4301));
  });

  test('an api restart: the client comes back by itself and the gap is read by REST', async () => {
    const second = await startApi(postgres.url, { config: config(), sync: false });
    const { port } = second;
    const mine = await token(api, { kind: 'booking', subject: 'b-1' });
    const client = echo({ token: mine }, port);
    const seen: number[] = [];
    let joins = 0;
    const session = client.private('session.b-1');
    session.subscribed(() => joins++);
    session.listen('.log.appended', (event: Event) => seen.push(event.seq));
    await until('joined', () => joins === 1);
    await append('b-1', 'a', 'log.appended', {});
    await until('first event', () => seen.length === 1);
    await second.stop();
    await append('b-1', 'b', 'log.appended', {});
    await append('b-1', 'c', 'log.appended', {});
    const again = await startApi(postgres.url, { config: config(), sync: false, port });
    running.push(again);
    await until('joined again', () => joins === 2, 15_000);
    const gap = await again.json<{ data: Event[]; meta: { last_seq: number; complete: boolean } }>(
      'GET',
      `/api/bookings/b-1/events?after=${seen.at(-1)}`,
      undefined,
      {
        token: mine,
      },
    );
    expect(gap.body.data.map((e) => e.seq)).toEqual([2, 3]);
    expect(gap.body.meta).toEqual({ epoch: 1, last_seq: 3, complete: true });
    await append('b-1', 'd', 'log.appended', {});
    await until('live again', () => seen.at(-1) === 4);
  }, 30_000);

  test('a lost LISTEN connection loses no event', async () => {
    const client = echo({ token: await token(api, { kind: 'booking', subject: 'b-1' }) });
    const seen: number[] = [];
    let joined = false;
    const session = client.private('session.b-1');
    session.subscribed(() => (joined = true));
    session.listen('.log.appended', (event: Event) => seen.push(event.seq));
    await until('joined', () => joined);
    await append('b-1', 'a', 'log.appended', {});
    await until('first', () => seen.length === 1);
    await api.db
      .$executeRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`;
    await until('bus away', () => !api.bus.proven);
    for (const key of ['b', 'c', 'd']) await append('b-1', key, 'log.appended', {});
    await until('caught up', () => seen.length === 4);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test('two replicas are one: presence, events, pushes and channel lists', async () => {
    const second = await startApi(postgres.url, { config: config(), sync: false });
    running.push(second);
    const guest = echo({ token: await token(api, { kind: 'booking', subject: 'b-1' }) });
    const spectator = echo(
      { token: await token(api, { kind: 'booking', subject: 'b-1', scopes: ['session:view'] }) },
      second.port,
    );
    const here: { id: string; role: string; initials: string }[][] = [];
    const joining: unknown[] = [];
    const leaving: unknown[] = [];
    (
      guest.join('telescope.t1') as unknown as {
        here(f: (m: never[]) => void): { joining(f: (m: unknown) => void): { leaving(f: (m: unknown) => void): void } };
      }
    )
      .here((members) => here.push(members))
      .joining((member) => joining.push(member))
      .leaving((member) => leaving.push(member));
    await until('guest is here', () => here.length === 1);
    expect(here[0]).toEqual([{ role: 'guest', initials: 'AL' }]);
    const theirs: unknown[][] = [];
    (spectator.join('telescope.t1') as unknown as { here(f: (m: never[]) => void): void }).here((members) =>
      theirs.push(members),
    );
    await until('the guest hears of the spectator on the other replica', () => joining.length === 1);
    expect(joining[0]).toEqual({ role: 'spectator', initials: '' });
    expect(theirs[0]).toHaveLength(2);

    const got: unknown[] = [];
    let joined = false;
    const session = spectator.private('session.b-1');
    session.subscribed(() => (joined = true));
    session.listen('.note', (data: unknown) => got.push(data));
    await until('joined', () => joined);
    const server = new PusherServer({
      appId: APP.id,
      key: APP.key,
      secret: APP.secret,
      host: '127.0.0.1',
      port: String(api.port),
      useTLS: false,
    });
    expect((await server.trigger('private-session.b-1', 'note', { text: 'hello' })).status).toBe(200);
    expect(
      (await server.trigger('private-session.b-1', 'note', { text: 'large '.padEnd(9_000, 'é').slice(0, 4_500) }))
        .status,
    ).toBe(200);
    const channels = (await (
      await server.get({ path: '/channels', params: { filter_by_prefix: 'presence-', info: 'user_count' } })
    ).json()) as unknown;
    expect(channels).toEqual({ channels: { 'presence-telescope.t1': { user_count: 2 } } });
    const one = (await (
      await server.get({ path: '/channels/private-session.b-1', params: { info: 'subscription_count' } })
    ).json()) as unknown;
    expect(one).toEqual({ occupied: true, subscription_count: 1 });
    await until('pushed events cross replicas', () => got.length === 2);
    expect(got[0]).toEqual({ text: 'hello' });
    const counts: number[] = [];
    const watched = guest.private('session.b-1') as unknown as {
      subscription: { bind(event: string, f: (data: { subscription_count: number }) => void): void };
    };
    watched.subscription.bind('pusher:subscription_count', (data) => counts.push(data.subscription_count));
    await until('the guest hears how many watch, over both replicas', () => counts.at(-1) === 2);
    spectator.disconnect();
    await until('the guest hears that the spectator left', () => leaving.length === 1);
    await until('and that it is alone', () => counts.at(-1) === 1);
  }, 20_000);
});
