import type { Words } from '../../../i18n/words.ts';

/** Words of the section “header”: [French, English]. */
export const headerWords = {
  'link.connecting': ['Connexion…', 'Connecting…'],
  'link.live': ['En direct', 'Live'],
  'link.polling': ['Mise à jour toutes les 10 s', 'Updated every 10 s'],
  'link.lost': ['Serveur injoignable', 'Server not reached'],
  'link.offline': ['Hors ligne', 'Offline'],
  'link.demo': ['Démonstration', 'Demonstration'],
  'link.denied': ['Accès refusé', 'Access denied'],
  'banner.polling': [
    'La liaison en direct est interrompue ; la page se met à jour toutes les 10 secondes et se reconnecte seule.',
    'The live link is down; the page updates every 10 seconds and reconnects by itself.',
  ],
  'banner.lost': [
    'Le serveur ne répond pas : ce que montre cette page est ancien. La session continue sans elle ; la page se reconnecte seule.',
    'The server does not answer: what this page shows is old. The session goes on without it; the page reconnects by itself.',
  ],
  'banner.offline': [
    'Votre appareil est hors ligne. La session continue sans vous ; la page se réparera seule.',
    'Your device is offline. The session goes on without you; the page repairs itself.',
  ],
  'banner.gateway': [
    'La liaison avec l’observatoire est coupée ; elle se rétablit d’elle-même',
    'The link to the observatory is down; it comes back by itself',
  ],
  'banner.emergency': [
    'Arrêt d’urgence à l’observatoire : le toit et les instruments sont mis à l’abri.',
    'Emergency at the observatory: roof and instruments are being made safe.',
  ],
  'banner.stale': ['Les données du télescope n’arrivent plus depuis {age}.', 'No telescope data for {age}.'],
  'banner.demo': [
    'Vous pilotez un télescope simulé : tout est permis.',
    'You are flying a simulated telescope: anything goes.',
  ],
  'banner.readonly': ['Lecture seule : les commandes sont désactivées.', 'Read-only: controls are switched off.'],
  'header.section': ['Session', 'Session'],
  'header.title': ['Session', 'Session'],
  'header.help': [
    'Le compte à rebours va jusqu’à la fin du créneau ; la barre montre où vous en êtes. Les crédits sont débités pour tout le créneau ; ce qui est perdu par la météo ou une panne est rendu à la fin.',
    'The countdown runs to the end of the slot; the bar shows where you are. Credits are charged for the whole slot; what weather or a fault costs is returned at the end.',
  ],
  'header.elapsed': ['Écoulé', 'Elapsed'],
  'header.remaining': ['Restant', 'Remaining'],
  'header.startsIn': ['Début dans', 'Starts in'],
  'header.ended': ['Terminée', 'Ended'],
  'header.credits': ['Crédits', 'Credits'],
  'header.creditsOf': ['{used} sur {charged}', '{used} of {charged}'],
  'header.creditsCharged': ['{charged} débités', '{charged} charged'],
  'header.refund': ['{refund} rendus', '{refund} returned'],
  'header.binning': ['Binning', 'Binning'],
  'header.abort': ['Arrêt d’urgence', 'Emergency stop'],
  'header.cancel': ['Annuler la session', 'Cancel session'],
  'header.connection': ['Télescope', 'Telescope'],
  'header.connected': ['connecté', 'connected'],
  'header.disconnected': ['déconnecté', 'disconnected'],
  'header.unheard': ['sans nouvelles', 'no news'],
  'header.report': ['Voir le rapport', 'See the report'],
  'header.zip': ['Télécharger les images', 'Download the frames'],
  'header.book': ['Réserver pour de vrai', 'Book for real'],
  'header.slot': ['Le créneau', 'The slot'],
  'header.viewers': ['{n} spectateurs', '{n} watching'],
} as const satisfies Words;
