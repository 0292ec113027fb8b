import type { Words } from '../../../i18n/words.ts';

/** Words of the section “preview”: [French, English]. */
export const previewWords = {
  'preview.title': ['Aperçu', 'Preview'],
  'preview.over': ['Aucun aperçu n’a été pris.', 'No preview was taken.'],
  'preview.none': ['Le premier aperçu apparaîtra ici.', 'The first preview will appear here.'],
  'preview.alt': ['Dernière image du télescope : {what}', 'Latest picture of the telescope: {what}'],
  'preview.hfd': ['HFD', 'HFD'],
  'preview.starIndex': ['Star Index', 'Star Index'],
  'preview.histogram': ['Histogramme', 'Histogram'],
  'preview.refresh': ['Rafraîchir l’aperçu', 'Refresh the preview'],
  'preview.fullscreen': ['Plein écran', 'Full screen'],
  'preview.zoomIn': ['Agrandir', 'Zoom in'],
  'preview.zoomOut': ['Réduire', 'Zoom out'],
  'preview.reset': ['Image entière', 'Whole picture'],
  'preview.toggle': ['Masquer ou montrer', 'Hide or show'],
  'preview.help': [
    'La dernière image, étirée pour l’œil. Pincez, double-touchez ou utilisez la molette pour zoomer. HFD : taille des étoiles en pixels, plus petit est mieux.',
    'The last frame, stretched for the eye. Pinch, double tap or use the wheel to zoom. HFD: size of the stars in pixels, smaller is better.',
  ],
} as const satisfies Words;
