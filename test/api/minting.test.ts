import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, body, insertBooking, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** A key hands on a part of what it has itself, and what it made ends with it. */

interface Made {
  id: string;
  key: string;
  token: string;
  scopes: string[];
  telescopes: string[];
  expires_at: string | null;
  errors: Record<string, string[]>;
}

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url, { telescopes: [telescope('t1'), telescope('t2')] });
}, 60_000);
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  await emptied(api.db, 'bookings, sessions, users, events, event_counters, outbox, audit, tokens, api_keys');
  api.deps.keys.forget();
  await insertBooking(api, 'a', { start: at(-30), end: at(30) }, { ref: 'ada' });
  await insertBooking(api, 'b', { start: at(40), end: at(90) }, { ref: 'ada' });
  await api.db.booking.update({ where: { id: 'b' }, data: { telescopeId: 't2' } });
});

const ask = async (method: string, path: string, as: { key?: string; token?: string }, payload?: unknown) =>
  api.json<Made>(method, path, payload, as);
const status = async (...request: Parameters<typeof ask>): Promise<number> => (await ask(...request)).status;
async function key(request: Record<string, unknown>, by: { key?: string } = {}): Promise<Made> {
  const { status: answer, body: made } = await ask('POST', '/api/keys', by, { name: 'k', ...request });
  expect([answer, made.errors]).toEqual([201, undefined]);
  return made;
}

describe('scopes', () => {
  test('a key that may only make tokens makes no token that may more', async () => {
    const minter = await key({ scopes: ['tokens:write', 'session:view'] });
    const wanted = { kind: 'admin', subject: 'me', scopes: ['admin:write'] };
    expect(await ask('POST', '/api/tokens', minter, wanted)).toMatchObject({
      status: 422,
      body: { errors: { scopes: ['you do not have admin:write yourself'] } },
    });
    const { body: token } = await ask('POST', '/api/tokens', minter, { kind: 'admin', subject: 'me' });
    expect(token.scopes).toEqual(['session:view']);
    expect(await status('GET', '/api/admin/overview', token)).toBe(403);
    const alone = await key({ scopes: ['tokens:write'] });
    expect(await status('POST', '/api/tokens', alone, { kind: 'admin', subject: 'me' })).toBe(422);
  });
  test('a key neither ends nor replaces one that may more', async () => {
    const minter = await key({ scopes: ['tokens:write', 'session:view'] });
    const other = await key({ scopes: ['admin:write'] });
    expect(await status('DELETE', `/api/keys/${other.id}`, minter)).toBe(403);
    expect(await status('POST', `/api/keys/${other.id}/rotate`, minter, {})).toBe(403);
  });
});

describe('time', () => {
  test('nothing outlives its maker, and a rotation keeps the expiry', async () => {
    const ends = at(300);
    const minter = await key({ scopes: ['tokens:write', 'session:view'], expires_at: ends });
    const child = await key({ scopes: ['session:view'] }, minter);
    expect(child.expires_at).toBe(ends);
    expect(await status('POST', '/api/keys', minter, { name: 'k', expires_at: at(301) })).toBe(422);
    const { body: token } = await ask('POST', '/api/tokens', minter, { kind: 'user', subject: 'ada' });
    expect(token.expires_at).toBe(ends);
    const { body: next } = await ask('POST', `/api/keys/${minter.id}/rotate`, {}, { overlap_seconds: 60 });
    expect([next.expires_at, next.scopes]).toEqual([ends, minter.scopes]);
  });
});

