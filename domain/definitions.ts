/** What a figure is called and how it is counted, in both languages. */
export interface Definition {
  name: { en: string; fr: string };
  is: { en: string; fr: string };
}
const define = (en: string, fr: string, isEn: string, isFr: string): Definition => ({
  name: { en, fr },
  is: { en: isEn, fr: isFr },
});

/** Every figure that a guest or an owner reads. Pages, report, its PDF, the API's description and docs/analytics.md say these words. */
export const FIGURES = {
  elapsed: define(
    'Time elapsed',
    'Durée écoulée',
    'From the start of the session to its end, or to now.',
    'Du début de la session à sa fin, ou à maintenant.',
  ),
  duration: define(
    'Actual',
    'Durée réelle',
    'From the start of the session to its end; planned is the slot.',
    'Du début de la session à sa fin ; la durée prévue est celle du créneau.',
  ),
  images: define(
    'Frames',
    'Images',
    'Frames that stand in the archive; below, the exposures that were taken, of those that were asked for.',
    'Images qui sont dans l’archive ; dessous, les poses faites, sur celles qui étaient demandées.',
  ),
  rejected: define(
    'Rejected',
    'Rejetées',
    'Frames that came and were refused, each with its reason.',
    'Images reçues et refusées, chacune avec sa raison.',
  ),
  missing: define(
    'Missing',
    'Manquantes',
    'Frames that Voyager announced and nobody found.',
    'Images que Voyager a annoncées et que personne n’a trouvées.',
  ),
  exposure: define(
    'Total exposure',
    'Pose totale',
    'Exposure times of the light frames in the archive, added up.',
    'Somme des temps de pose des images du ciel qui sont dans l’archive.',
  ),
  hfd: define(
    'Average HFD',
    'HFD moyen',
    'Mean half-flux diameter of the stars over the light frames in the archive that have enough of them, in pixels.',
    'Diamètre moyen des étoiles (demi-flux) sur les images du ciel de l’archive qui en ont assez, en pixels.',
  ),
  rms: define(
    'Guiding RMS',
    'RMS de guidage',
    'Mean of the guider’s RMS over the samples of the slot that have one, in pixels.',
    'Moyenne du RMS du guidage sur les mesures du créneau qui en ont un, en pixels.',
  ),
  guiding: define(
    'Guiding success',
    'Réussite du guidage',
    'Seconds with the guider running, of the guided seconds of exposure that stand in the archive.',
    'Secondes où le guidage était actif, sur les secondes de pose guidée qui sont dans l’archive.',
  ),
  errors: define(
    'Errors',
    'Erreurs',
    'Faults in the night log; one that is told several times within a minute counts once.',
    'Pannes du journal de la nuit ; une panne dite plusieurs fois en une minute compte une fois.',
  ),
  pauses: define(
    'Pauses',
    'Pauses',
    'The guest’s own pauses; what weather and faults took stands under the holds.',
    'Les pauses de l’invité ; ce que la météo et les pannes ont pris figure dans les attentes.',
  ),
  credits: define(
    'Credits',
    'Crédits',
    'What was charged, less what is given back: by the telescope’s rule from the seconds and frames above, and by an administrator.',
    'Ce qui a été facturé, moins ce qui est rendu : par la règle du télescope d’après les secondes et les images ci-dessus, et par un administrateur.',
  ),
  utilisation: define(
    'Utilisation',
    'Utilisation',
    'Seconds under an exposure / seconds booked, of bookings that were not cancelled.',
    'Secondes de pose / secondes réservées, des réservations qui n’ont pas été annulées.',
  ),
  hours: define(
    'Hours observed',
    'Heures d’observation',
    'Hours under an exposure, by the ledger that refunds use.',
    'Heures de pose, d’après le relevé qui sert aux remboursements.',
  ),
  frames: define(
    'Frames',
    'Images',
    'Frames by state: archived, rejected, missing, pending.',
    'Images par état : archivées, rejetées, manquantes, en attente.',
  ),
  revenue: define(
    'Revenue',
    'Revenus',
    'The price less the share that was given back, of nights that are settled; each booking rounded to the unit of its currency.',
    'Le prix moins la part rendue, des nuits décomptées ; chaque réservation arrondie à l’unité de sa monnaie.',
  ),
  success: define(
    'Success rate',
    'Taux de succès',
    'Completed / (completed + aborted + failed): cancellations are apart, and so is what the weather took.',
    'Terminées / (terminées + arrêtées + échouées) : les annulations sont à part, et ce que la météo a pris aussi.',
  ),
  mean_session: define(
    'Mean duration',
    'Durée moyenne',
    'Mean time from the start of a session to its end.',
    'Temps moyen du début d’une session à sa fin.',
  ),
  problems: define(
    'Frequent problems',
    'Problèmes fréquents',
    'Reasons of the ledger’s intervals that weather, a fault or somebody else took, counted.',
    'Raisons des intervalles du relevé que la météo, une panne ou quelqu’un d’autre a pris, comptées.',
  ),
} as const satisfies Record<string, Definition>;
export type Figure = keyof typeof FIGURES;

/** A figure's name as pages have their words: [French, English]. */
export const nameOf = (figure: Figure): readonly [string, string] => [FIGURES[figure].name.fr, FIGURES[figure].name.en];

/** Figures with their definitions in one language, in the order in which they are given. */
export const definitionsOf = (
  figures: readonly Figure[],
  locale: 'en' | 'fr',
): { key: Figure; name: string; is: string }[] =>
  figures.map((key) => ({ key, name: FIGURES[key].name[locale], is: FIGURES[key].is[locale] }));
