import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RoboTargetRequest } from '../../domain/ports.ts';
import { at, body, config, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** What PHP, Laravel and people send to the real api, and what its drop-in routes do to RoboTarget while a slot runs. */

type Errors = { code?: string; detail?: string; errors?: Record<string, string[]>; conflict?: { booking_id: string } };
const G = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const [SET, TARGET, SHOT] = [G(1), G(2), G(3)];
const [OTHER_SET, OTHER_TARGET, OTHER_SHOT] = [G(4), G(5), G(6)];
const unix = (minutes: number): number => Date.parse(at(minutes)) / 1000;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
/** RoboTarget’s objects by GUID, and what was asked of the telescope’s queue. */
let rows: Record<string, Record<string, unknown>>;
let asked: RoboTargetRequest[];
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')] });
  (api.deps as { temporal: unknown }).temporal = {
    connection: { withDeadline: (_: number, run: () => Promise<unknown>) => run() },
    withDeadline: (_: number, run: () => Promise<unknown>) => run(),
    workflow: {
      start: (_: string, { args }: { args: [{ request: RoboTargetRequest }] }) =>
        Promise.resolve({ result: () => Promise.resolve(answer(args[0].request)) }),
    },
  };
}, 120_000);
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  await emptied(api.db, 'bookings');
  rows = {
    [OTHER_SET]: { Guid: OTHER_SET },
    [OTHER_TARGET]: {
      GuidTarget: OTHER_TARGET,
      RefGuidSet: OTHER_SET,
      Status: 0,
      C_DateStart: unix(1440),
      C_DateEnd: unix(1500),
    },
    [OTHER_SHOT]: { GuidShot: OTHER_SHOT, RefGuidTarget: OTHER_TARGET },
  };
  asked = [];
});

/** The observatory's end of the queue. */
function answer(request: RoboTargetRequest): object {
  asked.push(request);
  const done = { outcome: 'done', reason: null, message: null };
  if (request.op === 'list')
    return { ...done, items: Object.values(rows).filter((row) => row.RefGuidSet === request.parentGuid) };
  if (request.op === 'get') return { ...done, items: rows[request.guid] ? [rows[request.guid]] : [] };
  return { ...done, items: 'body' in request ? [request.body] : [] };
}
const send = (method: string, path: string, sent?: unknown) => api.json<Errors>(method, path, sent);
/** A session that observes now. */
async function slotRuns(): Promise<void> {
  expect((await send('PUT', '/api/bookings/night', body())).status).toBe(201);
  await api.db.booking.update({
    where: { id: 'night' },
    data: { startsAt: new Date(at(-10)), endsAt: new Date(at(50)) },
  });
  await api.db.session.update({
    where: { bookingId: 'night' },
    data: { phase: 'running', setGuid: SET, targetGuid: TARGET, voyagerShots: [{ guid: SHOT }] },
  });
}

