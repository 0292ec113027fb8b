import type { Words } from '../../../i18n/words.ts';

/** Words of the section “weather”: [French, English]. */
export const weatherWords = {
  'weather.title': ['Météo', 'Weather'],
  'weather.temperature': ['Température', 'Temperature'],
  'weather.humidity': ['Humidité', 'Humidity'],
  'weather.wind': ['Vent', 'Wind'],
  'weather.seeing': ['Seeing', 'Seeing'],
  'weather.clouds': ['Nuages', 'Clouds'],
  'weather.cloud.CLEAR': ['dégagé', 'clear'],
  'weather.cloud.CLOUDY': ['nuageux', 'cloudy'],
  'weather.cloud.VERY_CLOUDY': ['très nuageux', 'very cloudy'],
  'weather.wind.CALM': ['calme', 'calm'],
  'weather.wind.WINDY': ['venteux', 'windy'],
  'weather.wind.VERY_WINDY': ['très fort', 'very windy'],
  'weather.dew': ['Point de rosée', 'Dew point'],
  'weather.sqm': ['Ciel', 'Sky'],
  'weather.safety': ['Sécurité', 'Safety'],
  'weather.ok': ['Sûr', 'Safe'],
  'weather.hold': ['Attente', 'Hold'],
  'weather.unsafe': ['Dangereux', 'Unsafe'],
  'weather.unmeasured': ['non mesuré', 'not measured'],
  'weather.monitor': ['Moniteur de sécurité', 'Safety monitor'],
  'weather.monitor.none': ['aucun', 'none'],
  'weather.monitor.safe': ['sûr', 'safe'],
  'weather.monitor.unsafe': ['danger', 'unsafe'],
  'weather.help': [
    'Sans donnée récente, la météo compte comme dangereuse et le télescope attend.',
    'Without fresh data the weather counts as unsafe and the telescope waits.',
  ],
} as const satisfies Words;
