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
  [/^no weather source is configured$/, 'aucune source météo configurée'],
  [/^no source measures the weather$/, 'aucune source ne mesure la météo'],
  [/^(.*): last reading (\d+) s ago$/, '$1 : dernière mesure il y a $2 s'],
  [/^(.*): no reading yet$/, '$1 : pas encore de mesure'],
];

/** A sentence of the gateway in the viewer's language; one that nobody translated stays as it is. */
export function observatoryIn(locale: Locale, text: string): string {
  const known = SENTENCES.find(([pattern]) => pattern.test(text));
  if (!known) return text;
  const [pattern, french, english] = known;
  if (locale === 'en') return english === undefined ? text : text.replace(pattern, english);
  return text.replace(pattern, french).replace(/(\d)\.(\d)/g, '$1,$2');
}

const LINK: [RegExp, string, string][] = [
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
