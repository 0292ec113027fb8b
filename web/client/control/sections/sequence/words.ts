import type { Words } from '../../../i18n/words.ts';

/** Words of the section “sequence”: [French, English]. */
export const sequenceWords = {
  'sequence.title': ['Séquence', 'Sequence'],
  'sequence.name': ['Nom', 'Name'],
  'sequence.target': ['Cible', 'Target'],
  'sequence.filter': ['Filtre', 'Filter'],
  'sequence.exposure': ['Pose en cours', 'Current exposure'],
  'sequence.shots': ['Prises', 'Shots'],
  'sequence.remaining': ['Temps restant', 'Time left'],
  'sequence.integration': ['Intégration', 'Integration'],
  'sequence.none': ['Aucune pose en cours', 'No exposure running'],
  'sequence.plan': ['Plan par filtre', 'Plan by filter'],
  'sequence.help': [
    'Le plan de poses et ce qui en est fait. L’anneau suit la pose en cours.',
    'The plan of shots and how far it is. The ring follows the running exposure.',
  ],
  'exposure.IDLE': ['attente', 'waiting'],
  'exposure.EXPOSE': ['pose', 'exposing'],
  'exposure.DOWNLOAD': ['lecture', 'reading out'],
  'exposure.WAIT_JPG': ['aperçu', 'preview'],
  'exposure.ERROR': ['erreur', 'error'],
} as const satisfies Words;
