import type { Channel, default as PusherClient } from 'pusher-js';
import type { Booking } from '../../../domain/contracts/booking.ts';
import { definitionsOf } from '../../../domain/definitions.ts';
import { unwatched, type Magics } from '../core/alpine.ts';
import { ApiProblem, Http, takeToken, type PageConfig } from '../core/http.ts';
import { joined, partsOf, type Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { Subscriptions } from '../core/subscriptions.ts';
import type { Event, TelescopeState } from '../core/types.ts';
import { translate } from '../i18n/index.ts';
import { problemText } from '../i18n/problems.ts';
import {
  downtimeOf,
  kpisOf,
  monthsOf,
  OWNERS_FIGURES,
  problemsOf,
  utilisationOf,
  type Analytics,
  type Bar,
} from './analytics.ts';
import { boardLine, type BoardLine } from './board.ts';

/** More often than a state goes stale: the board holds without the socket too. */
const BOARD_MS = 10_000;

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface AdminPage
  extends Magics, Brings<typeof opening>, Brings<typeof board>, Brings<typeof stream>, Brings<typeof figures> {
  http: Http;
  open: boolean;
}
const part = partsOf<AdminPage>();

/** The page's way from a key to figures and board. */
const opening = part({
  state: () => ({ problem: '', temporal: '' }),
  methods: {
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (this.http.token) void this.start();
      else this.problem = translate(prefs.locale, 'admin.noKey');
    },
    async start(): Promise<void> {
      try {
        const config = await this.http.config();
        this.temporal = config.temporalUiUrl ?? '';
        await this.loadTelescopes();
        await Promise.all([this.load(), this.loadBoard()]);
        setInterval(() => void this.loadBoard(), BOARD_MS);
        setInterval(() => this.paintBoard(), 1_000);
        await this.listen(config);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    fail(thrown: unknown): void {
      if (thrown instanceof ApiProblem && (thrown.status === 401 || thrown.status === 403)) this.open = false;
      this.problem = problemText(thrown);
    },
    paint(): void {
      this.paintBoard();
      this.paintFigures();
    },
  },
});

/** A line for each telescope: what it does now, and for whom. */
const board = part({
  state: () => ({
    board: [] as BoardLine[],
    telescopes: unwatched({
      names: new Map<string, string>(),
      states: new Map<string, { state: TelescopeState | null; atMs: number }>(),
      active: new Map<string, Booking>(),
    }),
  }),
  methods: {
    async loadTelescopes(): Promise<void> {
      const { data } = await this.http.get<{ data: { id: string; name: string }[] }>('/api/telescopes');
      for (const telescope of data) this.telescopes.names.set(telescope.id, telescope.name);
    },
    async loadBoard(): Promise<void> {
      const { http } = this;
      const { names, states, active } = this.telescopes;
      const [bookings] = await Promise.all([
        http.get<{ data: Booking[] }>('/api/bookings?access_state=active&per_page=50').catch(() => ({ data: [] })),
        ...[...names.keys()].map(async (id) => {
          const state = await http.get<TelescopeState>(`/api/telescopes/${id}/state`).catch(() => null);
          if (state) states.set(id, { state, atMs: Date.now() });
        }),
      ]);
      active.clear();
      for (const booking of bookings.data) active.set(booking.telescope_id, booking);
      this.paintBoard();
    },
    paintBoard(): void {
      const { names, states, active } = this.telescopes;
      const next = [...names].map(([id, name]) =>
        boardLine({ id, name }, states.get(id) ?? null, active.get(id) ?? null, {
          nowMs: Date.now(),
          locale: prefs.locale,
        }),
      );
      if (JSON.stringify(next) !== JSON.stringify(this.board)) this.board = next;
    },
  },
});

/** What the server tells admins as it happens. */
const stream = part({
  state: () => ({}),
  methods: {
    async listen(config: PageConfig): Promise<void> {
      const [{ default: Echo }, { default: Pusher }] = await Promise.all([import('laravel-echo'), import('pusher-js')]);
      const secure = location.protocol === 'https:';
      const port = Number(location.port || (secure ? 443 : 80));
      const echo = new Echo({
        broadcaster: 'reverb',
        Pusher,
        key: config.key,
        wsHost: location.hostname,
        wsPort: port,
        wssPort: port,
        forceTLS: secure,
        enabledTransports: ['ws', 'wss'],
        authEndpoint: '/broadcasting/auth',
        auth: { headers: this.http.headers() },
      });
      const channel = echo.private('admin');
      const { pusher } = echo.connector as unknown as { pusher: PusherClient };
      new Subscriptions(pusher).keep((channel as unknown as { subscription: Channel }).subscription);
      channel.listen('.control.updated', (event: Event) => {
        const state = event.data as unknown as TelescopeState;
        this.telescopes.states.set(event.telescope_id, { state, atMs: Date.now() });
      });
      channel.listen('.session.changed', () => void this.loadBoard());
    },
  },
});

/** The owner's figures of the days between `from` and `to`. */
const figures = part({
  state: () => ({
    from: isoDay(Date.now() - 365 * 86_400_000),
    to: isoDay(Date.now() + 86_400_000),
    analytics: null as Analytics | null,
    kpis: [] as ReturnType<typeof kpisOf>,
    definitions: [] as ReturnType<typeof definitionsOf>,
    utilisation: [] as Bar[],
    months: [] as ReturnType<typeof monthsOf>,
    problems: [] as Bar[],
    downtime: [] as Bar[],
  }),
  methods: {
    async load(): Promise<void> {
      try {
        const query = new URLSearchParams({ from: `${this.from}T00:00:00Z`, to: `${this.to}T00:00:00Z` });
        this.analytics = unwatched(await this.http.get<Analytics>(`/api/admin/analytics?${query}`));
        this.problem = '';
        this.paint();
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    paintFigures(): void {
      const a = this.analytics;
      if (!a) return;
      this.definitions = definitionsOf(OWNERS_FIGURES, prefs.locale);
      this.kpis = kpisOf(a);
      this.utilisation = utilisationOf(a, this.telescopes.names);
      this.months = monthsOf(a);
      this.problems = problemsOf(a);
      this.downtime = downtimeOf(a);
    },
  },
});

/** The Alpine component `admin`: the owner's figures and the board of all telescopes. */
export function admin(): object {
  const http = new Http(takeToken('admin'));
  return Object.assign(joined([opening, board, stream, figures]), {
    http: unwatched(http),
    open: http.token !== null,
  });
}
