import type { OutboxType } from '../../domain/contracts/event.ts';
import { REASONS, type Locale, type Reason } from '../../domain/reasons.ts';

/** What a letter may speak of; links only where PUBLIC_URL is set. */
export interface LetterFacts {
  locale: Locale;
  name: string | null;
  target: string;
  telescope: string;
  start: Date;
  end: Date;
  timezone: string;
  data: Record<string, unknown>;
  controlUrl: string | null;
  reportUrl: string | null;
  archiveUrl: string | null;
  support: string | null;
}
export interface Letter {
  subject: string;
  lines: string[];
  link: { label: string; url: string } | null;
}

const time = (facts: LetterFacts, at: Date): string =>
  new Intl.DateTimeFormat(facts.locale === 'fr' ? 'fr-FR' : 'en-GB', {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: facts.timezone,
  }).format(at);
const reasonOf = (facts: LetterFacts): string => {
  const reason = facts.data.reason;
  return typeof reason === 'string' && reason in REASONS ? REASONS[reason as Reason][facts.locale] : '';
};
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

type Write = (f: LetterFacts) => {
  fr: [subject: string, ...lines: string[]];
  en: [subject: string, ...lines: string[]];
  link?: 'control' | 'report' | 'archive';
};

/** The letters of the roadmap (6.1) and what ends a session otherwise, each in two languages. */
const LETTERS: Partial<Record<OutboxType, Write>> = {
  'session.prepared': (f) => ({
    fr: [
      'Votre observation est prête',
      `Tout est prêt au télescope ${f.telescope} pour observer ${f.target}.`,
      `Début : ${time(f, f.start)}.`,
    ],
    en: [
      'Your observation is ready',
      `Everything stands ready at ${f.telescope} to observe ${f.target}.`,
      `It starts on ${time(f, f.start)}.`,
    ],
    link: 'control',
  }),
  'session.starting_soon': (f) => ({
    fr: [
      'Votre session démarre dans une heure',
      `${f.target} sera observée avec ${f.telescope}.`,
      `Début : ${time(f, f.start)}.`,
    ],
    en: [
      'Your session starts in an hour',
      `${f.target} will be observed with ${f.telescope}.`,
      `It starts on ${time(f, f.start)}.`,
    ],
    link: 'control',
  }),
  'session.started': (f) => ({
    fr: [
      'Votre session a démarré',
      `Le télescope ${f.telescope} observe ${f.target}.`,
      'Vous pouvez suivre les images en direct.',
    ],
    en: ['Your session has started', `${f.telescope} is observing ${f.target}.`, 'You can follow the images live.'],
    link: 'control',
  }),
  'session.paused': (f) => ({
    fr: [
      'Session en pause',
      `L’observation de ${f.target} est en attente.`,
      reasonOf(f),
      'Elle reprend d’elle-même dès que possible ; une pause demandée par vous dure jusqu’à votre reprise.',
    ],
    en: [
      'Session on hold',
      `The observation of ${f.target} is waiting.`,
      reasonOf(f),
      'It goes on by itself as soon as it can; a pause that you asked for lasts until you resume.',
    ],
    link: 'control',
  }),
  'session.resumed': (f) => ({
    fr: ['Session reprise', `L’observation de ${f.target} continue.`],
    en: ['Session resumed', `The observation of ${f.target} goes on.`],
    link: 'control',
  }),
  'session.completed': (f) => ({
    fr: [
      'Session terminée : votre rapport',
      `L’observation de ${f.target} est terminée.`,
      reasonOf(f),
      framesLine(f),
      'Le lien de téléchargement reste valable 30 jours.',
    ],
    en: [
      'Session completed: your report',
      `The observation of ${f.target} is complete.`,
      reasonOf(f),
      framesLine(f),
      'The download link is good for 30 days.',
    ],
    link: 'archive',
  }),
  'session.weathered_out': (f) => ({
    fr: [
      'Session annulée par la météo',
      `La météo n’a pas permis d’observer ${f.target}.`,
      reasonOf(f),
      'Le temps perdu vous est rendu selon les conditions ; vous pouvez réserver un autre créneau.',
    ],
    en: [
      'Session lost to the weather',
      `The weather did not allow ${f.target} to be observed.`,
      reasonOf(f),
      'Lost time is given back under the terms; you may book another slot.',
    ],
    link: 'report',
  }),
  'session.aborted': (f) => ({
    fr: ['Session arrêtée', `L’observation de ${f.target} a été arrêtée.`, reasonOf(f), framesLine(f)],
    en: ['Session stopped', `The observation of ${f.target} was stopped.`, reasonOf(f), framesLine(f)],
    link: 'report',
  }),
  'session.failed': (f) => ({
    fr: [
      'Session impossible',
      `L’observation de ${f.target} n’a pas pu avoir lieu.`,
      reasonOf(f),
      'Le temps perdu vous est rendu selon les conditions.',
    ],
    en: [
      'Session failed',
      `The observation of ${f.target} could not take place.`,
      reasonOf(f),
      'Lost time is given back under the terms.',
    ],
    link: 'report',
  }),
  'session.cancelled': (f) => ({
    fr: ['Réservation annulée', `L’observation de ${f.target} du ${time(f, f.start)} est annulée.`],
    en: ['Booking cancelled', `The observation of ${f.target} on ${time(f, f.start)} is cancelled.`],
  }),
  'session.rescheduled': (f) => ({
    fr: ['Session déplacée', `L’observation de ${f.target} a maintenant lieu : ${time(f, f.start)}.`],
    en: ['Session moved', `The observation of ${f.target} is now on ${time(f, f.start)}.`],
    link: 'control',
  }),
  'session.extended': (f) => ({
    fr: ['Session prolongée', `L’observation de ${f.target} dure maintenant jusqu’à : ${time(f, f.end)}.`],
    en: ['Session extended', `The observation of ${f.target} now lasts until ${time(f, f.end)}.`],
    link: 'control',
  }),
  'error.occurred': (f) => ({
    fr: [
      'Problème détecté',
      `L’observation de ${f.target} rencontre un problème.`,
      reasonOf(f),
      'L’opérateur est prévenu ; la session continue d’elle-même si elle le peut.',
    ],
    en: [
      'A problem was found',
      `The observation of ${f.target} has a problem.`,
      reasonOf(f),
      'The operator has been told; the session goes on by itself if it can.',
    ],
    link: 'control',
  }),
  'images.digest': (f) => ({
    fr: [
      `${count(f.data.images_captured)} images capturées`,
      `${count(f.data.images_captured)} images de ${f.target} sont archivées jusqu’ici.`,
    ],
    en: [
      `${count(f.data.images_captured)} images captured`,
      `${count(f.data.images_captured)} images of ${f.target} are archived so far.`,
    ],
    link: 'control',
  }),
  'images.expiring': (f) => ({
    fr: [
      'Vos images seront bientôt supprimées',
      `Les ${count(f.data.images)} images de ${f.target} seront supprimées : ${dayOf(f, f.data.expires_at)}.`,
      'Téléchargez-les d’ici là si vous voulez les garder.',
    ],
    en: [
      'Your images will be deleted soon',
      `The ${count(f.data.images)} images of ${f.target} will be deleted on ${dayOf(f, f.data.expires_at)}.`,
      'Download them before that day if you want to keep them.',
    ],
    link: 'archive',
  }),
};

