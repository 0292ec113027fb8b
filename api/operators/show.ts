import type { Operator as Shown, Role } from '../../domain/contracts/operator.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { operatorOf, rules } from './sessions.ts';

const time = (at: Date | null): string | null => at?.toISOString() ?? null;

/** The operators that `who` may see: themselves, and those over whom they rule. */
export async function showOperators(deps: Deps, who: Identity, where: Prisma.OperatorWhereInput): Promise<Shown[]> {
  const me = await operatorOf(deps, who);
  const all = await deps.db.operator.findMany({ where, include: { passkeys: true }, orderBy: { createdAt: 'asc' } });
  const seen = all.filter((one) => one.id === me?.id || rules(who, one));
  const alive = { revokedAt: null, expiresAt: { gt: new Date(deps.now()) } };
  const sessions = await deps.db.token.findMany({
    where: { mintedBy: { in: seen.map(({ id }) => id) }, ...alive },
    orderBy: { createdAt: 'desc' },
  });
  return seen.map((one) => ({
    id: one.id,
    name: one.name,
    role: one.role as Role,
    telescopes: one.telescopes,
    created_at: one.createdAt.toISOString(),
    expires_at: time(one.expiresAt),
    ended_at: time(one.endedAt),
    invited_until: one.invitedUntil && one.invitedUntil.getTime() > deps.now() ? time(one.invitedUntil) : null,
    is_me: one.id === me?.id,
    passkeys: one.passkeys.map(({ id, label, createdAt, lastUsedAt }) => ({
      id,
      label,
      created_at: createdAt.toISOString(),
      last_used_at: time(lastUsedAt),
    })),
    sessions: sessions
      .filter(({ mintedBy }) => mintedBy === one.id)
      .map(({ id, createdAt, expiresAt }) => ({
        id,
        created_at: createdAt.toISOString(),
        expires_at: expiresAt.toISOString(),
        is_this: id === who.credentialId,
      })),
  }));
}
