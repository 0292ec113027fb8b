import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Purposes for which keys are derived from one secret, so that a signature made for one is worthless for another. */
export type SigningPurpose = 'token' | 'url' | 'cursor' | 'link' | 'unsubscribe' | 'calendar' | 'seal' | 'passkey';

/** A 256-bit key out of GATEWAY_SECRET for one purpose (HKDF-SHA256, RFC 5869); every replica derives the same. */
export const deriveKey = (secret: string, purpose: SigningPurpose): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'nocturne', purpose, 32));

export const hmacBase64Url = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url');

/** Compares two texts without telling by time how much of them agrees; their lengths are no secret. */
export function equalConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Adds `exp` (Unix seconds) and `sig` (HMAC over path and exp) to an API path, since `<img>` and e-mail send no headers.
 * @param path path only, without query and host, such as `/api/bookings/b-1/archive.zip`
 */
export function signPath(secret: string, path: string, expiresAtMs: number): string {
  const exp = Math.floor(expiresAtMs / 1000);
  return `${path}?exp=${exp}&sig=${hmacBase64Url(deriveKey(secret, 'url'), `${path}\n${exp}`)}`;
}

/** Null when `exp` and `sig` are genuine for this path and not over, else why not. */
export function verifySignedPath(
  key: Buffer,
  path: string,
  exp: string | undefined,
  sig: string | undefined,
  nowMs: number,
): 'missing' | 'expired' | 'wrong' | null {
  if (!exp || !sig) return 'missing';
  if (!/^\d{1,12}$/.test(exp) || !equalConstantTime(hmacBase64Url(key, `${path}\n${exp}`), sig)) return 'wrong';
  return Number(exp) * 1000 < nowMs ? 'expired' : null;
}
