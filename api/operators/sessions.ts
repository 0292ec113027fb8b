import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { Instant } from '../../domain/contracts/common.ts';
import { ROLES, ROLE_SCOPES, type Role } from '../../domain/contracts/operator.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Operator } from '../../prisma/client/client.ts';
import { requireKey, unauthenticated, type Identity } from '../auth.ts';
import { covers } from '../access/minting.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

/** A night and what is around it. */
const SESSION_MS = 12 * 3_600_000;
/** Whoever signed in this short while ago is still there, and not somebody who found the open page. */
const FRESH_MS = 10 * 60_000;

export const SignedIn = z
  .object({ token: z.string(), name: z.string(), role: z.enum(ROLES), expires_at: Instant })
  .meta({ id: 'SignedIn' });

/** @throws Problem `unauthenticated` for one who was ended */
export function requireAlive(operator: Operator, now: number): void {
  if (operator.endedAt || (operator.expiresAt && operator.expiresAt.getTime() <= now))
    throw unauthenticated('This operator’s access has ended.');
}

/** A token for the pages with the scopes of the operator’s role, in the transaction of what earned it. */
export async function openSession(deps: Deps, tx: Transaction, operator: Operator): Promise<z.infer<typeof SignedIn>> {
  const now = deps.now();
  const expiresAtMs = Math.floor(Math.min(now + SESSION_MS, operator.expiresAt?.getTime() ?? Infinity) / 1000) * 1000;
  const { name, telescopes } = operator;
  const role = operator.role as Role;
  const scopes = [...ROLE_SCOPES[role]];
  const session = { id: randomUUID(), kind: 'admin' as const, subject: name, scopes };
  await tx.token.create({
    data: {
      ...session,
      telescopes,
      mintedBy: operator.id,
      expiresAt: new Date(expiresAtMs),
      createdAt: new Date(now),
    },
  });
  const bound = { expiresAtMs, slot: null, telescopes: telescopes.length > 0 ? telescopes : null };
  return {
    token: deps.signer.sign({ ...session, ...bound }),
    name,
    role,
    expires_at: new Date(expiresAtMs).toISOString(),
  };
}

/** The operator whose session asks; null for a key, and for a token that a key made. */
export async function operatorOf(deps: Deps, who: Identity): Promise<{ id: string; isFresh: boolean } | null> {
  if (who.kind !== 'admin') return null;
  const token = await deps.db.token.findUnique({ where: { id: who.credentialId } });
  const operator = token?.mintedBy ? await deps.db.operator.findUnique({ where: { id: token.mintedBy } }) : null;
  return operator && { id: operator.id, isFresh: deps.now() - token!.createdAt.getTime() < FRESH_MS };
}

const mayOf = ({ role, telescopes }: Operator): { scopes: readonly string[]; telescopes: string[] } => ({
  scopes: ROLE_SCOPES[role as Role],
  telescopes,
});
/** A key that makes tokens, or an administrator, who may do at least as much. */
export const rules = (who: Identity, operator: Operator): boolean =>
  (who.scopes.has('tokens:write') || who.scopes.has('admin:write')) && covers(who, mayOf(operator));

/** The operator, for one who may change them: they themselves, or whoever rules over them. @throws Problem */
export async function requireOperator(deps: Deps, who: Identity, id: string): Promise<Operator> {
  const operator = await deps.db.operator.findUnique({ where: { id } });
  const me = await operatorOf(deps, who);
  if (operator && (me?.id === id || rules(who, operator))) return operator;
  throw new Problem('not_found', 'No such operator.');
}
/** An invitation makes access: a key gives it, or the operator for their own further device, freshly signed in. @throws Problem */
export async function requireInviter(deps: Deps, who: Identity, operator: Operator): Promise<void> {
  const me = await operatorOf(deps, who);
  if (me?.id !== operator.id) return requireKey(who, 'Inviting somebody else');
  if (!me.isFresh) throw new Problem('forbidden', 'Sign in again first: this session is older than ten minutes.');
}
