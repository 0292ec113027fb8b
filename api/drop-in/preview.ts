import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { isActivePhase } from '../../domain/phases.ts';
import { requireOwner } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import type { Preview } from '../telescopes/gateway-client.ts';
import { seenBy, seriesSince, tenancyOf } from '../telescopes/mirror.ts';
import { type ActiveSession, READ, Where, isServer, mayUse, sessionFor } from './session.ts';

/** The newest picture where it is one of this session, else null: at the start of a slot the telescope still holds the last of somebody else's. */
async function ownPreview(deps: Deps, telescope: Telescope, session: ActiveSession | null): Promise<Preview | null> {
  const tenancy = tenancyOf(session);
  const state = tenancy && (await deps.mirror.state(telescope));
  if (!state || !seenBy(state, tenancy).preview) return null;
  const preview = await deps.gateways.preview(telescope);
  // The gateway may have a newer one than we heard of; one that is older than the session is somebody else's.
  return preview?.at && Date.parse(preview.at) < tenancy.sinceMs ? null : preview;
}

const PreviewAnswer = z
  .object({
    image: z.string().describe('data URL of a JPEG'),
    timestamp: Instant,
    meta: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CameraPreview' });

export const cameraPreview = route(
  {
    method: 'get',
    path: '/api/camera/preview',
    id: 'cameraPreview',
    tag: 'Drop-in',
    summary: 'The newest picture as a data URL',
    guard: { scopes: [...READ.scopes, 'session:view'] },
    query: Where,
    answers: { 200: { description: 'The picture', schema: PreviewAnswer } },
    problems: ['gateway_away', 'not_found'],
  },
  async ({ deps, who, query }) => {
    const telescope = await deps.telescopes.meant(query.telescope ?? who.slot?.telescopeId);
    const session = await sessionFor(deps, telescope, {});
    if (!isServer(who)) mayUse(who, session);
    const [preview, state] = await Promise.all([
      isServer(who) ? deps.gateways.preview(telescope) : ownPreview(deps, telescope, session),
      deps.mirror.state(telescope),
    ]);
    if (!preview) throw new Problem('not_found', 'There is no picture yet.');
    return json(
      {
        image: `data:image/jpeg;base64,${preview.jpeg.toString('base64')}`,
        timestamp: state?.preview?.at ?? new Date(deps.now()).toISOString(),
        meta: state?.preview ?? {},
      },
      200,
      { 'cache-control': 'no-store' },
    );
  },
);

export const livePreview = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/preview.jpg',
    id: 'livePreview',
    tag: 'Sessions',
    summary: 'The newest live picture of a running session',
    guard: { scopes: ['session:view', 'bookings:read', 'admin:read'], signedUrl: true },
    params: z.object({ id: z.string().max(64) }),
    answers: { 200: { description: 'The picture', media: 'image/jpeg' }, 304: { description: 'You have it' } },
    problems: ['gateway_away'],
  },
  async ({ deps, c, who, params }) => {
    const session = await deps.db.session.findUnique({ where: { bookingId: params.id }, include: { booking: true } });
    if (!session) throw new Problem('not_found', `No booking ${params.id}.`);
    requireOwner(who, { id: params.id, userRef: session.booking.userRef });
    if (!isActivePhase(session.phase))
      throw new Problem('not_found', 'There is a live picture only while the session runs.');
    const preview = await ownPreview(deps, await deps.telescopes.get(session.telescopeId), session);
    if (!preview) throw new Problem('not_found', 'There is no picture yet.');
    const headers = {
      'content-type': 'image/jpeg',
      'cache-control': 'private, no-cache',
      ...(preview.etag ? { etag: preview.etag } : {}),
    };
    if (preview.etag && c.req.header('if-none-match') === preview.etag)
      return new Response(null, { status: 304, headers });
    return new Response(new Uint8Array(preview.jpeg), { status: 200, headers });
  },
);

export const liveHistory = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/history',
    id: 'liveHistory',
    tag: 'Sessions',
    summary: 'Recent series of the live graphs, from the gateway’s memory',
    guard: { scopes: ['session:view', 'bookings:read', 'admin:read'] },
    params: z.object({ id: z.string().max(64) }),
    answers: {
      200: {
        description: 'The series',
        schema: z.object({ series: z.record(z.string(), z.unknown()) }).meta({ id: 'LiveHistory' }),
      },
    },
    problems: ['gateway_away'],
  },
  async ({ deps, who, params }) => {
    const session = await deps.db.session.findUnique({ where: { bookingId: params.id }, include: { booking: true } });
    if (!session) throw new Problem('not_found', `No booking ${params.id}.`);
    requireOwner(who, { id: params.id, userRef: session.booking.userRef });
    if (!isActivePhase(session.phase))
      throw new Problem('not_found', 'There are live series only while the session runs; see telemetry.');
    const history = await deps.gateways.history(await deps.telescopes.get(session.telescopeId));
    return json(seriesSince({ series: history.series }, tenancyOf(session)!.sinceMs));
  },
);
