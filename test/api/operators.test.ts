import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Operator } from '../../domain/contracts/operator.ts';
import { Authenticator } from '../support/authenticator.ts';
import { at, config, insertBooking, nightNow, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** Operators sign in with a passkey: invited once, they may do what their role may, on their telescopes, until somebody ends it. */

const ORIGIN = 'https://nocturne.test';
const MINUTE = 60_000;
interface Said {
  operator: Operator;
  invitation: { url: string };
  url: string;
  challenge: string;
  token: string;
  key: string;
  id: string;
  code: string;
  detail: string;
  data: Operator[];
}

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
let passedMs = 0;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url, {
    config: config({ PUBLIC_URL: ORIGIN }),
    telescopes: [telescope('t1'), telescope('t2')],
    now: () => nightNow() + passedMs,
    limits: { perTokenPerSecond: 1e6, burst: 1e6, authFailuresPerMinute: 1e6 },
  });
}, 60_000);
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  passedMs = 0;
  await emptied(
    api.db,
    'bookings, sessions, users, events, event_counters, outbox, audit, tokens, api_keys, operators, used_challenges',
  );
  api.deps.keys.forget();
  await insertBooking(api, 'a', { start: at(-30), end: at(30) }, { ref: 'ada' });
  await insertBooking(api, 'b', { start: at(40), end: at(90) }, { ref: 'ada' });
  await api.db.booking.update({ where: { id: 'b' }, data: { telescopeId: 't2' } });
});

type As = { key?: string | null; token?: string };
const ask = (method: string, path: string, payload?: unknown, as: As = {}) => api.json<Said>(method, path, payload, as);
const status = async (...request: Parameters<typeof ask>): Promise<number> => (await ask(...request)).status;
const NOBODY = { key: null };
const codeIn = (url: string): string => url.split('#invitation=')[1]!;

async function invite(request: object = {}, as: As = {}): Promise<{ code: string; operator: Operator }> {
  const { status: answer, body } = await ask(
    'POST',
    '/api/admin/operators',
    { name: 'vega', role: 'admin', ...request },
    as,
  );
  expect([answer, body.detail]).toEqual([201, undefined]);
  return { code: codeIn(body.invitation.url), operator: body.operator };
}
async function enrol(code: string, device = new Authenticator(ORIGIN)) {
  const { body: options } = await ask('POST', '/api/passkeys/options', { invitation: code }, NOBODY);
  const credential = device.make(options);
  return { device, ...(await ask('POST', '/api/passkeys', { invitation: code, credential, label: 'laptop' }, NOBODY)) };
}
async function signIn(device: Authenticator, change: (options: Said) => Said = (options) => options) {
  const { body: options } = await ask('POST', '/api/login/options', undefined, NOBODY);
  return ask('POST', '/api/login', { credential: device.answer(change(options)) }, NOBODY);
}
const mine = async (token: string): Promise<Operator> =>
  (await ask('GET', '/api/admin/operators', undefined, { token })).body.data.find(({ is_me }) => is_me)!;

