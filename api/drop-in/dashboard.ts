import { z } from '@hono/zod-openapi';
import { Guid } from '../../domain/contracts/common.ts';
import { DashboardState } from '../../domain/contracts/dashboard.ts';
import { ConnectionState, type TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { isActivePhase } from '../../domain/phases.ts';
import { reasonText, type Locale, type Reason } from '../../domain/reasons.ts';
import { type Identity } from '../auth.ts';
import { localeOf } from '../bookings/view.ts';
import type { Deps } from '../deps.ts';
import { equipmentOf } from './equipment.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { seenBy, tenancyOf } from '../telescopes/mirror.ts';
import { buildSnapshot } from '../bookings/snapshot.ts';
import { type ActiveSession, READ, Where, isServer, mayUse, sessionFor } from './session.ts';

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

const isTheirs = (who: Identity, session: ActiveSession): boolean =>
  isServer(who) ||
  (who.kind === 'booking' ? who.subject === session.bookingId : who.subject === session.booking.userRef);

export const dashboardState = route(
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
  async ({ deps, c, who, query }) => {
    const telescope = await deps.telescopes.meant(query.telescope);
    const session = await sessionFor(deps, telescope, query);
    if (!isServer(who)) mayUse(who, session);
    const state = await mirrorOf(deps, who, telescope, session);
    const snapshot = session ? ((await buildSnapshot(deps, session.bookingId)) ?? undefined) : undefined;
    const locale = localeOf(c.req.header('accept-language'));
    const body = {
      ...whatRuns(state, session, snapshot),
      message: messageOf(state, session, locale),
      updated_at: state.at,
      equipment: equipmentOf(state),
      exposure: exposureOf(state),
      warnings: warningsOf(state),
      telescope_id: telescope.id,
      ...partsOf(state),
    };
    return json(body, 200, { 'cache-control': 'no-store' });
  },
);
type Body = z.infer<typeof DashboardState>;

function messageOf(state: TelescopeState, session: ActiveSession | null, locale: Locale): string | null {
  const reason = (session?.reason ?? state.weather.reason) as Reason | null;
  return state.connection.reason ?? (reason ? reasonText(reason, locale) : state.voyager.last_error);
}
/** What runs, as the session and Voyager say. */
function whatRuns(state: TelescopeState, session: ActiveSession | null, snapshot: Snapshot | undefined) {
  return {
    voyager_status: state.voyager.status,
    target_name: snapshot?.target.name ?? state.sequence?.name ?? null,
    target_guid: session?.targetGuid ?? null,
    set_guid: session?.setGuid ?? null,
    target_enabled: session && mayRun(session),
    sequence: snapshot
      ? {
          progress: snapshot.progress.percent,
          shots_total: snapshot.progress.shots_total,
          shots_done: snapshot.progress.shots_done,
          integration_minutes: Math.round(snapshot.progress.integration_seconds / 6) / 10,
        }
      : null,
    booking_id: session?.bookingId ?? null,
    phase: session?.phase ?? null,
    active: session !== null && isActivePhase(session.phase),
  };
}
const mayRun = ({ phase, holdCause }: ActiveSession): boolean =>
  phase === 'running' || (phase === 'holding' && holdCause === 'fault');
function exposureOf({ exposure }: TelescopeState): Body['exposure'] {
  if (!exposure || exposure.status === 'IDLE') return null;
  const { filter, elapsed_seconds, total_seconds, percent } = exposure;
  return {
    filter,
    elapsed: elapsed_seconds,
    remaining: Math.max(0, total_seconds - elapsed_seconds),
    progress: percent,
  };
}
const warningsOf = (state: TelescopeState): string[] => [
  ...(state.stale ? ['stale'] : []),
  ...state.weather.causes,
  ...(state.voyager.emergency ? [`emergency ${state.voyager.emergency}`] : []),
];
/** The devices whole, as they are in the state. */
const partsOf = ({ connection, weather, mount, camera, focuser, guiding, dome, preview, stale }: TelescopeState) => ({
  connection,
  weather,
  mount,
  camera,
  focuser,
  guiding,
  dome,
  preview,
  stale,
});

export const connectionStatus = route(
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
  async ({ deps, who, query }) =>
    json((await mirrorOf(deps, who, await deps.telescopes.meant(query.telescope), null)).connection, 200, {
      'cache-control': 'no-store',
    }),
);

/** The shot that is exposed now, or else the last one. */
function shotOf({ exposure }: TelescopeState, { progress }: Snapshot): number {
  const exposes = exposure !== null && exposure.status !== 'IDLE';
  return Math.min(progress.shots_total, progress.shots_done + (exposes ? 1 : 0));
}

export const currentSequence = route(
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
  async ({ deps, who, query }) => {
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
    const snapshot = session ? ((await buildSnapshot(deps, session.bookingId)) ?? undefined) : undefined;
    return json({
      running: state.voyager.run_sequence !== null,
      name: state.sequence?.name ?? state.voyager.run_sequence,
      target_guid: session?.targetGuid ?? null,
      booking_id: session?.bookingId ?? null,
      filter: state.exposure?.filter ?? null,
      shot: snapshot ? shotOf(state, snapshot) : null,
      shots_total: snapshot?.progress.shots_total ?? null,
      remaining_seconds: state.sequence?.remaining_seconds ?? null,
    });
  },
);
