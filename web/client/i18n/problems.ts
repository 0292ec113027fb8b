import type { Locale } from '../../../domain/reasons.ts';
import { ApiProblem, isDenied } from '../core/http.ts';
import { say } from './index.ts';

/** Sentences of `POST /api/bookings/check` and of a refused booking, as the API writes them, and the same in French; `$n` is the n-th value. */
const FRENCH: [RegExp, string][] = [
  [/^must be after start$/, 'doit venir après le début'],
  [/^must be within (\S+) hours of start$/, 'doit suivre le début de $1 heures au plus'],
  [/^must be greater than hour_angle_start_hours$/, 'doit dépasser l’angle horaire de début'],
  [/^unknown filter "(.*)"; this telescope has (.*)$/, 'filtre « $1 » inconnu ; ce télescope a $2'],
  [/^one exposure of (\S+) s is longer than the slot of (\S+) s$/, 'une pose de $1 s dépasse le créneau de $2 s'],
  [/^the slot is over$/, 'le créneau est passé'],
  [/^what is left of the slot is shorter than one exposure$/, 'ce qui reste du créneau est plus court qu’une pose'],
  [
    /^no night in this slot: the Sun stays above (\S+)° at (.*) \((\S+)° at start\)$/,
    'il ne fait pas nuit dans ce créneau : à $2 le Soleil reste au-dessus de $1° ($3° au début)',
  ],
  [
    /^(.*) is never above (\S+)° and the horizon while it is dark: it reaches (\S+)° in this slot$/,
    '$1 ne dépasse jamais $2° et l’horizon pendant la nuit : au plus $3° dans ce créneau',
  ],
  [
    /^(.*) is never between the hour angles (\S+) and (\S+) h while it is dark: it reaches (\S+)° in this slot$/,
    '$1 n’est jamais entre les angles horaires $2 et $3 h pendant la nuit : au plus $4° dans ce créneau',
  ],
  [/^there is no telescope "(.*)"$/, 'il n’y a pas de télescope « $1 »'],
  [/^needs at least one shot$/, 'demande au moins une pose'],
  [/^is required$/, 'est demandé'],
  [/^must be at least (\S+)$/, 'doit être au moins $1'],
  [/^must be at most (\S+)$/, 'doit être au plus $1'],
  [/^must be more than (\S+)$/, 'doit être plus grand que $1'],
  [/^must be less than (\S+)$/, 'doit être plus petit que $1'],
  [/^must have at most (\d+) characters?$/, 'doit compter au plus $1 caractères'],
  [/^must be a number$/, 'doit être un nombre'],
  [/^must be a whole number$/, 'doit être un nombre entier'],
  [/^must be a text$/, 'doit être un texte'],
  [/^must be one of (.*)$/, 'doit être l’un de : $1'],
];

/** Why nothing is shown: no access, what the API says, or that something went wrong. */
export function problemText(thrown: unknown): string {
  if (isDenied(thrown)) return say('ui.denied');
  return thrown instanceof ApiProblem ? thrown.message : say('ui.error');
}

/** What the API says about a field, in the viewer's language; a sentence that nobody translated stays as it is. */
export function problemIn(locale: Locale, text: string): string {
  if (locale === 'en') return text;
  const known = FRENCH.find(([pattern]) => pattern.test(text));
  return known ? text.replace(known[0], known[1]).replace(/(\d)\.(\d)/g, '$1,$2') : text;
}