describe('an end', () => {
  test('of a key is one of every key and token that came from it', async () => {
    const minter = await key({ scopes: ['tokens:write', 'session:view', 'bookings:read'] });
    const child = await key({}, minter);
    const { body: grandchild } = await ask('POST', '/api/tokens', child, { kind: 'booking', subject: 'a' });
    expect(await status('GET', '/api/bookings/a', grandchild)).toBe(200);
    expect(await status('DELETE', `/api/keys/${minter.id}`, {})).toBe(204);
    expect([
      await status('GET', '/api/bookings/a', minter),
      await status('GET', '/api/bookings/a', child),
      await status('GET', '/api/bookings/a', grandchild),
    ]).toEqual([401, 401, 401]);
  });
  test('by rotation is none: what it made goes on, and ends with the successor', async () => {
    const minter = await key({ scopes: ['tokens:write', 'session:view'] });
    const { body: token } = await ask('POST', '/api/tokens', minter, { kind: 'booking', subject: 'a' });
    const { body: next } = await ask('POST', `/api/keys/${minter.id}/rotate`, {}, { overlap_seconds: 0 });
    expect(await status('GET', '/api/bookings/a', token)).toBe(200);
    expect(await status('DELETE', `/api/keys/${next.id}`, {})).toBe(204);
    expect(await status('GET', '/api/bookings/a', token)).toBe(401);
  });
});

describe('telescopes', () => {
  const ALL = {
    scopes: ['tokens:write', 'session:view', 'session:abort', 'bookings:read', 'bookings:write', 'admin:read'],
  };
  const listed = async (as: { key?: string; token?: string }): Promise<string[]> =>
    (await api.json<{ data: { id: string }[] }>('GET', '/api/bookings', undefined, as)).body.data.map(({ id }) => id);
  test('a key for one sees, books and stops on that one alone', async () => {
    const south = await key({ ...ALL, telescopes: ['t1'] });
    expect(await listed(south)).toEqual(['a']);
    expect((await api.json<{ data: object[] }>('GET', '/api/telescopes', undefined, south)).body.data).toHaveLength(1);
    for (const [method, path, answer, payload] of [
      ['GET', '/api/bookings/a', 200],
      ['GET', '/api/bookings/b', 403],
      ['GET', '/api/bookings/b/snapshot', 403],
      ['GET', '/api/bookings/nobody', 404],
      ['POST', '/api/bookings/b/abort', 403, {}],
      ['PUT', '/api/bookings/new', 403, body({ telescope_id: 't2' })],
      ['PUT', '/api/bookings/a', 403, body({ telescope_id: 't2' })],
      ['GET', '/api/telescopes/t2', 403],
      ['GET', '/api/telescopes/t2/availability', 403],
      ['GET', '/api/dashboard/state?telescope=t2', 403],
      ['GET', '/api/admin/overview', 200],
      ['GET', '/api/admin/audit', 403],
      ['POST', '/broadcasting/auth', 403, { socket_id: '1.2', channel_name: 'private-session.b' }],
      ['POST', '/broadcasting/auth', 403, { socket_id: '1.2', channel_name: 'presence-telescope.t2' }],
      ['POST', '/broadcasting/auth', 403, { socket_id: '1.2', channel_name: 'private-admin' }],
      ['POST', '/broadcasting/auth', 200, { socket_id: '1.2', channel_name: 'private-session.a' }],
    ] as const)
      expect([method, path, await status(method, path, south, payload)]).toEqual([method, path, answer]);
    // What is left out is its own telescope, where everybody else must name one.
    expect(await status('GET', '/api/dashboard/state', {})).toBe(422);
    expect(await status('GET', '/api/dashboard/state', south)).not.toBe(422);
  });
  test('what such a key makes is for no other, and an admin’s token can be for one', async () => {
    const south = await key({ ...ALL, telescopes: ['t1'] });
    const child = await key({}, south);
    expect(child.telescopes).toEqual(['t1']);
    expect(await status('POST', '/api/keys', south, { name: 'k', telescopes: ['t2'] })).toBe(422);
    expect(await status('POST', '/api/tokens', south, { kind: 'booking', subject: 'b' })).toBe(403);
    const { body: ada } = await ask('POST', '/api/tokens', south, { kind: 'user', subject: 'ada' });
    expect(await listed(ada)).toEqual(['a']);
    const { body: admin } = await ask('POST', '/api/tokens', {}, { kind: 'admin', subject: 'op', telescopes: ['t2'] });
    expect(await listed(admin)).toEqual(['b']);
    expect(await status('GET', '/api/bookings/a', admin)).toBe(403);
  });
});
