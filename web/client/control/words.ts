import type { Words } from '../i18n/words.ts';

/** Words of the control page outside its sections: [French, English]. */
export const controlWords = {
  'deck.live': ['Direct', 'Live'],
  'deck.gear': ['Instruments', 'Instruments'],
  'deck.sky': ['Conditions', 'Conditions'],
  'deck.label': ['Vues', 'Views'],
  'toast.linkBack': ['Liaison rétablie, rien n’a été perdu', 'Link restored, nothing was lost'],
  'toast.refreshed': ['À jour', 'Up to date'],
  'toast.viewOnly': [
    'Ce lien a déjà servi sur un autre appareil : ici, vous pouvez regarder.',
    'This link was used on another device before: here you can watch.',
  ],
} as const satisfies Words;
