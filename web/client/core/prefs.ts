import type { Locale } from '../../../domain/reasons.ts';
import { deviceKeep } from './storage.ts';

/** Choices of the viewer, kept in this browser. */
interface Stored {
  locale: Locale;
  night: boolean;
  sound: boolean;
  zone: 'site' | 'local';
  toured: boolean;
}
const KEY = 'nocturne.prefs';

const fallback = (): Stored => ({
  locale: navigator.language.toLowerCase().startsWith('fr') ? 'fr' : 'en',
  night: false,
  sound: false,
  zone: 'site',
  toured: false,
});
function load(): Stored {
  try {
    return { ...fallback(), ...(JSON.parse(deviceKeep.get(KEY) ?? '{}') as Partial<Stored>) };
  } catch {
    return fallback();
  }
}
let stored: Stored | null = null;
const current = (): Stored => (stored ??= load());
function save(change: Partial<Stored>): void {
  stored = { ...current(), ...change };
  deviceKeep.set(KEY, JSON.stringify(stored));
}

export const prefs = {
  get locale(): Locale {
    return current().locale;
  },
  set locale(locale: Locale) {
    save({ locale });
  },
  get night(): boolean {
    return current().night;
  },
  set night(night: boolean) {
    save({ night });
  },
  get sound(): boolean {
    return current().sound;
  },
  set sound(sound: boolean) {
    save({ sound });
  },
  get zone(): 'site' | 'local' {
    return current().zone;
  },
  set zone(zone: 'site' | 'local') {
    save({ zone });
  },
  get toured(): boolean {
    return current().toured;
  },
  set toured(toured: boolean) {
    save({ toured });
  },
};