describe('an invitation', () => {
  test('makes one passkey, once, and signs its owner in', async () => {
    const { code, operator } = await invite();
    expect(operator).toMatchObject({ name: 'vega', role: 'admin', passkeys: [], sessions: [], is_me: false });
    const first = await enrol(code);
    expect([first.status, first.body]).toMatchObject([201, { name: 'vega', role: 'admin' }]);
    expect(await status('GET', '/api/admin/overview', undefined, { token: first.body.token })).toBe(200);
    expect(await status('POST', '/api/passkeys/options', { invitation: code }, NOBODY)).toBe(401);
    expect((await mine(first.body.token)).passkeys).toMatchObject([{ label: 'laptop', last_used_at: null }]);
    const rows = JSON.stringify(await api.db.operator.findMany()) + JSON.stringify(await api.db.audit.findMany());
    expect(rows).not.toContain(code);
    expect((await api.db.audit.findMany()).map(({ actor, action }) => [actor, action])).toEqual([
      ['key:server', 'operator.invite'],
      ['admin:vega', 'operator.enrol'],
    ]);
  });
  test('two answers to one invitation make one passkey', async () => {
    const { code } = await invite();
    const { body: options } = await ask('POST', '/api/passkeys/options', { invitation: code }, NOBODY);
    const both = [new Authenticator(ORIGIN), new Authenticator(ORIGIN)].map((device) =>
      status('POST', '/api/passkeys', { invitation: code, credential: device.make(options) }, NOBODY),
    );
    expect((await Promise.all(both)).sort((a, b) => a - b)).toEqual([201, 401]);
    expect(await api.db.passkey.count()).toBe(1);
  });
  test('is worth nothing for another page, another invitation, without a person’s finger, or too late', async () => {
    const [vega, lyra] = [await invite(), await invite({ name: 'lyra' })];
    expect((await enrol(vega.code, new Authenticator('https://nocturne.evil', 'nocturne.test'))).status).toBe(401);
    const careless = new Authenticator(ORIGIN);
    careless.verifies = false;
    expect((await enrol(vega.code, careless)).status).toBe(401);
    const { body: options } = await ask('POST', '/api/passkeys/options', { invitation: lyra.code }, NOBODY);
    const credential = new Authenticator(ORIGIN).make(options);
    expect(await status('POST', '/api/passkeys', { invitation: vega.code, credential }, NOBODY)).toBe(401);
    passedMs = 48 * 60 * MINUTE;
    expect((await ask('POST', '/api/passkeys/options', { invitation: vega.code }, NOBODY)).body.detail).toMatch(
      /too old/,
    );
  });
  test('hands on a part of what its key has, and ends with the key', async () => {
    const { body: minter } = await ask('POST', '/api/keys', {
      name: 'k',
      scopes: ['tokens:write', 'session:view', 'bookings:read', 'telescopes:read', 'admin:read'],
      telescopes: ['t1'],
    });
    const request = { name: 'vega', role: 'operator' };
    expect(await status('POST', '/api/admin/operators', request, minter)).toBe(422);
    const { body } = await enrol((await invite({ role: 'observer' }, minter)).code);
    expect(await status('GET', '/api/bookings/a', undefined, body)).toBe(200);
    expect(await status('GET', '/api/bookings/b', undefined, body)).toBe(403);
    expect(await status('POST', '/api/admin/operators', request)).toBe(409);
    expect(await status('DELETE', `/api/keys/${minter.id}`)).toBe(204);
    expect(await status('GET', '/api/bookings/a', undefined, body)).toBe(401);
    expect(await api.db.passkey.count()).toBe(0);
  });
  test('for a further device is made by the operator, freshly signed in', async () => {
    const { code, operator } = await invite({ role: 'observer' });
    const { body: session } = await enrol(code);
    const path = `/api/admin/operators/${operator.id}/invitation`;
    const { body: again } = await ask('POST', path, undefined, session);
    expect((await enrol(codeIn(again.url))).status).toBe(201);
    passedMs = 11 * MINUTE;
    expect(await status('POST', path, undefined, session)).toBe(403);
    expect(await status('POST', path)).toBe(201);
  });
});

describe('signing in', () => {
  test('takes a true answer to a challenge of ours, once', async () => {
    const { device } = await enrol((await invite()).code);
    const { body: options } = await ask('POST', '/api/login/options', undefined, NOBODY);
    const credential = device.answer(options);
    expect(await status('POST', '/api/login', { credential }, NOBODY)).toBe(200);
    expect(await status('POST', '/api/login', { credential }, NOBODY)).toBe(401);
    // The same challenge with a new answer is no new challenge.
    expect(await status('POST', '/api/login', { credential: device.answer(options) }, NOBODY)).toBe(401);
    const { body: old } = await ask('POST', '/api/login/options', undefined, NOBODY);
    passedMs = 6 * MINUTE;
    expect(await status('POST', '/api/login', { credential: device.answer(old) }, NOBODY)).toBe(401);
    expect((await signIn(device)).status).toBe(200);
    expect((await api.db.audit.findMany({ where: { action: 'operator.login' } })).length).toBe(2);
  });
  test('refuses a foreign page, a made-up challenge, a stranger, a copy that counts anew, and no finger', async () => {
    const { device } = await enrol((await invite()).code);
    expect((await signIn(device, (options) => ({ ...options, challenge: 'bWFkZSB1cA' }))).status).toBe(401);
    expect((await signIn(new Authenticator(ORIGIN))).status).toBe(401);
    device.origin = 'https://nocturne.evil';
    expect((await signIn(device)).status).toBe(401);
    device.origin = ORIGIN;
    device.verifies = false;
    expect((await signIn(device)).status).toBe(401);
    device.verifies = true;
    expect((await signIn(device)).status).toBe(200);
    device.wind(0);
    expect((await signIn(device)).status).toBe(401);
  });
  test('lasts twelve hours, and no longer than the key that invited', async () => {
    const { device, body } = await enrol((await invite()).code);
    passedMs = 12 * 60 * MINUTE;
    expect(await status('GET', '/api/admin/overview', undefined, body)).toBe(401);
    expect((await signIn(device)).status).toBe(200);
    passedMs = 0;
    const { body: minter } = await ask('POST', '/api/keys', { name: 'k', expires_at: at(60) });
    const brief = await enrol((await invite({ name: 'lyra' }, minter)).code);
    passedMs = 61 * MINUTE;
    expect(await status('GET', '/api/admin/overview', undefined, brief.body)).toBe(401);
    expect((await signIn(brief.device)).status).toBe(401);
  });
  test('needs a host name: an address of numbers has no passkeys, and the answer says what to set', async () => {
    const numbers = await startApi(postgres.url, { config: config({ PUBLIC_URL: 'http://192.0.2.7' }), sync: false });
    const { status: answer, body } = await numbers.json<Said>('POST', '/api/login/options', undefined, NOBODY);
    await numbers.stop();
    expect([answer, body.detail]).toEqual([409, expect.stringContaining('PUBLIC_URL')]);
  });
});

