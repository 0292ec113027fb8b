import { tabKeep } from './storage.ts';

const LOOK_EVERY_MS = 300_000;
/** How soon a page that may not be replaced now asks itself again. */
const TRY_EVERY_MS = 2_000;

/** The parts that a page names in its head carry the hash of their content: with them it is the same page. */
const partsOf = (page: ParentNode): string =>
  [...page.querySelectorAll('script[type="module"], link[rel="stylesheet"]')]
    .map((part) => part.getAttribute('src') ?? part.getAttribute('href'))
    .join(' ');

/** Whether the server hands out another page by now than the one that is open. */
async function isReplaced(): Promise<boolean> {
  const response = await fetch(location.pathname, { headers: { accept: 'text/html' }, cache: 'no-store' });
  if (!response.ok) return false;
  const parts = partsOf(new DOMParser().parseFromString(await response.text(), 'text/html'));
  return parts !== '' && parts !== partsOf(document);
}

/** Nothing would be lost: no question is open, no command under way, nothing typed, and the key outlives the page. */
const mayReload = (typed: boolean): boolean =>
  !typed &&
  tabKeep.lasts &&
  document.fullscreenElement === null &&
  document.querySelector('dialog[open], .driver-active, [data-busy]') === null;

/** Notices that the server has a new version of this page and takes it, as soon as nobody is in the middle of something. */
export function followVersion(): void {
  let typed = false;
  let replaced = false;
  const look = async (): Promise<void> => {
    if (replaced || document.visibilityState === 'hidden' || !(await isReplaced().catch(() => false))) return;
    replaced = true;
    reloadWhenQuiet();
  };
  const reloadWhenQuiet = (): void => {
    if (mayReload(typed)) location.reload();
    else setTimeout(reloadWhenQuiet, TRY_EVERY_MS);
  };
  document.addEventListener('input', ({ target }) => {
    if (!(target instanceof HTMLInputElement && target.type === 'checkbox')) typed = true;
  });
  setInterval(() => void look(), LOOK_EVERY_MS);
  document.addEventListener('visibilitychange', () => void look());
  document.addEventListener('nocturne:back', () => void look());
}
