import type { Words } from '../../../i18n/words.ts';

/** Words of the section “help”: [French, English]. */
export const helpWords = {
  'toast.copied': ['Copié', 'Copied'],
  'toast.notCopied': ['Copie impossible : sélectionnez le texte', 'Cannot copy here: select the text instead'],
  'help.section': ['Aide sur cette section', 'Help on this section'],
  'help.title': ['Aide', 'Help'],
  'help.shortcuts': ['Raccourcis clavier', 'Keyboard shortcuts'],
  'help.tour': ['Visite guidée', 'Guided tour'],
  'help.faq': ['Questions fréquentes', 'Frequent questions'],
  'help.sections': ['Ce que montre la page', 'What the page shows'],
  'help.support': ['Contacter l’équipe', 'Contact support'],
  'help.mail': ['Écrire à l’équipe', 'Write to support'],
  'key.name.space': ['Espace', 'Space'],
  'help.report': ['Signaler un problème', 'Report a problem'],
  'report.problem.say': [
    'Ceci est joint : numéro de réservation et 50 dernières lignes du journal. Rien d’autre.',
    'Attached: booking id and the last 50 log lines. Nothing else.',
  ],
  'report.problem.placeholder': ['Que s’est-il passé ?', 'What happened?'],
  'report.problem.send': ['Envoyer par e-mail', 'Send by e-mail'],
  'report.problem.copy': ['Copier', 'Copy'],
  'key.space': ['Pause ou reprise', 'Pause or resume'],
  'key.r': ['Rafraîchir', 'Refresh'],
  'key.a': ['Arrêter (avec confirmation)', 'Stop (asks first)'],
  'key.p': ['Montrer ou masquer l’aperçu', 'Show or hide the preview'],
  'key.l': ['Montrer ou masquer le journal', 'Show or hide the log'],
  'key.f': ['Aperçu en plein écran', 'Preview in full screen'],
  'key.n': ['Vision nocturne', 'Night vision'],
  'key.?': ['Cette liste', 'This list'],
  'tour.next': ['Suivant', 'Next'],
  'tour.prev': ['Retour', 'Back'],
  'tour.done': ['C’est parti', 'Let’s go'],
  'tour.header': [
    'Votre session : cible, temps restant et crédits. L’arrêt reste toujours à portée de main.',
    'Your session: target, time left and credits. The stop button is always within reach.',
  ],
  'tour.preview': [
    'Chaque image apparaît ici quelques secondes après la pose. Pincez pour zoomer.',
    'Each frame appears here seconds after the exposure. Pinch to zoom.',
  ],
  'tour.sequence': [
    'Le plan de poses et la pose en cours. Tout avance tout seul.',
    'The plan and the running exposure. It all moves by itself.',
  ],
  'tour.telescope': [
    'Où pointe le télescope et ce qu’il fait. L’âge des données est toujours affiché.',
    'Where the telescope points and what it does. The age of data is always shown.',
  ],
  'tour.weather': [
    'Si le temps se gâte, l’observatoire se protège et votre temps est compté à part.',
    'If the weather turns, the observatory protects itself and your time is counted apart.',
  ],
  'tour.controls': [
    'Pause, reprise, arrêt : chaque commande vous dit ce qu’elle est devenue. Bonne nuit étoilée !',
    'Pause, resume, stop: each command tells you what became of it. Enjoy the night!',
  ],
} as const satisfies Words;
