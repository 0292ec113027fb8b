interface Answer {
  q: string;
  a: string;
}
/** Questions guests ask, in both languages. */
export const FAQ: readonly { fr: Answer; en: Answer }[] = [
  {
    en: {
      q: 'What happens if I close this page?',
      a: 'Nothing to your session: it runs at the observatory without you. Open the link again and everything that happened meanwhile is there.',
    },
    fr: {
      q: 'Que se passe-t-il si je ferme cette page ?',
      a: 'Rien pour votre session : elle tourne à l’observatoire sans vous. Rouvrez le lien, tout ce qui s’est passé entre-temps est là.',
    },
  },
  {
    en: {
      q: 'What if the weather turns bad?',
      a: 'The observatory protects itself and the session waits. It goes on after five safe minutes in a row, with what is left of the plan recomputed. Time lost to weather is counted apart and returned by the rules shown in the report.',
    },
    fr: {
      q: 'Et si la météo se gâte ?',
      a: 'L’observatoire se protège et la session attend. Elle reprend après cinq minutes sûres d’affilée, avec un plan recalculé. Le temps perdu est compté à part et rendu selon les règles indiquées dans le rapport.',
    },
  },
  {
    en: {
      q: 'What is the difference between pause and stop?',
      a: 'Pause lets the running exposure finish and keeps your slot; resume goes on. Stop drops the exposure and ends the session for good.',
    },
    fr: {
      q: 'Quelle différence entre pause et arrêt ?',
      a: 'La pause laisse finir la pose en cours et garde votre créneau ; la reprise continue. L’arrêt abandonne la pose et met fin à la session.',
    },
  },
  {
    en: {
      q: 'Why is a panel grey?',
      a: 'Its data is old. Each panel says how old, so that you never take an old figure for a live one.',
    },
    fr: {
      q: 'Pourquoi un panneau est-il gris ?',
      a: 'Ses données sont anciennes. Chaque panneau indique leur âge, pour ne jamais prendre un vieux chiffre pour du direct.',
    },
  },
  {
    en: {
      q: 'What does a receipt mean?',
      a: '“Sent”: the command is on its way to Voyager. “Confirmed”: telemetry shows that it took effect. “Refused”: it was not done, with the reason. “No answer yet”: the outcome is being read back; nothing is sent twice.',
    },
    fr: {
      q: 'Que veut dire un accusé ?',
      a: '« Envoyée » : la commande part vers Voyager. « Confirmée » : la télémétrie montre son effet. « Refusée » : elle n’a pas eu lieu, avec la raison. « Pas encore de réponse » : le résultat est relu ; rien n’est envoyé deux fois.',
    },
  },
  {
    en: {
      q: 'When can I download my frames?',
      a: 'Each FITS as soon as it is archived, from the gallery; all of them as one ZIP from the report. Checksums are in the report.',
    },
    fr: {
      q: 'Quand puis-je télécharger mes images ?',
      a: 'Chaque FITS dès son archivage, depuis la galerie ; toutes en un ZIP depuis le rapport, qui donne aussi les sommes de contrôle.',
    },
  },
  {
    en: {
      q: 'What are HFD and Star Index?',
      a: 'HFD is the diameter in pixels that holds half of a star’s light: smaller is sharper. Star Index is Voyager’s own mark for the quality of a frame: higher is better.',
    },
    fr: {
      q: 'Que sont HFD et Star Index ?',
      a: 'Le HFD est le diamètre en pixels qui contient la moitié de la lumière d’une étoile : plus petit, plus net. Le Star Index est la note de qualité de Voyager : plus haut, mieux c’est.',
    },
  },
  {
    en: {
      q: 'My night eyes hurt. Can the page be red?',
      a: 'Yes: the moon button or the key N switches to night vision, pictures included.',
    },
    fr: {
      q: 'Peut-on passer la page en rouge ?',
      a: 'Oui : le bouton lune ou la touche N passe en vision nocturne, images comprises.',
    },
  },
];
