import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Receipt } from '../../domain/contracts/control.ts';
import { verifyGatewayRequest } from '../../platform/gateway-auth.ts';
import { syncTelescopes } from '../../platform/telescopes.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import { startTemporal, type TemporalServer } from '../../stack/own-temporal.ts';
import {
  nightNow,
  at,
  body,
  config,
  GATEWAY_SECRET,
  startApi,
  startGatewayPeer,
  startPostgres,
  telescope,
  token,
  type GatewayPeer,
  type RunningApi,
} from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** A stop gets through whatever its form and whoever else is away, and says who asked for it. */

const TARGET = '00000000-0000-4000-8000-000000000001';
const SET = '00000000-0000-4000-8000-000000000002';
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let temporal: TemporalServer;
let gateway: GatewayPeer;
let api: RunningApi;
let serial = 0;
let id = '';
beforeAll(async () => {
  [postgres, temporal, gateway] = await Promise.all([startPostgres(), startTemporal(), startGatewayPeer()]);
  api = await startApi(postgres.url, {
    config: config({ TEMPORAL_ADDRESS: temporal.address }),
    telescopes: [telescope('t1', { gateway_url: gateway.url })],
  });
  // No worker runs here: no receipt is ever settled, and an answer need not wait for it as long as in earnest.
  const { receipts } = api.deps;
  const settled = receipts.settled.bind(receipts);
  receipts.settled = (commandId, timeoutMs) => settled(commandId, Math.min(timeoutMs, 100));
}, 60_000);
afterAll(async () => {
  await api?.stop();
  await Promise.all([temporal?.stop(), postgres?.stop(), gateway?.stop()]);
});
beforeEach(async () => {
  await emptied(api.db, 'bookings, sessions, events, event_counters, outbox, receipts, audit, maintenance');
  gateway.requests.length = 0;
  gateway.answers.clear();
  gateway.answers.set('abort', {
    status: 200,
    body: (r: { command_id: string }) => ({ command_id: r.command_id, kind: 'abort', state: 'confirmed', at: at(0) }),
  });
  id = await running();
});
async function running(): Promise<string> {
  const made = `s-${++serial}`;
  await api.db.booking.updateMany({ data: { occupies: false } });
  await api.db.session.updateMany({ data: { phase: 'completed' } });
  const { status, body: answer } = await api.json(
    'PUT',
    `/api/bookings/${made}`,
    body({ start: at(-10), end: at(50) }),
  );
  if (status !== 201) throw new Error(JSON.stringify(answer));
  await api.db.session.update({
    where: { bookingId: made },
    data: { phase: 'running', targetGuid: TARGET, setGuid: SET },
  });
  return made;
}
async function signalled(bookingId = id): Promise<Record<string, unknown>[]> {
  const { client, connection } = createTemporalClient(api.config);
  const history = await client.workflow.getHandle(`booking-${bookingId}`).fetchHistory();
  await connection.close();
  return (history.events ?? []).flatMap((event) => {
    const signal = event.workflowExecutionSignaledEventAttributes;
    const data = signal?.input?.payloads?.[0]?.data;
    return data ? [JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>] : [];
  });
}
const asked = (): (string | undefined)[] =>
  gateway.requests.filter((r) => r.path.endsWith('/abort')).map((r) => r.body.booking_id as string | undefined);

describe('the form of a stop', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const FORMS: [string, RequestInit][] = [
    ['a null beside the GUID', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: TARGET, setGuid: null }) }],
    ['an empty one beside it', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: TARGET, setGuid: '' }) }],
    ['nothing but nulls', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: null, setGuid: null }) }],
    ['fields nobody knows', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: TARGET, why: { deep: [1] } }) }],
    ['a NUL in it', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: TARGET, setGuid: '\0', why: '\ud83d' }) }],
    ['a GUID that is none', { headers: JSON_TYPE, body: JSON.stringify({ targetGuid: 17, setGuid: 'x' }) }],
    ['a list', { headers: JSON_TYPE, body: '[]' }],
    ['a word', { headers: JSON_TYPE, body: '"stop"' }],
    ['half a JSON', { headers: JSON_TYPE, body: '{"targetGuid":' }],
    ['an empty body called JSON', { headers: JSON_TYPE, body: '' }],
    ['no body', {}],
    ['a form', { body: new URLSearchParams({ targetGuid: TARGET }) }],
    ['plain text', { headers: { 'content-type': 'text/plain' }, body: 'please stop' }],
    ['a key with a space in it', { headers: { 'idempotency-key': 'stop now, é' } }],
  ];

  test.each(FORMS)('%s: POST /api/control/abort stops the session', async (_name, init) => {
    const response = await api.fetch('/api/control/abort', { method: 'POST', ...init });
    expect(response.status).toBeLessThan(300);
    expect(asked()).toEqual([id]);
  });

  test.each(FORMS)('%s: POST /api/bookings/{id}/abort stops it', async (_name, init) => {
    const response = await api.fetch(`/api/bookings/${id}/abort`, { method: 'POST', ...init });
    expect(response.status).toBeLessThan(300);
    expect(asked()).toEqual([id]);
  });

  test('an empty or unknown telescope is no reason where there is one only', async () => {
    for (const named of ['', 'T 1', 'other'])
      expect(
        (await api.fetch(`/api/control/abort?telescope=${encodeURIComponent(named)}`, { method: 'POST' })).status,
      ).toBe(202);
    expect(asked()).toEqual([id, id, id]);
  });

  test('null and empty are absent in other bodies too', async () => {
    const { status } = await api.json('POST', '/api/bookings/check', {
      ...body({ start: at(60), end: at(120) }),
      credits: null,
      constraints: '',
    });
    expect(status).toBe(200);
  });
});

