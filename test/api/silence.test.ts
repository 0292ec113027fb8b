import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Event } from '../../domain/contracts/event.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { namesOfOthers } from '../../domain/others.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';
import {
  NIGHT,
  at,
  config,
  insertBooking,
  nightNow,
  startApi,
  startGatewayPeer,
  startPostgres,
  telescope,
  token,
  type GatewayPeer,
  type RunningApi,
} from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** What the api says of a telescope of which nothing is heard, and to whom it says what it hears. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let gateway: GatewayPeer;
let api: RunningApi;
let ahead = 0;
beforeAll(async () => {
  postgres = await startPostgres();
  gateway = await startGatewayPeer();
  api = await startApi(postgres.url, {
    config: config({ TEMPORAL_ADDRESS: '127.0.0.1:9' }),
    telescopes: [telescope('t1', { gateway_url: gateway.url })],
    now: () => nightNow() + ahead,
  });
});
afterAll(async () => {
  await api?.stop();
  await gateway?.stop();
  await postgres?.stop();
});

/** A telescope that takes frames of NGC 7000 under a safe sky, as its gateway says it. */
function observing(more: Partial<TelescopeState> = {}): TelescopeState {
  const night = newNight(NIGHT);
  return { ...telescopeState(night, NIGHT), telescope_id: 't1', ...more };
}
/** The gateway's report, as the bus brings it. */
function report(state: TelescopeState): void {
  const event: Event = {
    id: 'e-1',
    type: 'control.updated',
    seq: 0,
    epoch: 1,
    ts: new Date(NIGHT).toISOString(),
    booking_id: null,
    telescope_id: 't1',
    data: state,
  };
  api.deps.mirror.take(event);
}
beforeEach(async () => {
  ahead = 0;
  gateway.answers.clear();
  await emptied(api.db, 'bookings, sessions, events, event_counters, outbox, tokens, timeline, receipts');
  await insertBooking(api, 'b-1', { start: at(-30), end: at(60) }, { ref: 'user-1' }, 'running');
});

describe('a gateway that has said nothing for 110 seconds', () => {
  beforeEach(() => {
    report(observing());
    ahead = 110_000;
  });

  test('no answer of the api says connected, running or safe, and the gateway is named as silent', async () => {
    const guest = await token(api, { kind: 'booking', subject: 'b-1' });
    const link = (await api.json('GET', '/api/status/connection')).body;
    expect(link).toMatchObject({
      connected: false,
      reason: expect.stringMatching(/^no report from the gateway for 11\d s$/) as unknown,
    });
    const mirror = (await api.json<TelescopeState>('GET', '/api/telescopes/t1/state')).body;
    const snapshot = (
      await api.json<{ telescope: TelescopeState }>('GET', '/api/bookings/b-1/snapshot', undefined, { token: guest })
    ).body;
    for (const state of [mirror, snapshot.telescope])
      expect(state).toMatchObject({
        stale: true,
        connection: { connected: false },
        voyager: { status: 'UNDEFINED', run_sequence: null },
        mount: { connected: null, tracking: null },
        exposure: null,
        guiding: { status: null },
        weather: { state: 'unsafe', reason: 'weather_unknown', stale: true, safety_monitor: { safe: null } },
      });
    const dashboard = (await api.json<{ equipment: { connected: boolean }[] }>('GET', '/api/dashboard/state')).body;
    expect(dashboard).toMatchObject({ voyager_status: 'UNDEFINED', stale: true, exposure: null });
    expect(dashboard.equipment.filter((one) => one.connected)).toEqual([]);
    const overview = (await api.json<{ telescopes: object[] }>('GET', '/api/admin/overview')).body;
    expect(overview.telescopes[0]).toMatchObject({
      connected: false,
      stale: true,
      voyager_status: 'UNDEFINED',
      weather: null,
    });
  });
  test('whether a sequence runs is not answered with no', async () => {
    expect((await api.json('GET', '/api/sequences/current')).status).toBe(503);
  });
  test('a report makes all of it known again', async () => {
    report(observing());
    expect((await api.json('GET', '/api/status/connection')).body).toMatchObject({ connected: true });
  });
});

test('Voyager silent, the gateway well: Voyager is named, and the gateway’s judgement of the weather stands', async () => {
  const silent = observing();
  report({
    ...silent,
    stale: true,
    connection: { ...silent.connection, connected: false, reason: 'no data from Voyager for 20 s' },
  });
  expect((await api.json<TelescopeState>('GET', '/api/telescopes/t1/state')).body).toMatchObject({
    voyager: { status: 'UNDEFINED' },
    connection: { reason: 'no data from Voyager for 20 s' },
    weather: { state: 'ok' },
  });
});

