import type { Words } from '../../../i18n/words.ts';

/** Words of the section “graphs”: [French, English]. */
export const graphsWords = {
  'focuser.title': ['Mise au point', 'Focuser'],
  'focuser.position': ['Position', 'Position'],
  'focuser.temperature': ['Température', 'Temperature'],
  'focuser.last': ['Dernier autofocus', 'Last autofocus'],
  'focuser.last.failed': ['échec', 'failed'],
  'focuser.graph': ['Position dans le temps', 'Position over time'],
  'focuser.help': [
    'Le tube se contracte quand il refroidit : la mise au point suit la température.',
    'The tube shrinks as it cools: focus follows temperature.',
  ],
  'guiding.title': ['Guidage', 'Guiding'],
  'guiding.status': ['Statut', 'Status'],
  'guiding.rms': ['RMS', 'RMS'],
  'guiding.rms.total': ['total {value}', 'total {value}'],
  'guiding.dither': ['Dithering', 'Dithering'],
  'guiding.graph': ['Erreur de guidage', 'Guiding error'],
  'guiding.STOPPED': ['ARRÊTÉ', 'STOPPED'],
  'guiding.SETTLING': ['STABILISATION', 'SETTLING'],
  'guiding.RUNNING': ['ACTIF', 'RUNNING'],
  'guiding.TIMEOUT': ['DÉLAI DÉPASSÉ', 'TIMED OUT'],
  'guiding.help': [
    'Une seconde caméra corrige la monture. Un RMS sous un pixel donne des étoiles rondes.',
    'A second camera corrects the mount. RMS below a pixel gives round stars.',
  ],
} as const satisfies Words;
