import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { createECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import webPush from 'web-push';
import { PUSH_PER_BOOKING, PUSH_PER_CREDENTIAL, isPushService } from '../../domain/push-services.ts';
import { enqueueOutbox, outboxState } from '../../platform/outbox.ts';
import { projectPath } from '../../platform/paths.ts';
import { startPushService, type PushService } from '../browser/push.ts';
import { startPostgres } from '../support/postgres.ts';
import { config, insertBooking, startApi, token, type RunningApi } from './harness.ts';

let api: RunningApi;
let push: PushService;
let worker: ChildProcess | undefined;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
const HOUR = 3_600_000;
const hoursAhead = (n: number): string => new Date(Date.now() + n * HOUR).toISOString();
const device = (): { p256dh: string; auth: string } => {
  const keys = createECDH('prime256v1');
  return { p256dh: keys.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') };
};

beforeAll(async () => {
  [postgres, push] = await Promise.all([startPostgres(), startPushService()]);
  const vapid = webPush.generateVAPIDKeys();
  const settings = {
    VAPID_PUBLIC_KEY: vapid.publicKey,
    VAPID_PRIVATE_KEY: vapid.privateKey,
    VAPID_SUBJECT: 'mailto:ops@example.org',
    WEBHOOK_ALLOW_PRIVATE: 'true',
    PUSH_SERVICES: '127.0.0.1',
  };
  api = await startApi(postgres.url, { now: Date.now, config: config(settings) });
  // The push service of this test vouches for itself, which only a new process can be told.
  const more = { DATABASE_URL: postgres.url, NODE_EXTRA_CA_CERTS: push.certificate };
  const { GATEWAY_SECRET, PUBLIC_URL } = api.config as { GATEWAY_SECRET: string; PUBLIC_URL: string };
  worker = spawn(process.execPath, ['--import', 'tsx', projectPath('test', 'notify', 'deliver-process.ts')], {
    env: { ...process.env, NODE_OPTIONS: '', ...settings, ...more, GATEWAY_SECRET, PUBLIC_URL },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(worker.stdout!, 'data');
  await insertBooking(
    api,
    'live',
    { start: hoursAhead(-1), end: hoursAhead(2) },
    { ref: 'u1', email: 'a@example.org' },
    'running',
  );
}, 60_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await api.stop();
  await Promise.all([push.stop(), postgres.stop()]);
}, 30_000);
beforeEach(async () => {
  await api.db.pushSubscription.deleteMany();
  await api.db.outbox.deleteMany();
  await api.db.link.deleteMany();
  push.received.length = 0;
});

const viewer = (): Promise<string> =>
  token(api, { kind: 'booking', subject: 'live', scopes: ['session:view'], expires_at: hoursAhead(1) });
const subscribe = async (
  bearer: string,
  endpoint: string,
  keys = device(),
): Promise<{ status: number; body: { id: string; errors?: object } }> =>
  api.json('POST', '/api/push/subscriptions', { endpoint, keys, locale: 'en' }, { token: bearer });
const at = (name: string): string => push.subscription.endpoint.replace('/browser', `/${name}`);
/** Every row has been tried and is not under way. */
async function deliver(): Promise<void> {
  const open = { deliveredAt: null, deadAt: null, lastError: null };
  for (const end = Date.now() + 20_000; (await api.db.outbox.count({ where: open })) > 0; await setTimeout(50))
    if (Date.now() > end) throw new Error('not all was tried in 20 s');
}
const put = (key: string, type: 'session.started' | 'image.captured'): Promise<void> =>
  api.db.$transaction((tx) =>
    enqueueOutbox(tx, { key, type, bookingId: 'live', telescopeId: 't1', data: {}, channels: ['push'] }),
  );

describe('subscriptions', () => {
  test.each([
    ['https://fcm.googleapis.com/fcm/send/abc', true],
    ['https://updates.push.services.mozilla.com/wpush/v2/abc', true],
    ['https://web.push.apple.com/abc', true],
    ['https://wns2-par02p.notify.windows.com/w/?token=abc', true],
    ['http://fcm.googleapis.com/fcm/send/abc', false],
    ['https://fcm.googleapis.com.evil.example/abc', false],
    ['https://evil.example/fcm.googleapis.com', false],
    ['https://x@fcm.googleapis.com/abc', false],
    ['https://notify.windows.com.evil.example/', false],
  ])('%s is a push service: %s', (endpoint, expected) => {
    expect(isPushService(endpoint, [])).toBe(expected);
  });

  test('an endpoint elsewhere is refused and named', async () => {
    const { status, body } = await subscribe(await viewer(), 'https://collector.example/push');
    expect([status, Object.keys(body.errors!)]).toEqual([422, ['endpoint']]);
  });

  test('a token has a few places, of which its oldest gives way; it takes nobody else’s, and all together have a bound', async () => {
    const [guest, stranger] = [await token(api, { kind: 'booking', subject: 'live' }), await viewer()];
    const own = (await subscribe(guest, at('guest'))).body.id;
    for (let n = 0; n < 30; n++) expect((await subscribe(stranger, at(`s${n}`))).status).toBe(201);
    const rows = await api.db.pushSubscription.findMany({ orderBy: { createdAt: 'asc' } });
    expect(rows).toHaveLength(PUSH_PER_CREDENTIAL + 1);
    expect(rows[0]!.id).toBe(own);
    expect(rows.slice(1).map((row) => row.endpoint)).toEqual([25, 26, 27, 28, 29].map((n) => at(`s${n}`)));
    // The same browser again takes no second place.
    expect((await subscribe(guest, at('guest'))).body.id).toBe(own);
    for (let t = 0; t < 4; t++) {
      const another = await viewer();
      for (let n = 0; n < PUSH_PER_CREDENTIAL; n++) await subscribe(another, at(`t${t}-${n}`));
    }
    expect(await api.db.pushSubscription.count()).toBe(PUSH_PER_BOOKING);
    expect((await subscribe(await viewer(), at('late'))).status).toBe(409);
    expect(await api.db.pushSubscription.count({ where: { id: own } })).toBe(1);
  }, 60_000);
});

describe('delivery', () => {
  test('each device has a row of its own: those that fail keep nobody waiting, and nobody hears anything twice', async () => {
    const guest = await token(api, { kind: 'booking', subject: 'live' });
    const { id } = (await subscribe(guest, push.subscription.endpoint, push.subscription.keys)).body;
    const stranger = await viewer();
    for (let n = 0; n < PUSH_PER_CREDENTIAL; n++) await subscribe(stranger, at(`broken-${n}`));
    await put('1', 'session.started');
    await deliver();
    expect(push.received.map((one) => one.payload.type)).toEqual(['session.started']);
    const rows = await api.db.outbox.findMany({ where: { channel: { startsWith: 'push.' } } });
    expect(rows).toHaveLength(PUSH_PER_CREDENTIAL + 1);
    const states = Object.fromEntries(rows.map((row) => [row.channel, outboxState(row)]));
    expect(states[`push.${id}`]).toBe('delivered');
    expect(Object.values(states).filter((state) => state === 'waiting')).toHaveLength(PUSH_PER_CREDENTIAL);
    await put('2', 'image.captured');
    await push.message((one) => one.payload.type === 'image.captured', 20_000);
    expect(push.received.map((one) => one.payload.type)).toEqual(['session.started', 'image.captured']);
    expect(new Set(push.received.map((one) => (one.payload as unknown as { id: string }).id)).size).toBe(2);
  });

  test('a message can be shown without a service worker, and opens the page with what its device may do', async () => {
    const look = await viewer();
    await subscribe(look, push.subscription.endpoint, push.subscription.keys);
    await put('1', 'session.started');
    await deliver();
    const payload = push.received[0]!.payload as unknown as {
      web_push: number;
      title: string;
      body: string;
      notification: Record<string, unknown>;
    };
    expect(payload.web_push).toBe(8030);
    expect(payload.notification).toEqual({
      title: payload.title,
      body: payload.body,
      lang: 'en',
      navigate: expect.stringMatching(/^http:\/\/nocturne\.test\/control\/live#link=/),
    });
    // What an earlier message still on its way opens is not looked at.
    const id = /#link=([^.]+)/.exec(payload.notification.navigate as string)![1]!;
    const link = await api.db.link.findUniqueOrThrow({ where: { id } });
    expect(link.scopes).toEqual(['session:view']);
  });

  test('a device without a subscription any more, or at an unknown service, is not sent to and shown so', async () => {
    await put('1', 'session.started');
    await deliver();
    await api.db.pushSubscription.create({
      data: { id: 'old', bookingId: 'live', endpoint: 'https://collector.example/x', keys: device() },
    });
    await put('2', 'session.started');
    await deliver();
    const rows = await api.db.outbox.findMany({ orderBy: { sequence: 'asc' } });
    expect(rows.map((row) => [outboxState(row), row.lastError])).toEqual([
      ['not_sent', 'no device'],
      ['not_sent', 'no device at a known push service'],
    ]);
  });
});
