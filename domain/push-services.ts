/** Hosts of the push services that browsers use: Chrome and Edge on Android (Google), Firefox (Mozilla), Safari (Apple), Edge on Windows (Microsoft). */
const KNOWN = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  '.push.services.mozilla.com',
  'web.push.apple.com',
  '.push.apple.com',
  '.notify.windows.com',
] as const;

/** Subscriptions that one credential may have in one booking (or person) before its oldest gives way, and that a booking may have in all. */
export const PUSH_PER_CREDENTIAL = 5;
export const PUSH_PER_BOOKING = 20;

/** True for an https address of a push service. @param more hosts that the operator allows besides */
export function isPushService(endpoint: string, more: readonly string[]): boolean {
  if (!URL.canParse(endpoint)) return false;
  const url = new URL(endpoint);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  return [...KNOWN, ...more].some((host) =>
    host.startsWith('.') ? url.hostname.endsWith(host) : url.hostname === host,
  );
}
