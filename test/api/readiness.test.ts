import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { newNight, telescopeState } from '../web/fixtures.ts';
import { startTemporal, type TemporalServer } from '../../stack/own-temporal.ts';
import { body, config, startApi, startGatewayPeer, startPostgres, telescope, type RunningApi } from './harness.ts';

/** Ready means that what is accepted will be carried out. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let temporal: TemporalServer;
let api: RunningApi;
beforeAll(async () => {
  [postgres, temporal] = await Promise.all([startPostgres(), startTemporal()]);
});
afterAll(async () => {
  await api?.stop();
  await temporal?.stop();
  await postgres?.stop();
});

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

interface Readiness {
  checks: { temporal: { ok: boolean; error?: string } };
}

async function until(what: string, holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test('Temporal without one of our search attributes is not ready and takes no booking, and says which are needed', async () => {
  const connection = await Connection.connect({ address: temporal.address });
  const namespace = 'default';
  await connection.operatorService.removeSearchAttributes({ namespace, searchAttributes: ['SessionPhase'] });
  api = await startApi(postgres.url, { config: config({ TEMPORAL_ADDRESS: temporal.address }) });
  const sessions = async (): Promise<Readiness['checks']['temporal']> =>
    (await api.json<Readiness>('GET', '/readyz')).body.checks.temporal;
  await until('it is seen to lack one', async () => !(await sessions()).ok, 40_000);
  expect((await sessions()).error).toContain('SessionPhase=Keyword');
  const refused = await api.json('PUT', '/api/bookings/b-1', body());
  expect(refused).toMatchObject({ status: 503, body: { code: 'temporal_away' } });
  expect(refused.body.detail).toContain('SessionPhase=Keyword');
  expect(await api.db.booking.count()).toBe(0);

  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: { SessionPhase: KEYWORD as never },
  });
  await until('it is complete again', async () => (await sessions()).ok, 40_000);
  expect((await api.json('PUT', '/api/bookings/b-1', body())).status).toBe(201);
  await connection.close();
}, 120_000);

test('a telescope is made only where a gateway says that it serves it', async () => {
  const gateway = await startGatewayPeer();
  const made = telescope('t9', { gateway_url: gateway.url });
  const refused = await api.json<{ errors: Record<string, string[]> }>('PUT', '/api/telescopes/t9', made);
  expect(refused.status).toBe(422);
  expect(refused.body.errors.gateway_url![0]).toContain(
    `no gateway at ${gateway.url} serves telescope "t9": add it to the TELESCOPES_FILE`,
  );
  expect(await api.db.telescope.count({ where: { id: 't9' } })).toBe(0);
  expect((await api.json('PUT', '/api/bookings/b-9', body({ telescope_id: 't9' }))).status).toBe(422);

  gateway.answers.set('state', { status: 200, body: { ...telescopeState(newNight()), telescope_id: 't9' } });
  expect((await api.json('PUT', '/api/telescopes/t9', made)).status).toBe(201);
  gateway.answers.clear();
  expect((await api.json('PUT', '/api/telescopes/t9', { ...made, name: 'New name' })).status).toBe(200);
  expect((await api.json('PUT', '/api/telescopes/t9', { ...made, gateway_url: 'http://127.0.0.1:9' })).status).toBe(
    422,
  );
  await gateway.stop();
});
