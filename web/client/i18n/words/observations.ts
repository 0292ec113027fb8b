import type { Words } from '../words.ts';

/** Words of the list of observations: [French, English]. */
export const observationsWords = {
  'obs.title': ['Mes observations', 'My observations'],
  'obs.none': ['Aucune observation ne correspond.', 'No observation matches.'],
  'obs.target': ['Cible', 'Target'],
  'obs.telescope': ['Télescope', 'Telescope'],
  'obs.from': ['Du', 'From'],
  'obs.to': ['Au', 'To'],
  'obs.sort': ['Trier', 'Sort'],
  'obs.sort.newest': ['Plus récentes', 'Newest'],
  'obs.sort.oldest': ['Plus anciennes', 'Oldest'],
  'obs.sort.images': ['Plus d’images', 'Most frames'],
  'obs.state': ['État', 'State'],
  'obs.state.all': ['Toutes', 'All'],
  'obs.state.upcoming': ['À venir', 'Upcoming'],
  'obs.state.active': ['En cours', 'Active'],
  'obs.state.finished': ['Terminées', 'Finished'],
  'obs.state.cancelled': ['Annulées', 'Cancelled'],
  'obs.report': ['Rapport', 'Report'],
  'obs.watch': ['Regarder', 'Watch'],
  'obs.zip': ['ZIP', 'ZIP'],
  'obs.filters': ['Filtres', 'Filters'],
  'obs.all': ['Tous', 'All'],
} as const satisfies Words;
