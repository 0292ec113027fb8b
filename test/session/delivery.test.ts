import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createECDH, createHmac, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { SMTPServer } from 'smtp-server';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import webPush from 'web-push';
import { isPrivateAddress } from '../../activities/notify/address.ts';
import { OutboxDelivery, backoffSeconds } from '../../activities/notify/delivery.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { loadConfig } from '../../platform/config.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { enqueueOutbox, outboxState, type OutboxChannel } from '../../platform/outbox.ts';
import { deriveKey, verifySignedPath } from '../../platform/signing.ts';
import { startPostgres } from '../support/postgres.ts';

const logger = pino({ level: 'silent' });
const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;
const OLD = `whsec_${Buffer.from('the secret before this one......').toString('base64')}`;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
let server: Server;
let smtp: SMTPServer;
let received: { body: string; headers: Record<string, string | string[] | undefined> }[] = [];
let letters: { to: string; raw: string }[] = [];
let answers: (number | 'redirect')[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url, undefined, 4);
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ body, headers: request.headers });
      const answer = answers.shift() ?? 200;
      if (answer === 'redirect') response.writeHead(302, { location: '/elsewhere' }).end();
      else response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, callback) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
      stream.on('end', () => {
        letters.push({ to: session.envelope.rcptTo.map((r) => r.address).join(), raw });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => {
    smtp.listen(0, '127.0.0.1', () => resolve());
  });
  await db.telescope.create({
    data: {
      id: 't',
      config: Telescope.parse({
        id: 't',
        name: 'Nice',
        host: 'h',
        base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
        site: { latitude_degrees: 44, longitude_degrees: 7, timezone: 'Europe/Paris' },
      }),
    },
  });
  await db.user.create({ data: { ref: 'u1', email: 'anne@example.org', displayName: 'Anne', locale: 'fr' } });
  await db.user.create({ data: { ref: 'u2', email: 'bob@example.org', displayName: 'Bob <b>', locale: 'en' } });
  for (const [id, userRef, day] of [
    ['b1', 'u1', 10],
    ['b2', 'u2', 11],
  ] as const)
    await db.booking.create({
      data: {
        id,
        telescopeId: 't',
        startsAt: new Date(Date.UTC(2026, 0, day, 20)),
        endsAt: new Date(Date.UTC(2026, 0, day, 22)),
        blockedUntil: new Date(Date.UTC(2026, 0, day, 22)),
        userRef,
        target: { name: 'M 31' },
        shots: [],
        constraints: {},
        credits: {},
        bodyHash: '',
      },
    });
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  server.close();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  await postgres.stop();
}, 30_000);
beforeEach(async () => {
  received = [];
  letters = [];
  answers = [];
  await db.delivery.deleteMany();
  await db.outbox.deleteMany();
});

