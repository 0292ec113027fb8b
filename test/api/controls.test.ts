import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recordReceipt, recordTransition } from '../../activities/session/records.ts';
import type { Receipt } from '../../domain/contracts/control.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import {
  at,
  body,
  config,
  nightNow,
  startApi,
  startGatewayPeer,
  startPostgres,
  telescope,
  token,
  type GatewayPeer,
  type RunningApi,
} from './harness.ts';
import { startTemporal, type TemporalServer } from '../../stack/own-temporal.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';
import { emptied } from '../support/emptied.ts';

type Problem = { code: string; reason?: string; detail: string; command_id?: string };

describe('controls', () => {
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
      // A slow machine takes longer to read the row, and then a stop goes to the telescope without it.
      stopRowMs: 5_000,
    });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await Promise.all([temporal?.stop(), postgres?.stop(), gateway?.stop()]);
  });
  beforeEach(async () => {
    await emptied(api.db, 'bookings, sessions, events, event_counters, outbox, receipts, audit');
    gateway.requests.length = 0;
    gateway.answers.clear();
    id = `c-${++serial}`;
    const made = await api.json('PUT', `/api/bookings/${id}`, body({ start: at(-10), end: at(50) }));
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  });
  const running = (): Promise<unknown> =>
    api.db.session.update({
      where: { bookingId: id },
      data: {
        phase: 'running',
        targetGuid: '00000000-0000-4000-8000-000000000001',
        setGuid: '00000000-0000-4000-8000-000000000002',
      },
    });
  /** What the session workflow's activity does when telemetry has confirmed (or it refuses). */
  const settle = async (
    kind: Receipt['kind'],
    state: 'confirmed' | 'refused',
    reason: 'outside_slot' | null = null,
  ): Promise<void> => {
    for (let tries = 0; tries < 200; tries++) {
      const row = await api.db.receipt.findFirst({ where: { bookingId: id, kind, state: 'accepted' } });
      if (row) {
        await recordReceipt(api.db, {
          commandId: row.commandId,
          bookingId: id,
          telescopeId: 't1',
          kind,
          state,
          reason,
          message: null,
          requestedBy: row.requestedBy,
          at: new Date(nightNow()).toISOString(),
        });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('no receipt came');
  };
  const signals = async (): Promise<{ name: string; body: Record<string, unknown> }[]> => {
    const { client, connection } = createTemporalClient(api.config);
    const history = await client.workflow.getHandle(`booking-${id}`).fetchHistory();
    await connection.close();
    return (history.events ?? []).flatMap((event) => {
      const signal = event.workflowExecutionSignaledEventAttributes;
      return signal
        ? [
            {
              name: signal.signalName ?? '',
              body: JSON.parse(Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString()) as Record<
                string,
                unknown
              >,
            },
          ]
        : [];
    });
  };

  test('pause: receipt, signal, and 200 as soon as telemetry confirms', async () => {
    await running();
    const guest = await token(api, { kind: 'booking', subject: id });
    const asked = api.json<Receipt>('POST', `/api/bookings/${id}/pause`, {}, { token: guest });
    await settle('pause', 'confirmed');
    const { status, body: receipt } = await asked;
    expect({ status, receipt }).toMatchObject({
      status: 200,
      receipt: { kind: 'pause', state: 'confirmed', booking_id: id, telescope_id: 't1' },
    });
    expect(await signals()).toEqual([
      { name: 'pause', body: { commandId: receipt.command_id, requestedBy: `booking:${id}` } },
    ]);
    expect(
      (
        await api.json<Receipt>('GET', `/api/bookings/${id}/commands/${receipt.command_id}`, undefined, {
          token: guest,
        })
      ).body,
    ).toEqual(receipt);
    const audit = await api.db.audit.findFirstOrThrow({ where: { bookingId: id } });
    expect({ actor: audit.actor, action: audit.action }).toEqual({ actor: `booking:${id}`, action: 'pause' });
    const events = await api.db.event.findMany({
      where: { bookingId: id, type: 'receipt.changed' },
      orderBy: { seq: 'asc' },
    });
    expect(events.map((e) => (e.data as unknown as Receipt).state)).toEqual(['accepted', 'confirmed']);
  });

  test('a refused control is 409 with the reason', async () => {
    const asked = api.json<Problem>('POST', `/api/bookings/${id}/resume`);
    await settle('resume', 'refused', 'outside_slot');
    expect(await asked).toMatchObject({
      status: 409,
      body: { code: 'control_refused', reason: 'outside_slot', state: 'refused' },
    });
  });

  test('one Idempotency-Key, twice at once and once later: one receipt, the same answer', async () => {
    await running();
    const ask = (): Promise<{ status: number; body: Receipt }> =>
      api.json<Receipt>('POST', `/api/bookings/${id}/pause`, {}, { headers: { 'idempotency-key': 'pause-1' } });
    const both = [ask(), ask()];
    await settle('pause', 'confirmed');
    const answers = await Promise.all(both);
    answers.push(await ask());
    expect(answers.map((a) => [a.status, a.body.command_id])).toEqual(
      Array.from({ length: 3 }, () => [200, answers[0]!.body.command_id]),
    );
    expect(await api.db.receipt.count()).toBe(1);
    const bodies = await signals();
    expect(new Set(bodies.map((s) => s.body.commandId))).toEqual(new Set([answers[0]!.body.command_id]));
  });

  test('abort: the gateway is told first, then the workflow that it is stopped', async () => {
    await running();
    gateway.answers.set('abort', {
      status: 202,
      body: (r: { command_id: string }) => ({ command_id: r.command_id, kind: 'abort', state: 'sent', at: at(0) }),
    });
    const { status, body: receipt } = await api.json<Receipt>('POST', `/api/bookings/${id}/abort`, {
      reason: 'clouds',
    });
    expect({ status, receipt }).toMatchObject({ status: 202, receipt: { kind: 'abort' } });
    expect(gateway.requests).toEqual([
      {
        method: 'POST',
        path: '/v1/telescopes/t1/abort',
        genuine: null,
        body: {
          command_id: receipt.command_id,
          booking_id: id,
          target_guid: '00000000-0000-4000-8000-000000000001',
          set_guid: '00000000-0000-4000-8000-000000000002',
          requested_by: 'key:server',
          reason: 'operator_abort',
        },
      },
    ]);
    expect(await signals()).toEqual([
      {
        name: 'abort',
        body: {
          commandId: receipt.command_id,
          requestedBy: 'key:server',
          alreadyStopped: true,
          reason: 'operator_abort',
        },
      },
    ]);
  });

  test('abort while the gateway is away: the workflow is told all the same', async () => {
    await running();
    gateway.answers.set('abort', { status: 500, body: {} });
    const { status } = await api.json('POST', `/api/bookings/${id}/abort`);
    expect(status).toBe(202);
    const [signal] = await signals();
    expect(signal).toMatchObject({ name: 'abort' });
    expect(signal!.body).not.toHaveProperty('alreadyStopped');
  });

  test('before the session runs an abort never touches the telescope', async () => {
    expect((await api.json('POST', `/api/bookings/${id}/abort`)).status).toBe(202);
    expect(gateway.requests).toEqual([]);
    expect((await signals())[0]?.name).toBe('abort');
  });

  test('the session that has the telescope is stopped without a look at its row', async () => {
    await recordTransition(api.db, {
      bookingId: id,
      telescopeId: 't1',
      transition: 1,
      at: new Date(nightNow()).toISOString(),
      phase: 'running',
      holdCause: null,
      reason: null,
      outcome: null,
      generation: 0,
      next: null,
      log: { level: 'INFO', event: 'started', message: 'Started.' },
    });
    while (api.deps.live.tenancyOf('t1')?.bookingId !== id) await new Promise((resolve) => setTimeout(resolve, 25));
    const stopped = once(gateway.arrivals, 'request');
    await api.db.$transaction(
      async (tx) => {
        await tx.$executeRaw`LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE`;
        void api.json('POST', `/api/bookings/${id}/abort`).catch(() => undefined);
        await stopped;
      },
      { timeout: 4_000 },
    );
    expect(gateway.requests[0]).toMatchObject({ path: '/v1/telescopes/t1/abort', body: { booking_id: id } });
    while ((await signals()).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
  });

  test('abort with PostgreSQL and Temporal dead: token or server key, by memory and gateway alone', async () => {
    const guest = await token(api, { kind: 'booking', subject: id });
    const viewer = await token(api, { kind: 'booking', subject: id, scopes: ['session:view'] });
    gateway.answers.set('abort', {
      status: 200,
      body: (r: { command_id: string }) => ({ command_id: r.command_id, kind: 'abort', state: 'confirmed', at: at(0) }),
    });
    const dead = await startApi('postgresql://nobody@127.0.0.1:9/none', {
      config: config({ TEMPORAL_ADDRESS: '127.0.0.1:9' }),
      telescopes: [telescope('t1', { gateway_url: gateway.url })],
      sync: false,
    });
    try {
      const began = Date.now();
      const byToken = await dead.json<Receipt>('POST', `/api/bookings/${id}/abort`, {}, { token: guest });
      expect(byToken).toMatchObject({ status: 200, body: { state: 'confirmed', telescope_id: 't1' } });
      const byKey = await dead.json<Receipt>('POST', `/api/bookings/${id}/abort`);
      expect(byKey).toMatchObject({ status: 200, body: { state: 'confirmed' } });
      expect((await dead.json('POST', `/api/bookings/${id}/abort`, {}, { token: viewer })).status).toBe(403);
      expect((await dead.json('POST', `/api/bookings/other/abort`, {}, { token: guest })).status).toBe(403);
      expect(gateway.requests.map((r) => [r.body.booking_id, r.body.requested_by])).toEqual([
        [id, `booking:${id}`],
        [id, 'key:server'],
      ]);
      expect(Date.now() - began).toBeLessThan(20_000);
      expect((await dead.json<Problem>('GET', `/api/bookings/${id}`)).body.code).toBe('database_away');
      expect((await dead.json('GET', '/healthz')).status).toBe(200);
      expect((await dead.json('GET', '/readyz')).status).toBe(503);
    } finally {
      await dead.stop();
    }
  }, 40_000);

  test('cancel: confirmed by the workflow, the slot is free again for another', async () => {
    const later = `${id}-later`;
    expect((await api.json('PUT', `/api/bookings/${later}`, body({ start: at(70), end: at(100) }))).status).toBe(201);
    const first = id;
    id = later;
    const asked = api.json<Receipt>('DELETE', `/api/bookings/${later}`);
    await settle('cancel', 'confirmed');
    await recordTransition(api.db, {
      bookingId: later,
      telescopeId: 't1',
      transition: 1,
      at: new Date(nightNow()).toISOString(),
      phase: 'cancelled',
      holdCause: null,
      reason: 'user_cancel',
      outcome: 'cancelled',
      generation: 0,
      next: null,
      log: { level: 'INFO', event: 'cancelled', message: 'Cancelled.' },
    });
    expect(await asked).toMatchObject({ status: 200, body: { kind: 'cancel', state: 'confirmed' } });
    expect((await api.json('PUT', '/api/bookings/instead', body({ start: at(70), end: at(100) }))).status).toBe(201);
    expect(
      await api.json<Problem>('PUT', `/api/bookings/${later}`, body({ start: at(170), end: at(200) })),
    ).toMatchObject({ status: 409, body: { code: 'booking_final' } });
    id = first;
  });

  test('a control of a session that is over is 409 booking_final', async () => {
    await api.db.session.update({ where: { bookingId: id }, data: { phase: 'completed', outcome: 'completed' } });
    const control = (kind: string): ReturnType<typeof api.json<Problem>> =>
      api.json<Problem>('POST', `/api/bookings/${id}/${kind}`);
    const over = { status: 409, body: { code: 'booking_final' } };
    for (const kind of ['pause', 'resume']) expect(await control(kind)).toMatchObject(over);
    // An abort waits for the row only for a moment and is passed on without it; the first that had the row is refused.
    let abort = await control('abort');
    for (const deadline = Date.now() + 20_000; abort.status === 202 && Date.now() < deadline;)
      abort = await control('abort');
    expect(abort).toMatchObject(over);
    await api.db.receipt.deleteMany({ where: { bookingId: id, kind: 'abort' } });
  });

  test('a burst of pauses: one is carried out, its repetitions are answered by its receipt, and reads beside it wait for none of them', async () => {
    await running();
    const guest = await token(api, { kind: 'booking', subject: id });
    let answered = 0;
    const asked = Promise.all(
      Array.from({ length: 60 }, async () => {
        const answer = await api.json<Receipt>('POST', `/api/bookings/${id}/pause`, {}, { token: guest });
        answered += 1;
        return answer;
      }),
    );
    const began = performance.now();
    expect((await api.json('GET', `/api/bookings/${id}`)).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(3_000);
    // All but the first have their answer before it is confirmed.
    for (const deadline = Date.now() + 9_000; answered < 59 && Date.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await settle('pause', 'confirmed');
    const answers = await asked;
    expect(answers.filter(({ status }) => status >= 500 && status !== 503)).toEqual([]);
    expect(new Set(answers.filter(({ status }) => status < 300).map(({ body: it }) => it.command_id)).size).toBe(1);
    for (const refused of answers.filter(({ status }) => status === 503))
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await api.db.receipt.count({ where: { bookingId: id } })).toBe(1);
  }, 60_000);

  test('the opposite of what is being carried out has to wait for it', async () => {
    await running();
    const guest = await token(api, { kind: 'booking', subject: id });
    const first = api.json<Receipt>('POST', `/api/bookings/${id}/pause`, {}, { token: guest });
    for (;;) if ((await api.db.receipt.count({ where: { bookingId: id } })) > 0) break;
    const second = await api.json<Problem>('POST', `/api/bookings/${id}/resume`, {}, { token: guest });
    expect({ status: second.status, code: second.body.code }).toEqual({ status: 409, code: 'in_progress' });
    expect(second.headers.get('retry-after')).toBe('1');
    await settle('pause', 'confirmed');
    expect((await first).status).toBe(200);
  });

  test('pause while Temporal is away: 503, and the same key may be repeated', async () => {
    const other = await startApi(postgres.url, { config: config({ TEMPORAL_ADDRESS: '127.0.0.1:9' }), sync: false });
    try {
      await running();
      const refused = await other.json<Problem>(
        'POST',
        `/api/bookings/${id}/pause`,
        {},
        { headers: { 'idempotency-key': 'k' } },
      );
      expect(refused).toMatchObject({ status: 503, body: { code: 'temporal_away' } });
      expect(refused.headers.get('retry-after')).toBe('3');
      const again = api.json<Receipt>('POST', `/api/bookings/${id}/pause`, {}, { headers: { 'idempotency-key': 'k' } });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await recordReceipt(api.db, {
        commandId: refused.body.command_id!,
        bookingId: id,
        telescopeId: 't1',
        kind: 'pause',
        state: 'confirmed',
        reason: null,
        message: null,
        requestedBy: 'key:server',
        at: at(0),
      });
      expect(await again).toMatchObject({
        status: 200,
        body: { command_id: refused.body.command_id, state: 'confirmed' },
      });
      expect(
        (await other.json('PUT', '/api/bookings/accepted-anyway', body({ start: at(80), end: at(100) }))).status,
      ).toBe(201);
    } finally {
      await other.stop();
    }
  }, 40_000);

  test('drop-in: dashboard, preview, connection and sequence speak for the only telescope', async () => {
    await running();
    const asked = await api.json<Problem>('GET', '/api/dashboard/state');
    expect(asked).toMatchObject({ status: 503, body: { code: 'gateway_away' } });
    gateway.answers.set('preview.jpg', {
      status: 200,
      body: Buffer.from([0xff, 0xd8, 0xff, 0xd9]),
      type: 'image/jpeg',
    });
    const picture = await api.json<{ image: string }>('GET', '/api/camera/preview');
    expect(picture.body.image).toBe('data:image/jpeg;base64,/9j/2Q==');
    const guest = await token(api, { kind: 'booking', subject: id });
    // Whose picture it is must be known.
    expect((await api.fetch(`/api/bookings/${id}/preview.jpg`, { token: guest })).status).toBe(404);
    const state = telescopeState(newNight());
    const taken = new Date(Date.now() + 86_400_000).toISOString();
    api.deps.mirror.take({
      id: 'e-1',
      type: 'control.updated',
      seq: 0,
      epoch: 1,
      ts: taken,
      booking_id: null,
      telescope_id: 't1',
      data: { ...state, telescope_id: 't1', preview: { ...state.preview!, at: taken, exposure_seconds: 60 } },
    });
    const jpeg = await api.fetch(`/api/bookings/${id}/preview.jpg`, { token: guest });
    expect([jpeg.status, jpeg.headers.get('content-type'), jpeg.headers.get('etag')]).toEqual([
      200,
      'image/jpeg',
      '"p1"',
    ]);
    expect(
      (await api.fetch(`/api/bookings/${id}/preview.jpg`, { token: guest, headers: { 'if-none-match': '"p1"' } }))
        .status,
    ).toBe(304);
    expect(await api.json<Problem>('GET', '/api/sequences/current?telescope=nowhere')).toMatchObject({
      status: 422,
      body: { errors: { telescope: [expect.stringContaining('nowhere')] } },
    });
  });

  test('drop-in: toggling the running target goes through the workflow; another object is 409 while the slot runs', async () => {
    await running();
    const asked = api.json<Receipt>('POST', '/api/control/toggle', {
      objectGuid: '00000000-0000-4000-8000-000000000001',
      objectType: 1,
      operation: 1,
    });
    await settle('pause', 'confirmed');
    expect(await asked).toMatchObject({ status: 200, body: { kind: 'pause', state: 'confirmed' } });
    expect(
      await api.json<Problem>('POST', '/api/control/toggle', {
        objectGuid: '00000000-0000-4000-8000-00000000000f',
        objectType: 1,
        operation: 0,
      }),
    ).toMatchObject({
      status: 409,
      body: { code: 'conflict', conflict: { booking_id: id } },
    });
  });

  test('drop-in abort without GUIDs stops what this service runs', async () => {
    await running();
    gateway.answers.set('abort', {
      status: 200,
      body: (r: { command_id: string }) => ({ command_id: r.command_id, kind: 'abort', state: 'confirmed', at: at(0) }),
    });
    const { status } = await api.json<Receipt>('POST', '/api/control/abort', []);
    expect([200, 202]).toContain(status);
    expect(gateway.requests[0]).toMatchObject({ path: '/v1/telescopes/t1/abort', body: { booking_id: id } });
    expect((await signals())[0]?.name).toBe('abort');
  });

  test('halt is for admins and needs neither database nor Temporal', async () => {
    gateway.answers.set('halt', {
      status: 200,
      body: (r: { command_id: string }) => ({ command_id: r.command_id, kind: 'halt', state: 'confirmed', at: at(0) }),
    });
    const guest = await token(api, { kind: 'booking', subject: id });
    expect((await api.json('POST', '/api/telescopes/t1/halt', {}, { token: guest })).status).toBe(403);
    const admin = await token(api, { kind: 'admin', subject: 'op' });
    expect(await api.json<Receipt>('POST', '/api/telescopes/t1/halt', {}, { token: admin })).toMatchObject({
      status: 200,
      body: { kind: 'halt', state: 'confirmed' },
    });
    expect(gateway.requests).toHaveLength(1);
  });
});
