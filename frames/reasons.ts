/** Why a frame was refused or is missing: a stable code, and a sentence for the guest in both languages. */
const TEXTS: Record<string, { en: string; fr: string }> = {
  empty: { en: 'the file is empty', fr: 'le fichier est vide' },
  not_fits: { en: 'the file is not a FITS file', fr: "le fichier n'est pas un fichier FITS" },
  truncated: {
    en: 'the file is shorter than its header promises',
    fr: "le fichier est plus court que son en-tête ne l'annonce",
  },
  bad_header: { en: 'the FITS header cannot be read', fr: "l'en-tête FITS est illisible" },
  no_image: { en: 'the file holds no image', fr: 'le fichier ne contient aucune image' },
  unsupported: {
    en: 'the file uses a form of FITS that is not read',
    fr: "le fichier utilise une forme de FITS qui n'est pas lue",
  },
  corrupt: { en: 'the file is damaged', fr: 'le fichier est endommagé' },
  too_large: { en: 'the file is larger than allowed', fr: 'le fichier dépasse la taille autorisée' },
  unreadable: { en: 'the file cannot be read', fr: 'le fichier ne peut pas être lu' },
  outside: { en: 'the file lies outside of the mapped folder', fr: 'le fichier se trouve hors du dossier autorisé' },
  path_unmapped: { en: 'its folder is not mapped to this machine', fr: "son dossier n'est pas relié à cette machine" },
  damaged: {
    en: 'what is on the disk is not what was copied',
    fr: "le contenu du disque n'est plus celui qui a été copié",
  },
  expired: { en: 'its time in the archive is over', fr: 'sa durée de conservation est écoulée' },
  file_absent: {
    en: 'the file is not where the telescope said',
    fr: "le fichier n'est pas à l'endroit indiqué par le télescope",
  },
  storage_unreachable: {
    en: 'the folder of the telescope cannot be reached',
    fr: 'le dossier du télescope est inaccessible',
  },
};
export const reasonText = (code: string): { en: string; fr: string } => TEXTS[code] ?? { en: code, fr: code };
