import type { ChatKind, Preferences } from '../../../domain/contracts/preferences.ts';
import type { GuestChannel } from '../../../domain/messages/message.ts';
import { askForLink, bookingInAddress, sessionAccess } from '../core/access.ts';
import { unwatched, type Magics } from '../core/alpine.ts';
import { ApiProblem, Http } from '../core/http.ts';
import { joined, partsOf, type Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { say } from '../i18n/index.ts';
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

const isOn = (shown: Shown, type: Shown['types'][number], channel: GuestChannel): boolean =>
  type.always || (shown.channels[channel].on && !shown.channels[channel].off.includes(type.type));
const refusal = (thrown: unknown): string => (thrown instanceof ApiProblem ? thrown.message : say('ui.error'));

interface PreferencesPage
  extends Magics, Brings<typeof opening>, Brings<typeof messages>, Brings<typeof chatRooms>, Brings<typeof saving> {
  /** What this page knows and Alpine need not watch. */
  own: {
    http: Http;
    known: Shown | null;
    /** Addresses typed here; null takes one away. */
    typed: Map<ChatKind, string | null>;
  };
}
const part = partsOf<PreferencesPage>();

/** The page's way from a link to the guest's choices. */
const opening = part({
  state: () => ({ id: bookingInAddress(), ready: false, problem: '', canAskLink: false, askedLink: false }),
  methods: {
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      void this.load();
    },
    async load(): Promise<void> {
      try {
        const http = (this.own.http = new Http((await sessionAccess(this.id)).token));
        if (!http.token) return this.closed('ui.noToken');
        this.take(await http.get<Shown>('/api/preferences'));
      } catch (thrown) {
        this.closed(thrown instanceof ApiProblem && thrown.status < 500 ? 'prefs.denied' : 'ui.error');
      }
    },
    closed(key: string): void {
      this.problem = say(key);
      this.canAskLink = key !== 'ui.error' && this.id !== '';
    },
    take(shown: Shown): void {
      this.own.known = shown;
      this.own.typed.clear();
      this.quiet = shown.quiet_hours !== null;
      if (shown.quiet_hours) ({ from: this.from, to: this.to } = shown.quiet_hours);
      this.ready = true;
      this.paint();
    },
    paint(): void {
      if (!this.own.known) return;
      this.paintMessages(this.own.known);
      this.paintChats(this.own.known);
    },
    async askLink(): Promise<void> {
      await askForLink(this.id).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },
  },
});

/** Which message comes by which channel, and when none may. */
const messages = part({
  state: () => ({
    rows: [] as { type: string; name: string; cells: Cell[] }[],
    quiet: false,
    from: '22:00',
    to: '08:00',
  }),
  methods: {
    paintMessages(shown: Shown): void {
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
    },
    toggle(type: string, channel: GuestChannel): void {
      const { known } = this.own;
      if (!known) return;
      const own = known.channels[channel];
      const all = known.types.filter((one) => one.channels.includes(channel) && !one.always).map((one) => one.type);
      const on = new Set(own.on ? all.filter((one) => !own.off.includes(one)) : []);
      const one = all.find((name) => name === type);
      if (!one) return;
      if (!on.delete(one)) on.add(one);
      known.channels[channel] = { on: on.size > 0, off: all.filter((name) => !on.has(name)) };
    },
  },
});

/** Where the guest's chat messages go. */
const chatRooms = part({
  state: () => ({ chats: [] as { kind: ChatKind; label: string; placeholder: string; known: boolean }[] }),
  methods: {
    paintChats(shown: Shown): void {
      this.chats = shown.offered.map((kind) => {
        const address = shown.chats.find((chat) => chat.kind === kind)?.address;
        const isKnown = address !== undefined && this.own.typed.get(kind) !== null;
        return { kind, label: say(`prefs.${kind}`), placeholder: isKnown ? address : EXAMPLES[kind], known: isKnown };
      });
    },
    typed(kind: ChatKind, event: Event): void {
      const text = (event.target as HTMLInputElement).value.trim();
      if (text) this.own.typed.set(kind, text);
      else this.own.typed.delete(kind);
    },
    dropChat(kind: ChatKind): void {
      this.own.typed.set(kind, null);
      this.paint();
    },
  },
});

/** What is sent back, and the calendar's address. */
const saving = part({
  state: () => ({ calendar: '', said: '' }),
  methods: {
    async save(): Promise<void> {
      const { http, known, typed } = this.own;
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
        this.said = refusal(thrown);
      }
    },
    async makeCalendar(): Promise<void> {
      try {
        const { url } = await this.own.http.post<{ url: string }>('/api/calendars', { locale: prefs.locale });
        this.calendar = url;
      } catch (thrown) {
        this.said = refusal(thrown);
      }
    },
  },
});

const preferences = (): object => {
  const own: PreferencesPage['own'] = { http: new Http(null), known: null, typed: new Map() };
  return Object.assign(joined([opening, messages, chatRooms, saving]), { own: unwatched(own) });
};

startPage({ preferences });
