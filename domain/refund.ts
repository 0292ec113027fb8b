import type { Settlement } from './contracts/ledger.ts';
import { LEDGER_WORDS } from './night-lines.ts';

/** What a settlement's `rule` says after its id, each after a colon: why, and how it was counted. */
export const REFUND_TAGS = [
  'no_exposure',
  'few_good_frames',
  'little_exposure',
  'cancelled',
  'cancelled_late',
  'minute',
  'accepted_exposure',
  'moon',
  'no_show',
] as const;
export type RefundTag = (typeof REFUND_TAGS)[number];
interface Sentence {
  en: string;
  fr: string;
}

/** These stand alone: the classes do not matter. */
const ALONE: Partial<Record<RefundTag, Sentence>> = {
  no_exposure: {
    en: 'The session failed without a single exposure, so everything is given back.',
    fr: 'La session a échoué sans une seule pose : tout est rendu.',
  },
  few_good_frames: {
    en: 'Too few good frames came of the time that could be observed, so everything is given back.',
    fr: 'Trop peu de bonnes images ont été obtenues pendant le temps observable : tout est rendu.',
  },
  little_exposure: {
    en: 'Too little of the slot was spent on exposures, so everything is given back.',
    fr: 'Trop peu du créneau a servi à des poses : tout est rendu.',
  },
  cancelled: {
    en: 'The booking was given up before its slot began.',
    fr: 'La réservation a été abandonnée avant le début de son créneau.',
  },
  cancelled_late: {
    en: 'The booking was given up shortly before its slot, so a part is given back.',
    fr: 'La réservation a été abandonnée peu avant son créneau : une partie est rendue.',
  },
};
/** These follow what the classes say. */
const BESIDES: Partial<Record<RefundTag, Sentence>> = {
  minute: {
    en: 'Lost time counts in whole minutes, and a minute that has begun counts in full.',
    fr: 'Le temps perdu se compte en minutes entières, et toute minute commencée compte.',
  },
  accepted_exposure: {
    en: 'You pay for good exposures: what was planned and not delivered is given back.',
    fr: 'Vous payez les bonnes poses : ce qui était prévu et n’a pas été livré est rendu.',
  },
  moon: {
    en: 'The Moon was up and bright, so part of the exposure time is given back.',
    fr: 'La Lune était levée et brillante : une partie du temps de pose est rendue.',
  },
  no_show: {
    en: 'The slot was not used; only the fee for an unused slot is kept.',
    fr: 'Le créneau n’a pas été utilisé : seuls les frais de créneau inutilisé sont gardés.',
  },
};

const spoken = (seconds: number): string => (seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
const known = (words: string[]): RefundTag[] => REFUND_TAGS.filter((tag) => words.includes(tag));

/** What a guest reads of a settlement: why so many credits come back. */
export function explainRefund(settled: Pick<Settlement, 'rule' | 'lines' | 'by_hand'>): Sentence {
  const parts = [...byTheRule(settled), ...byHand(settled.by_hand)];
  return { en: parts.map(({ en }) => en).join(' '), fr: parts.map(({ fr }) => fr).join(' ') };
}

function byTheRule({ rule, lines }: Pick<Settlement, 'rule' | 'lines'>): Sentence[] {
  const tags = known(rule.split(':').slice(1));
  const alone = tags.flatMap((tag) => ALONE[tag] ?? []);
  if (alone.length > 0) return alone;
  const back = lines.filter(({ credits }) => credits > 0);
  const list = (language: 'en' | 'fr'): string =>
    back.map((line) => `${line.credits} (${spoken(line.seconds)}, ${LEDGER_WORDS[line.class][language]})`).join(', ');
  const first =
    back.length === 0
      ? { en: 'Nothing of the slot is given back.', fr: 'Rien n’est rendu pour ce créneau.' }
      : {
          en: `Credits given back ${heading(tags).en}: ${list('en')}.`,
          fr: `Crédits rendus ${heading(tags).fr} : ${list('fr')}.`,
        };
  return [first, ...tags.flatMap((tag) => BESIDES[tag] ?? [])];
}

/** Time that could not be used is what is given back by class; by the other rules it is more than that. */
const heading = (tags: RefundTag[]): Sentence =>
  tags.some((tag) => tag !== 'minute')
    ? { en: 'for this slot', fr: 'pour ce créneau' }
    : { en: 'for time that could not be used', fr: 'pour le temps inutilisable' };

const byHand = (given: Settlement['by_hand']): Sentence[] =>
  given
    ? [
        {
          en: `Given back besides by the operator: ${given.credits} (${given.reason}).`,
          fr: `Rendus en plus par l’exploitant : ${given.credits} (${given.reason}).`,
        },
      ]
    : [];
