import { createHash } from 'node:crypto';
import { stableId } from '../domain/ids.ts';
import type { Database } from './database.ts';
import { deriveKey, equalConstantTime, hmacBase64Url } from './signing.ts';

/** Life of a link in a letter. */
export const LINK_LIFE_MS = 30 * 86_400_000;

/** The secret part of a link: its id and a signature. It travels in a page's fragment only, which no server and no referrer sees. */
export const linkCode = (secret: string, id: string): string => `${id}.${hmacBase64Url(deriveKey(secret, 'link'), id)}`;

/** The id of a genuine code, else null. */
export function linkIdOf(secret: string, code: string): string | null {
  const match = /^([0-9a-f-]{36})\.([\w-]{43})$/.exec(code);
  return match && equalConstantTime(hmacBase64Url(deriveKey(secret, 'link'), match[1]!), match[2]!) ? match[1]! : null;
}

export const deviceHash = (device: string): string => createHash('sha256').update(device).digest('hex');

/**
 * Makes a link, or finds the one made before under the same key, so that a letter that is sent twice carries one link.
 * @param scopes what the first device may do; any other may only look
 * @returns its code
 */
export async function makeLink(
  db: Database,
  secret: string,
  link: { key: string; bookingId: string; scopes: readonly string[]; expiresAt: Date },
): Promise<string> {
  const id = stableId('link', link.bookingId, link.key);
  await db.link.createMany({
    data: [{ id, bookingId: link.bookingId, scopes: [...link.scopes], expiresAt: link.expiresAt }],
    skipDuplicates: true,
  });
  return linkCode(secret, id);
}

/** The code that a mail program posts to end a person's letters (RFC 8058), good for as long as the letter lies there. */
export const unsubscribeCode = (secret: string, userRef: string): string =>
  `${Buffer.from(userRef).toString('base64url')}.${hmacBase64Url(deriveKey(secret, 'unsubscribe'), userRef)}`;

export function unsubscribeRef(secret: string, code: string): string | null {
  const match = /^([\w-]{1,200})\.([\w-]{43})$/.exec(code);
  if (!match) return null;
  const ref = Buffer.from(match[1]!, 'base64url').toString('utf8');
  return equalConstantTime(hmacBase64Url(deriveKey(secret, 'unsubscribe'), ref), match[2]!) ? ref : null;
}
