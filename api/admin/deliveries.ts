import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { OUTBOX_TYPES } from '../../domain/contracts/webhook.ts';
import {
  OUTBOX_CHANNELS,
  OUTBOX_STATES,
  outboxState,
  outboxWhere,
  replayOutbox,
  type OutboxFilter,
} from '../../platform/outbox.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { json, route } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { READ } from './scopes.ts';

const WRITE = { scopes: ['admin:write'] } as const;

const Delivery = z
  .object({
    id: z.string(),
    channel: z.enum(OUTBOX_CHANNELS),
    receiver: z
      .string()
      .nullable()
      .describe('Which receiver of webhooks, where there are several and it is not the first'),
    type: z.enum(OUTBOX_TYPES),
    booking_id: z.string().nullable(),
    telescope_id: z.string().nullable(),
    sequence: z.number().int(),
    state: z.enum(OUTBOX_STATES),
    attempts: z.number().int(),
    created_at: Instant,
    next_attempt_at: Instant.nullable(),
    delivered_at: Instant.nullable(),
    dead_at: Instant.nullable(),
    last_error: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });

const DeliveryDetail = Delivery.extend({
  data: z.record(z.string(), z.unknown()),
  log: z.array(
    z.object({
      attempt: z.number().int(),
      at: Instant,
      status: z.number().int().nullable(),
      error: z.string().nullable(),
      duration_ms: z.number().int(),
    }),
  ),
}).meta({ id: 'DeliveryDetail' });

type Row = {
  id: string;
  channel: string;
  type: string;
  bookingId: string | null;
  telescopeId: string | null;
  sequence: number;
  attempts: number;
  createdAt: Date;
  nextAttemptAt: Date;
  deliveredAt: Date | null;
  deadAt: Date | null;
  unsent: boolean;
  lastError: string | null;
};

const showDelivery = (row: Row): Record<string, unknown> => ({
  id: row.id,
  channel: row.channel.split('.')[0],
  receiver: row.channel.split('.')[1] ?? null,
  type: row.type,
  booking_id: row.bookingId,
  telescope_id: row.telescopeId,
  sequence: row.sequence,
  state: outboxState(row),
  attempts: row.attempts,
  created_at: row.createdAt.toISOString(),
  next_attempt_at: row.deliveredAt || row.deadAt ? null : row.nextAttemptAt.toISOString(),
  delivered_at: outboxState(row) === 'delivered' ? row.deliveredAt!.toISOString() : null,
  dead_at: row.deadAt?.toISOString() ?? null,
  last_error: row.lastError,
});

const replay = (deps: Deps, actor: string, filter: OutboxFilter): Promise<number> =>
  replayOutbox(deps.db, actor, outboxWhere(filter), new Date(deps.now()));

const DeliveryPage = pageOf(Delivery, 'DeliveryPage');

const ById = z.object({ delivery_id: z.string().max(64) });

export const listDeliveries = route(
  {
    method: 'get',
    path: '/api/webhooks/deliveries',
    id: 'listDeliveries',
    tag: 'Webhooks',
    summary: 'What was, is, or could not be delivered',
    guard: READ,
    query: PageQuery.extend({
      state: z.enum(OUTBOX_STATES).optional(),
      channel: z.enum(OUTBOX_CHANNELS).optional(),
      booking_id: z.string().max(64).optional(),
      type: z.enum(OUTBOX_TYPES).optional(),
    }),
    answers: { 200: { description: 'A page', schema: DeliveryPage } },
  },
  async ({ deps, c, query }) => {
    const cursor = decodeCursor(query.cursor, 'date', 'string');
    const at = cursor ? new Date(cursor[0]!) : null;
    const rows = await deps.db.outbox.findMany({
      where: {
        ...outboxWhere({ channel: query.channel, bookingId: query.booking_id, type: query.type, state: query.state }),
        ...(at && cursor
          ? { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: cursor[1] as string } }] }
          : {}),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: query.per_page + 1,
    });
    return json(
      page(c.req.url, query.per_page, rows, showDelivery, (row) => encodeCursor(row.createdAt.toISOString(), row.id)),
    );
  },
);

export const getDelivery = route(
  {
    method: 'get',
    path: '/api/webhooks/deliveries/{delivery_id}',
    id: 'getDelivery',
    tag: 'Webhooks',
    summary: 'One delivery with its attempts',
    guard: READ,
    params: ById,
    answers: { 200: { description: 'The delivery', schema: DeliveryDetail } },
  },
  async ({ deps, params }) => {
    const row = await deps.db.outbox.findUnique({ where: { id: params.delivery_id } });
    if (!row) throw new Problem('not_found', 'No such delivery.');
    const log = await deps.db.delivery.findMany({ where: { outboxId: row.id }, orderBy: { at: 'asc' }, take: 200 });
    return json({
      ...showDelivery(row),
      data: row.data,
      log: log.map((d) => ({
        attempt: d.attempt,
        at: d.at.toISOString(),
        status: d.status,
        error: d.error,
        duration_ms: d.durationMs,
      })),
    });
  },
);

export const replayDelivery = route(
  {
    method: 'post',
    path: '/api/webhooks/deliveries/{delivery_id}/replay',
    id: 'replayDelivery',
    tag: 'Webhooks',
    summary: 'Deliver again, with the same id',
    guard: WRITE,
    params: ById,
    answers: { 202: { description: 'Queued', schema: Delivery } },
    problems: ['in_progress', 'conflict'],
  },
  async ({ deps, c, who, params }) =>
    idempotent(deps, c, who, params, async () => {
      if ((await replay(deps, who.name, { id: params.delivery_id })) === 0)
        throw new Problem('not_found', 'No such delivery.');
      return json(showDelivery(await deps.db.outbox.findUniqueOrThrow({ where: { id: params.delivery_id } })), 202);
    }),
);

export const replayDeliveries = route(
  {
    method: 'post',
    path: '/api/webhooks/replay',
    id: 'replayDeliveries',
    tag: 'Webhooks',
    summary: 'Deliver again all that is dead, or all of a booking',
    guard: WRITE,
    body: z
      .object({ booking_id: z.string().max(64).optional(), dead: z.boolean().optional() })
      .meta({ id: 'ReplayRequest' }),
    answers: {
      202: { description: 'Queued', schema: z.object({ count: z.number().int() }).meta({ id: 'ReplayResult' }) },
    },
    problems: ['in_progress', 'conflict'],
  },
  async ({ deps, c, who, body }) => {
    if (!body.booking_id && !body.dead) throw invalid({ dead: ['give booking_id, or dead: true'] });
    return idempotent(deps, c, who, body, async () =>
      json(
        {
          count: await replay(deps, who.name, {
            channel: 'webhook',
            bookingId: body.booking_id,
            ...(body.dead ? { state: 'dead' } : {}),
          }),
        },
        202,
      ),
    );
  },
);
