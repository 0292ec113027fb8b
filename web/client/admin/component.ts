import type { Channel, default as PusherClient } from 'pusher-js';
import { definitionsOf, type Figure } from '../../../domain/definitions.ts';
import { ApiProblem, Http, takeToken } from '../core/http.ts';
import { duration, number, percent } from '../core/format.ts';
import { defineComponent } from '../core/alpine.ts';
import { prefs } from '../core/prefs.ts';
import type { Event, TelescopeState } from '../core/types.ts';
import type { Booking } from '../../../domain/contracts/booking.ts';
import { Subscriptions } from '../core/subscriptions.ts';
import { reasonIn, translate } from '../i18n/index.ts';
import { problemText } from '../i18n/problems.ts';
import { boardLine } from './board.ts';

interface Analytics {
  utilisation: { telescope_id: string; booked_hours: number; imaging_hours: number; utilisation: number | null }[];
  total_observation_hours: number;
  images_captured: number;
  images_by_state: Record<string, number>;
  revenue_by_month: {
    month: string;
    currency: string;
    amount_minor: number;
    credits_charged: number;
    credits_refund: number;
  }[];
  sessions: {
    total: number;
    by_outcome: Record<string, number>;
    success_rate: number | null;
    average_minutes: number | null;
  };
  problems: { reason: string; count: number }[];
  lost_hours_by_month: { month: string; telescope_id: string; class: string; hours: number }[];
}
interface Bar {
  key: string;
  label: string;
  scale: string;
  text: string;
}
const OWNERS_FIGURES = [
  'utilisation',
  'hours',
  'frames',
  'revenue',
  'success',
  'mean_session',
  'problems',
] as const satisfies readonly Figure[];
const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const barsOf = (rows: { key: string; label: string; value: number; text: string }[]): Bar[] => {
  const top = Math.max(1e-9, ...rows.map((r) => r.value));
  return rows.map(({ key, label, value, text }) => ({
    key,
    label,
    text,
    scale: `scaleX(${Math.max(0, value / top)})`,
  }));
};

const hours = (value: number): string => duration(value * 3600);
const money = (currency: string, minor: number): string =>
  currency ? new Intl.NumberFormat(prefs.locale, { style: 'currency', currency }).format(minor / 100) : '';

/** The figures at the page's head. */
function kpisOf(a: Analytics): { key: string; label: string; value: string; note: string }[] {
  const l = prefs.locale;
  const say = (key: string): string => translate(l, key);
  const booked = a.utilisation.reduce((n, u) => n + u.booked_hours, 0);
  const imaging = a.utilisation.reduce((n, u) => n + u.imaging_hours, 0);
  const totals = new Map<string, number>();
  for (const row of a.revenue_by_month) totals.set(row.currency, (totals.get(row.currency) ?? 0) + row.amount_minor);
  const credits = a.revenue_by_month.reduce((n, row) => n + row.credits_charged - row.credits_refund, 0);
  const revenue = [...totals]
    .map(([currency, minor]) => money(currency, minor))
    .filter(Boolean)
    .join(' + ');
  return [
    {
      key: 'kpi-utilisation',
      label: say('admin.utilisation'),
      value: booked > 0 ? percent(imaging / booked, l) : '—',
      note: `${hours(imaging)} / ${hours(booked)}`,
    },
    { key: 'kpi-hours', label: say('admin.hours'), value: hours(a.total_observation_hours), note: '' },
    {
      key: 'kpi-images',
      label: say('admin.images'),
      value: number(a.images_captured, l),
      note: Object.entries(a.images_by_state)
        .map(([state, n]) => translate(l, `admin.frames.${state}`, { n: number(n, l) }))
        .join(' · '),
    },
    {
      key: 'kpi-revenue',
      label: say('admin.revenue'),
      value: revenue || translate(l, 'book.credits', { n: number(credits, l, 1) }),
      note: revenue ? translate(l, 'book.credits', { n: number(credits, l, 1) }) : '',
    },
    {
      key: 'kpi-success',
      label: say('admin.success'),
      value: percent(a.sessions.success_rate, l),
      note: translate(l, a.sessions.total === 1 ? 'admin.oneSession' : 'admin.sessionCount', {
        n: number(a.sessions.total, l),
      }),
    },
    {
      key: 'kpi-mean',
      label: say('admin.mean'),
      value: a.sessions.average_minutes === null ? '—' : duration(a.sessions.average_minutes * 60),
      note: '',
    },
  ];
}

