import type { ChatKind, Preferences } from '../../../domain/contracts/preferences.ts';
import type { GuestChannel } from '../../../domain/messages/message.ts';
import { askForLink, bookingInAddress, sessionAccess } from '../core/access.ts';
import { defineComponent } from '../core/alpine.ts';
import { ApiProblem, Http } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import { translate } from '../i18n/index.ts';
import { startPage } from '../shell.ts';

interface Shown extends Preferences {
  chats: { kind: ChatKind; address: string }[];
  types: {
    type: Preferences['channels']['email']['off'][number];
    name: { fr: string; en: string };
    channels: GuestChannel[];
    always: boolean;
  }[];
  offered: ChatKind[];
}
interface Cell {
  channel: GuestChannel;
  possible: boolean;
  on: boolean;
  fixed: boolean;
  label: string;
}
const CHANNELS = ['email', 'push', 'chat'] as const;
const EXAMPLES: Record<ChatKind, string> = {
  ntfy: 'https://ntfy.sh/…',
  telegram: '123456789',
  discord: 'https://discord.com/api/webhooks/…',
  slack: 'https://hooks.slack.com/services/…',
};

function preferencesPage(): object {
  const id = bookingInAddress();
  let http = new Http(null);
  let known: Shown | null = null;
  /** Addresses typed here; null takes one away. */
  const typed = new Map<ChatKind, string | null>();
  const say = (key: string): string => translate(prefs.locale, key);
  const isOn = (shown: Shown, type: Shown['types'][number], channel: GuestChannel): boolean =>
    type.always || (shown.channels[channel].on && !shown.channels[channel].off.includes(type.type));

  return defineComponent({
    ready: false,
    problem: '',
    canAskLink: false,
    askedLink: false,
    rows: [] as { type: string; name: string; cells: Cell[] }[],
    quiet: false,
    from: '22:00',
    to: '08:00',
    chats: [] as { kind: ChatKind; label: string; placeholder: string; known: boolean }[],
    calendar: '',
    said: '',

    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      void this.load();
    },
    async load(): Promise<void> {
      try {
        http = new Http((await sessionAccess(id)).token);
        if (!http.token) return this.closed('ui.noToken');
        this.take(await http.get<Shown>('/api/preferences'));
      } catch (thrown) {
        this.closed(thrown instanceof ApiProblem && thrown.status < 500 ? 'prefs.denied' : 'ui.error');
      }
    },
    closed(key: string): void {
      this.problem = say(key);
      this.canAskLink = key !== 'ui.error' && id !== '';
    },
    take(shown: Shown): void {
      known = shown;
      typed.clear();
      this.quiet = shown.quiet_hours !== null;
      if (shown.quiet_hours) ({ from: this.from, to: this.to } = shown.quiet_hours);
      this.ready = true;
      this.paint();
    },
    paint(): void {
      if (!known) return;
      const shown = known;
      this.rows = shown.types.map((type) => ({
        type: type.type,
        name: type.name[prefs.locale],
        cells: CHANNELS.map((channel) => ({
          channel,
          possible: type.channels.includes(channel),
          on: isOn(shown, type, channel),
          fixed: type.always || shown.laravel.includes(channel),
          label: `${type.name[prefs.locale]}: ${say(`prefs.${channel}`)}`,
        })),
      }));
      this.chats = shown.offered.map((kind) => {
        const address = shown.chats.find((chat) => chat.kind === kind)?.address;
        const isKnown = address !== undefined && typed.get(kind) !== null;
        return { kind, label: say(`prefs.${kind}`), placeholder: isKnown ? address : EXAMPLES[kind], known: isKnown };
      });
    },
    toggle(type: string, channel: GuestChannel): void {
      if (!known) return;
      const own = known.channels[channel];
      const all = known.types.filter((one) => one.channels.includes(channel) && !one.always).map((one) => one.type);
      const on = new Set(own.on ? all.filter((one) => !own.off.includes(one)) : []);
      const one = all.find((name) => name === type);
      if (!one) return;
      if (!on.delete(one)) on.add(one);
      known.channels[channel] = { on: on.size > 0, off: all.filter((name) => !on.has(name)) };
    },
    typed(kind: ChatKind, event: Event): void {
      const text = (event.target as HTMLInputElement).value.trim();
      if (text) typed.set(kind, text);
      else typed.delete(kind);
    },
    dropChat(kind: ChatKind): void {
      typed.set(kind, null);
      this.paint();
    },
    async save(): Promise<void> {
      if (!known) return;
      const { quiet_hours: _, chats, types: _types, offered: _offered, ...rest } = known;
      // Addresses come back with their end alone: those not typed anew are kept by name.
      const list = [...typed].flatMap(([kind, address]) => (address === null ? [] : [{ kind, address }]));
      const kept = chats.filter((chat) => !typed.has(chat.kind));
      try {
        const body = { ...rest, quiet_hours: this.quiet ? { from: this.from, to: this.to } : null };
        const changed = typed.size > 0 ? { chats: list, keep_chats: kept.map((chat) => chat.kind) } : {};
        this.take(await http.post<Shown>('/api/preferences', { ...body, ...changed }, {}, 'PUT'));
        this.said = say('prefs.saved');
      } catch (thrown) {
        this.said = thrown instanceof ApiProblem ? thrown.message : say('ui.error');
      }
    },
    async makeCalendar(): Promise<void> {
      try {
        const { url } = await http.post<{ url: string }>('/api/calendars', { locale: prefs.locale });
        this.calendar = url;
      } catch (thrown) {
        this.said = thrown instanceof ApiProblem ? thrown.message : say('ui.error');
      }
    },
    async askLink(): Promise<void> {
      await askForLink(id).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },
  });
}

startPage({ preferences: preferencesPage });
