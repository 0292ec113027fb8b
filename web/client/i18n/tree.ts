import { translate, type Locale } from './index.ts';

/** Fills `data-i18n`, `data-i18n-label` (aria-label), `data-i18n-title` and `data-i18n-placeholder` below an element. */
export function translateTree(root: ParentNode, locale: Locale): void {
  for (const el of root.querySelectorAll<HTMLElement>('[data-i18n]'))
    el.textContent = translate(locale, el.dataset.i18n!);
  for (const el of root.querySelectorAll<HTMLElement>('[data-i18n-label]'))
    el.setAttribute('aria-label', translate(locale, el.dataset.i18nLabel!));
  for (const el of root.querySelectorAll<HTMLElement>('[data-i18n-title]'))
    el.title = translate(locale, el.dataset.i18nTitle!);
  for (const template of root.querySelectorAll('template')) translateTree(template.content, locale);
  for (const el of root.querySelectorAll<HTMLInputElement>('[data-i18n-placeholder]'))
    el.placeholder = translate(locale, el.dataset.i18nPlaceholder!);
}
