import { z } from '@hono/zod-openapi';
import { Receipt } from '../../domain/contracts/control.ts';
import { randomUUID } from 'node:crypto';
import { openReceipt } from '../../platform/receipts.ts';
import { commandIdOf, receiptAnswer } from '../bookings/controls.ts';
import { json, route } from '../operation.ts';
import { settleReceipt } from '../bookings/receipts.ts';
import { Id } from './view.ts';

export const haltTelescope = route(
  {
    method: 'post',
    path: '/api/telescopes/{id}/halt',
    id: 'haltTelescope',
    tag: 'Telescopes',
    summary: 'Halt everything that moves, at once',
    description: 'For an operator in an emergency: `Abort{IsHalt: true}`. Needs neither database nor workflow service.',
    guard: { scopes: ['admin:write'], failOpen: true },
    params: Id,
    answers: { 200: { description: 'Confirmed', schema: Receipt }, 202: { description: 'Sent', schema: Receipt } },
    problems: ['gateway_away', 'control_refused'],
  },
  async ({ deps, c, who, params }) => {
    const telescope = deps.telescopes.remembered(params.id) ?? (await deps.telescopes.get(params.id));
    const commandId = commandIdOf(who, c.req.header('idempotency-key'), 'halt', params.id);
    const receipt = await deps.gateways.stop(telescope, 'halt', {
      command_id: commandId,
      requested_by: who.name,
      reason: 'operator_abort',
    });
    void deps.db
      .$transaction((tx) =>
        openReceipt(tx, {
          commandId,
          kind: 'halt',
          bookingId: null,
          telescopeId: telescope.id,
          requestedBy: who.name,
          at: new Date(deps.now()),
        }),
      )
      .then(() => settleReceipt(deps, commandId, receipt.state, receipt.reason ?? null, receipt.message ?? null))
      .catch(() => undefined);
    return receiptAnswer(deps, { ...receipt, command_id: commandId, kind: 'halt', telescope_id: telescope.id });
  },
);

export const endEmergency = route(
  {
    method: 'post',
    path: '/api/telescopes/{id}/emergency-over',
    id: 'endEmergency',
    tag: 'Telescopes',
    summary: 'Voyager’s emergency is over, though nobody heard it say so',
    description:
      'While Voyager carries out an emergency nothing is sent to it. This ends that silence when its RESUME was missed; for an operator who has looked.',
    guard: { scopes: ['admin:write'] },
    params: Id,
    answers: {
      200: {
        description: 'Whether there was one',
        schema: z.object({ ended: z.boolean() }).meta({ id: 'EmergencyOver' }),
      },
    },
    problems: ['gateway_away'],
  },
  async ({ deps, who, params }) => {
    const telescope = await deps.telescopes.get(params.id);
    await deps.db.audit.create({
      data: {
        id: randomUUID(),
        at: new Date(deps.now()),
        actor: who.name,
        action: 'emergency.over',
        telescopeId: telescope.id,
        data: {},
      },
    });
    return json({ ended: await deps.gateways.emergencyOver(telescope, who.name) });
  },
);
