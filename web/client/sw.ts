/// <reference lib="webworker" />
import { keptKey } from './core/push-keys.ts';

const worker = globalThis as unknown as ServiceWorkerGlobalScope;

/** Shows push messages and opens their page. It answers no requests: a session page is only worth what it says now. */
worker.addEventListener('install', () => void worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
interface PushMessage {
  type?: string;
  booking_id?: string;
  title?: string;
  body?: string;
  url?: string;
  notification?: { navigate?: string };
}
worker.addEventListener('push', (event) => {
  let message: PushMessage;
  try {
    message = (event.data?.json() ?? {}) as PushMessage;
  } catch {
    message = { body: event.data?.text() ?? '' };
  }
  // A frame comes every few minutes all night: the newest takes the place of the one before, without a sound.
  event.waitUntil(
    worker.registration.showNotification(message.title ?? 'nocturne', {
      body: message.body ?? '',
      icon: '/assets/icon-192.png',
      badge: '/assets/icon-192.png',
      ...(message.type === 'image.captured' ? { tag: `frame ${message.booking_id}`, silent: true } : {}),
      data: {
        url: message.url ?? '/',
        ...(message.notification?.navigate ? { link: new URL(message.notification.navigate).hash } : {}),
      },
    }),
  );
});
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url, link } = event.notification.data as { url: string; link?: string };
  const target = new URL(url, worker.location.origin);
  if (target.origin !== worker.location.origin) return;
  event.waitUntil(
    (async () => {
      const open = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
      const same = open.find((client) => new URL(client.url).pathname === target.pathname);
      // Another page of the same booking has the access key and leads there with it; a new tab takes the one kept for it.
      const sister = open.find(
        (client) => new URL(client.url).pathname.split('/')[2] === target.pathname.split('/')[2],
      );
      if (same) await same.focus();
      else if (sister) await ((await sister.navigate(target.href).catch(() => null)) ?? sister).focus();
      else {
        const key = await keptKey(decodeURIComponent(target.pathname.split('/')[2] ?? ''));
        // Without a key of its own the message's link opens the page, as long as this device is still told of anything.
        const isTold = (await worker.registration.pushManager.getSubscription().catch(() => null)) !== null;
        if (key) target.hash = `token=${key}`;
        else if (link && isTold) target.hash = link;
        await worker.clients.openWindow(target.href);
      }
    })(),
  );
});
