import { z } from '@hono/zod-openapi';
import { TelescopeId } from '../../domain/contracts/common.ts';
import { DropInAbort, DropInToggle, Receipt } from '../../domain/contracts/control.ts';
import { ifUsable } from '../../domain/contracts/shapes.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { ACTIVE_PHASES, isFinal, type Phase } from '../../domain/phases.ts';
import { abort } from '../bookings/abort.ts';
import { commandIdOf, control, filedAs, receiptAnswer } from '../bookings/controls.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { operation, type App, route } from '../operation.ts';
import { runRoboTarget } from '../robotarget/run.ts';
import { Where, mayUse, sessionFor } from './session.ts';

const STOP_WAITS_MS = 300;

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

export const dropInAbort = route(
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
  async ({ deps, c, who, query, body }) => {
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

export const dropInToggle = route(
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
  async ({ deps, c, who, query, body }) => {
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
      return receiptAnswer(deps, await control(deps, who, { id: session.bookingId, kind, commandId }));
    }
    const result = await runRoboTarget(deps, who, telescope, {
      commandId,
      call: {
        op: body.operation === 0 ? 'enable' : 'disable',
        object: (['set', 'target', 'shot'] as const)[body.objectType],
        guid: body.objectGuid,
      },
      waitMs: 10_000,
    });
    return receiptAnswer(deps, { ...result.receipt, kind: 'toggle' });
  },
);

export function pauseAndResume(app: App, deps: Deps): void {
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
          await control(deps, who, {
            id: session.bookingId,
            kind,
            commandId: commandIdOf(who, c.req.header('idempotency-key'), kind, session.bookingId),
          }),
        );
      },
    );
}
