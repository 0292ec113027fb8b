/// <reference lib="webworker" />
const worker = globalThis as unknown as ServiceWorkerGlobalScope;
const CACHE = 'nocturne-assets-1';

/** Keeps the last scripts and styles for moments without network; pages and data are never kept. Shows push messages. */
worker.addEventListener('install', () => void worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== worker.location.origin || !url.pathname.startsWith('/assets/')) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      try {
        const response = await fetch(event.request);
        if (response.ok) await cache.put(event.request, response.clone());
        return response;
      } catch (thrown) {
        const known = await cache.match(event.request);
        if (known) return known;
        throw thrown;
      }
    })(),
  );
});

interface PushMessage {
  title?: string;
  body?: string;
  url?: string;
  tag?: string;
}
worker.addEventListener('push', (event) => {
  let message: PushMessage;
  try {
    message = (event.data?.json() ?? {}) as PushMessage;
  } catch {
    message = { body: event.data?.text() ?? '' };
  }
  event.waitUntil(
    worker.registration.showNotification(message.title ?? 'nocturne', {
      body: message.body ?? '',
      icon: '/assets/icon.svg',
      badge: '/assets/icon.svg',
      ...(message.tag ? { tag: message.tag } : {}),
      data: { url: message.url ?? '/' },
    }),
  );
});
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url } = event.notification.data as { url: string };
  const target = new URL(url, worker.location.origin);
  if (target.origin !== worker.location.origin) return;
  event.waitUntil(
    (async () => {
      const open = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
      const same = open.find((client) => new URL(client.url).pathname === target.pathname);
      if (same) await same.focus();
      else await worker.clients.openWindow(target.href);
    })(),
  );
});
