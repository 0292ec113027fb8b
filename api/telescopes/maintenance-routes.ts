import { z } from '@hono/zod-openapi';
import { Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { Maintenance } from '../../domain/contracts/telescope.ts';
import { randomUUID } from 'node:crypto';
import { publish } from '../../platform/bus.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { tellOfMaintenance } from './maintenance.ts';
import { json, route } from '../operation.ts';
import { Id } from './view.ts';

const MaintenanceRow = z
  .object({
    id: z.string(),
    telescope_id: TelescopeId,
    from: Instant,
    to: Instant,
    reason: z.string(),
    bookings: z.enum(['hold', 'cancel']),
    ended_at: Instant.nullable(),
  })
  .meta({ id: 'MaintenanceWindow' });

const MaintenanceEntered = MaintenanceRow.extend({
  affected: z.array(z.string()),
  gate_knows: z.boolean().describe('The gateway that guards the telescope has the window'),
  message: z.string().optional(),
}).meta({ id: 'MaintenanceEntered' });

const showMaintenance = (row: {
  id: string;
  telescopeId: string;
  fromAt: Date;
  toAt: Date;
  reason: string;
  bookings: string;
  endedAt: Date | null;
}): object => ({
  id: row.id,
  telescope_id: row.telescopeId,
  from: row.fromAt.toISOString(),
  to: row.toAt.toISOString(),
  reason: row.reason,
  bookings: row.bookings,
  ended_at: row.endedAt?.toISOString() ?? null,
});

export const startMaintenance = route(
  {
    method: 'post',
    path: '/api/telescopes/{id}/maintenance',
    id: 'startMaintenance',
    tag: 'Telescopes',
    summary: 'Take a telescope out of service for a while',
    description:
      '201 only when the gateway that guards the telescope has the window; its sessions hold or end within seconds. 202 means that it could not be told: it reads the window itself within ten seconds of being back.',
    guard: { scopes: ['telescopes:write'] },
    params: Id,
    body: Maintenance,
    answers: {
      201: {
        description:
          'Entered, and the telescope’s gate knows it: nothing is started inside the window; names the bookings inside',
        schema: MaintenanceEntered,
      },
      202: {
        description: 'Entered, and the telescope’s gate does not know yet: nobody goes in on the strength of this',
        schema: MaintenanceEntered,
      },
    },
    problems: ['in_progress', 'conflict'],
  },
  async ({ deps, c, who, params, body }) => {
    await deps.telescopes.get(params.id);
    if (Date.parse(body.to) <= Date.parse(body.from)) throw invalid({ to: ['must be after from'] });
    return idempotent(deps, c, who, { id: params.id, body }, async () => {
      const row = await deps.db.$transaction(async (tx) => {
        const made = await tx.maintenance.create({
          data: {
            id: randomUUID(),
            telescopeId: params.id,
            fromAt: new Date(body.from),
            toAt: new Date(body.to),
            reason: body.reason,
            bookings: body.bookings,
          },
        });
        await tx.audit.create({
          data: {
            id: randomUUID(),
            at: new Date(deps.now()),
            actor: who.name,
            action: 'maintenance.start',
            telescopeId: params.id,
            data: { ...body },
          },
        });
        await publish(tx, { kind: 'control', what: 'maintenance.changed', data: { telescope_id: params.id } });
        return made;
      });
      const problem = await tellOfMaintenance(deps, params.id);
      const affected = await deps.db.booking.findMany({
        where: { telescopeId: params.id, occupies: true, startsAt: { lt: row.toAt }, endsAt: { gt: row.fromAt } },
        select: { id: true },
        orderBy: { startsAt: 'asc' },
      });
      const entered = { ...showMaintenance(row), affected: affected.map((b) => b.id) };
      return problem === null
        ? json({ ...entered, gate_knows: true }, 201)
        : json({ ...entered, gate_knows: false, message: problem }, 202);
    });
  },
);

export const listMaintenance = route(
  {
    method: 'get',
    path: '/api/telescopes/{id}/maintenance',
    id: 'listMaintenance',
    tag: 'Telescopes',
    summary: 'Maintenance windows, present and to come',
    guard: { scopes: ['telescopes:read', 'telescopes:write', 'admin:read'] },
    params: Id,
    answers: {
      200: {
        description: 'Windows',
        schema: z.object({ data: z.array(MaintenanceRow) }).meta({ id: 'MaintenanceList' }),
      },
    },
  },
  async ({ deps, params }) => {
    await deps.telescopes.get(params.id);
    const rows = await deps.db.maintenance.findMany({
      where: { telescopeId: params.id, endedAt: null, toAt: { gt: new Date(deps.now()) } },
      orderBy: { fromAt: 'asc' },
    });
    return json({ data: rows.map(showMaintenance) });
  },
);

export const endMaintenance = route(
  {
    method: 'delete',
    path: '/api/telescopes/{id}/maintenance/{maintenance_id}',
    id: 'endMaintenance',
    tag: 'Telescopes',
    summary: 'End a maintenance window now',
    guard: { scopes: ['telescopes:write'] },
    params: Id.extend({ maintenance_id: z.string().max(64) }),
    answers: { 200: { description: 'Ended', schema: MaintenanceRow } },
  },
  async ({ deps, who, params }) => {
    const row = await deps.db.maintenance.findUnique({ where: { id: params.maintenance_id } });
    if (!row || row.telescopeId !== params.id) throw new Problem('not_found', 'No such maintenance window.');
    const now = new Date(deps.now());
    const ended = await deps.db.$transaction(async (tx) => {
      const changed = await tx.maintenance.update({ where: { id: row.id }, data: { endedAt: row.endedAt ?? now } });
      await tx.audit.create({
        data: {
          id: randomUUID(),
          at: now,
          actor: who.name,
          action: 'maintenance.end',
          telescopeId: params.id,
          data: { id: row.id },
        },
      });
      await publish(tx, { kind: 'control', what: 'maintenance.changed', data: { telescope_id: params.id } });
      return changed;
    });
    await tellOfMaintenance(deps, params.id);
    return json(showMaintenance(ended));
  },
);