/** Another receiver, which takes all that it gets. */
async function startServer(): Promise<{ url: string; got: string[]; stop(): Promise<void> }> {
  const got: string[] = [];
  const other = createServer((request, response) => {
    request.resume().on('end', () => {
      got.push(request.url ?? '');
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> => new Promise((resolve) => other.close(() => resolve()));
  return { url: `http://127.0.0.1:${(other.address() as AddressInfo).port}`, got, stop };
}
function delivery(more: Record<string, string> = {}): OutboxDelivery {
  const config = loadConfig({
    WEBHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    WEBHOOK_SECRET: `${SECRET},${OLD}`,
    WEBHOOK_ALLOW_PRIVATE: 'true',
    SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    MAIL_FROM: 'observatory@example.org',
    OPERATOR_EMAIL: 'operator@example.org',
    PUBLIC_URL: 'https://observe.example.org',
    ...more,
  });
  return new OutboxDelivery({ db, config, logger });
}
const put = (
  bookingId: string,
  key: string,
  type: Parameters<typeof enqueueOutbox>[1]['type'],
  channels: OutboxChannel[] = ['webhook'],
  data: Record<string, unknown> = {},
): Promise<void> =>
  db.$transaction((tx) => enqueueOutbox(tx, { key, type, bookingId, telescopeId: 't', data, channels }));
async function drain(d: OutboxDelivery): Promise<void> {
  while ((await d.deliverDue()) > 0);
}

describe('webhooks', () => {
  test('a receiver hears of its telescopes alone, and is signed for with its own secret', async () => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ours = await startServer();
    const own = 'the secret of the club alone';
    const config = {
      WEBHOOK_URL: `${ours.url}/all,http://${host}/club#telescopes=north`,
      WEBHOOK_OWN_SECRETS: `${host}=${own}`,
    };
    const about = async (key: string, bookingId: string | null, telescopeId: string | null): Promise<void> =>
      db.$transaction((tx) =>
        enqueueOutbox(tx, { key, type: 'session.started', bookingId, telescopeId, data: {}, channels: ['webhook'] }),
      );
    await about('south', 'b1', 't');
    await about('of-a-booking', 'b2', null);
    await about('of-nobody', null, null);
    await about('north', null, 'north');
    await drain(delivery(config));
    expect(ours.got).toHaveLength(4);
    expect(received.map(({ body }) => (JSON.parse(body) as { telescope_id: string }).telescope_id)).toEqual(['north']);
    const { body, headers } = received[0]!;
    expect(headers.signature).toBe(createHmac('sha256', own).update(body).digest('hex'));
    await ours.stop();
    const rows = await db.outbox.findMany({ where: { channel: { startsWith: 'webhook.' } } });
    expect(rows.map(outboxState).sort()).toEqual(['delivered', 'not_sent', 'not_sent', 'not_sent']);
  });
  test('addresses are whole and signed, each for itself and for a month, and the same when sent again', async () => {
    const secret = 'a gateway secret of more than thirty-two characters';
    const path = '/api/bookings/b1/images/f1/preview.jpg';
    const images = [{ id: 'f1', preview_url: path, thumbnail_url: null }];
    await put('b1', '1', 'images.digest', ['webhook'], { images, note: path });
    answers = [500];
    const d = delivery({ GATEWAY_SECRET: secret });
    await drain(d);
    await db.outbox.updateMany({ data: { nextAttemptAt: new Date(0) } });
    await drain(d);
    expect(received.map((r) => r.body)).toEqual([received[0]!.body, received[0]!.body]);
    const { data, created_at: made } = JSON.parse(received[0]!.body) as {
      created_at: string;
      data: { note: string; images: { preview_url: string; thumbnail_url: null }[] };
    };
    const { origin, pathname, searchParams } = new URL(data.images[0]!.preview_url);
    expect([origin, pathname]).toEqual(['https://observe.example.org', path]);
    expect([data.images[0]!.thumbnail_url, data.note]).toEqual([null, path]);
    const [exp, sig] = ['exp', 'sig'].map((name) => searchParams.get(name)!);
    const opens = (what: string, atMs: number): string | null =>
      verifySignedPath(deriveKey(secret, 'url'), what, exp, sig, atMs);
    const day = 86_400_000;
    expect([opens(path, Date.parse(made) + 29 * day), opens(path, Date.parse(made) + 31 * day)]).toEqual([
      null,
      'expired',
    ]);
    expect(opens(path.replace('f1', 'f2'), Date.parse(made))).toBe('wrong');
  });

  test('come signed both ways, with both secrets while they rotate, in order per booking', async () => {
    await put('b1', '1', 'session.prepared');
    await put('b1', '2', 'session.started', ['webhook'], { reason: null });
    await put('b2', '1', 'session.cancelled');
    const d = delivery();
    await drain(d);
    const of = (id: string): string[] =>
      received
        .map((r) => JSON.parse(r.body) as { booking_id: string; type: string })
        .filter((b) => b.booking_id === id)
        .map((b) => b.type);
    expect(of('b1')).toEqual(['session.prepared', 'session.started']);
    expect(of('b2')).toEqual(['session.cancelled']);
    const { body, headers } = received[0]!;
    expect(headers.signature).toBe(createHmac('sha256', SECRET).update(body).digest('hex'));
    const three = {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    };
    for (const secret of [SECRET, OLD])
      expect(new StandardWebhook(secret).verify(body, three)).toMatchObject({ sequence: 1 });
    expect(await db.outbox.count({ where: { deliveredAt: null } })).toBe(0);
    expect(await db.delivery.count()).toBe(3);
  });

  test('a failed delivery holds back its booking’s later ones, and is tried again', async () => {
    answers = [500];
    await put('b1', '1', 'session.prepared');
    await put('b1', '2', 'session.started');
    const d = delivery();
    await drain(d);
    expect(received).toHaveLength(1);
    await db.outbox.updateMany({ data: { nextAttemptAt: new Date(0) } });
    await drain(d);
    expect(received.map((r) => (JSON.parse(r.body) as { type: string }).type)).toEqual([
      'session.prepared',
      'session.prepared',
      'session.started',
    ]);
    expect((await db.delivery.findMany({ orderBy: { at: 'asc' } })).map((row) => row.status)).toEqual([500, 200, 200]);
  });

  test('after 24 hours a message is given up and the next one goes', async () => {
    answers = [503];
    await put('b1', '1', 'session.prepared');
    await put('b1', '2', 'session.started');
    await db.outbox.updateMany({ where: { sequence: 1 }, data: { queuedAt: new Date(Date.now() - 86_500_000) } });
    await drain(delivery());
    const rows = await db.outbox.findMany({ orderBy: { sequence: 'asc' } });
    expect(rows.map((r) => [r.deadAt !== null, r.deliveredAt !== null])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test('redirects are not followed, private addresses are refused unless allowed', async () => {
    answers = ['redirect'];
    await put('b1', '1', 'session.prepared');
    await drain(delivery());
    expect((await db.outbox.findFirstOrThrow()).lastError).toBe('redirects are not followed');
    expect(received).toHaveLength(1);
    await db.outbox.updateMany({ data: { nextAttemptAt: new Date(0) } });
    await drain(delivery({ WEBHOOK_ALLOW_PRIVATE: 'false' }));
    expect((await db.outbox.findFirstOrThrow()).lastError).toMatch(/private address/);
    expect(received).toHaveLength(1);
  });

  test.each([
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['192.168.1.1', true],
    ['169.254.169.254', true],
    ['::1', true],
    ['fd00::1', true],
    ['::ffff:10.0.0.1', true],
    ['93.184.216.34', false],
    ['2606:2800:220:1::1', false],
  ])('%s is private: %s', (address, expected) => {
    expect(isPrivateAddress(address)).toBe(expected);
  });

  test('several workers at once deliver each message once', async () => {
    for (let i = 0; i < 12; i++) await put(i % 2 ? 'b1' : 'b2', `k${i}`, 'image.captured');
    await Promise.all([drain(delivery()), drain(delivery()), drain(delivery())]);
    await drain(delivery());
    const ids = received.map((r) => (JSON.parse(r.body) as { id: string }).id);
    expect(new Set(ids).size).toBe(12);
    expect(ids).toHaveLength(12);
  });

  test('backoff doubles to ten minutes', () => {
    expect([1, 2, 3, 10, 11, 40].map(backoffSeconds)).toEqual([1, 2, 4, 512, 600, 600]);
  });
});

describe('letters', () => {
  const decoded = (raw: string): string =>
    raw
      .replace(/=\r?\n/g, '')
      .replace(/((?:=[0-9A-F]{2})+)/g, (hex) => Buffer.from(hex.replaceAll('=', ''), 'hex').toString());

  test('reach the guest in their language, the operator’s alarm only the operator', async () => {
    const frame = { telescopeId: 't', bookingId: 'b2', sourcePath: '', filename: 'f.fit', type: 'light' };
    await db.frame.create({ data: { ...frame, id: 'f-b2', sourceKey: 'b2', state: 'archived' } });
    await put('b1', '1', 'session.paused', ['email'], { reason: 'weather_unsafe' });
    await put('b2', '1', 'session.completed', ['email'], {
      reason: 'plan_finished',
      frames: { captured: 5, archived: 4 },
    });
    await put('b1', '2', 'error.occurred', ['operator'], {
      audience: 'operator',
      reason: 'gateway_away',
      message: 'nobody polls',
    });
    await drain(delivery({ GATEWAY_SECRET: 'x'.repeat(32) }));
    expect(letters.map((l) => l.to).sort()).toEqual(['anne@example.org', 'bob@example.org', 'operator@example.org']);
    const anne = decoded(letters.find((l) => l.to === 'anne@example.org')!.raw);
    expect(anne).toContain('Bonjour Anne');
    expect(anne).toContain('La météo est dangereuse');
    expect(anne).toContain('https://observe.example.org/control/b1#link=');
    const bob = decoded(letters.find((l) => l.to === 'bob@example.org')!.raw);
    expect(bob).toContain('4 of 5 images are archived');
    expect(bob).toContain('https://observe.example.org/report/b2#link=');
    expect(bob).toContain('https://observe.example.org/api/bookings/b2/archive.zip?exp=');
    expect(bob).toContain('Hello Bob &#60;b&#62;');
  });

  test('a push subscription that names a private address reaches nothing, unless allowed', async () => {
    const vapid = webPush.generateVAPIDKeys();
    const keys = { VAPID_PUBLIC_KEY: vapid.publicKey, VAPID_PRIVATE_KEY: vapid.privateKey };
    const browser = createECDH('prime256v1');
    const { port } = server.address() as AddressInfo;
    const subscription = { p256dh: browser.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') };
    await db.pushSubscription.create({
      data: { id: 'p1', bookingId: 'b1', endpoint: `https://127.0.0.1:${port}/push`, keys: subscription, locale: 'en' },
    });
    // The same browser, which asked by its person's token too.
    await db.pushSubscription.create({
      data: { id: 'p2', userRef: 'u1', endpoint: `https://127.0.0.1:${port}/push`, keys: subscription, locale: 'fr' },
    });
    let reached = 0;
    const count = (): void => void (reached += 1);
    server.on('connection', count);
    await put('b1', '1', 'session.started', ['push']);
    const own = { where: { channel: { startsWith: 'push.' } } };
    await drain(delivery({ ...keys, WEBHOOK_ALLOW_PRIVATE: 'false', PUSH_SERVICES: '127.0.0.1' }));
    expect((await db.outbox.findFirstOrThrow(own)).lastError).toMatch(/127\.0\.0\.1 is a private address/);
    await db.outbox.updateMany({ data: { nextAttemptAt: new Date(0) } });
    await drain(delivery({ ...keys, PUSH_SERVICES: '127.0.0.1' }));
    // Reached: what listens there speaks no TLS.
    expect((await db.outbox.findFirstOrThrow(own)).lastError).toMatch(/SSL|EPROTO|wrong version/i);
    expect(reached).toBe(1);
    server.off('connection', count);
    await db.pushSubscription.deleteMany();
  });

  test('an erased person, or nobody configured: settled, nothing sent, and the row says why', async () => {
    await db.user.update({ where: { ref: 'u2' }, data: { erasedAt: new Date(), email: null } });
    await put('b2', '1', 'session.started', ['email', 'push', 'webhook']);
    await drain(delivery({ WEBHOOK_URL: '' }));
    expect(letters).toEqual([]);
    const rows = await db.outbox.findMany({ orderBy: { channel: 'asc' } });
    expect(rows.map((r) => [r.channel, outboxState(r), r.deliveredAt, r.lastError])).toEqual([
      ['email', 'not_sent', null, 'no address'],
      ['push', 'not_sent', null, 'VAPID keys are not set'],
      ['webhook', 'not_sent', null, 'WEBHOOK_URL is not set'],
    ]);
  });
});
