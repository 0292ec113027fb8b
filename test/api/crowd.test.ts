import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SnapshotCache } from '../../api/bookings/snapshot.ts';
import { Cluster, CLUSTER, type ClusterMessage } from '../../api/live/cluster.ts';
import { Presence } from '../../api/live/presence.ts';
import { Revocations } from '../../api/revocations.ts';
import type { Database } from '../../platform/database.ts';
import { at, insertBooking, startApi, startPostgres, token, type RunningApi } from './harness.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const SESSIONS = Array.from({ length: 12 }, (_, i) => `s-${i}`);

describe('what a crowd costs the database', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let statements: number;
  /** Counts its statements; a crowd waits for each of them. */
  let counted: Database;

  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url);
    for (const [i, id] of SESSIONS.entries())
      await insertBooking(api, id, { start: at(i * 100), end: at(i * 100 + 60) }, { ref: 'ada' }, 'running');
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });
  beforeEach(() => {
    statements = 0;
    const count =
      (run: (...given: never[]) => Promise<unknown>) =>
      (...given: unknown[]): Promise<unknown> => {
        statements++;
        return run(...(given as never[]));
      };
    counted = {
      $queryRaw: count((...given: never[]) => (api.db.$queryRaw as (...all: never[]) => Promise<unknown>)(...given)),
      $executeRaw: count((...given: never[]) =>
        (api.db.$executeRaw as (...all: never[]) => Promise<unknown>)(...given),
      ),
      token: { findMany: count((...given: never[]) => api.db.token.findMany(...(given as [never]))) },
    } as unknown as Database;
  });

  test('all sessions that are asked for at once are read in one statement, each as it stands', async () => {
    const snapshots = new SnapshotCache({ ...api.deps, db: counted });
    const asked = [...SESSIONS, ...SESSIONS, 'nobody'];
    const rows = await Promise.all(asked.map((id) => snapshots.rows(id)));
    expect(rows.map((row) => row?.booking.id ?? 'nobody')).toEqual(asked);
    expect(statements).toBe(1);
  });

  test('what a crowd watches is read again together, what nobody asks for any more is not', async () => {
    let now = api.deps.now();
    const snapshots = new SnapshotCache({ ...api.deps, db: counted, now: () => now });
    const all = (ids: string[]): Promise<unknown> => Promise.all(ids.map((id) => snapshots.rows(id)));
    await all(SESSIONS);
    now += 3_000;
    await all(SESSIONS.slice(0, 6));
    expect(statements).toBe(1);
    now += 2_100;
    await snapshots.rows('s-0');
    await all(SESSIONS.slice(0, 6));
    expect(statements).toBe(2);
    await snapshots.rows('s-11');
    expect(statements).toBe(3);
  });

  test('what has changed while it was read is read again for those who ask afterwards', async () => {
    const snapshots = new SnapshotCache({ ...api.deps, db: counted });
    const before = snapshots.rows('s-0');
    while (statements === 0) await turn();
    await api.db.session.update({ where: { bookingId: 's-0' }, data: { nextWhat: 'later' } });
    snapshots.forget('s-0');
    expect((await snapshots.rows('s-0'))!.session!.nextWhat).toBe('later');
    await before;
    expect(statements).toBe(2);
  });

  test('while the bus cannot be trusted the tokens of a crowd are looked up together, and a revoked one is refused', async () => {
    const revocations = new Revocations(counted, () => false, api.deps.now);
    const made = await Promise.all(SESSIONS.map((id) => token(api, { kind: 'booking', subject: id })));
    const ids = made.map((one) => api.deps.signer.read(one, api.deps.now()).credentialId);
    await api.db.token.update({ where: { id: ids[3]! }, data: { revokedAt: new Date() } });
    const revoked = await Promise.all([...ids, ...ids].map((id) => revocations.has(id)));
    expect(revoked.flatMap((is, i) => (is ? [i % ids.length] : []))).toEqual([3, 3]);
    expect(statements).toBe(1);
  });

  test('replicas tell each other of a crowd in few statements, in order, and of what is alike twice', async () => {
    const heard: ClusterMessage[] = [];
    const mine = new Cluster(counted, api.deps.logger);
    api.bus.on('message', (message) => {
      if (message.kind === 'control' && message.what === CLUSTER && message.data.from === mine.id)
        heard.push(message.data.message as ClusterMessage);
    });
    const join = (n: number): ClusterMessage => ({
      op: 'join',
      channel: 'presence-x',
      socket: `${n}`,
      user_id: 'u',
      user_info: {},
    });
    // Nobody has been heard: whoever comes is told of all sockets then.
    mine.send(join(0));
    mine.take({ from: 'another', message: { op: 'alive' } });
    const push: ClusterMessage = { op: 'event', channels: ['news'], name: 'n', data: '{}' };
    const said = [...Array.from({ length: 150 }, (_, n) => join(n + 1)), push, push];
    for (const message of said) mine.send(message);
    while (heard.length < said.length) await turn();
    expect(heard).toEqual(said);
    expect(statements).toBeLessThanOrEqual(2);
  });

  test('tokens that are asked for at once take four connections at most, and all are made', async () => {
    const { minting } = api.deps;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const working = ['a', 'b', 'c', 'd'].map((key) => minting.run(key, () => held));
    const made = Array.from({ length: 40 }, () => api.json('POST', '/api/tokens', { kind: 'user', subject: 'ada' }));
    // Another asks meanwhile, and has its answer.
    expect((await api.json('GET', '/api/bookings/s-0')).status).toBe(200);
    expect(await api.db.token.count({ where: { kind: 'user', subject: 'ada' } })).toBe(0);
    release();
    await Promise.all(working);
    expect(new Set((await Promise.all(made)).map(({ status }) => status))).toEqual(new Set([201]));
  });
});

test('a presence channel tells whoever comes of the same members until somebody comes or goes', () => {
  const presence = new Presence();
  const member = (userId: string, info: unknown = {}): { userId: string; info: unknown } => ({ userId, info });
  const shown = (): unknown => (JSON.parse(presence.roster('c')) as { presence: unknown }).presence;
  expect(shown()).toEqual({ count: 0, ids: [], hash: {} });
  expect(presence.join('c', 'a/1', member('ada'))).toBe(true);
  expect(presence.join('c', 'a/2', member('ada'))).toBe(false);
  expect(presence.join('c', 'a/1', member('ada'))).toBe(false);
  const roster = presence.roster('c');
  expect(presence.join('c', 'b/3', member('ada'))).toBe(false);
  expect(presence.roster('c')).toBe(roster);
  expect(presence.join('c', 'b/4', member('bob', { role: 'guest' }))).toBe(true);
  expect(shown()).toEqual({ count: 2, ids: ['ada', 'bob'], hash: { ada: {}, bob: { role: 'guest' } } });
  expect(presence.join('c', 'b/4', member('bob', { role: 'admin' }))).toBe(false);
  expect(shown()).toMatchObject({ hash: { bob: { role: 'admin' } } });
  expect([...presence.ofReplica('b')].map(({ socketKey }) => socketKey)).toEqual(['b/3', 'b/4']);
  expect(['a/1', 'a/2', 'b/4', 'b/3', 'b/3'].map((key) => presence.leave('c', key))).toEqual([
    null,
    null,
    'bob',
    'ada',
    null,
  ]);
  expect(presence.members('c').size).toBe(0);
});