describe('under whose name', () => {
  const filed = async (init: Parameters<RunningApi['json']>[3], said?: object): Promise<unknown> => {
    const { body: receipt } = await api.json<Receipt>('POST', `/api/bookings/${id}/abort`, said ?? {}, init);
    const row = await api.db.receipt.findUniqueOrThrow({ where: { commandId: receipt.command_id } });
    const signal = (await signalled()).at(-1);
    expect(gateway.requests.at(-1)!.body.reason).toBe(signal?.reason);
    expect((row.data as { filed_as?: string }).filed_as).toBe(signal?.reason);
    return signal?.reason;
  };

  test('a stop with a server key is the operator’s, unless it says that it relays its guest’s', async () => {
    expect(await filed({})).toBe('operator_abort');
    expect(await filed({}, { requested_by: 'guest' })).toBe('user_abort');
    expect(await filed({}, { requested_by: null })).toBe('operator_abort');
  });

  test('a guest’s token speaks for its guest, whatever it says', async () => {
    const guest = await token(api, { kind: 'booking', subject: id });
    expect(await filed({ token: guest }, { requested_by: 'operator' })).toBe('user_abort');
  });

  test('the drop-in stop and a cancellation inside the slot say so too', async () => {
    await api.json('POST', '/api/control/abort', { requested_by: 'guest' });
    expect((await signalled()).at(-1)?.reason).toBe('user_abort');
    await api.json('POST', '/api/control/abort');
    expect((await signalled()).at(-1)?.reason).toBe('operator_abort');
  });

  test('halt is the operator’s', async () => {
    gateway.answers.set('halt', gateway.answers.get('abort')!);
    const admin = await token(api, { kind: 'admin', subject: 'operator' });
    await api.json('POST', '/api/telescopes/t1/halt', {}, { token: admin });
    expect(gateway.requests.at(-1)).toMatchObject({
      path: '/v1/telescopes/t1/halt',
      body: { reason: 'operator_abort' },
    });
  });
});

describe('a key is as wide as its effect', () => {
  test('the same Idempotency-Key on another night stops that night’s session', async () => {
    const stop = (): Promise<{ body: Receipt }> =>
      api.json<Receipt>('POST', '/api/control/abort', {}, { headers: { 'idempotency-key': 'stop' } });
    const first = await stop();
    const before = id;
    id = await running();
    const second = await stop();
    expect(asked()).toEqual([before, id]);
    expect(second.body.command_id).not.toBe(first.body.command_id);
  });
});

