import type { OutboxType } from '../contracts/webhook.ts';
import { countOf, dayOf, framesLine, reasonOf, refundLine, textOf, whenOf } from './facts.ts';
import type { GuestChannel, GuestMessage } from './message.ts';

const ALL = ['email', 'push', 'chat'] as const;

/**
 * Every type of the outbox: its name, who beside Laravel hears of it, and what it says; `null` is for Laravel or the operator alone. Letters and
 * push follow the roadmap (6.1, 6.3).
 */
export const MESSAGES: Record<OutboxType, GuestMessage | null> = {
  'booking.accepted': null,
  'control.confirmed': null,
  'control.refused': null,
  'credits.settled': null,
  'operator.health': null,
  'session.prepared': {
    name: { fr: 'Observation prête, la veille', en: 'Observation ready, the day before' },
    to: ['email'],
    quiet: 'hold',
    opens: 'control',
    write: (f) => ({
      fr: [
        'Votre observation est prête',
        `Tout est prêt au télescope ${f.telescope} pour observer ${f.target}.`,
        `Début : ${whenOf(f, f.start)}.`,
      ],
      en: [
        'Your observation is ready',
        `Everything stands ready at ${f.telescope} to observe ${f.target}.`,
        `It starts on ${whenOf(f, f.start)}.`,
      ],
    }),
  },
  'session.starting_soon': {
    name: { fr: 'Rappel une heure avant', en: 'Reminder an hour before' },
    to: ['email', 'chat'],
    quiet: 'pass',
    goodMinutes: 30,
    opens: 'control',
    write: (f) => ({
      fr: [
        'Votre session démarre dans une heure',
        `${f.telescope} observera ${f.target}.`,
        `Début : ${whenOf(f, f.start)}.`,
      ],
      en: [
        'Your session starts in an hour',
        `${f.telescope} will observe ${f.target}.`,
        `It starts on ${whenOf(f, f.start)}.`,
      ],
    }),
  },
  'session.started': {
    name: { fr: 'Début de session', en: 'Session started' },
    to: ALL,
    quiet: 'moment',
    goodMinutes: 120,
    opens: 'control',
    write: (f) => ({
      fr: [
        'Votre session a démarré',
        `Le télescope ${f.telescope} observe ${f.target}.`,
        'Vous pouvez suivre les images en direct.',
      ],
      en: ['Your session has started', `${f.telescope} is observing ${f.target}.`, 'You can follow the images live.'],
    }),
  },
  'session.paused': {
    name: { fr: 'Session en pause', en: 'Session on hold' },
    to: ['email', 'chat'],
    quiet: 'moment',
    goodMinutes: 60,
    opens: 'control',
    write: (f) => ({
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
    }),
  },
  'session.resumed': {
    name: { fr: 'Session reprise', en: 'Session resumed' },
    to: ['email', 'chat'],
    quiet: 'moment',
    goodMinutes: 60,
    opens: 'control',
    write: (f) => ({
      fr: ['Session reprise', `L’observation de ${f.target} continue.`],
      en: ['Session resumed', `The observation of ${f.target} goes on.`],
    }),
  },
  'session.completed': {
    name: { fr: 'Fin de session et rapport', en: 'Session completed, with its report' },
    to: ALL,
    quiet: 'hold',
    opens: 'report',
    write: (f) => ({
      fr: [
        'Session terminée : votre rapport',
        `L’observation de ${f.target} est terminée.`,
        reasonOf(f),
        framesLine(f),
        'Les liens de ce message restent valables 30 jours.',
      ],
      en: [
        'Session completed: your report',
        `The observation of ${f.target} is complete.`,
        reasonOf(f),
        framesLine(f),
        'The links in this message are good for 30 days.',
      ],
    }),
  },
  'session.weathered_out': {
    name: { fr: 'Session perdue par la météo', en: 'Session lost to the weather' },
    to: ALL,
    quiet: 'hold',
    always: true,
    opens: 'report',
    write: (f) => ({
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
    }),
  },
  'session.aborted': {
    name: { fr: 'Session arrêtée', en: 'Session stopped' },
    to: ALL,
    quiet: 'hold',
    always: true,
    opens: 'report',
    write: (f) => ({
      fr: ['Session arrêtée', `L’observation de ${f.target} a été arrêtée.`, reasonOf(f), framesLine(f)],
      en: ['Session stopped', `The observation of ${f.target} was stopped.`, reasonOf(f), framesLine(f)],
    }),
  },
  'session.failed': {
    name: { fr: 'Session impossible', en: 'Session failed' },
    to: ALL,
    quiet: 'hold',
    always: true,
    opens: 'report',
    write: (f) => ({
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
    }),
  },
  'session.cancelled': {
    name: { fr: 'Réservation annulée', en: 'Booking cancelled' },
    to: ['email'],
    quiet: 'hold',
    always: true,
    opens: null,
    write: (f) => ({
      fr: ['Réservation annulée', `L’observation de ${f.target} du ${whenOf(f, f.start)} est annulée.`],
      en: ['Booking cancelled', `The observation of ${f.target} on ${whenOf(f, f.start)} is cancelled.`],
    }),
  },
  'session.rescheduled': {
    name: { fr: 'Session déplacée', en: 'Session moved' },
    to: ['email', 'chat'],
    quiet: 'hold',
    always: true,
    opens: 'control',
    write: (f) => ({
      fr: ['Session déplacée', `L’observation de ${f.target} a maintenant lieu : ${whenOf(f, f.start)}.`],
      en: ['Session moved', `The observation of ${f.target} is now on ${whenOf(f, f.start)}.`],
    }),
  },
  'session.extended': {
    name: { fr: 'Session prolongée', en: 'Session extended' },
    to: ['email'],
    quiet: 'hold',
    opens: 'control',
    write: (f) => ({
      fr: ['Session prolongée', `L’observation de ${f.target} dure maintenant jusqu’à : ${whenOf(f, f.end)}.`],
      en: ['Session extended', `The observation of ${f.target} now lasts until ${whenOf(f, f.end)}.`],
    }),
  },
  'error.occurred': {
    name: { fr: 'Problème détecté', en: 'A problem was found' },
    to: ALL,
    quiet: 'moment',
    goodMinutes: 120,
    opens: 'control',
    write: (f) => ({
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
    }),
  },
  'image.captured': {
    name: { fr: 'Nouvelle image (au plus toutes les dix minutes)', en: 'New image (every ten minutes at most)' },
    to: ['push', 'chat'],
    quiet: 'moment',
    goodMinutes: 20,
    opens: 'control',
    write: (f) => ({
      fr: ['Nouvelle image', `Une image de ${f.target} vient d’arriver.`],
      en: ['New image', `An image of ${f.target} has just come in.`],
    }),
  },
  'images.digest': {
    name: { fr: 'Images capturées', en: 'Images captured' },
    to: ['email'],
    quiet: 'moment',
    goodMinutes: 120,
    opens: 'control',
    write: (f) => {
      const n = countOf(f.data.images_captured);
      return n === 1
        ? {
            fr: ['Première image capturée', `La première image de ${f.target} est archivée.`],
            en: ['First image captured', `The first image of ${f.target} is archived.`],
          }
        : {
            fr: [`${n} images capturées`, `${n} images de ${f.target} sont archivées jusqu’ici.`],
            en: [`${n} images captured`, `${n} images of ${f.target} are archived so far.`],
          };
    },
  },
  'images.expiring': {
    name: { fr: 'Images bientôt supprimées', en: 'Images to be deleted soon' },
    to: ['email'],
    quiet: 'hold',
    always: true,
    opens: 'archive',
    write: (f) => ({
      fr: [
        'Vos images seront bientôt supprimées',
        `Les ${countOf(f.data.images)} images de ${f.target} seront supprimées : ${dayOf(f, f.data.expires_at)}.`,
        'Téléchargez-les d’ici là si vous voulez les garder.',
      ],
      en: [
        'Your images will be deleted soon',
        `The ${countOf(f.data.images)} images of ${f.target} will be deleted on ${dayOf(f, f.data.expires_at)}.`,
        'Download them before that day if you want to keep them.',
      ],
    }),
  },
  'complaint.answered': {
    name: { fr: 'Réponse à votre réclamation', en: 'Answer to your complaint' },
    to: ['email'],
    quiet: 'hold',
    always: true,
    opens: 'report',
    write: (f) => ({
      fr: [
        'Réponse à votre réclamation',
        `L’exploitant de ${f.telescope} vous répond au sujet de ${f.target} :`,
        textOf(f.data.answer),
        refundLine(f),
      ],
      en: [
        'Answer to your complaint',
        `The operator of ${f.telescope} answers you about ${f.target}:`,
        textOf(f.data.answer),
        refundLine(f),
      ],
    }),
  },
  'link.requested': {
    name: { fr: 'Nouveau lien d’accès', en: 'New access link' },
    to: ['email'],
    quiet: 'pass',
    goodMinutes: 60,
    always: true,
    opens: 'control',
    write: (f) => ({
      fr: [
        'Votre lien d’accès',
        `Voici un nouveau lien vers la session de ${f.target}, demandé depuis sa page.`,
        'Si vous ne l’avez pas demandé, ne faites rien.',
      ],
      en: [
        'Your access link',
        `Here is a new link to the session of ${f.target}, asked for on its page.`,
        'If it was not you who asked, do nothing.',
      ],
    }),
  },
};

/** Channels of an outbox row by type: Laravel always, people where the table says so. */
export const channelsFor = (type: OutboxType): ('webhook' | GuestChannel)[] => [
  'webhook',
  ...(MESSAGES[type]?.to ?? []),
];
