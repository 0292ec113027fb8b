import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { loadConfig } from '../../platform/config.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { enqueueOutbox, replayOutbox } from '../../platform/outbox.ts';
import { projectPath, projectRoot } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { startPostgres } from './harness.ts';
import { emptied } from '../support/emptied.ts';

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;
const logger = createLogger('webhooks-test', 'silent');
const LONG = process.env.NOCTURNE_LONG === '1';
/** Messages for each of five receivers, over so many bookings: 10,000 queued webhooks in the long form, 1,000 in the short one. */
const MESSAGES = LONG ? 2_000 : 200;
const BOOKINGS = 20;

interface Received {
  id: string;
  sequence: number;
  booking_id: string;
  body: string;
  headers: IncomingMessage['headers'];
}
type Answer = (response: ServerResponse, message: Received, request: IncomingMessage) => void;

/** The far end: keeps what comes in and answers as told. */
class Receiver {
  readonly received: Received[] = [];
  open = 0;
  mostOpen = 0;
  private server: Server | null = null;
  constructor(
    readonly port: number,
    public answer: Answer = (response) => void response.writeHead(200).end('ok'),
  ) {}
  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }
  async start(onConnection: () => void = () => undefined): Promise<void> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      this.open += 1;
      this.mostOpen = Math.max(this.mostOpen, this.open);
      response.on('close', () => (this.open -= 1));
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const message: Received = {
          ...(JSON.parse(body) as Pick<Received, 'id' | 'sequence' | 'booking_id'>),
          body,
          headers: request.headers,
        };
        this.received.push(message);
        this.answer(response, message, request);
      });
    });
    this.server.on('connection', onConnection);
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }
  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  /** Sequence numbers by booking in the order in which each message first came. */
  firsts(): Map<string, number[]> {
    const seen = new Set<string>();
    const orders = new Map<string, number[]>();
    for (const { id, booking_id: booking, sequence } of this.received) {
      if (seen.has(id)) continue;
      seen.add(id);
      orders.set(booking, [...(orders.get(booking) ?? []), sequence]);
    }
    return orders;
  }
  distinct(): number {
    return new Set(this.received.map((m) => m.id)).size;
  }
}
const until = async (what: string, check: () => boolean | Promise<boolean>, ms: number): Promise<void> => {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('webhooks from the outbox', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let db: Database;
  const receivers: Receiver[] = [];
  const children: ChildProcess[] = [];
  const deliveries: OutboxDelivery[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    db = createDatabase(postgres.url, undefined, 6);
  }, 60_000);
  afterAll(async () => {
    await db?.$disconnect();
    await postgres?.stop();
  });
  beforeEach(async () => {
    await emptied(db, 'outbox, deliveries, audit');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(deliveries.splice(0).map((d) => d.stop()));
    await Promise.all(receivers.splice(0).map((r) => r.stop()));
  });
  const receiver = async (answer?: Answer): Promise<Receiver> => {
    const made = new Receiver(await freePort(), answer);
    receivers.push(made);
    return made;
  };
  const deliver = (to: Receiver[]): OutboxDelivery => {
    const config = loadConfig({
      WEBHOOK_URL: to.map((r) => r.url).join(', '),
      WEBHOOK_SECRET: SECRET,
      WEBHOOK_ALLOW_PRIVATE: 'true',
    });
    const made = new OutboxDelivery({ db, config, logger, databaseUrl: postgres.url });
    deliveries.push(made);
    void made.run();
    return made;
  };
  const queue = async (messages: number, bookings: number): Promise<void> => {
    const AT_ONCE = 10;
    const next = Array.from({ length: bookings }, (_, b) => b).values();
    const write = async (): Promise<void> => {
      for (const b of next)
        for (let first = b; first < messages; first += bookings * AT_ONCE)
          await db.$transaction(
            async (tx) => {
              for (let n = first; n < Math.min(messages, first + bookings * AT_ONCE); n += bookings)
                await enqueueOutbox(tx, {
                  key: `m-${n}`,
                  type: 'image.captured',
                  bookingId: `b-${b}`,
                  telescopeId: 't1',
                  data: { n, object: 'Cœur', pad: 'x'.repeat(300) },
                });
            },
            { timeout: 30_000, maxWait: 30_000 },
          );
    };
    await Promise.all([write(), write(), write(), write()]);
  };
  /** A receiver that has got fifty signed messages. */
  const fifty = async (): Promise<Receiver> => {
    const good = await receiver();
    await good.start();
    await queue(50, 5);
    deliver([good]);
    await until('all', () => good.received.length === 50, 30_000);
    return good;
  };
  /** Time passes: what waits for another try, or is claimed by a process that is dead, is due. */
  const timePasses = (): Promise<number> =>
    db.$executeRaw`UPDATE outbox SET next_attempt_at = now() WHERE delivered_at IS NULL AND dead_at IS NULL`;

  test(
    `${MESSAGES * 5} queued webhooks and receivers that are good, slow, down, wrong and lying: nothing lost, each in order, none delays another, memory bounded`,
    async () => {
      const good = await receiver();
      const slow = await receiver((response) => void setTimeout(() => response.writeHead(200).end(), 60));
      const down = await receiver();
      const tries = new Map<string, number>();
      const wrong = await receiver((response, { id, sequence, booking_id: booking }) => {
        const n = (tries.get(id) ?? 0) + 1;
        tries.set(id, n);
        response
          .writeHead(sequence % 10 === 1 && n === 1 ? [500, 404, 302, 429][Number(booking.slice(2)) % 4]! : 204, {
            location: '/elsewhere',
          })
          .end();
      });
      let lies = 0;
      const lying = await receiver((response, { sequence }, request) => {
        if (sequence % 10 !== 2 || ++lies > BOOKINGS) response.writeHead(202).end();
        else if (lies % 3 === 0) request.socket.destroy();
        else if (lies % 3 === 1) request.socket.end('HTTP/9.9 banana\r\n\r\n');
        else {
          response.writeHead(200, { 'content-length': '1000000' });
          response.write('x'.repeat(200_000));
        }
      });
      const all = [good, slow, down, wrong, lying];
      for (const r of [good, slow, wrong, lying]) await r.start();
      await queue(MESSAGES, BOOKINGS);
      const heapBefore = process.memoryUsage().heapUsed;
      let heapMost = heapBefore;
      const watch = setInterval(() => (heapMost = Math.max(heapMost, process.memoryUsage().heapUsed)), 250);
      const began = Date.now();
      deliver(all);
      await until('the good receiver has everything', () => good.distinct() === MESSAGES, LONG ? 240_000 : 60_000);
      const goodMs = Date.now() - began;
      expect(down.received).toHaveLength(0);
      expect(await db.outbox.count({ where: { channel: { startsWith: 'webhook' } } })).toBe(MESSAGES * all.length);
      await down.start();
      await until(
        'all of them have everything',
        async () => {
          await timePasses();
          await new Promise((resolve) => setTimeout(resolve, 200));
          return (await db.outbox.count({ where: { deliveredAt: null } })) === 0;
        },
        LONG ? 480_000 : 90_000,
      );
      clearInterval(watch);
      for (const [b] of Array.from({ length: BOOKINGS }).entries())
        for (const r of all)
          expect([r.port, b, r.firsts().get(`b-${b}`)]).toEqual([r.port, b, upTo(MESSAGES / BOOKINGS)]);
      expect(await db.outbox.count({ where: { deadAt: { not: null } } })).toBe(0);
      expect(good.received).toHaveLength(MESSAGES);
      expect(Math.max(...all.map((r) => r.mostOpen))).toBeLessThanOrEqual(17);
      const ids = (r: Receiver): string => [...new Set(r.received.map((m) => m.id))].toSorted().join();
      for (const r of all) expect(ids(r)).toBe(ids(good));
      // However many wait. The receivers live in this process too and keep every body.
      expect((heapMost - heapBefore) / 1e6).toBeLessThan(150);
      if (LONG)
        process.stderr.write(
          `${MESSAGES * all.length} webhooks: the good receiver had its own after ${goodMs} ms, heap + ${((heapMost - heapBefore) / 1e6).toFixed(0)} MB\n`,
        );
    },
    LONG ? 900_000 : 200_000,
  );

  test('signatures hold for standardwebhooks, and for nothing that was altered or is old', async () => {
    const good = await fifty();
    for (const { body, headers } of good.received) {
      const three = Object.fromEntries(
        ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
      );
      expect(new StandardWebhook(SECRET).verify(body, three)).toMatchObject({ id: three['webhook-id'] });
      expect(() => new StandardWebhook(SECRET).verify(body.replace('Cœur', 'Coeur'), three)).toThrow(
        'No matching signature found',
      );
      // A delivery that somebody kept and sends again later is too old for whoever checks the time.
      expect(() =>
        new StandardWebhook(SECRET).verify(body, {
          ...three,
          'webhook-timestamp': String(Number(three['webhook-timestamp']) - 600),
        }),
      ).toThrow('Message timestamp too old');
    }
  });

  const php = spawnSync('php', ['-v']).status === 0;
  (php ? describe : describe.skip)('with PHP, which .ci/run installs', () => {
    test('signatures hold for hash_hmac', async () => {
      const good = await fifty();
      const script = `
      $secret = $argv[1]; $good = 0; $bad = 0;
      while (($line = fgets(STDIN)) !== false) {
        [$body, $signature, $id, $timestamp, $standard] = json_decode($line, true);
        $key = base64_decode(substr($secret, 6));
        $spatie = hash_equals(hash_hmac('sha256', $body, $secret), $signature);
        $std = hash_equals('v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true)), $standard);
        if ($spatie && $std) { $good++; } else { $bad++; }
        if (hash_equals(hash_hmac('sha256', $body . ' ', $secret), $signature)) { $bad++; }
      }
      echo json_encode([$good, $bad]);`;
      const lines = good.received.map(({ body, headers: h }) =>
        JSON.stringify([body, h.signature, h['webhook-id'], h['webhook-timestamp'], h['webhook-signature']]),
      );
      const checked = spawnSync('php', ['-r', script, '--', SECRET], {
        input: `${lines.join('\n')}\n`,
        encoding: 'utf8',
      });
      expect([checked.stderr, checked.stdout]).toEqual(['', '[50,0]']);
    });
  });

  test('kill -9 before the request, before the answer, after the answer, and between messages: every id once more at most, in order, the same bytes', async () => {
    const far = await receiver();
    type Moment = 'connected' | 'asked' | 'answered' | 'later';
    const moments: Moment[] = ['connected', 'asked', 'answered', 'later'];
    let moment: Moment | null = null;
    let child: ChildProcess | null = null;
    let counted = 0;
    let killed = (): void => undefined;
    const kill = (): void => {
      moment = null;
      child!.kill('SIGKILL');
      killed();
    };
    far.answer = (response) => {
      counted++;
      if (moment === 'asked') {
        kill();
        return;
      }
      response.writeHead(200).end('ok');
      if (moment === 'answered') kill();
      else if (moment === 'later' && counted >= 7) kill();
    };
    await far.start(() => {
      if (moment === 'connected') kill();
    });
    await queue(60, 6);
    const ready = [...moments, null].map(() => {
      const made = spawn(
        process.execPath,
        ['--import', 'tsx', projectPath('test', 'api', 'deliver-process.ts'), postgres.url, far.url, SECRET],
        {
          cwd: projectRoot,
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      children.push(made);
      return once(made.stdout, 'data').then(() => made);
    });
    for (const [i, next] of [...moments, null].entries()) {
      child = await ready[i]!;
      const died = new Promise<void>((resolve) => (killed = resolve));
      const exited = once(child, 'exit');
      counted = 0;
      moment = next;
      child.stdin!.write('go\n');
      if (next === null) break;
      await died;
      expect((await exited)[1]).toBe('SIGKILL');
      await timePasses();
    }
    await until(
      'everything is delivered',
      async () => (await db.outbox.count({ where: { deliveredAt: null } })) === 0,
      40_000,
    );
    for (let b = 0; b < 6; b++) expect(far.firsts().get(`b-${b}`)).toEqual(upTo(10));
    const rows = await db.outbox.findMany({ select: { id: true } });
    expect(new Set(far.received.map((m) => m.id))).toEqual(new Set(rows.map((r) => r.id)));
    expect(far.received.length).toBeGreaterThan(60);
    const bodies = new Map<string, string>();
    for (const { id, body } of far.received) expect(bodies.get(id) ?? body).toBe((bodies.set(id, body), body));
  }, 120_000);

  test('a message written again under its key is one message with one id; a killed writer leaves no hole', async () => {
    const write = (key: string, fail = false): Promise<void> =>
      db.$transaction(async (tx) => {
        await enqueueOutbox(tx, { key, type: 'session.started', bookingId: 'w', telescopeId: 't1', data: {} });
        if (fail) throw new Error('the change failed');
      });
    await write('1');
    await expect(write('2', true)).rejects.toThrow('the change failed');
    await write('1');
    await write('2');
    await Promise.all([write('3'), write('3'), write('4')]);
    expect((await db.outbox.findMany({ orderBy: { sequence: 'asc' } })).map((r) => r.sequence)).toEqual([1, 2, 3, 4]);
  });

  test('a replay is the same message byte for byte, under its old id, for another day', async () => {
    const far = await receiver();
    await far.start();
    await queue(3, 1);
    deliver([far]);
    await until('all', () => far.received.length === 3, 10_000);
    await until('noted', async () => (await db.outbox.count({ where: { deliveredAt: null } })) === 0, 5_000);
    await db.outbox.updateMany({
      data: {
        queuedAt: new Date(Date.now() - 86_500_000),
        deliveredAt: null,
        deadAt: new Date(),
        lastError: 'answered 500',
      },
    });
    expect(await replayOutbox(db, 'test', { deadAt: { not: null } }, new Date())).toBe(3);
    await until('again', () => far.received.length === 6, 10_000);
    expect(far.received.slice(3).map((m) => m.body)).toEqual(far.received.slice(0, 3).map((m) => m.body));
    expect(await db.audit.count({ where: { action: 'webhook.replay' } })).toBe(1);
  });

  test('the command lists, shows and replays, and says what it cannot do', async () => {
    await queue(2, 1);
    await db.outbox.updateMany({
      where: { sequence: 1 },
      data: { deadAt: new Date(), lastError: 'answered 500', attempts: 40 },
    });
    const command = async (...args: string[]): Promise<{ code: number | null; out: string; err: string }> => {
      const child = spawn(process.execPath, ['--import', 'tsx', projectPath('scripts', 'webhooks.ts'), ...args], {
        cwd: projectRoot,
        env: { ...process.env, DATABASE_URL: postgres.url },
      });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, out, err };
    };
    const [listed, replayed, wrong, help] = await Promise.all([
      command('list', '--state', 'dead', '--json'),
      command('replay', 'no-such-id'),
      command('list', '--state', 'lost'),
      command('--help'),
    ]);
    const dead = JSON.parse(listed.out) as { id: string };
    expect([listed.code, dead]).toEqual([
      0,
      expect.objectContaining({
        state: 'dead',
        booking_id: 'b-0',
        sequence: 1,
        attempts: 40,
        last_error: 'answered 500',
      }),
    ]);
    expect([replayed.code, replayed.out]).toEqual([1, '0 queued again.\n']);
    expect([wrong.code, wrong.err]).toEqual([2, '--state: "lost" is none of waiting, delivered, dead, not_sent.\n']);
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('npm run webhooks -- replay')]);
    expect((await command('replay', '--dead', '--json')).out).toBe('{"replayed":1}\n');
    expect(await db.outbox.count({ where: { deadAt: null } })).toBe(2);
  }, 120_000);
});
