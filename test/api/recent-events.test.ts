import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RecentEvents } from '../../api/bookings/recent-events.ts';
import type { Event } from '../../domain/contracts/event.ts';
import { appendEvent, type BusMessage } from '../../platform/bus.ts';
import type { Database } from '../../platform/database.ts';
import { at, insertBooking, startApi, startPostgres, token, type RunningApi } from './harness.ts';

type Find = Database['event']['findMany'];

describe('a crowd that comes back is answered from memory', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let recent: RecentEvents;
  let reads: number;
  /** What a read waits for after PostgreSQL has answered it. */
  let held: Promise<void>;
  let n = 0;
  let id: string;
  const hear = (message: BusMessage): void => {
    if (message.kind === 'event') recent.take(message.event);
    else if (message.kind === 'ref') recent.forget(message.booking_id);
  };

  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url);
    api.bus.on('message', hear);
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });
  beforeEach(async () => {
    reads = 0;
    held = Promise.resolve();
    const findMany = (async (query: Parameters<Find>[0]) => {
      reads++;
      const rows = await api.db.event.findMany(query);
      await held;
      return rows;
    }) as Find;
    recent = new RecentEvents({ event: { findMany } } as Database, api.bus);
    id = `b-${++n}`;
    await insertBooking(api, id, { start: at(n * 100), end: at(n * 100 + 60) }, { ref: 'ada', display_name: 'Ada L' });
  });
  const append = (key: string, data: Record<string, unknown> = {}): Promise<Event> =>
    api.db.$transaction((tx) => appendEvent(tx, { key, type: 'log.appended', bookingId: id, telescopeId: 't1', data }));
  const seqs = async (after: number): Promise<number[] | null> =>
    (await recent.after(id, after))?.events.map(({ seq }) => seq) ?? null;
  const until = async (last: number): Promise<void> => {
    while ((await recent.after(id, last - 1))?.lastSeq !== last) await new Promise((resolve) => setImmediate(resolve));
  };

  test('fifty who ask at once cost one read, and what the bus brings later none', async () => {
    for (const key of ['a', 'b', 'c']) await append(key);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => seqs(1 + (i % 4))));
    expect(answers.slice(0, 4)).toEqual([[2, 3, 4], [3, 4], [4], []]);
    await append('d');
    await until(5);
    expect(await seqs(2)).toEqual([3, 4, 5]);
    expect(reads).toBe(1);
  });

  test('an event that comes while the read is under way is in the answer', async () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => (release = resolve));
    const asked = seqs(0);
    while (reads === 0) await new Promise((resolve) => setImmediate(resolve));
    const heard = new Promise<void>((resolve) =>
      api.bus.on('message', (message) => {
        if (message.kind === 'event' && message.event.booking_id === id && message.event.seq === 2) resolve();
      }),
    );
    await append('meanwhile');
    await heard;
    release();
    expect(await asked).toEqual([1, 2]);
    expect(await seqs(1)).toEqual([2]);
    expect(reads).toBe(1);
  });

  test('what was not heard in full is read again, and a counting that begins anew is not mixed with the old one', async () => {
    expect(await seqs(0)).toEqual([1]);
    const large = await append('large', { message: 'x'.repeat(7_500) });
    await until(2);
    expect(reads).toBe(2);
    recent.take({ ...large, id: 'later', seq: 4 });
    expect(await seqs(0)).toEqual([1, 2]);
    expect(reads).toBe(3);
    recent.take({ ...large, id: 'restored', seq: 3, epoch: 2 });
    expect(await seqs(0)).toEqual([1, 2]);
    expect(reads).toBe(4);
  });

  test('memory does not speak of what lies before it, or of what it has not heard of yet', async () => {
    for (let i = 0; i < 120; i++) await append(`e${i}`);
    expect(await seqs(21)).toHaveLength(100);
    expect(await seqs(20)).toBeNull();
    expect(await seqs(122)).toBeNull();
    await append('one more');
    await until(122);
    expect(await seqs(21)).toBeNull();
  });

  test('a page is told what the server key is told, and nobody what is not theirs', async () => {
    for (const key of ['a', 'b', 'c']) await append(key);
    const mine = await token(api, { kind: 'booking', subject: id });
    const path = `/api/bookings/${id}/events`;
    for (const query of ['', '?after=1', '?after=1&limit=2', '?after=4', '?after=9', '?type=log.appended']) {
      const page = await api.json('GET', `${path}${query}`, undefined, { token: mine });
      expect(page.body).toEqual((await api.json('GET', `${path}${query}`)).body);
      expect(page.status).toBe(200);
    }
    const other = await token(api, { kind: 'user', subject: 'somebody-else' });
    expect((await api.json('GET', path, undefined, { token: other })).status).toBe(404);
    const gone = await token(api, { kind: 'user', subject: 'ada' });
    expect((await api.json('GET', '/api/bookings/none/events', undefined, { token: gone })).status).toBe(404);
  });

  test('a guest reads no name of somebody else’s target, however often it is asked for; the server does', async () => {
    await append('hold', { message: 'Waits for ‹M 31›.' });
    const mine = await token(api, { kind: 'booking', subject: id });
    const said = async (who: { token?: string }): Promise<unknown> => {
      const { body } = await api.json<{ data: Event[] }>('GET', `/api/bookings/${id}/events`, undefined, who);
      return body.data.at(-1)!.data.message;
    };
    expect([await said({ token: mine }), await said({}), await said({ token: mine })]).toEqual([
      'Waits for ….',
      'Waits for ‹M 31›.',
      'Waits for ….',
    ]);
  });
});
