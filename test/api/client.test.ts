import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientSource } from '../../scripts/client/typescript.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { NocturneClient, NocturneProblem } from '../../clients/typescript/nocturne.ts';
import { projectPath } from '../../platform/paths.ts';
import { KEY, at, body, config, startApi, startPostgres, telescope, type RunningApi } from './harness.ts';

describe('the typed TypeScript client', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')] });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });

  test('the file in clients/ is what the routes say now (npm run client writes it)', () => {
    const path = projectPath('clients', 'typescript', 'nocturne.ts');
    const source = clientSource(openApiDocument(api.app, '/'));
    expect(readFileSync(path, 'utf8')).toBe(source);
  });

  test('books, reads, lists and is refused with the fields named', async () => {
    const server = new NocturneClient({ baseUrl: api.url, apiKey: KEY });
    const made = await server.putBooking('ts-1', body() as never);
    expect(made).toMatchObject({ id: 'ts-1', phase: 'scheduled', start: at(60) });
    const { token } = await server.makeToken({ kind: 'booking', subject: 'ts-1', scopes: ['session:view'] });
    const page = new NocturneClient({ baseUrl: api.url, token });
    expect((await page.getSnapshot('ts-1')).progress.shots_total).toBe(10);
    expect((await page.listBookings({ per_page: 5 })).data.map((booking) => booking.id)).toEqual(['ts-1']);
    expect((await server.searchCatalogue({ query: 'M31', limit: 1 })).data[0]?.designation).toBe('M 31');
    const refused = await server
      .putBooking('ts-2', { ...body(), telescope_id: 'nowhere' } as never)
      .catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(NocturneProblem);
    expect((refused as NocturneProblem).problem.errors).toHaveProperty('telescope_id');
    await expect(page.pauseSession('ts-1')).rejects.toMatchObject({ status: 403 });
    await expect(page.downloadArchive('ts-1')).rejects.toMatchObject({ status: 404 });
  });
});
