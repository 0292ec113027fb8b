import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { asyncApiDocument } from '../../api/openapi.ts';
import { WEBHOOK_SCHEMAS, WEBHOOK_TYPES, type WebhookType } from '../../domain/contracts/webhook.ts';
import { EVENT_TYPES } from '../../domain/event-types.ts';
import {
  NIGHT,
  at,
  config,
  insertBooking,
  startApi,
  startGatewayPeer,
  startPostgres,
  telescope,
  type GatewayPeer,
  type RunningApi,
} from './harness.ts';
import { startTemporal, type TemporalServer } from '../../stack/own-temporal.ts';
import { resolve, violations, type OpenApi, type Operation, type Schema } from './schema.ts';

/** Lone surrogates cannot stand in an address. */
const wellFormed = (value: string): string => Buffer.from(value).toString('utf8');
const LONG = process.env.NOCTURNE_LONG === '1';
const RUNS = LONG ? 60 : 4;
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

describe('the OpenAPI document and the running API agree', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let temporal: TemporalServer;
  let gateway: GatewayPeer;
  let api: RunningApi;
  let document: OpenApi;
  let operations: { path: string; method: string; operation: Operation }[];
  beforeAll(async () => {
    [postgres, temporal, gateway] = await Promise.all([startPostgres(), startTemporal(), startGatewayPeer()]);
    api = await startApi(postgres.url, {
      config: config({ TEMPORAL_ADDRESS: temporal.address }),
      telescopes: [telescope('t1', { gateway_url: gateway.url })],
      limits: { perTokenPerSecond: 1e6, burst: 1e6, authFailuresPerMinute: 1e6 },
    });
    await insertBooking(api, 'a', { start: at(-30), end: at(30) }, { ref: 'ada', display_name: 'Ada' }, 'completed');
    await insertBooking(api, 'b', { start: at(40), end: at(90) }, { ref: 'ada' });
    await api.db.frame.create({
      data: {
        id: 'f1',
        telescopeId: 't1',
        bookingId: 'a',
        sourceKey: 'k',
        sourcePath: 'x',
        filename: 'x.fits',
        type: 'LIGHT',
        histogram: [],
        state: 'archived',
        capturedAt: new Date(NIGHT),
      },
    });
    await api.db.timeline.create({
      data: { id: 'l1', bookingId: 'a', at: new Date(NIGHT), event: 'x', message: 'y', data: {} },
    });
    document = (await api.json<OpenApi>('GET', '/openapi.json')).body;
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => METHODS.includes(method))
        .map(([method, operation]) => ({ path, method, operation })),
    );
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await Promise.all([temporal?.stop(), postgres?.stop(), gateway?.stop()]);
  });

  test('the document is whole: ids, summaries, tags, parameters, references, security', () => {
    const problems: string[] = [];
    const ids = new Set<string>();
    const tags = new Set(document.tags.map((tag) => tag.name));
    const walk = (value: unknown, where: string): void => {
      if (Array.isArray(value)) value.forEach((item, i) => walk(item, `${where}[${i}]`));
      else if (typeof value === 'object' && value !== null)
        for (const [name, item] of Object.entries(value)) {
          if (name === '$ref') {
            try {
              resolve(document, { $ref: String(item) });
            } catch {
              problems.push(`${where}: ${String(item)}`);
            }
          } else walk(item, `${where}.${name}`);
        }
    };
    walk(document.paths, 'paths');
    walk(document.webhooks, 'webhooks');
    walk(document.components, 'components');
    for (const { path, method, operation } of operations) {
      const name = `${method} ${path}`;
      if (!operation.operationId || ids.has(operation.operationId)) problems.push(`${name}: operationId`);
      ids.add(operation.operationId);
      if (!operation.summary) problems.push(`${name}: summary`);
      if (!operation.tags?.length || operation.tags.some((tag) => !tags.has(tag))) problems.push(`${name}: tags`);
      const declared = (operation.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name);
      const used = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!);
      if (declared.toSorted().join() !== used.toSorted().join())
        problems.push(`${name}: path parameters ${declared.join()} / ${used.join()}`);
      for (const requirement of operation.security ?? [])
        for (const scheme of Object.keys(requirement))
          if (!document.components.securitySchemes[scheme]) problems.push(`${name}: security ${scheme}`);
      for (const [status, answer] of Object.entries(operation.responses))
        if (!answer.description) problems.push(`${name}: ${status} has no description`);
      if (!Object.keys(operation.responses).some((status) => status.startsWith('2')))
        problems.push(`${name}: no success`);
    }
    expect(problems).toEqual([]);
    expect(document.openapi).toBe('3.1.0');
    expect(operations.length).toBeGreaterThan(70);
    const open = operations
      .filter(({ operation }) => operation.security?.length === 0)
      .map(({ method, path }) => `${method} ${path}`);
    expect(open.toSorted()).toEqual([
      'get /api/catalogue',
      'get /api/config',
      'get /healthz',
      'get /metrics',
      'get /readyz',
      // A page without a key asks for a new link, and a link is exchanged for one; operators sign in. All are counted by address.
      'post /api/links',
      'post /api/links/exchange',
      'post /api/login',
      'post /api/login/options',
      'post /api/passkeys',
      'post /api/passkeys/options',
    ]);
  });

  test('the AsyncAPI document is served and names every channel', async () => {
    const served = await api.json<{ asyncapi: string; channels: Record<string, { address: string }> }>(
      'GET',
      '/asyncapi.json',
    );
    expect(served.body).toEqual(JSON.parse(JSON.stringify(asyncApiDocument('appkey'))));
    expect(Object.values(served.body.channels).map((c) => c.address)).toEqual([
      'private-session.{id}',
      'private-cache-session.{id}.state',
      'presence-telescope.{id}',
      'private-admin',
      'webhooks',
    ]);
  });

  test('every webhook stands in the document with its own body and an example that keeps it', () => {
    expect(Object.keys(document.webhooks)).toEqual([...WEBHOOK_TYPES]);
    for (const [type, { post }] of Object.entries(document.webhooks)) {
      const { schema, examples } = post!.requestBody!.content['application/json']!;
      const [example] = Object.values(examples!);
      expect([type, violations(document, schema, example!.value)]).toEqual([type, []]);
      expect([type, WEBHOOK_SCHEMAS[type as WebhookType].strict().safeParse(example!.value).error]).toEqual([
        type,
        undefined,
      ]);
      // A body of another type is none of this one, nor is one whose data are free.
      const other = { ...(example!.value as object), type: 'session.unheard_of' };
      expect(violations(document, schema, other)).not.toEqual([]);
      expect(violations(document, schema, { ...(example!.value as object), data: {} })).not.toEqual([]);
    }
  });

  test('the AsyncAPI document says what each event and webhook carries', () => {
    const { components } = asyncApiDocument('appkey') as {
      components: {
        schemas: OpenApi['components']['schemas'];
        messages: Record<string, { payload: Schema; examples?: { payload: unknown }[] }>;
      };
    };
    const whole = { ...document, components: { ...document.components, ...components } };
    for (const name of [...EVENT_TYPES, ...WEBHOOK_TYPES.map((type) => `webhook.${type}`)]) {
      const message = components.messages[name]!;
      const { type, data } = resolve(whole, message.payload).properties!;
      expect([name, type!.const]).toEqual([name, name.replace('webhook.', '')]);
      expect([name, Object.keys(resolve(whole, data!).properties ?? {}).length]).not.toEqual([name, 0]);
      for (const { payload } of message.examples ?? [])
        expect([name, violations(whole, message.payload, payload)]).toEqual([name, []]);
    }
  });

  test('the documentation page works from this machine alone', async () => {
    const html = await (await api.fetch('/docs', { key: null })).text();
    expect(html).not.toMatch(/https?:\/\//);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([path, (await api.fetch(path!, { key: null })).status]).toEqual([path, 200]);
  });

  test('no operation works without authentication', async () => {
    for (const { path, method, operation } of operations) {
      if (operation.security?.length === 0) continue;
      const address = path.replaceAll(/\{(\w+)\}/g, 'a');
      for (const headers of [{}, { authorization: 'Bearer nct_x.y' }, { 'x-api-key': 'wrong' }] as Record<
        string,
        string
      >[]) {
        const response = await fetch(`${api.url}${address}`, {
          method: method.toUpperCase(),
          headers: { ...headers, ...(method === 'get' ? {} : { 'content-type': 'application/json' }) },
          ...(method === 'get' ? {} : { body: '{}' }),
        });
        await response.arrayBuffer();
        expect([method, path, response.status]).toEqual([method, path, 401]);
      }
    }
  });

  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '',
      ' ',
      '0',
      '-1',
      'null',
      '../../etc',
      "' OR 1=1 --",
      '\u0000',
      '💫',
      'a'.repeat(300),
      '2026-11-22T22:00:00Z',
    ),
  );
  const known: Record<string, fc.Arbitrary<unknown>> = {
    id: fc.constantFrom('a', 'b', 't1', 'none'),
    telescope_id: fc.constantFrom('t1', 'none'),
    telescope: fc.constantFrom('t1', 'none'),
    image_id: fc.constantFrom('f1', 'none'),
    ref: fc.constantFrom('ada', 'none'),
    guid: fc.constantFrom('7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11'),
    cursor: fc.constantFrom(
      '',
      'WzFd',
      'bnVsbA',
      Buffer.from('["2026-11-22T22:00:00.000Z","x"]').toString('base64url'),
    ),
    start: fc.constantFrom(at(200), at(-50), at(10_000)),
    end: fc.constantFrom(at(260), at(-10)),
    from: fc.constantFrom(at(0), '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'),
    to: fc.constantFrom(at(100), '9999-12-31T23:59:59Z'),
    filter: fc.constantFrom('L', 'Q'),
  };
  /** Values mostly as the schema wants them, at its edges too, and at times anything. */
  function arbitrary(schemaGiven: Schema, name: string, depth = 0): fc.Arbitrary<unknown> {
    const schema = resolve(document, schemaGiven);
    const junk = fc.oneof(text, fc.double(), fc.constantFrom<unknown>(null, true, [], {}, 1e308, -0));
    const wrap = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof({ arbitrary: right, weight: 12 }, { arbitrary: junk, weight: 1 });
    if (known[name] && depth < 3) return wrap(known[name]);
    if (schema.enum) return wrap(fc.constantFrom(...schema.enum));
    if (schema.const !== undefined) return wrap(fc.constant(schema.const));
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((choice) => arbitrary(choice, name, depth + 1)));
    if (schema.allOf) return arbitrary(schema.allOf[0]!, name, depth + 1);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    switch (type) {
      case 'object': {
        const required = new Set(schema.required ?? []);
        const fields = Object.entries(schema.properties ?? {}).map(
          ([field, part]) =>
            [
              field,
              required.has(field)
                ? arbitrary(part, field, depth + 1)
                : fc.option(arbitrary(part, field, depth + 1), { nil: undefined }),
            ] as const,
        );
        return wrap(fc.record(Object.fromEntries(fields)));
      }
      case 'array':
        return wrap(
          fc.array(arbitrary(schema.items ?? {}, name, depth + 1), {
            minLength: Math.min(schema.minItems ?? 0, 3),
            maxLength: 3,
          }),
        );
      case 'integer':
        return wrap(
          fc.integer({
            min: Math.max(schema.minimum ?? -5, -(2 ** 31)),
            max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1),
          }),
        );
      case 'number':
        return wrap(fc.double({ min: schema.minimum ?? -100, max: schema.maximum ?? 100, noNaN: true }));
      case 'boolean':
        return wrap(fc.boolean());
      default:
        return schema.format === 'date-time' ? wrap(fc.constantFrom(at(0), at(90), at(5_000))) : text;
    }
  }

  test(
    `any request gets a documented answer that keeps its schema, never a fault of ours (${RUNS} per operation)`,
    async () => {
      const tried: string[] = [];
      const problems: string[] = [];
      for (const { path, method, operation } of operations) {
        // Waits up to 10 s for telemetry that no worker of this test sends.
        const waits =
          /\/(pause|resume)$|\/robotarget\/|\/toggle$|\/reschedule$|\/extend$/.test(path) ||
          (method === 'delete' && path === '/api/bookings/{id}') ||
          (method === 'patch' && path === '/api/bookings/{id}');
        const parameters = operation.parameters ?? [];
        const schema = operation.requestBody?.content['application/json']?.schema;
        const input = fc.record({
          params: fc.record(
            Object.fromEntries(
              parameters.map((p) => [
                p.name,
                p.required
                  ? arbitrary(p.schema, p.name)
                  : fc.option(arbitrary(p.schema, p.name), { nil: undefined, freq: 2 }),
              ]),
            ),
          ),
          body: schema ? arbitrary(schema, '') : fc.constant(undefined),
        });
        for (const { params, body } of fc.sample(input, {
          numRuns: waits ? Math.min(2, RUNS) : RUNS,
          seed: 20_261_122,
        })) {
          const values = params as Record<string, unknown>;
          const asText = (value: unknown): string =>
            wellFormed(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
          if (waits && (method === 'delete' || method === 'post'))
            for (const name of ['id', 'guid'])
              if (Object.hasOwn(values, name)) values[name] = name === 'id' ? 'none' : 'not-a-guid';
          const address = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
            encodeURIComponent(asText(values[name]) || 'x'),
          );
          const query = new URLSearchParams();
          for (const p of parameters)
            if (p.in === 'query' && values[p.name] !== undefined && !['exp', 'sig'].includes(p.name))
              query.set(p.name, asText(values[p.name]));
          if (waits && 'telescope' in values) query.set('telescope', 'none');
          const url = `${address}${query.size > 0 ? `?${query.toString()}` : ''}`;
          const response = await api.fetch(url, {
            method: method.toUpperCase(),
            ...(body === undefined
              ? {}
              : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
          });
          const content = await response.text();
          const what = `${method} ${url} ${body === undefined ? '' : JSON.stringify(body).slice(0, 400)} → ${response.status} ${content.slice(0, 300)}`;
          tried.push(what);
          // Addresses that are not this operation's any more once its parameter has been filled in (a slash, a dot).
          const documented = operation.responses[String(response.status)];
          if (response.status === 404 && content.includes('nothing at this address')) continue;
          if (!documented || response.status === 500) {
            problems.push(`${response.status === 500 ? 'fault' : 'undocumented'}: ${what}`);
            continue;
          }
          const media = (response.headers.get('content-type') ?? '').split(';')[0]!;
          const expected = documented.content?.[media]?.schema;
          if (media.endsWith('json') && content) {
            const broken = expected
              ? violations(document, expected, JSON.parse(content))
              : [`undocumented media type ${media}`];
            if (broken.length > 0) problems.push(`${broken.slice(0, 3).join('; ')}: ${what}`);
          }
        }
      }
      expect(problems).toEqual([]);
      expect(tried.length).toBeGreaterThan(operations.length);
    },
    LONG ? 900_000 : 120_000,
  );
});