describe('what a stop does not wait for', () => {
  test('a database that hangs: the gateway is told within 300 ms', async () => {
    const guest = await token(api, { kind: 'booking', subject: id });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let locked: () => void = () => undefined;
    const isLocked = new Promise<void>((resolve) => {
      locked = resolve;
    });
    const holding = api.db.$transaction(
      async (tx) => {
        await tx.$executeRaw`LOCK TABLE bookings, sessions, receipts IN ACCESS EXCLUSIVE MODE`;
        locked();
        await held;
      },
      { timeout: 20_000 },
    );
    await isLocked;
    const began = Date.now();
    let toldAfter = Infinity;
    const answer = gateway.answers.get('abort')!.body as (r: unknown) => unknown;
    gateway.answers.set('abort', {
      status: 200,
      body: (r: unknown) => {
        toldAfter = Date.now() - began;
        return answer(r);
      },
    });
    const { status, body: receipt } = await api.json<Receipt>(
      'POST',
      `/api/bookings/${id}/abort`,
      {},
      { token: guest },
    );
    release();
    await holding;
    // What waited for the lock is written now.
    while ((await api.db.receipt.count()) === 0) await new Promise((resolve) => setImmediate(resolve));
    expect({ status, state: receipt.state }).toEqual({ status: 200, state: 'confirmed' });
    expect(toldAfter).toBeLessThan(300);
    expect(asked()).toEqual([id]);
  }, 30_000);

  test('clocks that differ: a gateway with another time takes the stop all the same', async () => {
    // The api of these tests lives in another week than the host's clock, which this gateway goes by.
    const seen: (string | null)[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const why = verifyGatewayRequest(
          GATEWAY_SECRET,
          request.method!,
          request.url!,
          Buffer.concat(chunks).toString(),
          {
            timestamp: request.headers['x-nocturne-timestamp'] as string,
            signature: request.headers['x-nocturne-signature'] as string,
          },
        );
        seen.push(why);
        response.writeHead(why ? 401 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(why ? {} : { command_id: 'c', kind: 'abort', state: 'confirmed', at: at(0) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const skewed = await startApi(postgres.url, {
      config: config({ TEMPORAL_ADDRESS: temporal.address }),
      telescopes: [telescope('t1', { gateway_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })],
    });
    try {
      const { status } = await skewed.json('POST', `/api/bookings/${id}/abort`);
      expect(status).toBeLessThan(300);
      expect(seen).toEqual(['timestamp is more than 30 s off', null]);
      await skewed.json('POST', `/api/bookings/${id}/abort`);
      expect(seen.slice(2)).toEqual([null]);
    } finally {
      await skewed.stop();
      server.close();
      // It has put its own address into the row that both read.
      await syncTelescopes(api.db, [telescope('t1', { gateway_url: gateway.url })]);
      api.deps.telescopes.forget();
    }
  }, 30_000);
});

describe('maintenance', () => {
  const enter = (): Promise<{ status: number; body: Record<string, unknown> }> =>
    api.json('POST', '/api/telescopes/t1/maintenance', {
      from: at(-1),
      to: at(30),
      reason: 'mirror',
      bookings: 'hold',
    });

  test('is 201 only when the gate knows it, and the sessions are told at once', async () => {
    gateway.answers.set('maintenance', { status: 200, body: { known: true } });
    expect(await enter()).toMatchObject({ status: 201, body: { gate_knows: true, affected: [id] } });
    expect(gateway.requests.find((r) => r.path.endsWith('/maintenance'))?.body).toMatchObject({
      windows: [{ from: new Date(at(-1)).toISOString(), to: new Date(at(30)).toISOString() }],
    });
    expect((await signalled()).at(-1)).toMatchObject({ detail: 'maintenance' });
  });

  test.each([
    ['the gateway is away', { status: 500, body: {} }],
    ['it does not hold the telescope', { status: 200, body: { known: false } }],
  ])('where %s it is 202 and says so', async (_why, answer) => {
    gateway.answers.set('maintenance', answer);
    expect(await enter()).toMatchObject({ status: 202, body: { gate_knows: false, message: expect.any(String) } });
  });

  test('the clock of the api’s host hides no window from the gate, and refuses no guest’s pause', async () => {
    gateway.answers.set('maintenance', { status: 200, body: { known: true } });
    const ahead = await startApi(postgres.url, {
      config: config({ TEMPORAL_ADDRESS: temporal.address }),
      telescopes: [telescope('t1', { gateway_url: gateway.url })],
      now: () => nightNow() + 2 * 3_600_000,
    });
    const guest = await token(api, { kind: 'booking', subject: id });
    const window = { from: at(-1), to: at(30), reason: 'mirror', bookings: 'hold' };
    const { status } = await ahead.json('POST', '/api/telescopes/t1/maintenance', window);
    const paused = await ahead.json('POST', `/api/bookings/${id}/pause`, {}, { token: guest });
    await ahead.stop();
    expect([status, paused.body.reason]).toEqual([201, undefined]);
    expect(gateway.requests.find((r) => r.path.endsWith('/maintenance'))?.body).toMatchObject({
      windows: [{ to: new Date(at(30)).toISOString() }],
    });
  });

  test('its end is told too', async () => {
    gateway.answers.set('maintenance', { status: 200, body: { known: true } });
    const { body: window } = await enter();
    await api.json('DELETE', `/api/telescopes/t1/maintenance/${String(window.id)}`);
    expect(gateway.requests.filter((r) => r.path.endsWith('/maintenance')).at(-1)?.body).toEqual({ windows: [] });
  });
});