describe('bodies', () => {
  test('a booking with nulls, empty texts, [], decimals as text, an accented address and Laravel’s times', async () => {
    const sent = {
      ...body({ start: at(60).replace('.000Z', '+0000'), end: at(120).replace(':00.000Z', 'Z') }),
      user: { ref: 7, display_name: '', email: 'zoé@exämple.org', locale: null },
      target: { name: 'M 45', ra_hours: '3h 47.4m', dec_degrees: '+24° 06′', pa_degrees: '' },
      shots: [{ filter: 'L', exposure_seconds: '60.00', quantity: '10', gain: null, offset: '' }],
      constraints: [],
      credits: { charged: '12.50', price: null },
    };
    const made = await send('PUT', '/api/bookings/php', sent);
    expect([made.status, made.body]).toMatchObject([
      201,
      { start: at(60), user: { ref: '7', email: 'zoé@exämple.org', locale: 'fr' }, credits: { charged: 12.5 } },
    ]);
    expect((await send('PUT', '/api/bookings/php', sent)).status).toBe(200);
  });
  test('errors are in our words and name the field', async () => {
    const sent = body({ target: { name: '', ra_hours: '83.82', dec_degrees: 24 }, shots: [{ filter: 'constructor' }] });
    expect((await send('PUT', '/api/bookings/x', sent)).body.errors).toEqual({
      'target.name': ['is required'],
      'target.ra_hours': [expect.stringContaining('write d or °')],
      'shots.0.exposure_seconds': ['is required'],
      'shots.0.quantity': ['is required'],
    });
  });
  test.each(['constructor', '__proto__', 'toString'])('a filter called %s is unknown', async (filter) => {
    const answered = await send(
      'PUT',
      '/api/bookings/x',
      body({ shots: [{ filter, exposure_seconds: 60, quantity: 1 }] }),
    );
    expect([answered.status, answered.body.errors]).toEqual([
      422,
      { 'shots.0.filter': [expect.stringContaining('unknown filter')] },
    ]);
    const series = await send('GET', `/api/bookings/none/telemetry?series=${filter}`);
    expect([404, 422]).toContain(series.status);
  });
  test('an id of Laravel’s database is the subject of a token', async () => {
    expect(
      await send('POST', '/api/tokens', { kind: 'user', subject: 42, scopes: null, expires_at: '' }),
    ).toMatchObject({
      status: 201,
      body: { subject: '42' },
    });
  });
  test('empty parameters of an address are absent, and a plus may arrive as a blank', async () => {
    const from = at(0).replace('.000Z', '+00:00');
    expect((await send('GET', `/api/telescopes/t1/availability?from=${from}&to=`)).status).toBe(200);
    expect((await send('GET', '/api/bookings?telescope_id=')).status).toBe(200);
  });
  test('a kilobyte of blanks in a coordinate takes no time', async () => {
    const startMs = performance.now();
    const long = `${'1 '.repeat(500)}x`;
    expect(
      (await send('PUT', '/api/bookings/x', body({ target: { name: 'x', ra_hours: long, dec_degrees: long } }))).status,
    ).toBe(422);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

describe('RoboTarget by hand while a slot runs', () => {
  const window = { C_DateStart: unix(1440), C_DateEnd: unix(1500) };
  const target = { RefGuidSet: OTHER_SET, TargetName: 'M 31', RAJ2000: '00 42 44', DECJ2000: '41.269' };
  test('the J-1 job of another night is served: set, target, shots, activation', async () => {
    await slotRuns();
    expect((await send('POST', '/api/robotarget/sets', { Guid: OTHER_SET, Name: 'Night 2', Tag: null })).status).toBe(
      201,
    );
    expect(
      (await send('POST', '/api/robotarget/targets', { GuidTarget: OTHER_TARGET, ...target, ...window })).status,
    ).toBe(201);
    const shot = {
      GuidShot: OTHER_SHOT,
      RefGuidTarget: OTHER_TARGET,
      FilterIndex: '0',
      Num: '3',
      Exposure: '120.0',
      Gain: null,
    };
    expect((await send('POST', '/api/robotarget/shots', shot)).status).toBe(201);
    expect((await send('PUT', `/api/robotarget/sets/${OTHER_SET}`, { Status: 0 })).status).toBe(200);
    expect((await send('POST', `/api/robotarget/targets/${OTHER_TARGET}/activate`)).status).toBe(200);
    expect((await send('POST', `/api/robotarget/targets/${OTHER_TARGET}/deactivate`)).status).toBe(200);
    expect((await send('DELETE', `/api/robotarget/shots/${OTHER_SHOT}`)).status).toBe(200);
    const made = asked.flatMap((request) => (request.op === 'create' ? [request.body] : []));
    expect(made).toMatchObject([
      { ProfileName: 'Default.v2y', Name: 'Night 2' },
      {
        RAJ2000: expect.closeTo(0.712222, 5),
        DECJ2000: 41.269,
        RefGuidBaseSequence: telescope('t1').base_sequence_guid,
      },
      { Num: 3, Exposure: 120 },
    ]);
    expect(made[1]!.DateCreation).toBeGreaterThan(unix(-1));
  });
  test.each<[string, string, string, object | undefined]>([
    ['deletes its target', 'DELETE', `/api/robotarget/targets/${TARGET}`, undefined],
    ['changes its shot', 'PUT', `/api/robotarget/shots/${SHOT}`, { Num: 1 }],
    ['adds a target to its set', 'POST', '/api/robotarget/targets', { ...target, ...window, RefGuidSet: SET }],
    ['makes a target that may run now', 'POST', '/api/robotarget/targets', target],
    [
      'makes a target within the slot',
      'POST',
      '/api/robotarget/targets',
      { ...target, C_DateStart: unix(20), C_DateEnd: unix(90) },
    ],
    [
      'moves an enabled target into the slot',
      'PUT',
      `/api/robotarget/targets/${OTHER_TARGET}`,
      { C_DateStart: unix(0) },
    ],
  ])('409 names the slot for whoever %s', async (_, method, path, sent) => {
    await slotRuns();
    expect(await send(method, path, sent)).toMatchObject({
      status: 409,
      body: { code: 'conflict', conflict: { booking_id: 'night' } },
    });
    expect(asked.every((request) => request.op === 'get' || request.op === 'list')).toBe(true);
  });
  test('shots are listed by target: who leaves it out is told so', async () => {
    expect(await send('GET', '/api/robotarget/shots')).toMatchObject({
      status: 422,
      body: { errors: { targetGuid: ['is required'] } },
    });
    expect((await send('GET', `/api/robotarget/shots?targetGuid=${OTHER_TARGET}`)).status).toBe(200);
  });
});
