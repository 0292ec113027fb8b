/**
 * The keys of a subscribed device, shared by page and service worker: a push message opens its page with them when no tab is left. Each is a
 * booking's own token, which opens that session alone and until it ends.
 */
const CACHE = 'nocturne.push-keys';
const UNTIL = 'x-until';
const address = (bookingId: string): string => `/push-keys/${encodeURIComponent(bookingId)}`;

/** What a token says of itself, unchecked; null when it is not one of ours. */
export function claimsOf(token: string): { kind: string; subject: string; expiresAtMs: number } | null {
  try {
    const body = token.replace(/^nct_/, '').split('.')[0]!.replaceAll('-', '+').replaceAll('_', '/');
    const { k, sub, exp } = JSON.parse(
      new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))),
    ) as { k?: unknown; sub?: unknown; exp?: unknown };
    return typeof k === 'string' && typeof sub === 'string' && typeof exp === 'number'
      ? { kind: k, subject: sub, expiresAtMs: exp * 1000 }
      : null;
  } catch {
    return null;
  }
}

/** Keeps the token where it is this booking's own; a user's or an operator's opens too much to lie on a device. */
export async function keepKey(bookingId: string, token: string): Promise<void> {
  const claims = claimsOf(token);
  if (claims?.kind !== 'booking' || claims.subject !== bookingId) return;
  await (
    await caches.open(CACHE)
  ).put(address(bookingId), new Response(token, { headers: { [UNTIL]: String(claims.expiresAtMs) } }));
}

/** The booking's key, or null; keys that have run out are dropped. */
export async function keptKey(bookingId: string, nowMs = Date.now()): Promise<string | null> {
  if (!(await caches.has(CACHE))) return null;
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    const kept = await cache.match(request);
    if (Number(kept?.headers.get(UNTIL)) <= nowMs) await cache.delete(request);
  }
  return (await (await cache.match(address(bookingId)))?.text()) ?? null;
}

export async function forgetKey(bookingId: string): Promise<void> {
  await (await caches.open(CACHE)).delete(address(bookingId));
}
