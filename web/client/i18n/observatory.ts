import type { Locale } from '../../../domain/reasons.ts';

/** What the gateway says in words about weather and link, as `[pattern, French, English]`; `$n` is the n-th value. */
const SENTENCES: [RegExp, string, string?][] = [
  [/^cloud CLOUDY$/, 'ciel nuageux', 'cloudy'],
  [/^cloud VERY_CLOUDY$/, 'ciel très nuageux', 'very cloudy'],
  [/^rain WET$/, 'humidité au capteur de pluie', 'rain sensor wet'],
  [/^rain RAIN$/, 'pluie', 'rain'],
  [/^wind WINDY$/, 'venteux', 'windy'],
  [/^wind VERY_WINDY$/, 'vent très fort', 'very windy'],
  [/^light VERY_LIGHT$/, 'trop de lumière', 'too bright'],
  [/^cloud (\S+) % over (\S+)$/, 'nuages $1 %, limite $2 %', 'clouds $1%, limit $2%'],
  [/^humidity (\S+) % over (\S+)$/, 'humidité $1 %, limite $2 %', 'humidity $1%, limit $2%'],
  [/^wind (\S+) m\/s over (\S+)$/, 'vent $1 m/s, limite $2 m/s', 'wind $1 m/s, limit $2 m/s'],
  [/^gust (\S+) m\/s over (\S+)$/, 'rafales $1 m/s, limite $2 m/s', 'gusts $1 m/s, limit $2 m/s'],
  [/^rain (\S+) mm\/h$/, 'pluie $1 mm/h'],
  [/^dew margin (\S+) °C under (\S+)$/, 'point de rosée à $1 °C, limite $2 °C', 'dew point $1 °C away, limit $2 °C'],
  [
    /^safety monitor \(.*\) says unsafe$/,
    'le moniteur de sécurité signale un danger',
    'the safety monitor says unsafe',
  ],
  [
    /^safety monitor \(.*\) says neither safe nor unsafe$/,
    'le moniteur de sécurité ne se prononce pas',
    'the safety monitor says neither safe nor unsafe',
  ],
  [/^no safety monitor is connected$/, 'aucun moniteur de sécurité connecté'],
  [
    /^safety monitor \(.*\) is not connected any more$/,
    'le moniteur de sécurité n’est plus connecté',
    'the safety monitor is not connected any more',
  ],
  [/^no weather source is configured$/, 'aucune source météo configurée'],
  [/^no source measures the weather$/, 'aucune source ne mesure la météo'],
  [/^cloud: measured before.*$/, 'les nuages ne sont plus mesurés', 'clouds are not measured any more'],
  [/^rain: measured before.*$/, 'la pluie n’est plus mesurée', 'rain is not measured any more'],
  [/^wind: measured before.*$/, 'le vent n’est plus mesuré', 'wind is not measured any more'],
  [/^gust: measured before.*$/, 'les rafales ne sont plus mesurées', 'gusts are not measured any more'],
  [/^humidity: measured before.*$/, 'l’humidité n’est plus mesurée', 'humidity is not measured any more'],
  [/^dew margin: measured before.*$/, 'le point de rosée n’est plus mesuré', 'the dew point is not measured any more'],
  [/^light: measured before.*$/, 'la lumière n’est plus mesurée', 'daylight is not measured any more'],
  // What went wrong with a device is the operator's to read; a guest needs to know that it says nothing.
  [
    /^(.*): last reading (\d+) s ahead of our clock.*$/,
    '$1 : mesure datée de $2 s dans le futur',
    '$1: its reading is dated $2 s ahead',
  ],
  [/^(.*): last reading (\d+) s ago.*$/, '$1 : dernière mesure il y a $2 s', '$1: last reading $2 s ago'],
  [/^(.*): no answer for (\d+) s.*$/, '$1 : pas de réponse depuis $2 s', '$1: no answer for $2 s'],
  [/^(.*): no reading yet.*$/, '$1 : pas encore de mesure', '$1: no reading yet'],
  [
    /^(.*): none of its values has changed for (\S+) h$/,
    '$1 : aucune valeur n’a changé depuis $2 h',
    '$1: none of its values has changed for $2 h',
  ],
  [
    /^(.*): \w+ has stood at \S+ for (\S+) h$/,
    '$1 : une mesure ne bouge plus depuis $2 h',
    '$1: a value has not moved for $2 h',
  ],
  [
    /^(.*): \w+ was last measured (\d+) s ago$/,
    '$1 : une mesure date de $2 s',
    '$1: a value was last measured $2 s ago',
  ],
  [/^(.*): (?:\w+: .*|\w+ condition \S+)$/, '$1 : une de ses mesures manque', '$1: one of its measurements is missing'],
];

/** A sentence of the gateway in the viewer's language; one that nobody translated stays as it is. */
export function observatoryIn(locale: Locale, text: string): string {
  const known = SENTENCES.find(([pattern]) => pattern.test(text));
  if (!known) {
    // A limit that is passed is told with its source behind it.
    const [, what, source] = /^(.*)( \([^()]*\))$/.exec(text) ?? [];
    return what === undefined ? text : `${observatoryIn(locale, what)}${source}`;
  }
  const [pattern, french, english] = known;
  if (locale === 'en') return english === undefined ? text : text.replace(pattern, english);
  return text.replace(pattern, french).replace(/(\d)\.(\d)/g, '$1,$2');
}

const LINK: [RegExp, string, string][] = [
  [
    /^no report from the gateway for (\d+) s$/,
    'la passerelle de l’observatoire ne dit plus rien depuis $1 s',
    'nothing from the observatory’s gateway for $1 s',
  ],
  [
    /^no (?:data|message) from Voyager for (\d+) s$/,
    'Voyager ne dit plus rien depuis $1 s',
    'nothing from Voyager for $1 s',
  ],
  [
    /^(?:Voyager closed|the connection (?:was closed|broke)|moved to).*$/,
    'Voyager a fermé la connexion',
    'Voyager closed the connection',
  ],
  [/^(?:cannot connect|no Version|no answer).*$/, 'Voyager ne répond pas', 'Voyager does not answer'],
  [/^login .*$/, 'Voyager refuse l’accès', 'Voyager refuses the login'],
];
/** Why the link to Voyager is down, as a guest may read it: no addresses, no errors of the operating system. Empty where nothing can be said. */
export function linkIn(locale: Locale, reason: string | null): string {
  const known = LINK.find(([pattern]) => reason !== null && pattern.test(reason));
  return known ? reason!.replace(known[0], known[locale === 'fr' ? 1 : 2]) : '';
}
