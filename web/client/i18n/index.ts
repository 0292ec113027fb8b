import { REASONS, type Locale, type Reason } from '../../../domain/reasons.ts';
import { prefs } from '../core/prefs.ts';
import { TEXT, type TextKey } from './text.ts';

export type { Locale, TextKey };

/** The text in the language, with `{name}` filled in; an unknown key shows itself. */
export function translate(locale: Locale, key: string, values?: Record<string, string | number>): string {
  const pair = TEXT[key as TextKey] as readonly [string, string] | undefined;
  let text = pair ? pair[locale === 'fr' ? 0 : 1] : key;
  if (values) for (const [name, value] of Object.entries(values)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}
/** The text in the viewer's language. */
export const say = (key: string, values?: Record<string, string | number>): string =>
  translate(prefs.locale, key, values);
export const reasonIn = (locale: Locale, reason: string | null | undefined): string =>
  reason ? (REASONS[reason as Reason]?.[locale] ?? reason) : '';
