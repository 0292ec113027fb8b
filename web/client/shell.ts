import { Alpine } from '@alpinejs/csp';
import { isAdminsTab } from './core/http.ts';
import { prefs } from './core/prefs.ts';
import { followVersion } from './core/version.ts';
import { translate } from './i18n/index.ts';
import { translateTree } from './i18n/tree.ts';

/** Tells every component on the page that language, theme or time zone have changed. */
export function prefsChanged(): void {
  paint();
  document.dispatchEvent(new CustomEvent('nocturne:prefs'));
}

function paint(): void {
  const root = document.documentElement;
  root.lang = prefs.locale;
  root.toggleAttribute('data-night', prefs.night);
  translateTree(document, prefs.locale);
  const tool = (name: string): HTMLElement | null => document.querySelector(`[data-tool="${name}"]`);
  const locale = tool('locale');
  if (locale) {
    locale.textContent = prefs.locale === 'fr' ? 'EN' : 'FR';
    locale.lang = prefs.locale === 'fr' ? 'en' : 'fr';
  }
  tool('night')?.setAttribute('aria-pressed', String(prefs.night));
  const zone = tool('zone');
  if (zone) {
    zone.textContent = translate(prefs.locale, prefs.zone === 'site' ? 'ui.zone.site' : 'ui.zone.local');
    zone.dataset.zone = prefs.zone;
    zone.title = translate(prefs.locale, 'ui.zone.label');
  }
}

/** Starts a page: theme, language, its tools, the components, and the service worker. */
export function startPage(components: Record<string, (...args: never[]) => object>): void {
  paint();
  const page = document.body.dataset.page ?? '';
  for (const link of document.querySelectorAll<HTMLAnchorElement>('.site-nav a'))
    if (link.pathname === `/${page}`) link.setAttribute('aria-current', 'page');
  if (page === 'admin' || isAdminsTab())
    document.querySelector<HTMLElement>('[data-tool="admin"]')?.removeAttribute('hidden');
  const on = (name: string, change: () => void): void =>
    document.querySelector(`[data-tool="${name}"]`)?.addEventListener('click', () => {
      change();
      prefsChanged();
    });
  on('locale', () => (prefs.locale = prefs.locale === 'fr' ? 'en' : 'fr'));
  on('night', () => (prefs.night = !prefs.night));
  on('zone', () => (prefs.zone = prefs.zone === 'site' ? 'local' : 'site'));
  const menu = document.querySelector('[data-tool="menu"]');
  menu?.addEventListener('click', () =>
    menu.setAttribute('aria-expanded', String(menu.getAttribute('aria-expanded') !== 'true')),
  );
  if (!document.querySelector('[data-uses-zone]') && !['control', 'demo', 'report', 'observations'].includes(page))
    document.querySelector<HTMLElement>('[data-tool="zone"]')!.hidden = true;
  document.addEventListener('nocturne:prefs', paint);
  for (const [name, factory] of Object.entries(components)) Alpine.data(name, factory);
  (window as unknown as { Alpine: unknown }).Alpine = Alpine;
  Alpine.start();
  // Shown when its texts stand, so that nothing moves under the reader.
  requestAnimationFrame(() => document.querySelector('main')?.removeAttribute('data-filling'));
  // A link that is put into the address of an open page changes its fragment alone.
  addEventListener('hashchange', () => {
    if (/[#&](?:link|token)=/.test(location.hash)) location.reload();
  });
  followVersion();
  if (window.isSecureContext) void registerWorker().catch(() => undefined);
}

/** Browsers that keep nothing for this site refuse it, some of them already at the question. */
const registerWorker = async (): Promise<unknown> => navigator.serviceWorker?.register('/sw.js');
