import type { Http, PageConfig } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { deviceKeep } from '../core/storage.ts';
import { claimsOf, forgetKey, keepKey, keptKey } from '../core/push-keys.ts';

/** Only on our own origin: a service worker speaks for the site that it comes from. */
export const pushPossible = (http: Http, config: PageConfig | null): boolean =>
  !!config?.vapidPublicKey &&
  new URL(http.url('/'), location.href).origin === location.origin &&
  'serviceWorker' in navigator &&
  'PushManager' in window &&
  'Notification' in window;

/** What this browser is told of: ids of the API's subscriptions by booking; a person's token subscribes to all of theirs. */
const TOLD_KEY = 'nocturne.push';
const ALL = '*';
function toldOf(): Record<string, string> {
  try {
    const known: unknown = JSON.parse(deviceKeep.get(TOLD_KEY) ?? '{}');
    return typeof known === 'object' && known !== null ? (known as Record<string, string>) : {};
  } catch {
    return {};
  }
}
const keyBytes = (base64Url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64Url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

const pushSubscription = async (): Promise<PushSubscription | null> =>
  (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription().catch(() => null) ?? null;

/** Whether this browser is told of this booking; keys that have run out are dropped on the way. */
export async function pushTells(bookingId: string): Promise<boolean> {
  await keptKey(bookingId);
  const told = toldOf();
  return (Object.hasOwn(told, bookingId) || Object.hasOwn(told, ALL)) && (await pushSubscription()) !== null;
}

/** Asks for leave, subscribes this browser (VAPID) and tells the API. False when the viewer or the browser says no. */
export async function subscribePush(http: Http, config: PageConfig, bookingId: string): Promise<boolean> {
  if (!pushPossible(http, config) || (await Notification.requestPermission()) !== 'granted') return false;
  const registration = await navigator.serviceWorker.ready;
  const known = await registration.pushManager.getSubscription();
  const subscription =
    known ??
    (await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: keyBytes(config.vapidPublicKey!),
    }));
  const { endpoint, keys } = subscription.toJSON();
  const { id } = await http.post<{ id: string }>('/api/push/subscriptions', {
    booking_id: bookingId,
    endpoint,
    keys,
    locale: prefs.locale,
  });
  const token = http.token ?? '';
  deviceKeep.set(TOLD_KEY, JSON.stringify({ ...toldOf(), [claimsOf(token)?.kind === 'user' ? ALL : bookingId]: id }));
  await keepKey(bookingId, token);
  return true;
}

/** This browser is told no more of this booking; of none at all once it was the last, or where a person's token had asked for all. */
export async function unsubscribePush(http: Http, bookingId: string): Promise<void> {
  const { [bookingId]: own, [ALL]: all, ...others } = toldOf();
  deviceKeep.set(TOLD_KEY, JSON.stringify(others));
  await forgetKey(bookingId);
  if (Object.keys(others).length === 0) await (await pushSubscription())?.unsubscribe();
  for (const id of [own, all])
    if (id) await http.post(`/api/push/subscriptions/${encodeURIComponent(id)}`, {}, {}, 'DELETE');
}