/** The Alpine component `admin`: the owner's figures and the board of all telescopes. */
export function admin(): object {
  const http = new Http(takeToken('admin'));
  let analytics: Analytics | null = null;
  const names = new Map<string, string>();
  const states = new Map<string, { state: TelescopeState | null; atMs: number }>();
  const active = new Map<string, Booking>();
  const say = (key: string): string => translate(prefs.locale, key);
  return defineComponent({
    problem: '',
    open: http.token !== null,
    temporal: '',
    from: isoDay(Date.now() - 365 * 86_400_000),
    to: isoDay(Date.now() + 86_400_000),
    board: [] as {
      id: string;
      name: string;
      tone: string;
      status: string;
      weather: string;
      booking: string;
      href: string;
      exposure: string;
      age: string;
      note: string;
    }[],
    kpis: [] as { key: string; label: string; value: string; note: string }[],
    definitions: [] as ReturnType<typeof definitionsOf>,
    utilisation: [] as Bar[],
    months: [] as { key: string; credits: string; lost: string; revenue: string }[],
    problems: [] as Bar[],
    downtime: [] as Bar[],

    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (http.token) void this.start();
      else this.problem = say('admin.noKey');
    },
    async start(): Promise<void> {
      try {
        const config = await http.config();
        this.temporal = config.temporalUiUrl ?? '';
        const { data } = await http.get<{ data: { id: string; name: string }[] }>('/api/telescopes');
        for (const telescope of data) names.set(telescope.id, telescope.name);
        await Promise.all([this.load(), this.loadBoard()]);
        // More often than a state goes stale: the board holds without the socket too.
        setInterval(() => void this.loadBoard(), 10_000);
        setInterval(() => this.paintBoard(), 1_000);
        const [{ default: Echo }, { default: Pusher }] = await Promise.all([
          import('laravel-echo'),
          import('pusher-js'),
        ]);
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
          auth: { headers: http.headers() },
        });
        const channel = echo.private('admin');
        const { pusher } = echo.connector as unknown as { pusher: PusherClient };
        new Subscriptions(pusher).keep((channel as unknown as { subscription: Channel }).subscription);
        channel.listen('.control.updated', (event: Event) => {
          states.set(event.telescope_id, { state: event.data as unknown as TelescopeState, atMs: Date.now() });
        });
        channel.listen('.session.changed', () => void this.loadBoard());
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    async load(): Promise<void> {
      try {
        const query = new URLSearchParams({ from: `${this.from}T00:00:00Z`, to: `${this.to}T00:00:00Z` });
        analytics = await http.get<Analytics>(`/api/admin/analytics?${query}`);
        this.problem = '';
        this.paint();
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    async loadBoard(): Promise<void> {
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
    fail(thrown: unknown): void {
      if (thrown instanceof ApiProblem && (thrown.status === 401 || thrown.status === 403)) this.open = false;
      this.problem = problemText(thrown);
    },
    paintBoard(): void {
      const l = prefs.locale;
      const next = [...names].map(([id, name]) =>
        boardLine({ id, name }, states.get(id) ?? null, active.get(id) ?? null, { nowMs: Date.now(), locale: l }),
      );
      if (JSON.stringify(next) !== JSON.stringify(this.board)) this.board = next;
    },
    paint(): void {
      this.paintBoard();
      if (!analytics) return;
      const a = analytics;
      const l = prefs.locale;
      this.definitions = definitionsOf(OWNERS_FIGURES, prefs.locale);
      this.kpis = kpisOf(a);
      this.utilisation = a.utilisation.map((u) => ({
        key: u.telescope_id,
        label: names.get(u.telescope_id) ?? u.telescope_id,
        scale: `scaleX(${u.utilisation ?? 0})`,
        text: `${percent(u.utilisation, l)} · ${hours(u.imaging_hours)}`,
      }));
      const months = new Map<string, { credits: number; money: string[] }>();
      for (const row of a.revenue_by_month) {
        const month = months.get(row.month) ?? { credits: 0, money: [] };
        month.credits += row.credits_charged - row.credits_refund;
        if (row.currency) month.money.push(money(row.currency, row.amount_minor));
        months.set(row.month, month);
      }
      this.months = [...months].map(([key, month]) => ({
        key,
        credits: number(month.credits, l, 1),
        lost: hours(a.lost_hours_by_month.filter((x) => x.month === key).reduce((n, x) => n + x.hours, 0)),
        revenue: month.money.join(' + ') || '—',
      }));
      this.problems = barsOf(
        a.problems.map((p) => ({ key: p.reason, label: reasonIn(l, p.reason), value: p.count, text: String(p.count) })),
      );
      const lost = new Map<string, number>();
      for (const row of a.lost_hours_by_month) lost.set(row.class, (lost.get(row.class) ?? 0) + row.hours);
      this.downtime = barsOf(
        [...lost]
          .sort((x, y) => y[1] - x[1])
          .map(([key, value]) => ({
            key,
            label: key === 'user_pause' ? say('admin.guestPause') : say(`ledger.${key}`),
            value,
            text: hours(value),
          })),
      );
    },
  });
}
