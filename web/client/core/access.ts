import { ApiProblem, dropFromAddress, Http, keepToken, takeToken } from './http.ts';
import { claimsOf, keptKey } from './push-keys.ts';
import { deviceKeep } from './storage.ts';
import { uuid } from './uuid.ts';

const DEVICE_KEY = 'nocturne.device';

/** A text kept by this browser: the link knows its first device by it. */
function device(): string {
  const known = deviceKeep.get(DEVICE_KEY) ?? uuid();
  deviceKeep.set(DEVICE_KEY, known);
  return known;
}

/** Takes `#link=…` out of the address at once, so that it stays out of histories and referrers. */
function takeLink(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get('link');
  if (code === null) return null;
  dropFromAddress(fragment, 'link');
  return code;
}

const isOver = (token: string): boolean => (claimsOf(token)?.expiresAtMs ?? Infinity) <= Date.now();

export interface Access {
  token: string | null;
  /** The link was used on another device before: here one may look. */
  viewOnly: boolean;
}

/**
 * The key of a session's page: this tab's, the one that the address's link is exchanged for, or the one kept for push messages. Without any, the
 * page says how to get one.
 */
export async function sessionAccess(bookingId: string): Promise<Access> {
  const code = takeLink();
  const known = takeToken('booking', bookingId);
  const own = known && !isOver(known) ? known : null;
  if (code) {
    const session = await exchange(code);
    if (session && !(session.view_only && own)) {
      keepToken('booking', bookingId, session.token);
      return { token: session.token, viewOnly: session.view_only };
    }
  }
  return { token: own ?? (await keptKey(bookingId).catch(() => null)) ?? known, viewOnly: false };
}

async function exchange(code: string): Promise<{ token: string; view_only: boolean } | null> {
  try {
    return await new Http(null).post('/api/links/exchange', { code, device: device() });
  } catch (thrown) {
    if (thrown instanceof ApiProblem) return null;
    throw thrown;
  }
}

/** Asks for a new link by mail; the answer does not say whether there is such a booking. */
export const askForLink = (bookingId: string): Promise<unknown> =>
  new Http(null).post('/api/links', { booking_id: bookingId });

/** The booking that an address like `/control/{id}` names; as it stands where it is not well written. */
export function bookingInAddress(path = location.pathname): string {
  const written = path.split('/')[2] ?? '';
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
