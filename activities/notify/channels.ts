import type { WebhookType } from '../../domain/contracts/event.ts';
import type { OutboxChannel } from '../../platform/outbox.ts';

/** Who hears of what beside Laravel: the eight e-mails of the roadmap (6.1) and its push messages (6.3). */
const PEOPLE: Partial<Record<WebhookType, OutboxChannel[]>> = {
  'session.prepared': ['email'],
  'session.starting_soon': ['email'],
  'session.started': ['email', 'push'],
  'session.paused': ['email'],
  'session.resumed': ['email'],
  'session.completed': ['email', 'push'],
  'session.weathered_out': ['email', 'push'],
  'session.aborted': ['email', 'push'],
  'session.failed': ['email', 'push'],
  'session.cancelled': ['email'],
  'session.rescheduled': ['email'],
  'session.extended': ['email'],
  'error.occurred': ['email', 'push'],
  'images.digest': ['email'],
  'images.expiring': ['email'],
  'image.captured': ['push'],
};

/** Channels of an outbox row by type: Laravel always, people where the roadmap says so. */
export const channelsFor = (type: WebhookType): OutboxChannel[] => ['webhook', ...(PEOPLE[type] ?? [])];
