import { REASONS, type Locale, type Reason } from '../reasons.ts';

/** What a message may speak of. Times are written in the telescope's zone, and say so by their place. */
export interface MessageFacts {
  locale: Locale;
  target: string;
  telescope: string;
  start: Date;
  end: Date;
  timezone: string;
  data: Record<string, unknown>;
}

const language = (facts: MessageFacts): string => (facts.locale === 'fr' ? 'fr-FR' : 'en-GB');

/** Day and time at the telescope with the zone's name, such as `Saturday 10 January 2026 at 21:00 CET`. */
export const whenOf = (facts: MessageFacts, at: Date): string => {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormatPart[] =>
    new Intl.DateTimeFormat(language(facts), { ...options, timeZone: facts.timezone }).formatToParts(at);
  const zone = format({ hour: 'numeric', timeZoneName: 'short' }).find((part) => part.type === 'timeZoneName');
  const text = format({ dateStyle: 'full', timeStyle: 'short' }).map((part) => part.value);
  return `${text.join('')} ${zone?.value ?? ''}`.trim();
};

/** Day alone; empty when the value is no instant. */
export const dayOf = (facts: MessageFacts, instant: unknown): string =>
  typeof instant === 'string' && !Number.isNaN(Date.parse(instant))
    ? new Intl.DateTimeFormat(language(facts), { dateStyle: 'full', timeZone: facts.timezone }).format(
        new Date(instant),
      )
    : '';

/** The sentence of the reason in the reader's language; empty without one. */
export const reasonOf = (facts: MessageFacts): string => {
  const reason = facts.data.reason;
  return typeof reason === 'string' && Object.hasOwn(REASONS, reason) ? REASONS[reason as Reason][facts.locale] : '';
};

export const countOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `Credits given back: 1.25.`; empty where none are. */
export function refundLine(facts: MessageFacts): string {
  const refund = countOf(facts.data.credits_refund);
  if (refund <= 0) return '';
  const credits = new Intl.NumberFormat(language(facts), { maximumFractionDigits: 2 }).format(refund);
  return facts.locale === 'fr' ? `Crédits rendus : ${credits}.` : `Credits given back: ${credits}.`;
}

/** `4 of 5 images are archived.`; empty where the message does not know. */
export function framesLine(facts: MessageFacts): string {
  const frames = facts.data.frames as { archived?: number; captured?: number } | undefined;
  if (!frames) return '';
  const [archived, captured] = [countOf(frames.archived), countOf(frames.captured)];
  return facts.locale === 'fr'
    ? `${archived} images archivées sur ${captured}.`
    : `${archived} of ${captured} images are archived.`;
}
