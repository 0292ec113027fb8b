import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectPg } from '../../platform/database.ts';
import { ManualClock, type Clock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { Lease } from '../../gateway/telescope/lease.ts';
import { pgLeaseStore, type LeaseStore } from '../../gateway/telescope/lease-store.ts';
import { startPostgres } from '../support/postgres.ts';
import { cleanUp, Proxy } from './harness.ts';

const logger = createLogger('test', 'silent');
let postgres: Awaited<ReturnType<typeof startPostgres>>;
const leases: Lease[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await Promise.all(leases.map((l) => l.stop()));
  await cleanUp();
  await postgres.stop();
});

function lease(
  telescopeId: string,
  holder: string,
  store: LeaseStore | null,
  sole = false,
  floorEpoch = 0,
): Lease & { events: string[] } {
  const events: string[] = [];
  const made = new Lease({
    telescopeId,
    holder,
    store,
    sole,
    floorEpoch,
    logger,
    onOwned: (epoch) => events.push(`owned ${epoch}`),
    onLost: () => events.push('lost'),
  });
  leases.push(made);
  return Object.assign(made, { events });
}
async function until(condition: () => boolean, ms: number): Promise<number> {
  const from = performance.now();
  while (!condition()) {
    if (performance.now() - from > ms) throw new Error(`not within ${ms} ms`);
    await new Promise((r) => setTimeout(r, 5));
  }
  return performance.now() - from;
}

