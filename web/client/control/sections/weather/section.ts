import { prefs } from '../../../core/prefs.ts';
import type { Event } from '../../../core/types.ts';
import { reasonIn, say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';

/** The sky, the safety monitor, and what the observatory warns of. */
export const weather = section({
  html,
  state: () => ({}),
  methods: {
    warn(data: Event['data'], tone: 'warn' | 'danger'): void {
      const text = prefs.locale === 'fr' ? (data.message_fr ?? data.message) : data.message;
      const reason = reasonIn(prefs.locale, data.reason as string | undefined);
      this.toast(typeof text === 'string' ? text : reason || say('ui.error'), tone);
    },
  },
  events: {
    'weather.alert'(data): void {
      this.warn(data, 'warn');
    },
    'error.alert'(data): void {
      this.warn(data, 'danger');
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof weather> {}
}
