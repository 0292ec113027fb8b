import type { Words } from '../../../i18n/words.ts';

/** Words of the section “controls”: [French, English]. */
export const controlsWords = {
  'controls.cancel': ['Annuler', 'Cancel'],
  'controls.title': ['Commandes', 'Controls'],
  'controls.pause': ['Pause', 'Pause'],
  'controls.resume': ['Reprendre', 'Resume'],
  'controls.abort': ['Arrêter', 'Stop'],
  'controls.refresh': ['Rafraîchir', 'Refresh'],
  'controls.sound': ['Sons', 'Sounds'],
  'controls.sound.on': ['Sons activés', 'Sounds on'],
  'controls.sound.off': ['Sons coupés', 'Sounds off'],
  'controls.push': ['Notifications', 'Notifications'],
  'controls.more': ['Plus', 'More'],
  'controls.help': [
    'Pause laisse finir la pose en cours. Arrêter met fin à la session pour de bon.',
    'Pause lets the current exposure finish. Stop ends the session for good.',
  ],
  'receipt.accepted': ['{what} : demande reçue', '{what}: received'],
  'receipt.sent': ['{what} : envoyée au télescope', '{what}: sent to the telescope'],
  'receipt.confirmed': ['{what} : confirmée par le télescope', '{what}: confirmed by the telescope'],
  'receipt.refused': ['{what} : refusée — {reason}', '{what}: refused — {reason}'],
  'receipt.unknown': [
    '{what} : effet pas encore constaté au télescope — {reason}',
    '{what}: not yet seen to work at the telescope — {reason}',
  ],
  'receipt.noReason': ['pas de réponse', 'no answer'],
  'receipt.sending': ['{what} : envoi en cours', '{what}: being sent'],
  'receipt.trying': [
    '{what} : le serveur ne répond pas encore, nouvel essai',
    '{what}: no answer from the server yet, still trying',
  ],
  'receipt.waiting': ['{what} : demande reçue, en attente — {reason}', '{what}: received, waits — {reason}'],
  'receipt.notSent': [
    '{what} : non envoyée, votre appareil est hors ligne',
    '{what}: not sent, your device is offline',
  ],
  'receipt.unreached': [
    '{what} : le serveur n’a pas répondu, sans doute non envoyée ; réessayez',
    '{what}: the server did not answer, so it was probably not sent; try again',
  ],
  'receipt.unproven': [
    '{what} : personne n’a pu constater l’effet ; appelez l’observatoire. {reason}',
    '{what}: nobody could see it take effect; call the observatory. {reason}',
  ],
  'abort.title': ['Arrêter la session ?', 'Stop the session?'],
  'abort.say': [
    'La pose en cours est abandonnée et la session se termine pour de bon. Les images déjà prises sont gardées.',
    'The running exposure is dropped and the session ends for good. Frames already taken are kept.',
  ],
  'abort.money': [
    '{charged} crédits ont été débités. Le temps auquel vous renoncez n’est pas rendu ; ce que la météo ou une panne a coûté jusqu’ici l’est.',
    '{charged} credits were charged. The time that you give up is not returned; what weather or a fault has cost so far is.',
  ],
  'abort.money.again': [
    '{charged} crédits ont été débités ; le rapport dit ce qui est rendu.',
    '{charged} credits were charged; the report says what is returned.',
  ],
  'abort.money.before': [
    '{charged} crédits ont été débités ; le rapport dit ce qui est rendu.',
    '{charged} credits were charged; the report says what is returned.',
  ],
  'abort.title.before': ['Annuler la session ?', 'Cancel the session?'],
  'abort.say.before': [
    'Rien n’a encore bougé : la session n’aura pas lieu et le télescope reste au repos. Ceci ne se reprend pas.',
    'Nothing has moved yet: the session will not take place and the telescope stays at rest. This cannot be undone.',
  ],
  'abort.title.again': ['De nouveau en ligne', 'Online again'],
  'abort.say.again': [
    'L’arrêt demandé à {time} n’est pas parti. L’envoyer maintenant ?',
    'The stop that you asked for at {time} was not sent. Send it now?',
  ],
  'abort.confirm.again': ['Oui, arrêter', 'Yes, stop'],
  'abort.keep.again': ['Non, continuer', 'No, go on'],
  'abort.confirm.before': ['Oui, annuler', 'Yes, cancel'],
  'abort.keep.before': ['Garder la session', 'Keep the session'],
  'abort.confirm': ['Oui, arrêter', 'Yes, stop'],
  'abort.keep': ['Continuer à observer', 'Keep observing'],
  'controls.install': [
    'Notifications sur iPhone : touchez Partager, puis « Sur l’écran d’accueil », et ouvrez la session depuis là.',
    'Notifications on an iPhone: tap Share, then “Add to Home Screen”, and open the session from there.',
  ],
  'toast.push.on': ['Notifications activées sur cet appareil', 'Notifications are on for this device'],
  'toast.push.ended': ['Notifications coupées sur cet appareil', 'Notifications are off for this device'],
  'toast.push.off': ['Notifications non disponibles ici', 'Notifications are not available here'],
} as const satisfies Words;
