import { readFileSync } from 'node:fs';
import { z } from '@hono/zod-openapi';
import { LIVE_EVENTS, LIVE_EVENT_SCHEMAS, eventSchemaId } from '../domain/contracts/live-events.ts';
import { WEBHOOKS, WEBHOOK_TYPES, Webhook, webhookExample, webhookSchemaId } from '../domain/contracts/webhook.ts';
import { EVENT_TYPES, isVolatile } from '../domain/event-types.ts';
import { projectPath } from '../platform/paths.ts';
import { SNAPSHOT_EVENT } from './live/snapshots.ts';
import type { App } from './operation.ts';

const version = (): string =>
  (JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as { version: string }).version;
const LICENSE = { name: 'MIT', url: 'https://opensource.org/license/mit' };
const TAGS = [
  ['Bookings', 'What was booked, for whom and what of'],
  ['Controls', 'Pause, resume, stop, move, extend: each with a receipt'],
  ['Sessions', 'A session as it runs and after it'],
  ['Images', 'Frames, previews and their pixels'],
  ['Telescopes', 'Telescopes, their state and their free nights'],
  ['Access', 'Keys and tokens'],
  ['Operators', 'Invitations, passkeys and sessions of those who work at the observatory'],
  ['Users', 'A person’s data'],
  ['Live', 'The Pusher-compatible live stream'],
  ['Drop-in', 'The routes an existing Laravel service calls'],
  ['RoboTarget', 'Sets, targets and shots by hand'],
  ['Webhooks', 'Deliveries and their replay'],
  ['Admin', 'For the operator'],
  ['Calendars', 'Feeds of nights for a calendar program, under secret addresses that can be ended.'],
  ['Pages', 'For our own pages'],
  ['System', 'Health and metrics'],
] as const;

/** OpenAPI 3.1 from the routes themselves. */
export function openApiDocument(app: App, server: string): object {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'nocturne',
      version: version(),
      description:
        'Durable telescope sessions for Voyager observatories. JSON in snake_case; times are ISO 8601 with an offset; units stand in the names. Errors are RFC 9457 problem documents; 422 carries `errors{field: [...]}`. Controls take `Idempotency-Key` and give receipts.',
      license: LICENSE,
    },
    servers: [{ url: server }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
  });
  // The generator loses "or null" around a named schema, so the named schemas come from zod itself. Bodies and answers share
  // them, hence the view of what may be sent, which an answer satisfies too.
  const named = namedSchemas('input');
  const schemas = { ...document.components?.schemas };
  for (const id of Object.keys(schemas))
    schemas[id] = (named.get(id) as (typeof schemas)[string] | undefined) ?? schemas[id]!;
  return {
    ...document,
    webhooks: webhookItems(),
    components: {
      ...document.components,
      schemas: { ...schemas, ...withReferences(named, [idOf(Webhook)]) },
    },
  };
}

/** What is posted to WEBHOOK_URL, one item a type. */
const webhookItems = (): object =>
  Object.fromEntries(
    WEBHOOK_TYPES.map((type) => [
      type,
      {
        post: {
          operationId: `on${webhookSchemaId(type)}`,
          tags: ['Webhooks'],
          summary: WEBHOOKS[type].says,
          description:
            'Signed (`Signature`, Standard Webhooks), in order per booking, at least once under one `id`. Addresses (`url`, `preview_url`, …) are whole, and open by themselves for 30 days.',
          // Not one of our credentials: the signature in the headers says who posts.
          security: [],
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: { $ref: `#/components/schemas/${webhookSchemaId(type)}` },
                examples: { [webhookSchemaId(type)]: { value: webhookExample(type) } },
              },
            },
          },
          responses: { '2XX': { description: 'Received; anything else is tried again for 24 h' } },
        },
      },
    ]),
  );

const idOf = (schema: z.ZodType): string => schema.meta()!.id!;

/** Every schema that has a name, as JSON Schema with references between components. */
function namedSchemas(io: 'input' | 'output'): Map<string, object> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    io,
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // A default that is an object crashes makers of clients; what is left out says the same.
      if (typeof jsonSchema.default === 'object' && !Array.isArray(jsonSchema.default)) delete jsonSchema.default;
      // A record over an enum has exactly these fields; said as fields, every reader of schemas understands it.
      const { propertyNames, additionalProperties, required } = jsonSchema;
      if (
        !required ||
        jsonSchema.properties ||
        typeof additionalProperties !== 'object' ||
        typeof propertyNames !== 'object'
      )
        return;
      jsonSchema.properties = Object.fromEntries(required.map((name) => [name, additionalProperties]));
      jsonSchema.additionalProperties = false;
      delete jsonSchema.propertyNames;
    },
  });
  return new Map(
    Object.entries(schemas).map(([id, schema]) => {
      const { $id: _id, $schema: _dialect, id: _name, ...rest } = schema as Record<string, unknown>;
      return [id, rest];
    }),
  );
}
/** The named schemas and all that they refer to. */
function withReferences(all: Map<string, object>, ids: readonly string[]): Record<string, object> {
  const found: Record<string, object> = {};
  const take = (id: string): void => {
    const schema = all.get(id);
    if (!schema || found[id]) return;
    found[id] = schema;
    for (const [, other] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]{1,120})"/g)) take(other!);
  };
  ids.forEach(take);
  return found;
}

