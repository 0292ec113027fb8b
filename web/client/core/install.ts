import type { Http } from './http.ts';

/** An iPhone or iPad whose browser has no push: there only a page on the home screen is told. */
export const needsInstall = (): boolean =>
  /iPhone|iPad|iPod/.test(navigator.userAgent) &&
  !('PushManager' in window) &&
  !matchMedia('(display-mode: standalone)').matches;

/** Gives this page a manifest of its own, so that on a home screen it opens this session with its key. */
export async function makeInstallable(http: Http, bookingId: string): Promise<void> {
  const link = document.querySelector<HTMLLinkElement>('link[rel="manifest"]');
  const isOwn = new URL(http.url('/'), location.href).origin === location.origin && window.top === window;
  if (!link || !isOwn || !http.token) return;
  const { manifest_url } = await http.post<{ manifest_url: string }>(
    `/api/bookings/${encodeURIComponent(bookingId)}/pairing`,
    {},
  );
  link.crossOrigin = 'use-credentials';
  link.href = manifest_url;
}
