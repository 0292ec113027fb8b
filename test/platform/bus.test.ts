import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { appendEvent, BusListener, type BusMessage, publish } from '../../platform/bus.ts';
import { createDatabase, type Database, sqlState } from '../../platform/database.ts';
import { migrate } from '../../platform/migrate.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { startPostgres } from '../support/postgres.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
const logger = pino({ level: 'silent' });
beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url);
});
afterAll(async () => {
  await db?.$disconnect();
  await postgres?.stop();
});

async function listen(): Promise<{
  messages: BusMessage[];
  until(count: number): Promise<void>;
  stop(): Promise<void>;
}> {
  const listener = new BusListener(postgres.url, logger);
  const messages: BusMessage[] = [];
  listener.on('message', (m) => messages.push(m));
  await listener.start();
  return {
    messages,
    stop: () => listener.stop(),
    async until(count) {
      const deadline = Date.now() + 5_000;
      while (messages.length < count && Date.now() < deadline) await new Promise((r) => setTimeout(r, 10));
    },
  };
}
const event = (bookingId: string, key: string, data: Record<string, unknown> = {}) => ({
  key,
  type: 'session.changed' as const,
  bookingId,
  telescopeId: 't1',
  data,
});

describe('the bus', () => {
  test('fifty writers at once: seq runs 1 to 50 without a gap, and arrives in order', async () => {
    const ear = await listen();
    const each = createDatabase(postgres.url, logger, 50);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        each.$transaction((tx) => appendEvent(tx, event('b-many', `k${i}`)), { maxWait: 20_000, timeout: 20_000 }),
      ),
    );
    await each.$disconnect();
    await ear.until(50);
    await ear.stop();
    expect(ear.messages.map((m) => (m.kind === 'event' ? m.event.seq : -1))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    expect(await db.event.count({ where: { bookingId: 'b-many' } })).toBe(50);
  });
  test('a repeated append changes nothing and gives back the first event', async () => {
    const first = await db.$transaction((tx) => appendEvent(tx, event('b-once', 'same', { n: 1 })));
    const second = await db.$transaction((tx) => appendEvent(tx, event('b-once', 'same', { n: 2 })));
    expect(second).toEqual(first);
    expect((await db.eventCounter.findUnique({ where: { bookingId: 'b-once' } }))?.seq).toBe(1);
  });
  test('a rolled back transaction leaves neither event nor gap', async () => {
    await expect(
      db.$transaction(async (tx) => {
        await appendEvent(tx, event('b-roll', 'lost'));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect((await db.$transaction((tx) => appendEvent(tx, event('b-roll', 'kept')))).seq).toBe(1);
  });
  test('an event over 7,000 bytes is announced by reference, a volatile one of that size is left out', async () => {
    const ear = await listen();
    await db.$transaction((tx) => appendEvent(tx, event('b-big', 'k', { text: 'é'.repeat(4_000) })));
    await publish(db, { kind: 'control', what: 'too big', data: { text: 'x'.repeat(9_000) } });
    await publish(db, { kind: 'control', what: 'small', data: {} });
    await ear.until(2);
    await ear.stop();
    expect(ear.messages).toEqual([
      { kind: 'ref', booking_id: 'b-big', epoch: 1, seq: 1 },
      { kind: 'control', what: 'small', data: {} },
    ]);
  });
});

describe('the outbox', () => {
  test('sequence grows by one per booking and channel; a repeated key writes nothing', async () => {
    const entry = (key: string) => ({
      key,
      type: 'session.started' as const,
      bookingId: 'b-out',
      telescopeId: 't1',
      data: {},
      channels: ['webhook', 'email'] as ('webhook' | 'email')[],
    });
    for (const key of ['a', 'b', 'a', 'c']) await db.$transaction((tx) => enqueueOutbox(tx, entry(key)));
    const rows = await db.outbox.findMany({
      where: { bookingId: 'b-out' },
      orderBy: [{ channel: 'asc' }, { sequence: 'asc' }],
    });
    expect(rows.map((r) => `${r.channel} ${r.sequence}`)).toEqual([
      'email 1',
      'email 2',
      'email 3',
      'webhook 1',
      'webhook 2',
      'webhook 3',
    ]);
  });
});

describe('the schema', () => {
  test('a second migration run changes nothing', async () => {
    expect(await migrate(postgres.url)).toEqual({ applied: [] });
  });
  test('of twenty racing bookings of the same hour one wins, the rest get 23P01; back to back is fine', async () => {
    const booking = (id: string, startHour: number) => ({
      id,
      telescopeId: 'race',
      startsAt: new Date(Date.UTC(2027, 0, 1, startHour)),
      endsAt: new Date(Date.UTC(2027, 0, 1, startHour + 1)),
      blockedUntil: new Date(Date.UTC(2027, 0, 1, startHour + 1)),
      userRef: 'u',
      target: {},
      shots: [],
      constraints: {},
      credits: {},
      bodyHash: id,
    });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => db.booking.create({ data: booking(`race-${i}`, 1) })),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    expect(new Set(results.flatMap((r) => (r.status === 'rejected' ? [sqlState(r.reason)] : [])))).toEqual(
      new Set(['23P01']),
    );
    await db.booking.create({ data: booking('race-next', 2) });
  });
});
