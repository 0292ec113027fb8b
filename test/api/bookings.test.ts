import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Booking } from '../../domain/contracts/booking.ts';
import { Snapshot } from '../../domain/contracts/snapshot.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import { at, body, config, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';
import { startTemporal, type TemporalServer } from '../../stack/own-temporal.ts';
import { emptied } from '../support/emptied.ts';

type Problem = {
  code: string;
  status: number;
  errors?: Record<string, string[]>;
  detail: string;
  conflict?: Record<string, string>;
};

describe('bookings', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let temporal: TemporalServer;
  let api: RunningApi;
  beforeAll(async () => {
    [postgres, temporal] = await Promise.all([startPostgres(), startTemporal()]);
    api = await startApi(postgres.url, {
      config: config({ TEMPORAL_ADDRESS: temporal.address }),
      telescopes: [telescope('t1'), telescope('t2')],
    });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await Promise.all([temporal?.stop(), postgres?.stop()]);
  });
  beforeEach(async () => {
    await emptied(api.db, 'bookings, sessions, users, events, event_counters, outbox, receipts, audit, maintenance');
  });
  const counts = async (): Promise<number[]> =>
    Promise.all([
      api.db.booking.count(),
      api.db.session.count(),
      api.db.event.count(),
      api.db.outbox.count(),
      api.db.user.count(),
    ]);

  test('a new booking is accepted: row, session, event, outbox and a running workflow', async () => {
    const { status, body: answer, headers } = await api.json('PUT', '/api/bookings/new-1', body());
    expect({ status, answer }).toMatchObject({ status: 201 });
    const booking = Booking.parse(answer);
    expect(booking).toMatchObject({
      id: 'new-1',
      workflow_id: 'booking-new-1',
      phase: 'scheduled',
      status: 'confirmed',
      access_state: 'upcoming',
      generation: 0,
      voyager_set_guid: null,
      images_captured: 0,
      user: { ref: 'user-1', display_name: 'Ada Lovelace', email: 'ada@example.org', locale: 'en' },
      target: { ra_text: '03h47m24.0s', dec_text: `+24°06'00"` },
    });
    expect(booking.target.altitude_at_start_degrees).toBeGreaterThan(40);
    expect(headers.get('location')).toBe('/api/bookings/new-1');
    expect(await counts()).toEqual([1, 1, 1, 1, 1]);
    const event = await api.db.event.findFirstOrThrow();
    expect({ seq: event.seq, type: event.type }).toEqual({ seq: 1, type: 'session.changed' });
    const outbox = await api.db.outbox.findFirstOrThrow();
    expect({ type: outbox.type, channel: outbox.channel, sequence: outbox.sequence }).toEqual({
      type: 'booking.accepted',
      channel: 'webhook',
      sequence: 1,
    });
    expect(JSON.stringify(outbox.data)).not.toMatch(/Ada|example\.org/);
    const { client, connection } = createTemporalClient(api.config);
    const description = await client.workflow.getHandle('booking-new-1').describe();
    expect({ type: description.type, status: description.status.name, queue: description.taskQueue }).toEqual({
      type: 'session',
      status: 'RUNNING',
      queue: 'session',
    });
    await connection.close();
  });

  test('the same body again is 200 and nothing happens; a new e-mail of the person is kept', async () => {
    await api.json('PUT', '/api/bookings/same', body());
    const before = await counts();
    const again = await api.json<Booking>(
      'PUT',
      '/api/bookings/same',
      body({ user: { ref: 'user-1', display_name: 'Ada Lovelace', email: 'new@example.org', locale: 'en' } }),
    );
    expect(again.status).toBe(200);
    expect(again.body.generation).toBe(0);
    expect(again.body.user.email).toBe('new@example.org');
    expect(await counts()).toEqual(before);
  });

  test('twenty requests for one slot at once: exactly one is taken, the others name it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => api.json<Problem>('PUT', `/api/bookings/race-${i}`, body())),
    );
    const won = answers.filter((a) => a.status === 201);
    expect(won).toHaveLength(1);
    const winner = (won[0]!.body as unknown as Booking).id;
    for (const lost of answers.filter((a) => a.status !== 201)) {
      expect(lost.status).toBe(409);
      expect(lost.body.code).toBe('slot_taken');
      expect(lost.body.conflict).toEqual({ booking_id: winner, start: at(60), end: at(120), blocked_until: at(125) });
    }
    expect(await api.db.booking.count()).toBe(1);
  });

  test('forty different bookings at once: each is taken, refused for its slot, or told when to come again; reads wait for none of them', async () => {
    const asked = Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        api.json<Problem>(
          'PUT',
          `/api/bookings/many-${i}`,
          body({
            telescope_id: i % 2 ? 't1' : 't2',
            start: at(60 + 70 * ((i >> 1) % 2)),
            end: at(120 + 70 * ((i >> 1) % 2)),
          }),
        ),
      ),
    );
    let over = false;
    void asked.then(() => (over = true));
    const reads = await Promise.all(Array.from({ length: 5 }, () => api.json('GET', '/api/bookings')));
    expect(over).toBe(false);
    expect(reads.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const answers = await asked;
    const kinds = answers.map(({ status, body: it, headers }) =>
      status === 503 && headers.get('retry-after') ? '503 later' : status === 409 ? `409 ${it.code}` : String(status),
    );
    expect([...new Set(kinds)].filter((kind) => !['201', '409 slot_taken', '503 later'].includes(kind))).toEqual([]);
    expect(kinds.filter((kind) => kind === '201').length).toBe(await api.db.booking.count());
  }, 30_000);

  test('twenty requests with one id and one body at once: one booking, nobody is refused', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.json('PUT', '/api/bookings/one-id', body())),
    );
    expect(answers.map((a) => a.status).sort((a, b) => a - b)).toEqual([...Array.from({ length: 19 }, () => 200), 201]);
    expect(await counts()).toEqual([1, 1, 1, 1, 1]);
  });

  test('the turnaround belongs to the slot: five minutes later is free, four are not', async () => {
    await api.json('PUT', '/api/bookings/a', body());
    expect((await api.json('PUT', '/api/bookings/b', body({ start: at(124), end: at(180) }))).status).toBe(409);
    expect((await api.json('PUT', '/api/bookings/b', body({ start: at(125), end: at(180) }))).status).toBe(201);
    expect((await api.json('PUT', '/api/bookings/c', body({ telescope_id: 't2' }))).status).toBe(201);
  });

  const bad: [name: string, over: Record<string, unknown>, fields: Record<string, RegExp>][] = [
    [
      'right ascension of 25 h',
      { target: { name: 'x', ra_hours: 25, dec_degrees: 10 } },
      { 'target.ra_hours': /not 24 hours; for degrees write d or °/ },
    ],
    [
      'declination of -91°',
      { target: { name: 'x', ra_hours: 2, dec_degrees: -91 } },
      { 'target.dec_degrees': /-90 to 90/ },
    ],
    [
      'a filter that does not exist',
      { shots: [{ filter: 'Hb', exposure_seconds: 60, quantity: 1 }] },
      { 'shots.0.filter': /unknown filter "Hb".*L, R, G, B/ },
    ],
    ['end before start', { start: at(120), end: at(60) }, { end: /after start/ }],
    [
      'an exposure longer than the slot',
      { shots: [{ filter: 'L', exposure_seconds: 3601, quantity: 1 }] },
      { 'shots.0.exposure_seconds': /longer than the slot of 3600 s/ },
    ],
    ['no shots', { shots: [] }, { shots: /at least one shot/ }],
    ['a missing field', { user: undefined }, { user: /required/ }],
    ['a time without an offset', { start: '2026-11-22T23:00:00' }, { start: /offset/ }],
    ['a slot that is over', { start: at(-120), end: at(-60) }, { end: /over/ }],
    ['a slot by day', { start: at(12 * 60), end: at(13 * 60) }, { start: /no night.*Sun stays above -12°/ }],
    [
      'a target that never rises',
      { target: { name: 'Crux', ra_hours: 12.5, dec_degrees: -60 } },
      { target: /Crux is never above 30°/ },
    ],
    ['a telescope that does not exist', { telescope_id: 'nowhere' }, { telescope_id: /no telescope "nowhere"/ }],
    ['a slot of two days', { end: at(60 * 48) }, { end: /within 24 hours/ }],
    [
      'hour angles the wrong way round',
      { constraints: { hour_angle_start_hours: 2, hour_angle_end_hours: 1 } },
      { 'constraints.hour_angle_end_hours': /greater/ },
    ],
    [
      'several at once',
      {
        shots: [
          { filter: 'Q', exposure_seconds: 60, quantity: 1 },
          { filter: 'L', exposure_seconds: -1, quantity: 0 },
        ],
      },
      { 'shots.1.exposure_seconds': /./, 'shots.1.quantity': /./ },
    ],
  ];
  test.each(bad)('refused with 422 and each field named: %s', async (_name, over, fields) => {
    const { status, body: problem, headers } = await api.json<Problem>('PUT', '/api/bookings/bad', body(over));
    expect({ status, problem }).toMatchObject({ status: 422, problem: { code: 'invalid', status: 422 } });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(Object.keys(problem.errors ?? {}).sort()).toEqual(Object.keys(fields).sort());
    for (const [field, message] of Object.entries(fields)) expect(problem.errors![field]!.join(' ')).toMatch(message);
    expect(await counts()).toEqual([0, 0, 0, 0, 0]);
  });

  test('an id that is not one of ours is refused', async () => {
    expect((await api.json<Problem>('PUT', '/api/bookings/a%20b', body())).body.errors).toHaveProperty('id');
    expect((await api.json<Problem>('PUT', `/api/bookings/${'x'.repeat(65)}`, body())).status).toBe(422);
  });

  test('sexagesimal positions are taken and echoed as text', async () => {
    const { body: answer } = await api.json<Booking>(
      'PUT',
      '/api/bookings/hms',
      body({ target: { name: 'M 45', ra_hours: '03:47:24', dec_degrees: '+24:06:00' } }),
    );
    expect(answer.target.ra_hours).toBeCloseTo(3.79, 6);
    expect(answer.target.ra_text).toBe('03h47m24.0s');
  });

  test('a slot that has begun starts at once while one exposure still fits', async () => {
    expect((await api.json('PUT', '/api/bookings/begun', body({ start: at(-30), end: at(30) }))).status).toBe(201);
    const late = await api.json<Problem>(
      'PUT',
      '/api/bookings/late',
      body({
        telescope_id: 't2',
        start: at(-59),
        end: at(2),
        shots: [{ filter: 'L', exposure_seconds: 300, quantity: 1 }],
      }),
    );
    expect(late.body.errors?.end?.[0]).toMatch(/shorter than one exposure/);
  });

  test('a session that has begun is not replaced: 409 naming PATCH; after its end 409 booking_final', async () => {
    await api.json('PUT', '/api/bookings/run', body());
    await api.db.session.update({ where: { bookingId: 'run' }, data: { phase: 'running' } });
    const running = await api.json<Problem>('PUT', '/api/bookings/run', body({ credits: { charged: 13 } }));
    expect(running).toMatchObject({ status: 409, body: { code: 'session_started' } });
    expect(running.body.detail).toContain('PATCH /api/bookings/run');
    await api.db.session.update({ where: { bookingId: 'run' }, data: { phase: 'completed', outcome: 'completed' } });
    expect(await api.json<Problem>('PUT', '/api/bookings/run', body({ credits: { charged: 13 } }))).toMatchObject({
      status: 409,
      body: { code: 'booking_final' },
    });
    expect((await api.json('PUT', '/api/bookings/run', body())).status).toBe(200);
  });

  test('If-Match protects an amendment from one that came between', async () => {
    const made = await api.json('PUT', '/api/bookings/tag', body());
    const etag = made.headers.get('etag')!;
    expect(etag).toBe('"tag.1"');
    const stale = await api.json<Problem>(
      'PATCH',
      '/api/bookings/tag',
      { shots: [{ filter: 'R', exposure_seconds: 30, quantity: 2 }] },
      { headers: { 'if-match': '"tag.7"' } },
    );
    expect(stale).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    expect((await api.db.booking.findUniqueOrThrow({ where: { id: 'tag' } })).version).toBe(1);
    // Behind a proxy that compresses the tag comes back weak, perhaps among others.
    for (const tag of [`W/${etag}`, `"other", W/${etag}`, '*']) {
      const amended = await api.json('PUT', '/api/bookings/tag', body(), { headers: { 'if-match': tag } });
      expect([tag, amended.status]).toEqual([tag, 200]);
    }
    const put = await api.json('GET', '/api/telescopes/t1');
    const again = await api.json('PUT', '/api/telescopes/t1', put.body, {
      headers: { 'if-match': `W/${put.headers.get('etag')!}` },
    });
    expect(again.status).not.toBe(412);
  });

  test('priority is for the server key', async () => {
    const { body: made } = await api.json<{ token: string }>('POST', '/api/tokens', { kind: 'admin', subject: 'op' });
    const refused = await api.json<Problem>('PUT', '/api/bookings/prio', body({ constraints: { priority: 4 } }), {
      token: made.token,
    });
    expect(refused).toMatchObject({ status: 422 });
    expect(refused.body.errors).toHaveProperty(['constraints.priority']);
    expect((await api.json('PUT', '/api/bookings/prio', body({ constraints: { priority: 4 } }))).status).toBe(201);
  });

  test('a slot inside a maintenance window is refused and names the window', async () => {
    await api.json('POST', '/api/telescopes/t1/maintenance', { from: at(0), to: at(90), reason: 'new mirror' });
    expect(await api.json<Problem>('PUT', '/api/bookings/m', body())).toMatchObject({
      status: 409,
      body: { code: 'maintenance', maintenance: { from: at(0), to: at(90), reason: 'new mirror' } },
    });
  });

  test('lists page by cursor without losing or repeating one, newest and oldest first, and filter', async () => {
    for (let i = 0; i < 7; i++)
      expect(
        (
          await api.json(
            'PUT',
            `/api/bookings/l${i}`,
            body({
              start: at(i * 30 + 10),
              end: at(i * 30 + 35),
              user: { ref: i < 4 ? 'u-a' : 'u-b' },
              constraints: { min_altitude_degrees: 20, hour_angle_start_hours: -6, hour_angle_end_hours: 6 },
              target: { name: i === 2 ? 'M 42' : 'M 45', ra_hours: 3.79, dec_degrees: 24.1 },
            }),
          )
        ).status,
      ).toBe(201);
    const read = async (query: string): Promise<string[]> => {
      const ids: string[] = [];
      let next: string | null = `/api/bookings?per_page=3&${query}`;
      while (next) {
        const page: {
          status: number;
          body: { data: Booking[]; links: { next: string | null }; meta: { next_cursor: string | null } };
        } = await api.json('GET', next);
        expect(page.status).toBe(200);
        ids.push(...page.body.data.map((b) => b.id));
        next = page.body.links.next;
      }
      return ids;
    };
    expect(await read('')).toEqual(['l6', 'l5', 'l4', 'l3', 'l2', 'l1', 'l0']);
    expect(await read('sort=oldest')).toEqual(['l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'l6']);
    expect(await read('user_ref=u-b')).toEqual(['l6', 'l5', 'l4']);
    expect(await read('target=m%2042')).toEqual(['l2']);
    await api.db.session.update({ where: { bookingId: 'l3' }, data: { imagesCaptured: 9 } });
    await api.db.session.update({ where: { bookingId: 'l5' }, data: { imagesCaptured: 4 } });
    expect(await read('sort=images')).toEqual(['l3', 'l5', 'l6', 'l4', 'l2', 'l1', 'l0']);
    expect((await api.json<Problem>('GET', '/api/bookings?cursor=rubbish')).body.code).toBe('bad_request');
  });

  test('a check says what would happen and writes nothing', async () => {
    const good = await api.json('POST', '/api/bookings/check', { ...body(), credits_per_hour: 6 });
    expect(good).toMatchObject({
      status: 200,
      body: {
        ok: true,
        errors: {},
        frames: 10,
        exposure_seconds: 600,
        estimated_seconds: 700,
        slot_seconds: 3600,
        usable_seconds: 3600,
        fits: true,
        credits: 6,
        conflict: null,
      },
    });
    await api.json('PUT', '/api/bookings/taken', body());
    const taken = await api.json(
      'POST',
      '/api/bookings/check',
      body({ shots: [{ filter: 'zz', exposure_seconds: 60, quantity: 1 }] }),
    );
    expect(taken).toMatchObject({
      status: 200,
      body: {
        ok: false,
        errors: { 'shots.0.filter': [expect.stringContaining('zz')] },
        conflict: { start: at(60), end: at(125) },
      },
    });
    expect(JSON.stringify(taken.body)).not.toContain('taken"');
    expect(await api.db.booking.count()).toBe(1);
  });

  test('the snapshot of a fresh booking satisfies its contract', async () => {
    await api.json('PUT', '/api/bookings/snap', body());
    const { status, body: answer } = await api.json('GET', '/api/bookings/snap/snapshot');
    expect(status).toBe(200);
    expect(Snapshot.parse(answer)).toMatchObject({
      seq: 1,
      epoch: 1,
      phase: 'scheduled',
      access_state: 'upcoming',
      progress: { shots_done: 0, shots_total: 10, percent: 0 },
      credits: { charged: 12, used: 12, refund: null },
      controls: { pause: 'outside_slot', resume: 'outside_slot', abort: null },
    });
  });
});
