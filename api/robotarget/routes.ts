import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Guid, TelescopeId } from '../../domain/contracts/common.ts';
import { Receipt } from '../../domain/contracts/control.ts';
import { RoboShot, SentRoboSet, SentRoboTarget } from '../../domain/contracts/robotarget.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { commandIdOf, receiptAnswer } from '../bookings/controls.ts';
import { Problem } from '../errors.ts';
import { json, route, routes } from '../operation.ts';
import { runRoboTarget } from './run.ts';

const Where = z.object({ telescope: TelescopeId.optional().describe('May be left out where there is one telescope') });
const READ = { scopes: ['robotarget:write', 'telescopes:write', 'admin:read'] } as const;
const WRITE = { scopes: ['robotarget:write'] } as const;

const OBJECTS = [
  { name: 'sets', object: 'set', schema: SentRoboSet, key: 'Guid', parent: null },
  { name: 'targets', object: 'target', schema: SentRoboTarget, key: 'GuidTarget', parent: 'setGuid' },
  { name: 'shots', object: 'shot', schema: RoboShot, key: 'GuidShot', parent: 'targetGuid' },
] as const;
const upper = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

const problems = ['conflict', 'control_refused', 'gateway_away', 'temporal_away', 'not_found'] as const;

/** What the routes of one kind of object share. */
function kindOf({ name, object, schema, key, parent }: (typeof OBJECTS)[number]) {
  const One = upper(object);
  const ByGuid = z.object({ guid: Guid });
  const shape = schema.shape as Record<string, z.ZodType>;
  const NewBody = z.object({ ...shape, [key]: Guid.optional() }).meta({ id: `${One}Request` });
  const Changes = z
    .object(Object.fromEntries(Object.entries(shape).map(([field, type]) => [field, withoutDefault(type).optional()])))
    .meta({ id: `${One}Changes` });
  const parentGuid = object === 'shot' ? Guid.describe('RoboTarget lists shots by target') : Guid.optional();
  const listQuery = parent === null ? Where : Where.extend({ [parent]: parentGuid });
  return { name, object, key, parent, One, ByGuid, NewBody, Changes, listQuery };
}
type Kind = ReturnType<typeof kindOf>;

const listAll = ({ name, object, parent, One, listQuery }: Kind) =>
  route(
    {
      method: 'get',
      path: `/api/robotarget/${name}`,
      id: `list${One}s`,
      tag: 'RoboTarget',
      summary: `List ${name}`,
      guard: READ,
      query: listQuery,
      answers: {
        200: {
          description: 'All',
          schema: z.object({ data: z.array(z.record(z.string(), z.unknown())) }).meta({ id: `${One}List` }),
        },
      },
      problems,
    },
    async ({ deps, who, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const parentGuid = parent === null ? undefined : (query as Record<string, string | undefined>)[parent];
      const { result } = await runRoboTarget(deps, who, telescope, {
        commandId: randomUUID(),
        call: {
          op: 'list',
          object,
          ...(parentGuid ? { parentGuid } : {}),
        },
      });
      return json({ data: itemsOf(result) });
    },
  );

const create = ({ name, object, key, One, NewBody }: Kind) =>
  route(
    {
      method: 'post',
      path: `/api/robotarget/${name}`,
      id: `create${One}`,
      tag: 'RoboTarget',
      summary: `Make a ${object}`,
      guard: WRITE,
      query: Where,
      body: NewBody,
      description:
        'With its GUID in the body it may be repeated after an answer that was lost: what stands already as asked is 200, what stands otherwise 409.',
      answers: {
        200: { description: 'Stands already, as asked', schema: z.record(z.string(), z.unknown()) },
        201: {
          description: 'Made and read back',
          schema: z.record(z.string(), z.unknown()),
          headers: { location: 'The object' },
        },
        202: { description: 'Under way', schema: Receipt },
      },
      problems,
    },
    async ({ deps, c, who, query, body }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const guid = (body as Record<string, string | undefined>)[key] ?? randomUUID();
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'create', object);
      const full = {
        ...ownDefaults(object, telescope, deps.now()),
        ...(body as Record<string, unknown>),
        [key]: guid,
      };
      const { result, receipt } = await runRoboTarget(deps, who, telescope, {
        commandId,
        call: {
          op: 'create',
          object,
          guid,
          body: full,
        },
      });
      const there = result?.items[0];
      if (receipt.state === 'refused' && there && standsAs(there, full)) return json(there);
      if (receipt.state !== 'confirmed') return receiptAnswer(deps, receipt);
      return json(there ?? full, 201, { location: `/api/robotarget/${name}/${guid}` });
    },
  );

