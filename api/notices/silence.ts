import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import type { Silence } from '../../prisma/client/client.ts';
import { Problem, invalid } from '../errors.ts';
import { json, route, routes } from '../operation.ts';

const MAX_MINUTES = 24 * 60;

const Request = z
  .object({
    minutes: z.number().int().min(1).max(MAX_MINUTES).default(60),
    telescope_id: TelescopeId.optional().describe('left out: all telescopes'),
    reason: z.string().max(200).optional(),
  })
  .meta({ id: 'SilenceRequest' });

const Row = z
  .object({
    id: z.string(),
    telescope_id: z.string().nullable(),
    actor: z.string(),
    reason: z.string().nullable(),
    from: Instant,
    until: Instant,
  })
  .meta({ id: 'Silence' });

const show = (row: Silence): z.infer<typeof Row> => ({
  id: row.id,
  telescope_id: row.telescopeId,
  actor: row.actor,
  reason: row.reason,
  from: row.fromAt.toISOString(),
  until: row.untilAt.toISOString(),
});

const silenceAlerts = route(
  {
    method: 'post',
    path: '/api/alerts/silences',
    id: 'silenceAlerts',
    tag: 'Admin',
    summary: 'Hold alerts back for an hour, or as long as said',
    guard: { scopes: ['admin:write'] },
    body: Request,
    bodyOptional: true,
    answers: { 201: { description: 'From now on', schema: Row } },
  },
  async ({ deps, who, body }) => {
    const telescopeId = body.telescope_id ?? null;
    if (telescopeId && !(await deps.telescopes.find(telescopeId)))
      throw invalid({ telescope_id: [`there is no telescope "${telescopeId}"`] });
    const from = new Date(deps.now());
    const id = randomUUID();
    const untilAt = new Date(from.getTime() + (body.minutes ?? 60) * 60_000);
    const [row] = await deps.db.$transaction([
      deps.db.silence.create({
        data: { id, telescopeId, actor: who.name, reason: body.reason ?? null, fromAt: from, untilAt },
      }),
      deps.db.audit.create({
        data: {
          id: randomUUID(),
          at: from,
          actor: who.name,
          action: 'alerts.silence',
          telescopeId,
          data: { id, until: untilAt.toISOString() },
        },
      }),
    ]);
    return json(show(row), 201);
  },
);

const listSilences = route(
  {
    method: 'get',
    path: '/api/alerts/silences',
    id: 'listSilences',
    tag: 'Admin',
    summary: 'Silences that have not ended',
    guard: { scopes: ['admin:read'] },
    answers: { 200: { description: 'All', schema: z.object({ data: z.array(Row) }).meta({ id: 'SilenceList' }) } },
  },
  async ({ deps }) => {
    const where = { untilAt: { gt: new Date(deps.now()) } };
    return json({ data: (await deps.db.silence.findMany({ where, orderBy: { untilAt: 'asc' } })).map(show) });
  },
);

const endSilence = route(
  {
    method: 'delete',
    path: '/api/alerts/silences/{silence_id}',
    id: 'endSilence',
    tag: 'Admin',
    summary: 'End a silence; what waited goes now',
    guard: { scopes: ['admin:write'] },
    params: z.object({ silence_id: z.string().max(64) }),
    answers: { 204: { description: 'Ended' } },
  },
  async ({ deps, who, params }) => {
    const at = new Date(deps.now());
    const ended = await deps.db.silence.updateMany({
      where: { id: params.silence_id, untilAt: { gt: at } },
      data: { untilAt: at },
    });
    if (ended.count === 0) throw new Problem('not_found', 'No such silence.');
    await deps.db.$transaction([
      deps.db
        .$executeRaw`UPDATE outbox SET next_attempt_at = now(), held_until = NULL WHERE channel = 'operator' AND held_until IS NOT NULL AND delivered_at IS NULL AND dead_at IS NULL`,
      deps.db.audit.create({
        data: {
          id: randomUUID(),
          at,
          actor: who.name,
          action: 'alerts.silence.end',
          data: { id: params.silence_id },
        },
      }),
    ]);
    return new Response(null, { status: 204 });
  },
);

/** Alerts wait while somebody is at work on them; what would page goes through, and what waited comes when the silence ends. */
export const silenceRoutes = routes(silenceAlerts, listSilences, endSilence);
