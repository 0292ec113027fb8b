import type { LedgerClass, Settlement } from './contracts/ledger.ts';
import { LEDGER_WORDS } from './night-lines.ts';
import type { Outcome } from './phases.ts';

/** Why everything is given back whatever the classes say; part of a settlement's `rule`, after a colon. */
export const WHOLE_REFUNDS = ['no_exposure', 'few_good_frames', 'cancelled'] as const;
export type WholeRefund = (typeof WHOLE_REFUNDS)[number];

/** What came of a slot. Good frames are lights that stand in the archive, through the filter that was asked for. */
export interface Delivered {
  outcome: Outcome | null;
  seconds: Readonly<Record<LedgerClass, number>>;
  goodFrames: number;
  goodSeconds: number;
  plannedFrames: number;
}

/**
 * Did so little come of the time that could have been observed that all of it is given back? Time that the guest paused or gave up is theirs, and so
 * is a night that they stopped; a plan that was delivered was worth its time however short it is.
 * @param share of good exposure in that time below which it is so; 0 is never
 */
export function fewGoodFrames(night: Delivered, share: number): boolean {
  const { outcome, seconds, goodFrames, goodSeconds, plannedFrames } = night;
  if (outcome === 'aborted' || outcome === 'cancelled' || goodFrames >= plannedFrames) return false;
  const all = Object.values(seconds).reduce((sum, n) => sum + n, 0);
  const fair = all - seconds.user_pause - seconds.other;
  return fair > 0 && goodSeconds / fair < share;
}

const spoken = (seconds: number): string => (seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

const WHOLE: Record<WholeRefund, { en: string; fr: string }> = {
  no_exposure: {
    en: 'The session failed without a single exposure, so everything is given back.',
    fr: 'La session a échoué sans une seule pose : tout est rendu.',
  },
  few_good_frames: {
    en: 'Too few good frames came of the time that could be observed, so everything is given back.',
    fr: 'Trop peu de bonnes images ont été obtenues pendant le temps observable : tout est rendu.',
  },
  cancelled: {
    en: 'The booking was given up before its slot began.',
    fr: 'La réservation a été abandonnée avant le début de son créneau.',
  },
};

/** What a guest reads of a settlement: why so many credits come back. */
export function explainRefund(settled: Pick<Settlement, 'rule' | 'lines' | 'credits_refund'>): {
  en: string;
  fr: string;
} {
  const kind = settled.rule.split(':')[1] as WholeRefund | undefined;
  if (kind && Object.hasOwn(WHOLE, kind)) return WHOLE[kind];
  const back = settled.lines.filter(({ credits }) => credits > 0);
  if (back.length === 0) return { en: 'Nothing of the slot is given back.', fr: 'Rien n’est rendu pour ce créneau.' };
  const list = (language: 'en' | 'fr'): string =>
    back.map((line) => `${line.credits} (${spoken(line.seconds)}, ${LEDGER_WORDS[line.class][language]})`).join(', ');
  return {
    en: `Credits given back for time that could not be used: ${list('en')}.`,
    fr: `Crédits rendus pour le temps inutilisable : ${list('fr')}.`,
  };
}