const getOne = ({ name, object, One, ByGuid }: Kind) =>
  route(
    {
      method: 'get',
      path: `/api/robotarget/${name}/{guid}`,
      id: `get${One}`,
      tag: 'RoboTarget',
      summary: `One ${object}`,
      guard: READ,
      params: ByGuid,
      query: Where,
      answers: { 200: { description: `The ${object}`, schema: z.record(z.string(), z.unknown()) } },
      problems,
    },
    async ({ deps, who, params, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const { result } = await runRoboTarget(deps, who, telescope, {
        commandId: randomUUID(),
        call: {
          op: 'get',
          object,
          guid: params.guid,
        },
      });
      const [item] = itemsOf(result);
      if (!item) throw new Problem('not_found', `No ${object} ${params.guid}.`);
      return json(item);
    },
  );

const change = ({ name, object, key, One, ByGuid, Changes }: Kind) =>
  route(
    {
      method: 'put',
      path: `/api/robotarget/${name}/{guid}`,
      id: `update${One}`,
      tag: 'RoboTarget',
      summary: `Change a ${object}`,
      guard: WRITE,
      params: ByGuid,
      query: Where,
      body: Changes,
      answers: {
        200: { description: 'Changed and read back', schema: z.record(z.string(), z.unknown()) },
        202: { description: 'Under way', schema: Receipt },
      },
      problems,
    },
    async ({ deps, c, who, params, query, body }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'update', object, params.guid);
      const { result, receipt } = await runRoboTarget(deps, who, telescope, {
        commandId,
        call: {
          op: 'update',
          object,
          guid: params.guid,
          body: { ...(body as Record<string, unknown>), [key]: params.guid },
        },
      });
      return receipt.state === 'confirmed' ? json(result?.items[0] ?? body) : receiptAnswer(deps, receipt);
    },
  );

const remove = ({ name, object, One, ByGuid }: Kind) =>
  route(
    {
      method: 'delete',
      path: `/api/robotarget/${name}/{guid}`,
      id: `delete${One}`,
      tag: 'RoboTarget',
      summary: `Delete a ${object}`,
      guard: WRITE,
      params: ByGuid,
      query: Where,
      answers: {
        200: { description: 'Deleted', schema: Receipt },
        202: { description: 'Under way', schema: Receipt },
      },
      problems,
    },
    async ({ deps, c, who, params, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'delete', object, params.guid);
      return receiptAnswer(
        deps,
        (await runRoboTarget(deps, who, telescope, { commandId, call: { op: 'delete', object, guid: params.guid } }))
          .receipt,
      );
    },
  );

/** A target is enabled and disabled by addresses of their own. */
const switchTarget = ({ object, ByGuid }: Kind, verb: 'activate' | 'deactivate', op: 'enable' | 'disable') =>
  route(
    {
      method: 'post',
      path: `/api/robotarget/targets/{guid}/${verb}`,
      id: `${verb}Target`,
      tag: 'RoboTarget',
      summary: `${upper(verb)} a target`,
      guard: WRITE,
      params: ByGuid,
      query: Where,
      answers: {
        200: { description: 'Read back', schema: Receipt },
        202: { description: 'Under way', schema: Receipt },
      },
      problems,
    },
    async ({ deps, c, who, params, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const commandId = commandIdOf(who, c.req.header('idempotency-key'), op, params.guid);
      return receiptAnswer(
        deps,
        (await runRoboTarget(deps, who, telescope, { commandId, call: { op, object, guid: params.guid } })).receipt,
      );
    },
  );

/** What the telescope's settings and the moment say of a new object. */
function ownDefaults(object: string, telescope: Telescope, nowMs: number): Record<string, unknown> {
  if (object === 'set') return { ProfileName: telescope.profile };
  if (object !== 'target') return {};
  return { RefGuidBaseSequence: telescope.base_sequence_guid, DateCreation: Math.floor(nowMs / 1000) };
}

/** Does an object that was read back have every value that was asked for, as far as it shows them? Texts without regard to case, as GUIDs are compared. */
function standsAs(there: Record<string, unknown>, asked: Record<string, unknown>): boolean {
  return Object.entries(asked).every(([name, value]) => {
    const has = there[name];
    if (has === undefined) return true;
    if (typeof value === 'number' && typeof has === 'number') return Math.abs(value - has) < 1e-6;
    return JSON.stringify(value).toLowerCase() === JSON.stringify(has).toLowerCase();
  });
}
function withoutDefault(type: z.ZodType): z.ZodType {
  return type instanceof z.ZodDefault ? (type.unwrap() as z.ZodType) : type;
}
function itemsOf(
  result: { items: Record<string, unknown>[]; outcome: string; message: string | null } | null,
): Record<string, unknown>[] {
  if (!result || result.outcome === 'unknown')
    throw new Problem(
      'gateway_away',
      result?.message ?? 'The telescope’s gateway has not answered in time.',
      {},
      { 'retry-after': '5' },
    );
  if (result.outcome === 'refused')
    throw new Problem('control_refused', result.message ?? 'RoboTarget refused the question.');
  return result.items;
}

/** CRUD of RoboTarget objects with the roadmap's field names; the GUID may be left out when making one. */
export const robotargetRoutes = routes(
  ...OBJECTS.map(kindOf).flatMap((kind) => [
    ...[listAll, create, getOne, change, remove].map((add) => add(kind)),
    ...(kind.object === 'target'
      ? [switchTarget(kind, 'activate', 'enable'), switchTarget(kind, 'deactivate', 'disable')]
      : []),
  ]),
);
