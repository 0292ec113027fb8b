import type { Figure } from '../../../domain/definitions.ts';
import { duration, number, percent } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';
import { reasonIn, translate } from '../i18n/index.ts';

/** The figures of a span of days (GET /api/admin/analytics). */
export interface Analytics {
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
export interface Bar {
  key: string;
  label: string;
  scale: string;
  text: string;
}
/** Figures of the page, in the order in which their definitions stand. */
export const OWNERS_FIGURES = [
  'utilisation',
  'hours',
  'frames',
  'revenue',
  'success',
  'mean_session',
  'problems',
] as const satisfies readonly Figure[];
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
export function kpisOf(a: Analytics): { key: string; label: string; value: string; note: string }[] {
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

/** How much of its booked hours each telescope imaged. */
export const utilisationOf = (a: Analytics, names: ReadonlyMap<string, string>): Bar[] =>
  a.utilisation.map((u) => ({
    key: u.telescope_id,
    label: names.get(u.telescope_id) ?? u.telescope_id,
    scale: `scaleX(${u.utilisation ?? 0})`,
    text: `${percent(u.utilisation, prefs.locale)} · ${hours(u.imaging_hours)}`,
  }));

/** Each month's income, and the hours it lost. */
export function monthsOf(a: Analytics): { key: string; credits: string; lost: string; revenue: string }[] {
  const months = new Map<string, { credits: number; money: string[] }>();
  for (const row of a.revenue_by_month) {
    const month = months.get(row.month) ?? { credits: 0, money: [] };
    month.credits += row.credits_charged - row.credits_refund;
    if (row.currency) month.money.push(money(row.currency, row.amount_minor));
    months.set(row.month, month);
  }
  return [...months].map(([key, month]) => ({
    key,
    credits: number(month.credits, prefs.locale, 1),
    lost: hours(a.lost_hours_by_month.filter((x) => x.month === key).reduce((n, x) => n + x.hours, 0)),
    revenue: month.money.join(' + ') || '—',
  }));
}

/** What went wrong, and how often. */
export const problemsOf = (a: Analytics): Bar[] =>
  barsOf(
    a.problems.map(({ reason, count }) => ({
      key: reason,
      label: reasonIn(prefs.locale, reason),
      value: count,
      text: String(count),
    })),
  );

/** What took the hours that were not imaged, most first. */
export function downtimeOf(a: Analytics): Bar[] {
  const lost = new Map<string, number>();
  for (const row of a.lost_hours_by_month) lost.set(row.class, (lost.get(row.class) ?? 0) + row.hours);
  const labelOf = (key: string): string =>
    translate(prefs.locale, key === 'user_pause' ? 'admin.guestPause' : `ledger.${key}`);
  return barsOf(
    [...lost]
      .sort((x, y) => y[1] - x[1])
      .map(([key, value]) => ({ key, label: labelOf(key), value, text: hours(value) })),
  );
}
