import type { Words } from '../../../i18n/words.ts';

/** Words of the section “logs”: [French, English]. */
export const logsWords = {
  'logs.title': ['Journal', 'Night log'],
  'logs.all': ['Tout', 'All'],
  'logs.INFO': ['Info', 'Info'],
  'logs.WARNING': ['Alertes', 'Warnings'],
  'logs.ERROR': ['Erreurs', 'Errors'],
  'logs.autoscroll': ['Défilement auto', 'Auto-scroll'],
  'logs.export': ['Exporter', 'Export'],
  'logs.none': ['Rien à signaler.', 'Nothing to report.'],
  'logs.of': ['Quel journal', 'Which log'],
  'logs.night': ['Séance', 'Session'],
  'logs.voyager': ['Voyager', 'Voyager'],
  'logs.filter': ['Filtrer le journal', 'Filter the log'],
  'logs.help': [
    'Ce que font la session et l’observatoire, en mots simples.',
    'What session and observatory do, in plain words.',
  ],
} as const satisfies Words;
