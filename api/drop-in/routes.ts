import { z } from '@hono/zod-openapi';
import { Guid, Instant, TelescopeId } from '../../domain/contracts/common.ts';
import { DropInAbort, DropInToggle, Receipt } from '../../domain/contracts/control.ts';
import { DashboardState } from '../../domain/contracts/dashboard.ts';
import { ifUsable } from '../../domain/contracts/shapes.ts';
import { ConnectionState, type TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { ACTIVE_PHASES, isActivePhase, isFinal, type Phase } from '../../domain/phases.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import type { Booking as BookingRow, Session } from '../../prisma/client/client.ts';
import { requireOwner, type Identity } from '../auth.ts';
import { abort, commandIdOf, control, filedAs, receiptAnswer } from '../bookings/controls.ts';
import { localeOf } from '../bookings/view.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, operation, type App } from '../operation.ts';
import { runRoboTarget } from '../robotarget/run.ts';
import type { Preview } from '../telescopes/gateway-client.ts';
import { seenBy, seriesSince, tenancyOf } from '../telescopes/mirror.ts';
import { buildSnapshot } from '../bookings/snapshot.ts';

const Where = z.object({ telescope: TelescopeId.optional().describe('May be left out where there is one telescope') });
const READ = {
  scopes: ['telescopes:read', 'telescopes:write', 'bookings:read', 'bookings:write', 'admin:read'],
} as const;
const STOP_WAITS_MS = 300;

type ActiveSession = Session & { booking: BookingRow };

/** The session that has this telescope now, or the one that a GUID names. */
async function sessionFor(
  deps: Deps,
  telescope: Telescope,
  guids: { setGuid?: string | undefined; targetGuid?: string | undefined },
): Promise<ActiveSession | null> {
  const byGuid = guids.targetGuid
    ? { targetGuid: { equals: guids.targetGuid, mode: 'insensitive' as const } }
    : guids.setGuid
      ? { setGuid: { equals: guids.setGuid, mode: 'insensitive' as const } }
      : null;
  return deps.db.session.findFirst({
    where: { telescopeId: telescope.id, ...(byGuid ?? { phase: { in: [...ACTIVE_PHASES] } }) },
    include: { booking: true },
    orderBy: { updatedAt: 'desc' },
  });
}

/** The state as this identity may see it: a guest the part of their own session, servers and admins all of it. */
async function mirrorOf(
  deps: Deps,
  who: Identity,
  telescope: Telescope,
  session: ActiveSession | null,
): Promise<TelescopeState> {
  const state = await deps.mirror.state(telescope);
  if (!state)
    throw new Problem(
      'gateway_away',
      `Nothing is known of ${telescope.id} yet; its gateway does not answer.`,
      {},
      { 'retry-after': '5' },
    );
  if (isServer(who)) return state;
  const mine = session && isTheirs(who, session) ? session : null;
  return seenBy(state, mine && tenancyOf(mine));
}

/** The newest picture where it is one of this session, else null: at the start of a slot the telescope still holds the last of somebody else's. */
async function ownPreview(deps: Deps, telescope: Telescope, session: ActiveSession | null): Promise<Preview | null> {
  const tenancy = tenancyOf(session);
  const state = tenancy && (await deps.mirror.state(telescope));
  if (!state || !seenBy(state, tenancy).preview) return null;
  const preview = await deps.gateways.preview(telescope);
  // The gateway may have a newer one than we heard of; one that is older than the session is somebody else's.
  return preview?.at && Date.parse(preview.at) < tenancy.sinceMs ? null : preview;
}

const word = (value: boolean | null, yes: string, no: string): string =>
  value === null ? 'unknown' : value ? yes : no;
const degrees = (value: number | null): string | null => (value === null ? null : `${value.toFixed(1)} °C`);

function equipmentOf(state: TelescopeState): z.infer<typeof DashboardState>['equipment'] {
  const { mount, camera, focuser, guiding, rotator, dome } = state;
  const item = (
    key: string,
    label: string,
    connected: boolean | null,
    status: string,
    detail: string | null,
  ): z.infer<typeof DashboardState>['equipment'][number] => ({
    key,
    label,
    connected: connected === true,
    status,
    detail,
  });
  return [
    item(
      'mount',
      'Mount',
      mount.connected,
      mount.parked ? 'parked' : mount.slewing ? 'slewing' : word(mount.tracking, 'tracking', 'stopped'),
      mount.altitude_degrees === null ? null : `${mount.altitude_degrees.toFixed(1)}°`,
    ),
    item(
      'camera',
      'Camera',
      camera.connected,
      camera.status ?? word(camera.cooling, 'cooling', 'idle'),
      degrees(camera.temperature_celsius),
    ),
    item(
      'focuser',
      'Focuser',
      focuser.connected,
      word(focuser.connected, 'connected', 'disconnected'),
      focuser.position === null ? null : String(focuser.position),
    ),
    item(
      'guider',
      'Guiding',
      guiding.connected,
      guiding.status ?? 'unknown',
      guiding.rms ? `RMS ${guiding.rms.total_px.toFixed(2)} px` : null,
    ),
    item(
      'rotator',
      'Rotator',
      rotator.connected,
      word(rotator.moving, 'moving', 'still'),
      rotator.sky_pa_degrees === null ? null : `${rotator.sky_pa_degrees.toFixed(1)}°`,
    ),
    item('dome', 'Dome', dome.connected, dome.shutter ?? 'unknown', null),
    item(
      'planetarium',
      'Planetarium',
      state.planetarium_connected,
      word(state.planetarium_connected, 'connected', 'disconnected'),
      null,
    ),
    item(
      'plate_solver',
      'Plate solver',
      state.plate_solver_connected,
      word(state.plate_solver_connected, 'connected', 'disconnected'),
      null,
    ),
  ];
}

const CurrentSequence = z
  .object({
    running: z.boolean(),
    name: z.string().nullable(),
    target_guid: Guid.nullable(),
    booking_id: z.string().nullable(),
    filter: z.string().nullable(),
    shot: z.number().int().nullable(),
    shots_total: z.number().int().nullable(),
    remaining_seconds: z.number().nullable(),
  })
  .meta({ id: 'CurrentSequence' });
const PreviewAnswer = z
  .object({
    image: z.string().describe('data URL of a JPEG'),
    timestamp: Instant,
    meta: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CameraPreview' });

/** The telescope that a stop means: the named one, else the only one, from memory where the database does not answer. */
async function stopped(
  deps: Deps,
  named: string | undefined,
  { targetGuid, setGuid }: { targetGuid?: string | undefined; setGuid?: string | undefined },
): Promise<Telescope> {
  const all = deps.telescopes.rememberedAll();
  const known = named ? deps.telescopes.remembered(named) : null;
  if (known) return known;
  if (all.length === 1) return all[0]!;
  const guid = (value: string) => ({ equals: value, mode: 'insensitive' as const });
  const where = {
    ...(targetGuid ? { targetGuid: guid(targetGuid) } : {}),
    ...(setGuid && !targetGuid ? { setGuid: guid(setGuid) } : {}),
  };
  const session =
    targetGuid || setGuid ? await soon(deps.db.session.findFirst({ where, select: { telescopeId: true } })) : null;
  return (session && deps.telescopes.remembered(session.telescopeId)) ?? deps.telescopes.meant(named);
}
/** What the database says while a stop can wait for it; null otherwise. */
const soon = <T>(promise: Promise<T>): Promise<T | null> =>
  Promise.race([
    promise.catch(() => null),
    new Promise<null>((resolve) => {
      setTimeout(() => resolve(null), STOP_WAITS_MS).unref();
    }),
  ]);

const isServer = (who: Identity): boolean => who.kind === 'key' || who.kind === 'admin';
const isTheirs = (who: Identity, session: ActiveSession): boolean =>
  isServer(who) ||
  (who.kind === 'booking' ? who.subject === session.bookingId : who.subject === session.booking.userRef);

function mayUse(who: Identity, session: ActiveSession | null): void {
  if (session) requireOwner(who, { id: session.bookingId, userRef: session.booking.userRef });
  else if (who.kind === 'booking' || who.kind === 'user')
    throw new Problem('not_found', 'No session of yours has this telescope now.');
}

export function dropInRoutes(app: App, deps: Deps): void {
  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/dashboard/state',
      id: 'dashboardState',
      tag: 'Drop-in',
      summary: 'What the existing Laravel page shows, in one body',
      guard: READ,
      query: Where.extend({ setGuid: Guid.optional(), targetGuid: Guid.optional() }),
      answers: { 200: { description: 'The state', schema: DashboardState } },
      problems: ['gateway_away', 'not_found'],
    },
    async ({ c, who, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const session = await sessionFor(deps, telescope, query);
      if (!isServer(who)) mayUse(who, session);
      const state = await mirrorOf(deps, who, telescope, session);
      const active = session !== null && isActivePhase(session.phase);
      const snapshot = session ? (await buildSnapshot(deps, session.bookingId))?.snapshot : undefined;
      const reason = (session?.reason ?? state.weather.reason) as Reason | null;
      const exposure = state.exposure && state.exposure.status !== 'IDLE' ? state.exposure : null;
      return json(
        {
          voyager_status: state.voyager.status,
          message:
            state.connection.reason ??
            (reason ? reasonText(reason, localeOf(c.req.header('accept-language'))) : state.voyager.last_error),
          target_name: snapshot?.target.name ?? state.sequence?.name ?? null,
          target_guid: session?.targetGuid ?? null,
          set_guid: session?.setGuid ?? null,
          target_enabled: session
            ? session.phase === 'running' || (session.phase === 'holding' && session.holdCause === 'fault')
            : null,
          updated_at: state.at,
          equipment: equipmentOf(state),
          sequence: snapshot
            ? {
                progress: snapshot.progress.percent,
                shots_total: snapshot.progress.shots_total,
                shots_done: snapshot.progress.shots_done,
                integration_minutes: Math.round(snapshot.progress.integration_seconds / 6) / 10,
              }
            : null,
          exposure: exposure
            ? {
                filter: exposure.filter,
                elapsed: exposure.elapsed_seconds,
                remaining: Math.max(0, exposure.total_seconds - exposure.elapsed_seconds),
                progress: exposure.percent,
              }
            : null,
          warnings: [
            ...(state.stale ? ['stale'] : []),
            ...state.weather.causes,
            ...(state.voyager.emergency ? [`emergency ${state.voyager.emergency}`] : []),
          ],
          telescope_id: telescope.id,
          booking_id: session?.bookingId ?? null,
          phase: session?.phase ?? null,
          active,
          connection: state.connection,
          weather: state.weather,
          mount: state.mount,
          camera: state.camera,
          focuser: state.focuser,
          guiding: state.guiding,
          dome: state.dome,
          preview: state.preview,
          stale: state.stale,
        },
        200,
        { 'cache-control': 'no-store' },
      );
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/control/abort',
      id: 'dropInAbort',
      tag: 'Drop-in',
      summary: 'Stop what this service started on the telescope',
      guard: { scopes: ['session:abort'], failOpen: true },
      description:
        'What the GUIDs name, or without them what runs. null, empty and unusable fields count as absent; nothing about the body’s form refuses it. `requested_by` as for `POST /api/bookings/{id}/abort`.',
      query: z.object({ telescope: ifUsable(TelescopeId).describe('May be left out where there is one telescope') }),
      body: DropInAbort.meta({ id: 'DropInAbort' }),
      bodyOptional: true,
      lenient: true,
      answers: { 200: { description: 'Confirmed', schema: Receipt }, 202: { description: 'Told', schema: Receipt } },
      problems: ['gateway_away', 'temporal_away', 'control_refused', 'booking_final', 'not_found'],
    },
    async ({ c, who, query, body }) => {
      const key = c.req.header('idempotency-key');
      // A guest's token names the booking: nothing has to be looked up.
      if (who.kind === 'booking' && who.subject)
        return receiptAnswer(
          deps,
          await abort(deps, who, who.subject, commandIdOf(who, key, 'abort', who.subject), body),
        );
      const telescope = await stopped(deps, query.telescope, body);
      const session = await soon(sessionFor(deps, telescope, body));
      if (session && !isFinal(session.phase as Phase)) {
        mayUse(who, session);
        const { bookingId } = session;
        return receiptAnswer(deps, await abort(deps, who, bookingId, commandIdOf(who, key, 'abort', bookingId), body));
      }
      mayUse(who, session);
      // No wider than its effect: another target's stop, or another night's, is another command.
      const commandId = commandIdOf(who, key, 'abort', telescope.id, body.targetGuid ?? '', body.setGuid ?? '');
      const receipt = await deps.gateways.stop(telescope, 'abort', {
        command_id: commandId,
        ...(body.targetGuid ? { target_guid: body.targetGuid } : {}),
        ...(body.setGuid ? { set_guid: body.setGuid } : {}),
        requested_by: who.name,
        reason: filedAs(who, body.requested_by),
      });
      return receiptAnswer(deps, { ...receipt, command_id: commandId, kind: 'abort', telescope_id: telescope.id });
    },
  );

  operation(
    app,
    deps,
    {
      method: 'post',
      path: '/api/control/toggle',
      id: 'dropInToggle',
      tag: 'Drop-in',
      summary: 'Enable or disable a RoboTarget object',
      description:
        'The target of a running booking is paused or resumed through its workflow. Anything else needs `robotarget:write`, and is 409 only where it could run or stop something within a slot that runs or is about to.',
      guard: { scopes: ['session:control', 'robotarget:write'] },
      query: Where,
      body: DropInToggle.meta({ id: 'DropInToggle' }),
      answers: {
        200: { description: 'Read back', schema: Receipt },
        202: { description: 'Under way', schema: Receipt },
      },
      problems: ['conflict', 'control_refused', 'temporal_away', 'booking_final', 'not_found'],
    },
    async ({ c, who, query, body }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const kind = body.operation === 0 ? 'resume' : 'pause';
      const commandId = commandIdOf(
        who,
        c.req.header('idempotency-key'),
        'toggle',
        telescope.id,
        body.objectGuid,
        String(body.operation),
      );
      const guid = { equals: body.objectGuid, mode: 'insensitive' as const };
      const session =
        body.objectType === 2
          ? null
          : await deps.db.session.findFirst({
              where: {
                telescopeId: telescope.id,
                phase: { in: [...ACTIVE_PHASES] },
                ...(body.objectType === 1 ? { targetGuid: guid } : { setGuid: guid }),
              },
              include: { booking: true },
            });
      if (session) {
        mayUse(who, session);
        return receiptAnswer(deps, await control(deps, who, session.bookingId, kind, commandId));
      }
      const result = await runRoboTarget(
        deps,
        who,
        telescope,
        commandId,
        {
          op: body.operation === 0 ? 'enable' : 'disable',
          object: (['set', 'target', 'shot'] as const)[body.objectType],
          guid: body.objectGuid,
        },
        10_000,
      );
      return receiptAnswer(deps, { ...result.receipt, kind: 'toggle' });
    },
  );

  operation(
    app,
    deps,
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
    async ({ who, query }) => {
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

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/status/connection',
      id: 'connectionStatus',
      tag: 'Drop-in',
      summary: 'The link to Voyager',
      guard: READ,
      query: Where,
      answers: { 200: { description: 'The link', schema: ConnectionState } },
      problems: ['gateway_away', 'not_found'],
    },
    async ({ who, query }) =>
      json((await mirrorOf(deps, who, await deps.telescopes.meant(query.telescope), null)).connection, 200, {
        'cache-control': 'no-store',
      }),
  );

  operation(
    app,
    deps,
    {
      method: 'get',
      path: '/api/sequences/current',
      id: 'currentSequence',
      tag: 'Drop-in',
      summary: 'The sequence that runs',
      guard: READ,
      query: Where,
      answers: { 200: { description: 'The sequence', schema: CurrentSequence } },
      problems: ['gateway_away', 'not_found'],
    },
    async ({ who, query }) => {
      const telescope = await deps.telescopes.meant(query.telescope);
      const running = await sessionFor(deps, telescope, {});
      const session = running && isTheirs(who, running) ? running : null;
      const state = await mirrorOf(deps, who, telescope, session);
      if (state.stale)
        throw new Problem(
          'gateway_away',
          `Whether a sequence runs on ${telescope.id} is not known: ${state.connection.reason ?? 'Voyager is not heard'}.`,
          {},
          { 'retry-after': '5' },
        );
      const snapshot = session ? (await buildSnapshot(deps, session.bookingId))?.snapshot : undefined;
      return json({
        running: state.voyager.run_sequence !== null,
        name: state.sequence?.name ?? state.voyager.run_sequence,
        target_guid: session?.targetGuid ?? null,
        booking_id: session?.bookingId ?? null,
        filter: state.exposure?.filter ?? null,
        shot: snapshot
          ? Math.min(
              snapshot.progress.shots_total,
              snapshot.progress.shots_done + (state.exposure && state.exposure.status !== 'IDLE' ? 1 : 0),
            )
          : null,
        shots_total: snapshot?.progress.shots_total ?? null,
        remaining_seconds: state.sequence?.remaining_seconds ?? null,
      });
    },
  );

  for (const kind of ['pause', 'resume'] as const)
    operation(
      app,
      deps,
      {
        method: 'post',
        path: `/api/sequences/${kind}`,
        id: `${kind}Sequence`,
        tag: 'Drop-in',
        summary: kind === 'pause' ? 'Pause the running session' : 'Resume the running session',
        guard: { scopes: ['session:control'] },
        query: Where,
        answers: {
          200: { description: 'Confirmed', schema: Receipt },
          202: { description: 'Under way', schema: Receipt },
        },
        problems: ['control_refused', 'temporal_away', 'booking_final', 'not_found'],
      },
      async ({ c, who, query }) => {
        const telescope = await deps.telescopes.meant(query.telescope ?? who.slot?.telescopeId);
        const session = await sessionFor(deps, telescope, {});
        if (!session) throw new Problem('not_found', 'No session runs on this telescope.');
        mayUse(who, session);
        return receiptAnswer(
          deps,
          await control(
            deps,
            who,
            session.bookingId,
            kind,
            commandIdOf(who, c.req.header('idempotency-key'), kind, session.bookingId),
          ),
        );
      },
    );

  operation(
    app,
    deps,
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
    async ({ c, who, params }) => {
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

  operation(
    app,
    deps,
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
    async ({ who, params }) => {
      const session = await deps.db.session.findUnique({ where: { bookingId: params.id }, include: { booking: true } });
      if (!session) throw new Problem('not_found', `No booking ${params.id}.`);
      requireOwner(who, { id: params.id, userRef: session.booking.userRef });
      if (!isActivePhase(session.phase))
        throw new Problem('not_found', 'There are live series only while the session runs; see telemetry.');
      const history = await deps.gateways.history(await deps.telescopes.get(session.telescopeId));
      return json(seriesSince({ series: history.series }, tenancyOf(session)!.sinceMs));
    },
  );
}