describe('what belongs to others', () => {
  const preview = (minutes: number): NonNullable<TelescopeState['preview']> => ({
    ...observing().preview!,
    at: at(minutes),
    exposure_seconds: 60,
  });
  const picture = (): void => {
    gateway.answers.set('preview.jpg', { status: 200, body: Buffer.from('jpeg'), type: 'image/jpeg' });
  };

  test('at the start of a slot the last picture of the session before is shown nowhere', async () => {
    picture();
    report(observing({ preview: preview(-53) }));
    const guest = await token(api, { kind: 'booking', subject: 'b-1' });
    const { body } = await api.json<{ telescope: TelescopeState }>('GET', '/api/bookings/b-1/snapshot', undefined, {
      token: guest,
    });
    expect(body.telescope.preview).toBeNull();
    expect(body.telescope.exposure).not.toBeNull();
    expect((await api.fetch('/api/bookings/b-1/preview.jpg', { token: guest })).status).toBe(404);
    expect(
      (await api.fetch('/api/camera/preview', { token: await token(api, { kind: 'user', subject: 'user-1' }) })).status,
    ).toBe(404);
  });
  test('a picture whose exposure began before the session is not theirs either; the next one is', async () => {
    picture();
    const guest = await token(api, { kind: 'booking', subject: 'b-1' });
    const asked = async (): Promise<number> =>
      (await api.fetch('/api/bookings/b-1/preview.jpg', { token: guest })).status;
    report(observing({ preview: preview(-29.5) }));
    expect(await asked()).toBe(404);
    report(observing({ preview: preview(-28) }));
    expect(await asked()).toBe(200);
  });
  test('live series begin with the session', async () => {
    gateway.answers.set('history', {
      status: 200,
      body: {
        series: {
          guide_x: {
            unit: 'px',
            points: [
              [NIGHT - 31 * 60_000, 1],
              [NIGHT - 29 * 60_000, 2],
            ],
          },
        },
      },
    });
    const { body } = await api.json<{ series: Record<string, { points: unknown[] }> }>(
      'GET',
      '/api/bookings/b-1/history',
    );
    expect(body.series.guide_x!.points).toEqual([[NIGHT - 29 * 60_000, 2]]);
  });
  test('a guest of another night learns neither target nor pointing of the session that runs, by any route', async () => {
    await insertBooking(api, 'b-2', { start: at(300), end: at(360) }, { ref: 'user-2' });
    await api.db.session.update({
      where: { bookingId: 'b-2' },
      data: { targetGuid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c99' },
    });
    await api.db.booking.update({
      where: { id: 'b-1' },
      data: { target: { name: 'NGC 1499', ra_hours: 4, dec_degrees: 36 } },
    });
    report(observing());
    const other = await token(api, { kind: 'user', subject: 'user-2' });
    const read = async (path: string): Promise<Record<string, unknown>> =>
      (await api.json('GET', path, undefined, { token: other })).body;
    const told = JSON.stringify([
      await read('/api/sequences/current'),
      await read('/api/dashboard/state?targetGuid=7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c99'),
      await read('/api/telescopes/t1/state'),
      await read('/api/status/connection'),
    ]);
    expect(told).not.toMatch(/NGC 1499|NGC7000|NGC 7000|b-1|44\.33|20\.9797/);
  });
  test('names of other people’s targets are in the operator’s log, not in the guest’s', async () => {
    const message = `Enabled targets of others, to be disabled for the slot: ${namesOfOthers(['NGC 891 of Jean'])}.`;
    await api.db.timeline.create({
      data: {
        bookingId: 'b-1',
        at: new Date(NIGHT),
        level: 'WARNING',
        source: 'session',
        event: 'x',
        message,
        messageFr: message,
        data: {},
        id: 'x',
      },
    });
    const guest = await token(api, { kind: 'booking', subject: 'b-1' });
    const lines = async (by?: string): Promise<string> =>
      JSON.stringify((await api.json('GET', '/api/bookings/b-1/logs', undefined, by ? { token: by } : {})).body);
    expect(await lines()).toContain('NGC 891 of Jean');
    expect(await lines(guest)).toContain('to be disabled for the slot: ….');
  });
});
