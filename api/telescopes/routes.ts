import { z } from '@hono/zod-openapi';
import { TelescopeId } from '../../domain/contracts/common.ts';
import { TelescopeState } from '../../domain/contracts/state.ts';
import { Telescope, type Telescope as TelescopeBody } from '../../domain/contracts/telescope.ts';
import { randomUUID } from 'node:crypto';
import { publish } from '../../platform/bus.ts';
import { filterNames } from '../bookings/rules.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';
import { seenBy } from './mirror.ts';
import { json, route, routes } from '../operation.ts';
import { requireMatch } from '../precondition.ts';
import { endMaintenance, listMaintenance, startMaintenance } from './maintenance-routes.ts';
import { getAvailability, getVisibility } from './sky.ts';
import { endEmergency, haltTelescope } from './stops.ts';
import { Id, READ, seesAll } from './view.ts';

/** What a guest may know of a telescope: no host, no path, no command list. */
const PublicTelescope = z
  .object({
    id: TelescopeId,
    name: z.string(),
    site: Telescope.shape.site,
    horizon_degrees: z.number(),
    night: z.object({ sun_altitude_degrees: z.number() }),
    filters: z.array(z.string()),
    camera: z.object({ width: z.number(), height: z.number(), pixel_um: z.number(), bayer: z.string().nullable() }),
    turnaround_minutes: z.number(),
    credits_per_hour: z.number().optional(),
  })
  .meta({ id: 'PublicTelescope' });

const Listed = z.object({ data: z.array(z.union([PublicTelescope, Telescope])) }).meta({ id: 'TelescopeList' });

function publicView(telescope: Telescope): z.infer<typeof PublicTelescope> {
  const { id, name, site, horizon_degrees, night, camera, filters, policy, credits_per_hour } = telescope;
  return {
    id,
    name,
    site,
    horizon_degrees,
    night,
    camera,
    filters: filterNames({ filters }),
    turnaround_minutes: policy.turnaround_minutes,
    ...(credits_per_hour === undefined ? {} : { credits_per_hour }),
  };
}

/**
 * A gateway serves the telescopes of its own configuration. One that none serves would take bookings which nobody carries out.
 * @throws Problem 422 unless the gateway at `gateway_url` says that it serves this telescope.
 */
async function refuseUnserved(deps: Deps, body: TelescopeBody, before: { config: unknown } | null): Promise<void> {
  if (before && (before.config as { gateway_url?: string }).gateway_url === body.gateway_url) return;
  try {
    const state = await deps.gateways.state(body);
    if (state.telescope_id === body.id) return;
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
  }
  throw invalid({
    gateway_url: [
      `no gateway at ${body.gateway_url} serves telescope "${body.id}": add it to the TELESCOPES_FILE of that gateway, restart it, then repeat this`,
    ],
  });
}

const listTelescopes = route(
  {
    method: 'get',
    path: '/api/telescopes',
    id: 'listTelescopes',
    tag: 'Telescopes',
    summary: 'The telescopes',
    guard: { scopes: [...READ.scopes, 'session:view'] },
    narrows: true,
    answers: { 200: { description: 'All of them', schema: Listed } },
  },
  async ({ deps, who }) => {
    const all = (await deps.telescopes.list()).filter(({ id }) => who.telescopes?.includes(id) ?? true);
    return json({ data: seesAll(who) ? all : all.map(publicView) });
  },
);

const getTelescope = route(
  {
    method: 'get',
    path: '/api/telescopes/{id}',
    id: 'getTelescope',
    tag: 'Telescopes',
    summary: 'One telescope',
    guard: { scopes: [...READ.scopes, 'session:view'] },
    params: Id,
    answers: {
      200: {
        description: 'The telescope',
        schema: z.union([PublicTelescope, Telescope]),
        headers: { etag: 'For If-Match' },
      },
    },
  },
  async ({ deps, who, params }) => {
    const telescope = await deps.telescopes.get(params.id);
    return json(seesAll(who) ? telescope : publicView(telescope), 200, {
      etag: `"${params.id}.${deps.telescopes.version(params.id)}"`,
    });
  },
);

const putTelescope = route(
  {
    method: 'put',
    path: '/api/telescopes/{id}',
    id: 'putTelescope',
    tag: 'Telescopes',
    summary: 'Make or change a telescope',
    description: 'Stands until the telescopes file itself changes. Sessions read it when they next begin a step.',
    guard: { scopes: ['telescopes:write'] },
    params: Id,
    body: Telescope,
    answers: { 200: { description: 'Changed', schema: Telescope }, 201: { description: 'Made', schema: Telescope } },
    problems: ['precondition_failed'],
  },
  async ({ deps, c, who, params, body }) => {
    if (body.id !== params.id) throw invalid({ id: [`must be "${params.id}", as in the address`] });
    const before = await deps.db.telescope.findUnique({ where: { id: params.id } });
    requireMatch(c.req.header('if-match'), `"${params.id}.${before?.version ?? 0}"`, 'telescope');
    await refuseUnserved(deps, body, before);
    const now = new Date(deps.now());
    const row = await deps.db.$transaction(async (tx) => {
      const saved = await tx.telescope.upsert({
        where: { id: params.id },
        create: { id: params.id, config: body },
        update: { config: body, version: { increment: 1 }, updatedAt: now },
      });
      await tx.audit.create({
        data: {
          id: randomUUID(),
          at: now,
          actor: who.name,
          action: 'telescope.put',
          telescopeId: params.id,
          data: { version: saved.version },
        },
      });
      await publish(tx, { kind: 'control', what: 'telescopes.changed', data: { id: params.id } });
      return saved;
    });
    deps.telescopes.forget();
    return json(body, before ? 200 : 201, { etag: `"${params.id}.${row.version}"` });
  },
);

const getTelescopeState = route(
  {
    method: 'get',
    path: '/api/telescopes/{id}/state',
    id: 'getTelescopeState',
    tag: 'Telescopes',
    summary: 'What Voyager says of the telescope, with ages',
    guard: READ,
    params: Id,
    answers: { 200: { description: 'The mirror', schema: TelescopeState } },
    problems: ['gateway_away'],
  },
  async ({ deps, who, params }) => {
    const telescope = await deps.telescopes.get(params.id);
    const state = await deps.mirror.state(telescope);
    if (!state)
      throw new Problem(
        'gateway_away',
        `Nothing is known of ${params.id} yet; its gateway does not answer.`,
        {},
        { 'retry-after': '5' },
      );
    return json(seesAll(who) ? state : seenBy(state, null), 200, { 'cache-control': 'no-store' });
  },
);

export const telescopeRoutes = routes(
  listTelescopes,
  getTelescope,
  putTelescope,
  getTelescopeState,
  getAvailability,
  getVisibility,
  startMaintenance,
  listMaintenance,
  endMaintenance,
  haltTelescope,
  endEmergency,
);
