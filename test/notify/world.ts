import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser, type ParsedMail } from 'mailparser';
import pino from 'pino';
import { SMTPServer } from 'smtp-server';
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import type { OutboxType } from '../../domain/contracts/webhook.ts';
import { loadConfig, type Config } from '../../platform/config.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { enqueueOutbox, type OutboxChannel } from '../../platform/outbox.ts';
import { startPostgres } from '../support/postgres.ts';

export const SECRET = 'gateway-secret-of-the-tests';
export const PUBLIC_URL = 'https://observe.example.org';

/** One request that a receiver got. */
export interface Got {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}
/** An HTTP server that keeps what it gets and answers what the test says, else 200. */
export interface Receiver {
  url: string;
  got: Got[];
  answer: (got: Got) => { status: number; body?: unknown; headers?: Record<string, string> } | 'never';
  stop(): Promise<void>;
}
export async function startReceiver(tls?: { cert: string; key: string }): Promise<Receiver> {
  const receiver: Receiver = { url: '', got: [], answer: () => ({ status: 200 }), stop: async () => undefined };
  const serve: Parameters<typeof createServer>[1] = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const got = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() };
      receiver.got.push(got);
      const answer = receiver.answer(got);
      if (answer === 'never') return;
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
    });
  };
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  receiver.stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return receiver;
}

/** A mail server that keeps each letter, parsed, and refuses whom the test says. */
export interface MailServer {
  url: string;
  letters: { to: string; mail: ParsedMail; raw: string }[];
  /** Answer to `RCPT TO`, such as 550; null takes everybody. */
  refuse: ((address: string) => number | null) | null;
  stop(): Promise<void>;
}
export async function startMailServer(): Promise<MailServer> {
  const world: MailServer = { url: '', letters: [], refuse: null, stop: async () => undefined };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo(address, _session, callback) {
      const code = world.refuse?.(address.address) ?? null;
      callback(code === null ? null : Object.assign(new Error('no such mailbox'), { responseCode: code }));
    },
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const raw = Buffer.concat(parts);
        void simpleParser(raw).then((mail) => {
          world.letters.push({ to: session.envelope.rcptTo.map((r) => r.address).join(), mail, raw: raw.toString() });
          callback();
        });
      });
    },
  });
  // Whoever sends may be killed.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  world.url = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  world.stop = () => new Promise((resolve) => server.close(() => resolve()));
  return world;
}

export interface World {
  url: string;
  db: Database;
  mail: MailServer;
  /** Where frames' pictures lie. */
  store: string;
  config(more?: Record<string, string>): Config;
  delivery(more?: Record<string, string>, now?: () => number): OutboxDelivery;
  /** Delivers until nothing is due. */
  drain(more?: Record<string, string>, now?: () => number): Promise<void>;
  put(
    bookingId: string | null,
    key: string,
    type: OutboxType,
    channels: OutboxChannel[],
    data?: Record<string, unknown>,
  ): Promise<void>;
  booking(id: string, user: { ref: string; email?: string; name?: string; locale?: 'fr' | 'en' }): Promise<void>;
  /** All waiting rows are due now. */
  timePasses(): Promise<void>;
  stop(): Promise<void>;
}

export const START = new Date(Date.UTC(2026, 0, 10, 20));

/** PostgreSQL, a mail server, and the outbox's delivery in this process. */
export async function startWorld(): Promise<World> {
  const [postgres, mail] = await Promise.all([startPostgres(), startMailServer()]);
  const db = createDatabase(postgres.url, undefined, 4);
  const store = mkdtempSync(join(tmpdir(), 'nocturne-notify-'));
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
  const config: World['config'] = (more = {}) =>
    loadConfig({
      WEBHOOK_ALLOW_PRIVATE: 'true',
      SMTP_URL: mail.url,
      MAIL_FROM: 'nocturne@observe.example.org',
      PUBLIC_URL,
      GATEWAY_SECRET: SECRET,
      SUPPORT_EMAIL: 'help@example.org',
      OBSERVATIONS_STORAGE_PATH: store,
      ...more,
    });
  const delivery: World['delivery'] = (more, now) =>
    new OutboxDelivery({ db, config: config(more), logger: pino({ level: 'silent' }), ...(now ? { now } : {}) });
  return {
    url: postgres.url,
    db,
    mail,
    store,
    config,
    delivery,
    async drain(more, now) {
      const one = delivery(more, now);
      while ((await one.deliverDue()) > 0);
    },
    put: (bookingId, key, type, channels, data = {}) =>
      db.$transaction((tx) => enqueueOutbox(tx, { key, type, bookingId, telescopeId: 't', data, channels })),
    async booking(id, user) {
      const person = { email: user.email ?? null, displayName: user.name ?? null, locale: user.locale ?? 'fr' };
      await db.user.upsert({ where: { ref: user.ref }, create: { ref: user.ref, ...person }, update: person });
      const end = new Date(START.getTime() + 7_200_000);
      await db.booking.create({
        data: {
          id,
          telescopeId: 't',
          userRef: user.ref,
          bodyHash: '',
          occupies: false,
          startsAt: START,
          endsAt: end,
          blockedUntil: end,
          target: { name: 'M 31' },
          shots: [],
          constraints: {},
          credits: {},
        },
      });
    },
    async timePasses() {
      await db.outbox.updateMany({ where: { deliveredAt: null, deadAt: null }, data: { nextAttemptAt: new Date(0) } });
    },
    async stop() {
      await db.$disconnect();
      await Promise.all([mail.stop(), postgres.stop()]);
      rmSync(store, { recursive: true, force: true });
    },
  };
}
