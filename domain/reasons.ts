/** Every reason why a session waits, holds, refuses or ends, with the sentence a guest reads in each language. */
export const REASONS = {
  waiting_for_dark: { en: 'The sky is not dark enough yet.', fr: 'Le ciel n’est pas encore assez sombre.' },
  target_below_limit: { en: 'The target is below the altitude limit.', fr: 'La cible est sous la limite de hauteur.' },
  target_outside_hour_angle: {
    en: 'The target is outside the chosen hour angles.',
    fr: 'La cible est hors des angles horaires choisis.',
  },
  weather_unsafe: {
    en: 'The weather is unsafe; the observatory is protected.',
    fr: 'La météo est dangereuse ; l’observatoire est mis à l’abri.',
  },
  weather_hold: {
    en: 'Clouds or wind: waiting for better conditions.',
    fr: 'Nuages ou vent : en attente de meilleures conditions.',
  },
  weather_unknown: {
    en: 'No fresh weather data; that counts as unsafe.',
    fr: 'Pas de données météo récentes : considéré comme dangereux.',
  },
  weather_debounce: {
    en: 'The weather is good; waiting to be sure that it stays so.',
    fr: 'La météo est bonne ; attente de confirmation qu’elle le reste.',
  },
  weather_no_time_left: {
    en: 'The weather left too little time for a single exposure.',
    fr: 'La météo n’a pas laissé assez de temps pour une seule pose.',
  },
  user_pause: { en: 'Paused by the guest.', fr: 'Mise en pause par l’invité.' },
  user_abort: { en: 'Stopped by the guest.', fr: 'Arrêtée par l’invité.' },
  user_cancel: { en: 'Cancelled before it began.', fr: 'Annulée avant le début.' },
  operator_abort: { en: 'Stopped by the operator.', fr: 'Arrêtée par l’opérateur.' },
  gateway_away: {
    en: 'The link to the observatory is away; its own safety systems are in charge.',
    fr: 'La liaison avec l’observatoire est coupée ; ses propres sécurités veillent.',
  },
  voyager_away: { en: 'Voyager does not answer.', fr: 'Voyager ne répond pas.' },
  voyager_error: { en: 'Voyager reports an error.', fr: 'Voyager signale une erreur.' },
  voyager_emergency: {
    en: 'Voyager carries out an emergency stop; nothing is sent until it has ended.',
    fr: 'Voyager exécute un arrêt d’urgence ; rien n’est envoyé avant sa fin.',
  },
  no_frames: {
    en: 'The session ended without a single frame.',
    fr: 'La session s’est terminée sans une seule image.',
  },
  robotarget_not_running: {
    en: 'RoboTarget is not running at the observatory.',
    fr: 'RoboTarget ne tourne pas à l’observatoire.',
  },
  robotarget_not_set_up: {
    en: 'RoboTarget is not set up for this telescope yet.',
    fr: 'RoboTarget n’est pas encore configuré pour ce télescope.',
  },
  foreign_target: { en: 'Another target is being observed.', fr: 'Une autre cible est en cours d’observation.' },
  profile_mismatch: {
    en: 'Voyager has another profile loaded than the one set for this telescope.',
    fr: 'Voyager utilise un autre profil que celui prévu pour ce télescope.',
  },
  sequence_mismatch: {
    en: 'The base sequence is not known to Voyager.',
    fr: 'La séquence de base est inconnue de Voyager.',
  },
  filter_mismatch: {
    en: 'The filters in Voyager differ from those set for this telescope.',
    fr: 'Les filtres de Voyager diffèrent de ceux prévus pour ce télescope.',
  },
  equipment_error: { en: 'A device reports an error.', fr: 'Un appareil signale une erreur.' },
  guiding_lost: { en: 'The guide star is lost.', fr: 'L’étoile guide est perdue.' },
  safety_monitor_missing: {
    en: 'No safety monitor is connected; the owner has not allowed sessions without one.',
    fr: 'Aucun moniteur de sécurité connecté ; le propriétaire n’autorise pas de session sans lui.',
  },
  local_operator: {
    en: 'Somebody at the observatory has taken over.',
    fr: 'Quelqu’un a pris la main à l’observatoire.',
  },
  maintenance: { en: 'The telescope is under maintenance.', fr: 'Le télescope est en maintenance.' },
  read_only: { en: 'The gateway is in read-only mode.', fr: 'La passerelle est en lecture seule.' },
  guest_complaint: {
    en: 'A guest says that something is wrong with a frame or a night.',
    fr: 'Un invité dit que quelque chose ne va pas avec une image ou une nuit.',
  },
  disk_low: { en: 'Too little disk space for the frames.', fr: 'Espace disque insuffisant pour les images.' },
  store_away: {
    en: 'The disk of the frame store is not there; frames wait at the observatory.',
    fr: 'Le disque des images n’est pas accessible ; les images attendent à l’observatoire.',
  },
  frames_lost: {
    en: 'Many archived frames cannot be read back.',
    fr: 'De nombreuses images archivées ne peuvent pas être relues.',
  },
  clock_offset: {
    en: 'The clocks of Voyager and the gateway differ too much.',
    fr: 'Les horloges de Voyager et de la passerelle diffèrent trop.',
  },
  plan_finished: { en: 'Every shot of the plan is taken.', fr: 'Toutes les poses du plan sont prises.' },
  slot_over: { en: 'The slot is over.', fr: 'Le créneau est terminé.' },
  outside_slot: { en: 'This is possible only during the slot.', fr: 'Possible seulement pendant le créneau.' },
  already_paused: { en: 'The session is paused already.', fr: 'La session est déjà en pause.' },
  not_paused: { en: 'The session is not paused.', fr: 'La session n’est pas en pause.' },
  finalising: { en: 'The session is being wrapped up.', fr: 'La session est en cours de clôture.' },
  session_over: { en: 'The session is over.', fr: 'La session est terminée.' },
  superseded: { en: 'A newer command has replaced this one.', fr: 'Une commande plus récente a remplacé celle-ci.' },
  preparation_failed: { en: 'The observation could not be prepared.', fr: 'L’observation n’a pas pu être préparée.' },
  refused_by_voyager: { en: 'Voyager refused the command.', fr: 'Voyager a refusé la commande.' },
  not_allowed: {
    en: 'This command is not allowed on this telescope.',
    fr: 'Cette commande n’est pas autorisée sur ce télescope.',
  },
  no_answer: {
    en: 'No answer in time; the outcome is being checked.',
    fr: 'Pas de réponse à temps ; le résultat est en cours de vérification.',
  },
  next_slot_taken: { en: 'The next slot is taken.', fr: 'Le créneau suivant est pris.' },
  internal_error: {
    en: 'An internal error; the operator has been told.',
    fr: 'Erreur interne ; l’opérateur est prévenu.',
  },
} as const satisfies Record<string, { en: string; fr: string }>;

export type Reason = keyof typeof REASONS;
export const REASON_CODES = Object.keys(REASONS) as [Reason, ...Reason[]];
export type Locale = 'fr' | 'en';
export const reasonText = (reason: Reason, locale: Locale): string => REASONS[reason][locale];