const ref = (path: string): object => ({ $ref: path });

/** Every live event, the snapshot and every webhook as messages; a webhook's key bears `webhook.` before its type. */
function asyncMessages(): object {
  const message = (name: string, schema: string, note: string, example?: object): object => ({
    name,
    title: name,
    summary: note,
    contentType: 'application/json',
    payload: ref(`#/components/schemas/${schema}`),
    ...(example ? { examples: [{ name, payload: example }] } : {}),
  });
  return {
    ...Object.fromEntries(
      EVENT_TYPES.map((type) => [
        type,
        message(
          type,
          eventSchemaId(type),
          `${LIVE_EVENTS[type].says}. ${isVolatile(type) ? 'Not stored; the newest replaces the older.' : 'Stored, with a gapless seq.'}`,
        ),
      ]),
    ),
    [SNAPSHOT_EVENT]: message(SNAPSHOT_EVENT, 'Snapshot', 'At most 8 KB'),
    ...Object.fromEntries(
      WEBHOOK_TYPES.map((type) => [
        `webhook.${type}`,
        message(type, webhookSchemaId(type), WEBHOOKS[type].says, webhookExample(type)),
      ]),
    ),
  };
}

/** AsyncAPI 3.0 of the live stream and the webhooks. */
export function asyncApiDocument(key: string): object {
  const session = Object.fromEntries(EVENT_TYPES.map((type) => [type, ref(`#/components/messages/${type}`)]));
  const operation = (channel: string, summary: string, security = 'channelSignature'): object => ({
    action: 'send',
    channel: ref(`#/channels/${channel}`),
    summary,
    security: [ref(`#/components/securitySchemes/${security}`)],
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'nocturne live stream',
      version: version(),
      description:
        'Pusher Channels protocol 7 on `/app/{key}`: stock laravel-echo and pusher-js work unmodified. Missed events: `GET /api/bookings/{id}/events?after=seq`.',
      license: LICENSE,
    },
    defaultContentType: 'application/json',
    servers: {
      live: {
        host: '{host}',
        pathname: `/app/${key}`,
        protocol: 'wss',
        variables: { host: { description: 'Host of the API' } },
      },
    },
    channels: {
      session: {
        address: 'private-session.{id}',
        description: 'Changes of one session',
        parameters: { id: { description: 'Booking id' } },
        messages: session,
      },
      state: {
        address: 'private-cache-session.{id}.state',
        description: 'The last snapshot on joining, on each change of phase and every 30 s',
        parameters: { id: { description: 'Booking id' } },
        messages: { [SNAPSHOT_EVENT]: ref(`#/components/messages/${SNAPSHOT_EVENT}`) },
      },
      telescope: {
        address: 'presence-telescope.{id}',
        description: 'Who watches; members carry role and initials only',
        parameters: { id: { description: 'Telescope id' } },
        messages: {},
      },
      admin: { address: 'private-admin', description: 'All sessions, for operators', messages: session },
      webhooks: {
        address: 'webhooks',
        description: 'POST to WEBHOOK_URL, signed (`Signature`, Standard Webhooks), in order per booking',
        messages: Object.fromEntries(WEBHOOK_TYPES.map((type) => [type, ref(`#/components/messages/webhook.${type}`)])),
      },
    },
    operations: {
      session: operation('session', 'Events of a session'),
      state: operation('state', 'Snapshots'),
      admin: operation('admin', 'Events of all sessions'),
      webhooks: operation('webhooks', 'What Laravel hears', 'webhookSignature'),
    },
    components: {
      schemas: withReferences(namedSchemas('output'), [
        ...Object.values(LIVE_EVENT_SCHEMAS).map(idOf),
        'Snapshot',
        ...WEBHOOK_TYPES.map(webhookSchemaId),
      ]),
      securitySchemes: {
        channelSignature: {
          type: 'apiKey',
          in: 'password',
          description:
            '`auth` of `pusher:subscribe`: HMAC-SHA256 with the app secret, by your own `/broadcasting/auth` or by ours (booking, user or admin token, server key).',
        },
        webhookSignature: {
          type: 'httpApiKey',
          name: 'webhook-signature',
          in: 'header',
          description: 'Standard Webhooks; `Signature` (hex HMAC-SHA256 of the body) stands beside it.',
        },
      },
      messages: asyncMessages(),
    },
  };
}