const dayOf = (facts: LetterFacts, instant: unknown): string =>
  typeof instant === 'string'
    ? new Intl.DateTimeFormat(facts.locale === 'fr' ? 'fr-FR' : 'en-GB', {
        dateStyle: 'full',
        timeZone: facts.timezone,
      }).format(new Date(instant))
    : '';

function framesLine(f: LetterFacts): string {
  const frames = f.data.frames as { archived?: number; captured?: number } | undefined;
  if (!frames) return '';
  return f.locale === 'fr'
    ? `${count(frames.archived)} images archivées sur ${count(frames.captured)}.`
    : `${count(frames.archived)} of ${count(frames.captured)} images are archived.`;
}

/** The letter for a type in the guest's language; null for types that nobody gets a letter about. */
export function writeLetter(type: OutboxType, facts: LetterFacts): Letter | null {
  const written = LETTERS[type]?.(facts);
  if (!written) return null;
  const [subject, ...lines] = written[facts.locale];
  const fr = facts.locale === 'fr';
  const links = {
    control: { label: fr ? 'Suivre la session' : 'Follow the session', url: facts.controlUrl },
    report: { label: fr ? 'Voir le rapport' : 'See the report', url: facts.reportUrl },
    archive: { label: fr ? 'Télécharger les images' : 'Download the images', url: facts.archiveUrl ?? facts.reportUrl },
  };
  const link = written.link ? links[written.link] : null;
  const hello = facts.name ? (fr ? `Bonjour ${facts.name},` : `Hello ${facts.name},`) : fr ? 'Bonjour,' : 'Hello,';
  const bye = facts.support ? (fr ? `Une question ? ${facts.support}` : `Questions? ${facts.support}`) : '';
  return {
    subject: `${subject} (${facts.target})`,
    lines: [hello, ...lines, bye].filter(Boolean),
    link: link?.url ? { label: link.label, url: link.url } : null,
  };
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Plain text and the same as simple HTML. */
export function renderLetter(letter: Letter, locale: Locale): { subject: string; text: string; html: string } {
  const text = [...letter.lines, ...(letter.link ? [`${letter.link.label}: ${letter.link.url}`] : [])].join('\n\n');
  const paragraphs = letter.lines.map((line) => `<p>${escapeHtml(line)}</p>`);
  if (letter.link)
    paragraphs.push(`<p><a href="${escapeHtml(letter.link.url)}">${escapeHtml(letter.link.label)}</a></p>`);
  return {
    subject: letter.subject.replace(/[\r\n]+/g, ' '),
    text: `${text}\n`,
    html: `<!doctype html><html lang="${locale}"><body>${paragraphs.join('')}</body></html>`,
  };
}
