import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { appendEvent, type BusMessage } from '../../platform/bus.ts';
import { startCable, type Cable } from '../support/cut.ts';
import { PGBOUNCER, startPgBouncer } from '../../stack/pgbouncer.ts';
import { KEY, at, insertBooking, startApi, startPostgres, token, type RunningApi } from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** A LISTEN that hears nothing: what the api then says of itself, and whom it still lets in. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
const running: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

async function until(what: string, holds: () => boolean, withinMs: number): Promise<number> {
  const begun = performance.now();
  while (!holds()) {
    if (performance.now() - begun > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - begun;
}
interface Readiness {
  checks: Record<string, { ok: boolean; error?: string }>;
}
const busOf = async (api: RunningApi): Promise<{ ok: boolean; error?: string }> =>
  (await api.json<Readiness>('GET', '/readyz')).body.checks.bus!;
const start = async (url: string): Promise<RunningApi> => {
  const api = await startApi(url);
  running.push(api);
  return api;
};

describe('a network that is cut without a word', () => {
  let cable: Cable;
  let deaf: RunningApi;
  let other: RunningApi;
  beforeEach(async () => {
    other = await start(postgres.url);
    cable = await startCable(postgres.url);
    deaf = await start(cable.url);
    running.push(cable);
    await emptied(other.db, 'bookings, sessions, events, event_counters, outbox, tokens, api_keys');
    await insertBooking(other, 'b-1', { start: at(-30), end: at(60) }, { ref: 'user-1' }, 'running');
  });

  test('a token revoked elsewhere a second after the cut is refused, and so is a server key', async () => {
    const guest = await token(other, { kind: 'booking', subject: 'b-1' });
    const key = await other.json<{ id: string; key: string }>('POST', '/api/keys', {
      name: 'laravel',
      scopes: ['bookings:read'],
    });
    const tokenId = (JSON.parse(Buffer.from(guest.slice(4).split('.')[0]!, 'base64url').toString()) as { id: string })
      .id;
    const asGuest = (): Promise<Response> => deaf.fetch('/api/bookings/b-1/snapshot', { token: guest });
    const asServer = (): Promise<Response> => deaf.fetch('/api/bookings', { key: key.body.key });
    expect((await asGuest()).status).toBe(200);
    expect((await asServer()).status).toBe(200);
    cable.cut();
    expect((await other.json('DELETE', `/api/tokens/${tokenId}`)).status).toBe(204);
    expect((await other.json('DELETE', `/api/keys/${key.body.id}`)).status).toBe(204);
    await until('trust has ended', () => !deaf.bus.trusted, 1_100);
    // The first questions may still go into the dead connections; no answer then is a refusal too.
    for (const ask of [asGuest, asServer]) expect([401, 503]).toContain((await ask()).status);
  }, 30_000);

  test('readiness says so within seconds; the listener finds its way back by itself and repairs what it missed', async () => {
    const heard: BusMessage[] = [];
    deaf.bus.on('message', (message) => heard.push(message));
    let resumed = 0;
    deaf.bus.on('resumed', () => resumed++);
    expect((await busOf(deaf)).ok).toBe(true);
    cable.cut();
    await until('the listener knows that it is deaf', () => !deaf.bus.proven, 7_000);
    expect(await busOf(deaf)).toEqual({ ok: false, error: 'LISTEN does not hear its own NOTIFY' });
    cable.mend();
    await until('it hears again', () => deaf.bus.proven, 15_000);
    expect(resumed).toBe(1);
    await other.db.$transaction((tx) =>
      appendEvent(tx, { key: 'x', type: 'log.appended', bookingId: 'b-1', telescopeId: 't1', data: {} }),
    );
    await until('a new event', () => heard.some((m) => m.kind === 'event' && m.event.type === 'log.appended'), 3_000);
  }, 40_000);
});

(PGBOUNCER ? describe : describe.skip)('behind PgBouncer in transaction mode, which carries no LISTEN', () => {
  let deaf: RunningApi;
  let other: RunningApi;
  beforeEach(async () => {
    const pooler = await startPgBouncer(postgres.url);
    running.push(pooler);
    other = await start(postgres.url);
    await emptied(other.db, 'bookings, sessions, events, event_counters, outbox, tokens, api_keys');
    await insertBooking(other, 'b-1', { start: at(-30), end: at(60) }, { ref: 'user-1' }, 'running');
    deaf = await start(pooler.url);
  });

  test('the api answers but is not ready, and says why', async () => {
    expect((await deaf.fetch('/api/bookings', { key: KEY })).status).toBe(200);
    expect(await busOf(deaf)).toEqual({ ok: false, error: 'LISTEN does not hear its own NOTIFY' });
  }, 30_000);

  test('a token revoked by another process is refused at the next request', async () => {
    const guest = await token(other, { kind: 'booking', subject: 'b-1' });
    const tokenId = (JSON.parse(Buffer.from(guest.slice(4).split('.')[0]!, 'base64url').toString()) as { id: string })
      .id;
    expect((await deaf.fetch('/api/bookings/b-1/snapshot', { token: guest })).status).toBe(200);
    expect((await other.json('DELETE', `/api/tokens/${tokenId}`)).status).toBe(204);
    expect((await deaf.fetch('/api/bookings/b-1/snapshot', { token: guest })).status).toBe(401);
  }, 30_000);
});
