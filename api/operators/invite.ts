import { randomBytes, randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Invitation, Operator, OperatorRequest, ROLE_SCOPES } from '../../domain/contracts/operator.ts';
import { hashKey, requireKey } from '../auth.ts';
import { scopesToHandOn, telescopesToHandOn } from '../access/minting.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { audited } from './audit.ts';
import { relyingParty } from './relying-party.ts';
import { requireAlive, requireInviter, requireOperator } from './sessions.ts';
import { showOperators } from './show.ts';

const INVITATION_MS = 48 * 3_600_000;

/** A code that is good once; the row keeps its hash. It travels in the fragment, which no server and no referrer sees. */
function invitation(deps: Deps): { code: string; hash: string; until: Date } {
  const code = `nci_${randomBytes(32).toString('base64url')}`;
  return { code, hash: hashKey(code), until: new Date(deps.now() + INVITATION_MS) };
}
const link = (deps: Deps, operatorId: string, { code, until }: ReturnType<typeof invitation>) => ({
  operator_id: operatorId,
  url: `${relyingParty(deps.config).origin}/admin#invitation=${code}`,
  expires_at: until.toISOString(),
});

export const inviteOperator = route(
  {
    method: 'post',
    path: '/api/admin/operators',
    id: 'inviteOperator',
    tag: 'Operators',
    summary: 'Invite somebody to work at the observatory',
    description:
      'The answer’s link makes a passkey, once and within 48 hours. A key hands on a part of what it has, and whom it invited ends with it.',
    guard: { scopes: ['tokens:write'] },
    narrows: true,
    body: OperatorRequest,
    answers: {
      201: {
        description: 'The operator and the link, shown this once',
        schema: z.object({ operator: Operator, invitation: Invitation }).meta({ id: 'OperatorInvited' }),
      },
    },
    problems: ['conflict'],
  },
  async ({ deps, who, body }) => {
    requireKey(who, 'Inviting operators');
    scopesToHandOn(who, ROLE_SCOPES[body.role], ROLE_SCOPES[body.role]);
    const telescopes = await telescopesToHandOn(deps, who, body.telescopes);
    const made = invitation(deps);
    const id = randomUUID();
    const shown = link(deps, id, made);
    const { name, role } = body;
    await deps.db.$transaction(async (tx) => {
      const { count } = await tx.operator.createMany({
        data: [
          {
            id,
            name,
            role,
            telescopes,
            mintedBy: who.credentialId,
            createdAt: new Date(deps.now()),
            expiresAt: who.expiresAtMs === null ? null : new Date(who.expiresAtMs),
            invitationHash: made.hash,
            invitedUntil: made.until,
          },
        ],
        skipDuplicates: true,
      });
      if (count === 0)
        throw new Problem('conflict', `There is an operator ${name} already, perhaps one who was ended.`);
      await audited(deps, tx, who, 'operator.invite', { id, name, role, telescopes });
    });
    const [operator] = await showOperators(deps, who, { id });
    return json({ operator, invitation: shown }, 201, { 'cache-control': 'no-store' });
  },
);

export const inviteAgain = route(
  {
    method: 'post',
    path: '/api/admin/operators/{operator_id}/invitation',
    id: 'inviteOperatorAgain',
    tag: 'Operators',
    summary: 'Another link for a lost or a further device; the one before ends',
    description: 'By a key, or by the operator within ten minutes of signing in.',
    guard: { scopes: ['tokens:write', 'admin:read'] },
    narrows: true,
    params: z.object({ operator_id: z.string().max(64) }),
    answers: { 201: { description: 'The link, shown this once', schema: Invitation } },
    problems: ['conflict'],
  },
  async ({ deps, who, params }) => {
    const operator = await requireOperator(deps, who, params.operator_id);
    await requireInviter(deps, who, operator);
    requireAlive(operator, deps.now());
    const made = invitation(deps);
    const shown = link(deps, operator.id, made);
    await deps.db.$transaction(async (tx) => {
      const data = { invitationHash: made.hash, invitedUntil: made.until };
      await tx.operator.update({ where: { id: operator.id }, data });
      await audited(deps, tx, who, 'operator.invite', { id: operator.id, name: operator.name });
    });
    return json(shown, 201, { 'cache-control': 'no-store' });
  },
);