describe('lease', () => {
  test('a holder cut off from PostgreSQL stops owning before a successor begins, and the successor takes over within 12 s with the next epoch', async () => {
    const { proxy, url } = await Proxy.before(postgres.url);
    const first = lease('race', 'first', pgLeaseStore(url));
    first.start();
    await until(() => first.owns(), 3_000);
    const second = lease('race', 'second', pgLeaseStore(postgres.url));
    second.start();
    await new Promise((r) => setTimeout(r, 2_500));
    expect([first.owns(), second.owns(), second.contested]).toEqual([true, false, true]);

    proxy.freeze();
    let both = 0;
    let gapFrom: number | null = null;
    const cutMs = performance.now();
    await until(() => {
      if (first.owns() && second.owns()) both++;
      if (!first.owns() && gapFrom === null) gapFrom = performance.now();
      return second.owns();
    }, 13_000);
    expect(both).toBe(0);
    expect(performance.now() - cutMs).toBeLessThan(12_000);
    expect(performance.now() - gapFrom!).toBeGreaterThan(900);
    expect([first.events, second.events, second.epoch]).toEqual([['owned 1', 'lost'], ['owned 2'], 2]);

    proxy.thaw();
    await new Promise((r) => setTimeout(r, 2_500));
    expect([first.owns(), second.owns(), first.contested]).toEqual([false, true, true]);
  }, 30_000);

  test('cut off, with timers that come a moment early: the end of the lease is said all the same', async () => {
    const clock = new ManualClock();
    const early: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      setTimeout: (fn, delayMs) => clock.setTimeout(fn, delayMs > 100 ? delayMs - 3 : delayMs),
    };
    const store: LeaseStore = {
      acquire: () => Promise.resolve(1),
      renew: () => new Promise(() => undefined),
      release: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const events: string[] = [];
    const one = new Lease({
      telescopeId: 'early',
      holder: 'one',
      store,
      sole: false,
      floorEpoch: 0,
      clock: early,
      logger,
      onOwned: (epoch) => events.push(`owned ${epoch}`),
      onLost: () => events.push('lost'),
    });
    one.start();
    clock.advance(1);
    await new Promise((r) => setTimeout(r, 20));
    clock.advance(7_990);
    expect([one.owns(), events]).toEqual([true, ['owned 1']]);
    clock.advance(20);
    expect([one.owns(), events]).toEqual([false, ['owned 1', 'lost']]);
  });

  test('ten gateways that start together: exactly one owns', async () => {
    const all = Array.from({ length: 10 }, (_, i) => lease('crowd', `g${i}`, pgLeaseStore(postgres.url)));
    for (const one of all) one.start();
    await until(() => all.some((l) => l.owns()), 3_000);
    await new Promise((r) => setTimeout(r, 1_500));
    expect(all.filter((l) => l.owns()).length).toBe(1);
    await Promise.all(all.map((l) => l.stop()));
  }, 15_000);

  test('an orderly stop lets the successor in at once', async () => {
    const first = lease('orderly', 'first', pgLeaseStore(postgres.url));
    first.start();
    await until(() => first.owns(), 3_000);
    await first.stop();
    expect(first.owns()).toBe(false);
    const second = lease('orderly', 'second', pgLeaseStore(postgres.url));
    second.start();
    expect(await until(() => second.owns(), 3_000)).toBeLessThan(1_500);
    expect(second.epoch).toBe(2);
  });

  test('the epoch never falls behind what this disk has seen, even in a new database', async () => {
    const one = lease('restored', 'one', pgLeaseStore(postgres.url), false, 41);
    one.start();
    await until(() => one.owns(), 3_000);
    expect(one.epoch).toBe(42);
  });

  test('a gateway that takes itself for the only one, whose disk never saw a lease, waits for PostgreSQL', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('the database does not answer'));
    const clock = new ManualClock();
    const made = (floorEpoch: number, store: LeaseStore | null): Lease =>
      new Lease({
        telescopeId: 'new',
        holder: 'new',
        store,
        sole: true,
        floorEpoch,
        clock,
        logger,
        onOwned: () => undefined,
        onLost: () => undefined,
      });
    const silent: LeaseStore = {
      acquire: away,
      renew: away,
      release: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const [newcomer, resident, alone] = [made(0, silent), made(3, silent), made(0, null)];
    for (const one of [newcomer, resident, alone]) one.start();
    for (let second = 0; second < 15; second++) {
      clock.advance(1_000);
      await new Promise((r) => setImmediate(r));
    }
    expect([newcomer.owns(), resident.owns(), alone.owns()]).toEqual([false, true, true]);
    await Promise.all([newcomer, resident, alone].map((one) => one.stop()));
  });

  test('when PostgreSQL is back, who went on without it keeps the telescope before one that was started meanwhile', async () => {
    const clock = new ManualClock();
    let away = true;
    let row: { holder: string; epoch: number } | null = null;
    const answering = <T>(answer: () => T): Promise<T> =>
      away ? Promise.reject(new Error('the database does not answer')) : Promise.resolve(answer());
    const store: LeaseStore = {
      acquire: (_telescope, holder, floor) =>
        answering(() => {
          if (row && row.holder !== holder) return { heldBy: row.holder };
          row = { holder, epoch: Math.max(row?.epoch ?? 0, floor) + 1 };
          return row.epoch;
        }),
      renew: (_telescope, holder, epoch) => answering(() => row?.holder === holder && row.epoch === epoch),
      release: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const made = (holder: string, floorEpoch: number): Lease =>
      new Lease({
        telescopeId: 'back',
        holder,
        store,
        sole: true,
        floorEpoch,
        clock,
        logger,
        onOwned: () => undefined,
        onLost: () => undefined,
      });
    // The newcomer beats first.
    const [newcomer, resident] = [made('newcomer', 0), made('resident', 3)];
    const owners: string[] = [];
    newcomer.start();
    resident.start();
    for (let second = 0; second < 40; second++) {
      away = second < 15;
      clock.advance(1_000);
      for (let turn = 0; turn < 3; turn++) await new Promise((r) => setImmediate(r));
      owners.push(`${resident.owns() ? 'resident' : ''}${newcomer.owns() ? 'newcomer' : ''}`);
    }
    expect([new Set(owners.slice(1)), newcomer.contested]).toEqual([new Set(['resident']), true]);
    await Promise.all([newcomer, resident].map((one) => one.stop()));
  });

  test('a sole gateway owns without PostgreSQL and takes the lease when it is back; a gateway among others never does', async () => {
    const { proxy, url } = await Proxy.before(postgres.url);
    proxy.freeze();
    const sole = lease('sole', 'sole', pgLeaseStore(url), true, 7);
    const other = lease('other', 'other', pgLeaseStore(url), false, 7);
    sole.start();
    other.start();
    await until(() => sole.owns(), 4_000);
    expect([sole.state, sole.events, other.owns()]).toEqual(['sole', ['owned 8'], false]);
    proxy.thaw();
    await until(() => sole.state === 'held', 6_000);
    expect(sole.owns()).toBe(true);
    const client = await connectPg(postgres.url, () => undefined);
    const { rows } = await client.query<{ holder: string; epoch: number }>(
      'SELECT holder, epoch FROM leases WHERE telescope_id = $1',
      ['sole'],
    );
    await client.end();
    expect(rows).toEqual([{ holder: 'sole', epoch: 9 }]);
  }, 20_000);
});
