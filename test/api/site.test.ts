import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, body, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';

/** A telescope of which nobody said where it stands: it can be looked at, and nothing is reckoned from a place that stands in for its own. */
describe('a telescope without a site', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { telescopes: [telescope('t1', { site: null })] });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });

  test('is shown, without a place', async () => {
    expect(await api.json('GET', '/api/telescopes/t1')).toMatchObject({ status: 200, body: { id: 't1', site: null } });
  });
  test('cannot be booked, and the answer names what is missing', async () => {
    const refused = await api.json<{ errors: Record<string, string[]> }>('PUT', '/api/bookings/here', body());
    expect(refused.status).toBe(422);
    expect(refused.body.errors.telescope_id).toEqual([expect.stringContaining('SITE_LATITUDE_DEGREES')]);
    expect(await api.db.booking.count()).toBe(0);
  });
  test('a check says the same, and knows neither altitude nor windows', async () => {
    expect(await api.json('POST', '/api/bookings/check', body())).toMatchObject({
      status: 200,
      body: { ok: false, altitude_at_start_degrees: null, usable_seconds: 0, windows: [] },
    });
  });
  test.each([
    `/api/telescopes/t1/availability?from=${encodeURIComponent(at(0))}&to=${encodeURIComponent(at(600))}`,
    '/api/telescopes/t1/visibility?ra_hours=3.79&dec_degrees=24.1',
  ])('no night and no curve of another place: %s', async (path) => {
    expect(await api.json('GET', path)).toMatchObject({ status: 409, body: { code: 'site_unknown' } });
  });
});
