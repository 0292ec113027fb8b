import { beforeAll, describe, expect, test } from '@jest/globals';
import { createConfig, lintFromString, type Config } from '@redocly/openapi-core';
import { createApp } from '../../api/app.ts';
import { asyncApiDocument, openApiDocument } from '../../api/openapi.ts';
import { BusListener } from '../../platform/bus.ts';
import { createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { createTemporalClient } from '../../platform/temporal.ts';
import { config, telescope } from './harness.ts';

/** Redocly's strictest set of rules, every warning an error; nothing is fetched. */
describe('the documents pass a strict lint', () => {
  let rules: Config;
  const NOBODY = 'postgresql://nobody@127.0.0.1:9/none';
  beforeAll(async () => {
    rules = await createConfig({ extends: ['recommended-strict'], telemetry: 'off' });
  });
  /** The union of all webhooks is what a receiver wants to name; no route of ours has it. */
  const FOR_CLIENTS = '#/components/schemas/Webhook';
  const problems = async (document: object): Promise<string[]> =>
    (await lintFromString({ source: JSON.stringify(document), config: rules }))
      .filter((p) => !(p.ruleId === 'no-unused-components' && p.location[0]?.pointer === FOR_CLIENTS))
      .map((p) => `${p.severity} ${p.ruleId}: ${p.message} (${p.location[0]?.pointer ?? ''})`);
  const openApi = async (): Promise<object> => {
    const settings = config();
    const logger = createLogger('lint', 'silent');
    const { client, connection } = createTemporalClient(settings);
    const db = createDatabase(NOBODY, logger);
    const { app, deps } = createApp({
      config: settings,
      logger,
      db,
      temporal: client,
      bus: new BusListener(NOBODY, logger),
      telescopes: [telescope('t1')],
    });
    const document = openApiDocument(app, 'http://127.0.0.1:3000');
    await deps.live.stop();
    await Promise.allSettled([db.$disconnect(), connection.close()]);
    return document;
  };

  test('OpenAPI 3.1', async () => {
    expect(await problems(await openApi())).toEqual([]);
  });

  test('AsyncAPI 3.0', async () => {
    expect(await problems(asyncApiDocument('nocturne'))).toEqual([]);
  });

  test('the lint sees what is wrong: a reference into nothing, a response without description, an operation without its path parameter', async () => {
    const broken = JSON.parse(
      JSON.stringify(await openApi()).replace('#/components/schemas/BookingPage', '#/components/schemas/NoSuchThing'),
    ) as {
      paths: Record<string, { get: { parameters: unknown[]; responses: Record<string, { description?: string }> } }>;
    };
    broken.paths['/api/bookings/{id}']!.get.parameters = [];
    delete broken.paths['/api/bookings/{id}']!.get.responses['200']!.description;
    const found = (await problems(broken)).map((p) => p.split(':')[0]);
    expect(found).toEqual(
      expect.arrayContaining(['error no-unresolved-refs', 'error path-parameters-defined', 'error struct']),
    );
  });
});
