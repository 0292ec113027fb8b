import type { Scope } from '../../domain/contracts/token.ts';
import { publish } from '../../platform/bus.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import type { Identity } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem, invalid } from '../errors.ts';

/** Who makes a key or a token hands on a part of what it has itself: scopes, telescopes and time; and what it made ends with it. */

/** @param possible what such a credential can have at all. @throws Problem `invalid` naming each scope that cannot be handed on */
export function scopesToHandOn(
  who: Identity,
  wanted: readonly Scope[] | undefined,
  possible: readonly Scope[],
): Scope[] {
  const beyond = wanted?.filter((scope) => !who.scopes.has(scope)) ?? [];
  if (beyond.length > 0) throw invalid({ scopes: [`you do not have ${beyond.join(', ')} yourself`] });
  const scopes = [...new Set(wanted ?? possible.filter((scope) => who.scopes.has(scope)))];
  if (scopes.length === 0) throw invalid({ scopes: [`you have none of ${possible.join(', ')} yourself`] });
  return scopes;
}

/** Empty for all. @throws Problem `invalid` naming each telescope that is not there, or not the maker's */
export async function telescopesToHandOn(deps: Deps, who: Identity, wanted: readonly string[] = []): Promise<string[]> {
  const there = who.telescopes ?? (await deps.telescopes.list()).map(({ id }) => id);
  const beyond = wanted.filter((id) => !there.includes(id));
  if (beyond.length > 0)
    throw invalid({ telescopes: [`${beyond.join(', ')} is none of ${there.join(', ') || 'the telescopes here'}`] });
  return wanted.length > 0 ? [...new Set(wanted)] : [...(who.telescopes ?? [])];
}

/** @throws Problem `invalid` where it would outlive its maker */
export function expiryToHandOn(who: Identity, wantedMs: number | null): number | null {
  const { expiresAtMs } = who;
  if (expiresAtMs !== null && wantedMs !== null && wantedMs > expiresAtMs)
    throw invalid({
      expires_at: [`may be ${new Date(expiresAtMs).toISOString()} at the latest, when your own key ends`],
    });
  return wantedMs ?? expiresAtMs;
}

/** Has `who` all that the other has? Only then may it end or replace it. */
export const covers = (who: Identity, other: { scopes: readonly string[]; telescopes: readonly string[] }): boolean =>
  other.scopes.every((scope) => who.scopes.has(scope as Scope)) &&
  (who.telescopes === null ||
    (other.telescopes.length > 0 && other.telescopes.every((id) => who.telescopes!.includes(id))));
/** @throws Problem `forbidden` */
export function requireCovers(
  who: Identity,
  other: { scopes: readonly string[]; telescopes: readonly string[] },
): void {
  if (!covers(who, other)) throw new Problem('forbidden', 'That key may do more than yours.');
}

/** Ends a key with every key, operator and token that came from it. @returns the tokens, to be told (`refuseFromNow`) */
export async function revokeWithOffspring(tx: Database | Transaction, keyId: string, at: Date): Promise<string[]> {
  const keys = [keyId];
  for (let young = [keyId]; young.length > 0;) {
    const made = await tx.apiKey.findMany({ where: { mintedBy: { in: young } }, select: { id: true } });
    young = made.map(({ id }) => id).filter((id) => !keys.includes(id));
    keys.push(...young);
  }
  await tx.apiKey.updateMany({ where: { id: { in: keys }, revokedAt: null }, data: { revokedAt: at } });
  const ofOperators = await endOperators(tx, { mintedBy: { in: keys } }, at);
  return [...ofOperators, ...(await endTokens(tx, { mintedBy: { in: keys } }, at))];
}
/** Ends operators with their passkeys and sessions. @returns the tokens of their sessions */
export async function endOperators(
  tx: Database | Transaction,
  where: Prisma.OperatorWhereInput,
  at: Date,
): Promise<string[]> {
  const ids = (await tx.operator.findMany({ where, select: { id: true } })).map(({ id }) => id);
  const ended = { endedAt: at, invitationHash: null, invitedUntil: null };
  await tx.operator.updateMany({ where: { id: { in: ids }, endedAt: null }, data: ended });
  await tx.passkey.deleteMany({ where: { operatorId: { in: ids } } });
  return endTokens(tx, { mintedBy: { in: ids } }, at);
}
/** Ends tokens that still live, and tells every replica. @returns their ids */
export async function endTokens(
  tx: Database | Transaction,
  where: Prisma.TokenWhereInput,
  at: Date,
): Promise<string[]> {
  const alive = { ...where, revokedAt: null, expiresAt: { gt: at } };
  const tokens = (await tx.token.findMany({ where: alive, select: { id: true } })).map(({ id }) => id);
  await tx.token.updateMany({ where: { id: { in: tokens } }, data: { revokedAt: at } });
  for (const id of tokens) await publish(tx, { kind: 'control', what: 'token.revoked', data: { id } });
  return tokens;
}

/** This process refuses them from now on; the others hear it by the bus. */
export function refuseFromNow(deps: Deps, tokens: readonly string[]): void {
  for (const id of tokens) {
    deps.revocations.add(id);
    deps.live.grants.revoke(id);
  }
}
