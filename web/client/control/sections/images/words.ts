import type { Words } from '../../../i18n/words.ts';

/** Words of the section “images”: [French, English]. */
export const imagesWords = {
  'images.title': ['Images capturées', 'Captured frames'],
  'images.one': ['1 image', '1 frame'],
  'images.count': ['{n} images', '{n} frames'],
  'images.over': ['Cette session n’a pas donné d’image.', 'This session has no frames.'],
  'images.none': ['Les images apparaîtront ici au fil de la nuit.', 'Frames appear here through the night.'],
  'images.download': ['FITS', 'FITS'],
  'images.downloadOf': ['FITS : télécharger {name}', 'FITS: download {name}'],
  'images.stars': ['Étoiles', 'Stars'],
  'images.exposure': ['Pose', 'Exposure'],
  'images.size': ['Fichier', 'File'],
  'images.full': ['Pleine taille', 'Full size'],
  'images.fullOf': ['Pleine taille : {name}', 'Full size: {name}'],
  'images.open': ['Ouvrir {name}', 'Open {name}'],
  'images.state.pending': ['arrive', 'arriving'],
  'images.state.archived': ['archivée', 'archived'],
  'images.state.rejected': ['rejetée', 'rejected'],
  'images.state.missing': ['manquante', 'missing'],
  'images.help': [
    'Les 20 dernières images. Chaque FITS est vérifié par somme de contrôle avant d’être archivé.',
    'The last 20 frames. Each FITS is verified by checksum before it counts as archived.',
  ],
  'toast.image': ['Nouvelle image : {name}', 'New frame: {name}'],
  'quicklook.open': ['Examiner le FITS', 'Inspect the FITS'],
  'quicklook.black': ['Noir', 'Black'],
  'quicklook.white': ['Blanc', 'White'],
  'quicklook.midtones': ['Tons moyens', 'Midtones'],
  'quicklook.auto': ['Étirement auto', 'Auto stretch'],
  'quicklook.picture': [
    'Image ; les flèches déplacent le point lu',
    'Picture; the arrow keys move the point that is read',
  ],
  'quicklook.hint': ['Pointez un pixel pour lire sa valeur.', 'Point at a pixel to read its value.'],
  'quicklook.pixel': ['x {x} · y {y} : {value}', 'x {x} · y {y}: {value}'],
  'quicklook.header': ['En-tête FITS', 'FITS header'],
} as const satisfies Words;
