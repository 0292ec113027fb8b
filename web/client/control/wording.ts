import { duration, number, UNKNOWN } from '../core/format.ts';
import { translate, type Locale } from '../i18n/index.ts';
import type { Facts } from './facts.ts';

export type Maybe<T> = T | null | undefined;

/** The value in words, or a dash where nobody knows it. */
export const known = <T>(value: Maybe<T>, words: (value: T) => string, otherwise = UNKNOWN): string =>
  value === null || value === undefined ? otherwise : words(value);

export const degreesCelsius = (value: Maybe<number>, locale: Locale): string =>
  known(value, (v) => `${number(v, locale, 1)} °C`);

/** Whole numbers without a decimal sign, others with one digit behind it. */
export const short = (value: number, locale: Locale): string => number(value, locale, value % 1 ? 1 : 0);

export const binningIn = (binning: Maybe<number>): string => (binning ? `${binning}×${binning}` : UNKNOWN);

/** The text of a key, or what stands for it when there is none. */
export function textOr(key: string, otherwise: string, locale: Locale): string {
  const text = translate(locale, key);
  return text === key ? otherwise.replaceAll('_', ' ') : text;
}

/** "just now", "40 s ago", "3 min ago": the older, the coarser. */
export const ago = (seconds: number, locale: Locale): string =>
  seconds < 5
    ? translate(locale, 'ui.age.now')
    : translate(locale, 'ui.age', { age: duration(seconds < 60 ? seconds : Math.floor(seconds / 60) * 60) });

/** How long ago, by the server's clock; empty when it never was. */
export const passed = (at: Maybe<string>, { nowMs, locale }: Facts): string =>
  at ? ago(Math.max(0, (nowMs - Date.parse(at)) / 1000), locale) : '';

const TONES: Record<string, string> = {
  L: 'l',
  R: 'r',
  G: 'g',
  B: 'b',
  HA: 'ha',
  'H-ALPHA': 'ha',
  OIII: 'oiii',
  O3: 'oiii',
  SII: 'sii',
  S2: 'sii',
};
/** Colour name of a filter; unknown filters share one. */
export const filterTone = (filter: Maybe<string>): string => TONES[(filter ?? '').toUpperCase()] ?? 'other';