describe('a role', () => {
  test.each([
    ['observer', [200, 403, 403, 403]],
    ['operator', [200, 202, 403, 403]],
    ['admin', [200, 202, 200, 403]],
  ] as const)('%s does what it says and no more', async (role, answers) => {
    const { body } = await enrol((await invite({ role })).code);
    const window = { from: at(200), to: at(260), reason: 'a new mirror', bookings: 'hold' };
    expect([
      await status('GET', '/api/bookings/a', undefined, body),
      await status('POST', '/api/telescopes/t1/maintenance', window, body),
      await status('POST', '/api/webhooks/replay', { dead: true }, body).then((s) => (s === 202 ? 200 : s)),
      await status('POST', '/api/tokens', { kind: 'admin', subject: 'more' }, body),
    ]).toEqual(answers);
  });
  test('for one telescope reaches that one', async () => {
    const { body } = await enrol((await invite({ telescopes: ['t2'] })).code);
    expect(await status('GET', '/api/bookings/a', undefined, body)).toBe(403);
    expect(await status('GET', '/api/bookings/b', undefined, body)).toBe(200);
  });
});

describe('an end', () => {
  test('of a session is its own; of a passkey, of every other session; of an operator, of all', async () => {
    const { device, body: first } = await enrol((await invite()).code);
    const [{ body: second }, { body: third }] = [await signIn(device), await signIn(device)];
    const me = await mine(first.token);
    const path = `/api/admin/operators/${me.id}`;
    const alive = async (): Promise<boolean[]> =>
      Promise.all(
        [first, second, third].map(async (one) => (await status('GET', '/api/telescopes', undefined, one)) === 200),
      );
    const { sessions } = await mine(second.token);
    const own = sessions.find(({ is_this }) => is_this)!;
    expect(await status('DELETE', `${path}/sessions/${own.id}`, undefined, second)).toBe(204);
    expect(await alive()).toEqual([true, false, true]);
    expect(await status('DELETE', `${path}/passkeys/${me.passkeys[0]!.id}`, undefined, first)).toBe(204);
    expect(await alive()).toEqual([true, false, false]);
    expect((await signIn(device)).status).toBe(401);
    expect(await status('DELETE', path)).toBe(204);
    expect(await alive()).toEqual([false, false, false]);
    expect(await status('POST', `${path}/invitation`)).toBe(401);
    expect(
      (await api.db.audit.findMany({ where: { action: { startsWith: 'operator.' } } })).map((row) => row.action),
    ).toEqual(expect.arrayContaining(['operator.session_end', 'operator.passkey_remove', 'operator.end']));
  });
  test('is for those who may do as much: an observer sees and ends nobody else', async () => {
    const { body: observer } = await enrol((await invite({ role: 'observer' })).code);
    const chief = await invite({ name: 'lyra' });
    const { body: admin } = await enrol(chief.code);
    const { body: seen } = await ask('GET', '/api/admin/operators', undefined, observer);
    expect(seen.data.map(({ name }) => name)).toEqual(['vega']);
    expect(await status('DELETE', `/api/admin/operators/${chief.operator.id}`, undefined, observer)).toBe(404);
    const { body: all } = await ask('GET', '/api/admin/operators', undefined, admin);
    expect(all.data.map(({ name }) => name)).toEqual(['vega', 'lyra']);
    expect(await status('DELETE', `/api/admin/operators/${all.data[0]!.id}`, undefined, admin)).toBe(204);
    expect(await status('GET', '/api/telescopes', undefined, observer)).toBe(401);
  });
});
