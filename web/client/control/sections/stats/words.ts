import type { Words } from '../../../i18n/words.ts';

/** Words of the section “stats”: [French, English]. */
export const statsWords = {
  'stats.title': ['Statistiques', 'Statistics'],
  'stats.elapsed': ['Durée écoulée', 'Time elapsed'],
  'stats.images': ['Images par filtre', 'Frames by filter'],
  'stats.none': ['Pas encore d’image.', 'No frame yet.'],
  'stats.exposure': ['Pose totale', 'Total exposure'],
  'stats.hfd': ['HFD moyen', 'Average HFD'],
  'stats.over': ['{value} ({n} images)', '{value} ({n} frames)'],
  'stats.guiding': ['Réussite du guidage', 'Guiding success'],
  'stats.help': ['Les chiffres de la session jusqu’ici.', 'The figures of the session so far.'],
} as const satisfies Words;
