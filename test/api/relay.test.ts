import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Event } from '../../domain/contracts/event.ts';
import { signedPath } from '../../api/live/relay.ts';
import { parseRelayUrl } from '../../platform/settings/relay-url.ts';
import { appendEvent, publish } from '../../platform/bus.ts';
import {
  APP,
  config,
  insertBooking,
  startApi as startAny,
  startPostgres,
  pusherAuth,
  type RunningApi,
} from './harness.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';
import { createRequire } from 'node:module';
import { WebSocket } from 'ws';
import type PusherLibrary from 'pusher';
import { emptied } from '../support/emptied.ts';

const PusherServer = createRequire(import.meta.url)('pusher') as typeof PusherLibrary;
const startApi = (url: string, over: Record<string, string>, port?: number): Promise<RunningApi> =>
  startAny(url, { now: Date.now, config: config(over), sync: true, ...(port === undefined ? {} : { port }) });
const soon = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
const until = async (what: string, check: () => boolean, ms = 10_000): Promise<void> => {
  const end = Date.now() + ms;
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const THEIRS = { PUSHER_APP_ID: 'their-app', PUSHER_APP_KEY: 'their-key', PUSHER_APP_SECRET: 'their own secret/+' };
const relayUrl = (port: number): string =>
  `http://their-key:${encodeURIComponent(THEIRS.PUSHER_APP_SECRET)}@127.0.0.1:${port}/apps/their-app`;

describe('the relay into a customer’s own Pusher server', () => {
  let ours: Awaited<ReturnType<typeof startPostgres>>;
  let others: Awaited<ReturnType<typeof startPostgres>>;
  /** A server of another installation that speaks Pusher's HTTP API. */
  let theirs: RunningApi;
  const running: RunningApi[] = [];
  const sockets: WebSocket[] = [];
  let far: Server | null = null;
  beforeAll(async () => {
    [ours, others] = await Promise.all([startPostgres(), startPostgres()]);
    theirs = await startApi(others.url, THEIRS);
  }, 60_000);
  afterAll(async () => {
    await theirs?.stop();
    await Promise.all([ours?.stop(), others?.stop()]);
  });
  beforeEach(async () => {
    const api = await startApi(ours.url, {});
    await emptied(api.db, 'bookings, sessions, users, events, event_counters, outbox, receipts, audit, tokens');
    await insertBooking(api, 'b-1', { start: soon(-5), end: soon(60) }, { ref: 'ada', display_name: 'Ada' }, 'running');
    await emptied(api.db, 'events, event_counters');
    await api.stop();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    for (const api of running.splice(0)) await api.stop();
    far?.closeAllConnections();
    far?.close();
    far = null;
  });
  const append = (
    api: RunningApi,
    key: string,
    type: Event['type'] = 'log.appended',
    data: Record<string, unknown> = {},
  ): Promise<Event> =>
    api.db.$transaction((tx) => appendEvent(tx, { key, type, bookingId: 'b-1', telescopeId: 't1', data }));
  const passing = (api: RunningApi, rev: number): Promise<void> =>
    publish(api.db, {
      kind: 'event',
      event: {
        id: `v${rev}`,
        type: 'control.updated',
        seq: 0,
        epoch: 0,
        ts: new Date().toISOString(),
        booking_id: null,
        telescope_id: 't1',
        rev,
        data: { ...telescopeState(newNight()), rev },
      },
    });
  const signer = new PusherServer({
    appId: THEIRS.PUSHER_APP_ID,
    key: THEIRS.PUSHER_APP_KEY,
    secret: THEIRS.PUSHER_APP_SECRET,
    host: 'push.example',
  });
  /** A page on the other server; what it hears, by event name. */
  const page = async (port: number): Promise<{ event: string; channel: string; data: Event }[]> => {
    const heard: { event: string; channel: string; data: Event }[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/app/their-key?protocol=7`);
    sockets.push(socket);
    let joined = 0;
    socket.on('message', (raw: Buffer) => {
      const message = JSON.parse(raw.toString()) as { event: string; channel: string; data: string };
      if (message.event === 'pusher:connection_established') {
        const { socket_id: id } = JSON.parse(message.data) as { socket_id: string };
        for (const channel of ['private-session.b-1', 'private-cache-session.b-1.state'])
          socket.send(
            JSON.stringify({
              event: 'pusher:subscribe',
              data: { channel, auth: signer.authorizeChannel(id, channel).auth },
            }),
          );
      } else if (message.event === 'pusher_internal:subscription_succeeded') joined++;
      else if (!message.event.startsWith('pusher'))
        heard.push({ event: message.event, channel: message.channel, data: JSON.parse(message.data) as Event });
    });
    await until('the page has joined', () => joined === 2);
    return heard;
  };
  /** A far end of the HTTP API that answers as told and keeps the batches it takes. */
  const strange = async (
    answer: (n: number, bytes: number) => number | 'hang',
  ): Promise<{ port: number; batches: { channel: string; name: string; data: string }[][]; asked: () => number }> => {
    const batches: { channel: string; name: string; data: string }[][] = [];
    let n = 0;
    far = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const status = answer(n++, body.length);
        if (status === 'hang') return;
        if (status === 200) batches.push((JSON.parse(body.toString()) as { batch: [] }).batch);
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => far!.listen(0, '127.0.0.1', resolve));
    return { port: (far.address() as AddressInfo).port, batches, asked: () => n };
  };

  test('signs as the official library does', () => {
    const target = parseRelayUrl('https://k%2B:s%3Aecret@push.example:8443/base/apps/42');
    expect(target).toEqual({ base: 'https://push.example:8443/base', key: 'k+', secret: 's:ecret', appId: '42' });
    expect(parseRelayUrl('https://a:b@push.example/7')).toMatchObject({ base: 'https://push.example', appId: '7' });
    const plain = parseRelayUrl('https://key:secret@push.example/apps/3');
    const library = new PusherServer({ appId: '3', key: 'key', secret: 'secret', host: 'push.example' }) as unknown as {
      createSignedQueryString(o: { method: string; path: string; body: string }): string;
    };
    const query = library.createSignedQueryString({
      method: 'POST',
      path: '/apps/3/batch_events',
      body: '{"batch":[]}',
    });
    const at = Number(/auth_timestamp=(\d+)/.exec(query)![1]) * 1000;
    const parts = (text: string): string[] => text.split('?').at(-1)!.split('&').toSorted();
    expect(parts(signedPath(plain, 'POST', '/batch_events', '{"batch":[]}', at))).toEqual(parts(query));
    for (const wrong of [
      'push.example',
      'ftp://a:b@c/apps/1',
      'https://push.example/apps/1',
      'https://a:b@push.example/',
    ]) {
      expect(() => parseRelayUrl(wrong)).toThrow(/^RELAY_PUSHER_URL: .*apps\/APP_ID\.$/);
    }
    expect(() => parseRelayUrl('ftp://key:hunter2@c/apps/1')).not.toThrow(/hunter2/);
  });

  test('events and snapshots reach pages on the other server in order, also of bookings that nobody here watches, once with two replicas', async () => {
    const over = { RELAY_PUSHER_URL: relayUrl(theirs.port) };
    const [one, two] = [await startApi(ours.url, over), await startApi(ours.url, over)];
    running.push(one, two);
    await until('the replicas know each other', () => one.deps.live.cluster.isFirst !== two.deps.live.cluster.isFirst);
    const heard = await page(theirs.port);
    for (let i = 1; i <= 25; i++)
      await append(
        one,
        `e${i}`,
        i === 20 ? 'session.changed' : 'log.appended',
        i === 10 ? { message: 'large '.padEnd(7_600, 'x') } : { phase: 'holding' },
      );
    await until('all stored events', () => heard.filter((m) => m.channel === 'private-session.b-1').length >= 25);
    await until('a snapshot', () => heard.some((m) => m.event === 'session.snapshot'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(heard.filter((m) => m.channel === 'private-session.b-1').map((m) => m.data.seq)).toEqual(
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    const first = one.deps.live.cluster.isFirst ? one : two;
    expect((await first.deps.metrics.relayed.get()).values).toContainEqual({
      labels: { kind: 'sent' },
      value: expect.any(Number),
    });
  });

  test('when the replica that sends dies, the other goes on; a page tells repeats by seq and misses nothing', async () => {
    const over = { RELAY_PUSHER_URL: relayUrl(theirs.port) };
    const both = [await startApi(ours.url, over), await startApi(ours.url, over)];
    running.push(...both);
    await until(
      'the replicas know each other',
      () => both[0]!.deps.live.cluster.isFirst !== both[1]!.deps.live.cluster.isFirst,
    );
    const first = both.find((api) => api.deps.live.cluster.isFirst)!;
    const other = both.find((api) => api !== first)!;
    const heard = await page(theirs.port);
    await append(first, 'a');
    await until('before', () => heard.length >= 1);
    await first.stop();
    running.splice(running.indexOf(first), 1);
    for (const key of ['b', 'c', 'd']) await append(other, key);
    await until('after', () => new Set(heard.map((m) => m.data.seq)).size === 4);
    const seen: number[] = [];
    for (const { data } of heard) if (data.seq > (seen.at(-1) ?? 0)) seen.push(data.seq);
    expect(seen).toEqual([1, 2, 3, 4]);
  }, 30_000);

  test('away, wrong and back: sent again in batches of ten and in order; what replaces itself keeps its newest', async () => {
    let status = 503;
    const there = await strange(() => status);
    const api = await startApi(ours.url, { RELAY_PUSHER_URL: relayUrl(there.port) });
    running.push(api);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let i = 1; i <= 12; i++) await append(api, `e${i}`);
    await until('it was asked and is away', () => there.asked() >= 2);
    for (let rev = 1; rev <= 30; rev++) await passing(api, rev);
    await append(api, 'last');
    await until('the last one waits', () => api.deps.live.relay!.backlog >= 14);
    status = 200;
    await until('all sent', () => api.deps.live.relay!.backlog === 0);
    const sent = there.batches.flat();
    expect(there.batches.every((b) => b.length <= 10)).toBe(true);
    expect(sent.filter((e) => e.name === 'log.appended').map((e) => (JSON.parse(e.data) as Event).seq)).toEqual(
      Array.from({ length: 13 }, (_, i) => i + 1),
    );
    expect(sent.filter((e) => e.name === 'control.updated').map((e) => (JSON.parse(e.data) as Event).rev)).toEqual([
      30,
    ]);
  });

  test('a server that takes less at once gets less at once: after an outage nothing of the backlog is lost', async () => {
    let away = true;
    const there = await strange((_n, bytes) => (away ? 503 : bytes > 10_000 ? 413 : 200));
    const api = await startApi(ours.url, { RELAY_PUSHER_URL: relayUrl(there.port) });
    running.push(api);
    for (let i = 0; i < 24; i++) await append(api, `big-${i}`, 'log.appended', { text: 'x'.repeat(3_000) });
    await until('they wait', () => api.deps.live.relay!.backlog === 24);
    away = false;
    await until('all sent', () => api.deps.live.relay!.backlog === 0, 20_000);
    expect(there.batches.flat().map((e) => (JSON.parse(e.data) as Event).seq)).toEqual(
      Array.from({ length: 24 }, (_, i) => i + 1),
    );
  });

  test('a batch that is refused for good stands in nobody’s way; a relay that hangs delays no viewer of ours and holds only so much', async () => {
    const refusing = await strange((n) => (n === 0 ? 413 : 200));
    const api = await startApi(ours.url, { RELAY_PUSHER_URL: relayUrl(refusing.port) });
    running.push(api);
    await append(api, 'a');
    await until('refused', () => refusing.asked() === 1);
    await append(api, 'b');
    await until('the next one goes', () => refusing.batches.length === 1);
    expect(refusing.batches[0]!.map((e) => (JSON.parse(e.data) as Event).seq)).toEqual([2]);

    far!.closeAllConnections();
    far!.close();
    const hanging = await strange(() => 'hang');
    const slow = await startApi(ours.url, { RELAY_PUSHER_URL: relayUrl(hanging.port) });
    running.push(slow);
    const delays: number[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${slow.port}/app/${APP.key}?protocol=7`);
    sockets.push(socket);
    let joined = false;
    socket.on('message', (raw: Buffer) => {
      const message = JSON.parse(raw.toString()) as { event: string; data: string };
      if (message.event === 'pusher:connection_established') {
        const { socket_id: id } = JSON.parse(message.data) as { socket_id: string };
        socket.send(
          JSON.stringify({
            event: 'pusher:subscribe',
            data: { channel: 'private-session.b-1', auth: pusherAuth(id, 'private-session.b-1') },
          }),
        );
      } else if (message.event === 'pusher_internal:subscription_succeeded') joined = true;
      else if (message.event === 'log.appended')
        delays.push(Date.now() - (JSON.parse(message.data) as { data: { at: number } }).data.at);
    });
    await until('joined', () => joined);
    for (let i = 0; i < 20; i++) await append(slow, `slow-${i}`, 'log.appended', { at: Date.now() });
    await until('all of them here', () => delays.length === 20);
    expect(Math.max(...delays)).toBeLessThan(2_000);
    for (let i = 0; i < 3_000; i++) slow.deps.live.relay!.push('private-session.b-1', 'note', '{}', false);
    expect(slow.deps.live.relay!.backlog).toBe(2_000);
  }, 30_000);
});
