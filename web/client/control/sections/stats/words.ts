import { nameOf } from '../../../../../domain/definitions.ts';
import type { Words } from '../../../i18n/words.ts';

/** Words of the section “stats”: [French, English]. */
export const statsWords = {
  'stats.title': ['Statistiques', 'Statistics'],
  'stats.elapsed': nameOf('elapsed'),
  'stats.images': ['Images par filtre', 'Frames by filter'],
  'stats.none': ['Pas encore d’image.', 'No frame yet.'],
  'stats.exposure': nameOf('exposure'),
  'stats.hfd': nameOf('hfd'),
  'stats.over': ['{value} ({n} images)', '{value} ({n} frames)'],
  'stats.guiding': nameOf('guiding'),
  'stats.help': ['Les chiffres de la session jusqu’ici.', 'The figures of the session so far.'],
} as const satisfies Words;
