import type { LedgerClass } from './contracts/ledger.ts';
import { REASONS, type Reason } from './reasons.ts';

/** One sentence of the night's log, as the operator reads it (English) and as a French guest does. */
export interface Words {
  message: string;
  messageFr: string;
}
const words = (message: string, messageFr: string): Words => ({ message, messageFr });

/** What a session says of itself that is not the sentence of a reason (`REASONS`). Instants are ISO 8601 UTC. */
export const NIGHT_LINES = {
  scheduled: words('The session waits for its preparation.', 'La session attend sa préparation.'),
  takenOver: words(
    'The session’s workflow was gone; another one takes over from what was recorded.',
    'Le déroulement de la session avait disparu ; un autre reprend à partir de ce qui a été noté.',
  ),
  preparing: words('Preparing the observation at the telescope.', 'Préparation de l’observation au télescope.'),
  preparingChanges: words('Preparing the changed plan.', 'Préparation du plan modifié.'),
  readBack: words(
    'Set, target and shots stand in Voyager and were read back.',
    'Set, cible et poses sont dans Voyager et vérifiés.',
  ),
  prepared: words('Prepared.', 'Préparée.'),
  startingSoon: words('The session starts in an hour.', 'La session démarre dans une heure.'),
  starting: words('The slot begins.', 'Le créneau commence.'),
  started: words(
    'The target is enabled; RoboTarget takes it from here.',
    'La cible est activée ; RoboTarget prend le relais.',
  ),
  idle: words(
    'The target is enabled and the sky permits, but nothing has begun. Start RoboTarget in Voyager; the session then goes on by itself.',
    REASONS.robotarget_not_running.fr,
  ),
  resumed: words('The session goes on.', 'La session reprend.'),
  asPlanned: words('Running as planned again.', 'De nouveau conforme au plan.'),
  replanned: words('The plan was cut to what still fits.', 'Le plan a été réduit à ce qui tient encore.'),
  amended: words('The plan was changed.', 'Le plan a été modifié.'),
  planUnread: words(
    'The plan could not be read again; it stays as it was made.',
    'Le plan n’a pas pu être relu ; il reste tel qu’il a été établi.',
  ),
  over: words('The session is over.', REASONS.session_over.fr),
  refusedByVoyager: words('Voyager refused the command.', REASONS.refused_by_voyager.fr),
} as const satisfies Record<string, Words>;

/** What the telescope's file says otherwise than when the plan was made. */
export const telescopeChanged = (changes: readonly string[]): Words =>
  words(
    `The telescope’s file has changed since the plan was made, and the plan follows it: ${changes.join('; ')}.`,
    `Le fichier du télescope a changé depuis que le plan a été établi, et le plan le suit : ${changes.join(' ; ')}.`,
  );
export const slotNowEnds = (end: string): Words =>
  words(`The slot now ends at ${end}.`, `Le créneau se termine maintenant à ${end}.`);
export const sessionMoved = (start: string): Words =>
  words(`The session moved to ${start}.`, `La session est déplacée au ${start}.`);

/** The sentence of a reason; `message` when somebody said it in other words, which only operators read. */
export const reasonWords = (reason: Reason, message: string | null = null): Words =>
  words(message ?? REASONS[reason].en, REASONS[reason].fr);

/** What a class of the ledger is called in a sentence. */
export const LEDGER_WORDS: Record<LedgerClass, { en: string; fr: string }> = {
  unsafe: { en: 'unsafe weather', fr: 'météo dangereuse' },
  outage: { en: 'outage', fr: 'panne' },
  foreign: { en: 'somebody else’s observation', fr: 'observation d’un autre' },
  weather_hold: { en: 'clouds or wind', fr: 'nuages ou vent' },
  user_pause: { en: 'pause by the guest', fr: 'pause de l’invité' },
  imaging: { en: 'exposure', fr: 'pose' },
  overhead: { en: 'pointing, focusing and guiding', fr: 'pointage, mise au point et guidage' },
  other: { en: 'other time', fr: 'autre temps' },
};
/** Seconds as people say them. */
const spoken = (seconds: number): string => (seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

/** What the observatory's record adds to what the session had seen. */
export function foundInRecord(found: readonly { class: LedgerClass; seconds: number }[]): Words {
  const list = (language: 'en' | 'fr'): string =>
    found.map((f) => `${spoken(f.seconds)} (${LEDGER_WORDS[f.class][language]})`).join(', ');
  return words(
    `The observatory’s own record shows what the session had not seen, and it counts: ${list('en')}.`,
    `Le relevé de l’observatoire montre ce que la session n’avait pas vu, et cela compte : ${list('fr')}.`,
  );
}
