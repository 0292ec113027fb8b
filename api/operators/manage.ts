import { z } from '@hono/zod-openapi';
import { Operator } from '../../domain/contracts/operator.ts';
import { endOperators, endTokens, refuseFromNow } from '../access/minting.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { audited } from './audit.ts';
import { requireOperator } from './sessions.ts';
import { showOperators } from './show.ts';

/** Each session has `admin:read`; over whom one rules is looked up. */
const guard = { scopes: ['tokens:write', 'admin:read'] } as const;
const Id = z.object({ operator_id: z.string().max(64) });

/** Ends what `end` says in one transaction; the tokens that it names are refused from now on. */
async function ending(deps: Deps, end: (tx: Transaction, at: Date) => Promise<string[]>): Promise<Response> {
  refuseFromNow(deps, await deps.db.$transaction((tx) => end(tx, new Date(deps.now()))));
  return new Response(null, { status: 204 });
}

export const listOperators = route(
  {
    method: 'get',
    path: '/api/admin/operators',
    id: 'listOperators',
    tag: 'Operators',
    summary: 'Operators with their passkeys and open sessions',
    description:
      'Whoever has `admin:write` or `tokens:write` sees those who may do no more; all others see themselves.',
    guard,
    narrows: true,
    answers: {
      200: { description: 'All', schema: z.object({ data: z.array(Operator) }).meta({ id: 'OperatorList' }) },
    },
  },
  async ({ deps, who }) => json({ data: await showOperators(deps, who, {}) }),
);

export const endOperator = route(
  {
    method: 'delete',
    path: '/api/admin/operators/{operator_id}',
    id: 'endOperator',
    tag: 'Operators',
    summary: 'End an operator’s access, with passkeys and sessions, within a second',
    guard,
    narrows: true,
    params: Id,
    answers: { 204: { description: 'Ended' } },
  },
  async ({ deps, who, params }) => {
    const { id, name } = await requireOperator(deps, who, params.operator_id);
    return ending(deps, async (tx, at) => {
      await audited(deps, tx, who, 'operator.end', { id, name });
      return endOperators(tx, { id }, at);
    });
  },
);

export const removePasskey = route(
  {
    method: 'delete',
    path: '/api/admin/operators/{operator_id}/passkeys/{passkey_id}',
    id: 'removePasskey',
    tag: 'Operators',
    summary: 'Remove a passkey, and end every session of the operator but the one that asks',
    guard,
    narrows: true,
    params: Id.extend({ passkey_id: z.string().max(64) }),
    answers: { 204: { description: 'Removed' } },
  },
  async ({ deps, who, params }) => {
    const operator = await requireOperator(deps, who, params.operator_id);
    return ending(deps, async (tx, at) => {
      const { count } = await tx.passkey.deleteMany({ where: { id: params.passkey_id, operatorId: operator.id } });
      if (count === 0) throw new Problem('not_found', 'No such passkey.');
      await audited(deps, tx, who, 'operator.passkey_remove', { id: operator.id, passkey: params.passkey_id });
      return endTokens(tx, { mintedBy: operator.id, id: { not: who.credentialId } }, at);
    });
  },
);

export const endSession = route(
  {
    method: 'delete',
    path: '/api/admin/operators/{operator_id}/sessions/{session_id}',
    id: 'endOperatorSession',
    tag: 'Operators',
    summary: 'End a session, one’s own to sign out',
    guard,
    narrows: true,
    params: Id.extend({ session_id: z.string().max(64) }),
    answers: { 204: { description: 'Ended' } },
  },
  async ({ deps, who, params }) => {
    const operator = await requireOperator(deps, who, params.operator_id);
    return ending(deps, async (tx, at) => {
      const ended = await endTokens(tx, { mintedBy: operator.id, id: params.session_id }, at);
      if (ended.length === 0) throw new Problem('not_found', 'No such session.');
      await audited(deps, tx, who, 'operator.session_end', { id: operator.id, session: params.session_id });
      return ended;
    });
  },
);
