import type { Words } from '../words.ts';

/** Words of the page of preferences: [French, English]. */
export const preferencesWords = {
  'prefs.title': ['Ce que nous vous écrivons', 'What we write to you'],
  'prefs.what': ['Messages', 'Messages'],
  'prefs.message': ['Message', 'Message'],
  'prefs.email': ['E-mail', 'E-mail'],
  'prefs.push': ['Notification', 'Notification'],
  'prefs.chat': ['Messagerie', 'Chat'],
  'prefs.always': [
    'Les messages grisés concernent votre réservation elle-même et restent actifs.',
    'The greyed messages are about your booking itself and stay on.',
  ],
  'prefs.quiet': ['Heures calmes', 'Quiet hours'],
  'prefs.quietOn': ['Ne pas me déranger la nuit', 'Do not disturb me at night'],
  'prefs.from': ['De', 'From'],
  'prefs.to': ['à', 'to'],
  'prefs.chats': ['Vos messageries', 'Your chats'],
  'prefs.ntfy': ['Sujet ntfy', 'ntfy topic'],
  'prefs.telegram': ['Identifiant de discussion Telegram', 'Telegram chat id'],
  'prefs.discord': ['Webhook Discord', 'Discord webhook'],
  'prefs.slack': ['Webhook Slack', 'Slack webhook'],
  'prefs.drop': ['Retirer', 'Remove'],
  'prefs.calendar': ['Calendrier', 'Calendar'],
  'prefs.calendarSay': [
    'Une adresse secrète que votre agenda suit : vos sessions y changent d’elles-mêmes.',
    'A secret address for your calendar to follow: your sessions change there by themselves.',
  ],
  'prefs.calendarMake': ['Créer une adresse', 'Make an address'],
  'prefs.save': ['Enregistrer', 'Save'],
  'prefs.saved': ['Enregistré.', 'Saved.'],
  'prefs.denied': [
    'Ce lien ne permet que de regarder, ou n’est plus valable.',
    'This link only lets you look, or is not valid any more.',
  ],
} as const satisfies Words;
