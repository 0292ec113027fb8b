import type { Report } from '../../../domain/contracts/report.ts';
import type { Figure } from '../../../domain/definitions.ts';
import type { Locale } from '../../../domain/reasons.ts';
import { duration, number, percent, UNKNOWN } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';

/** Figures of the report, in the order in which their definitions stand. */
export const REPORT_FIGURES = [
  'images',
  'exposure',
  'hfd',
  'rms',
  'guiding',
  'duration',
  'credits',
  'errors',
  'pauses',
  'rejected',
  'missing',
] as const satisfies readonly Figure[];

type Say = (key: string, values?: Record<string, string | number>) => string;

/** The figures at the report's head. */
export function figuresOf(r: Report, say: Say): { key: string; label: string; value: string; note: string }[] {
  const l = prefs.locale;
  const pixels = (value: number | null): string => (value === null ? UNKNOWN : `${number(value, l, 2)} px`);
  const { images, tracking, summary } = r;
  return [
    {
      key: 'images',
      label: say('report.images'),
      value: String(images.archived),
      note: say('report.imagesOf', { n: images.total_captured, planned: images.planned }),
    },
    { key: 'exposure', label: say('report.exposure'), value: duration(images.total_exposure_seconds), note: '' },
    {
      key: 'hfd',
      label: say('report.hfd'),
      value: pixels(images.average_hfd),
      note: images.hfd_frames ? say('report.hfdOf', { n: images.hfd_frames }) : '',
    },
    { key: 'rms', label: say('report.rms'), value: pixels(tracking.average_rms_px), note: '' },
    { key: 'uptime', label: say('report.uptime'), value: percent(tracking.guiding_uptime, l), note: '' },
    {
      key: 'duration',
      label: say('report.actual'),
      value: duration(summary.duration_actual_seconds),
      note: `${say('report.planned')} ${duration(summary.duration_planned_seconds)}`,
    },
  ];
}

/** What was charged and what comes back, and the sentence that says why. */
export function creditsTexts(
  credits: Report['credits'],
  say: (key: 'report.charged' | 'report.refund' | 'report.net') => string,
): [string, string] {
  if (!credits) return ['', ''];
  const l = prefs.locale;
  const { credits_charged: charged, credits_refund: refund, explanation } = credits;
  const parts = [
    [say('report.charged'), charged],
    [say('report.refund'), refund],
    [say('report.net'), charged - refund],
  ] as const;
  return [parts.map(([label, n]) => `${label} ${number(n, l, 2)}`).join(' · '), explanation?.[l] ?? ''];
}

/** What has come since the first report; empty where nothing has. */
export function changesText(
  changes: Report['changes'],
  locale: Locale,
  say: (key: `report.changes${'' | 'One' | 'None' | 'Credits'}`, values?: Record<string, string | number>) => string,
  when: (at: string) => string,
): string {
  if (!changes) return '';
  const { since, frames, exposure_seconds: seconds, credits_refund_before: before, credits_refund_now: now } = changes;
  const how = (['None', 'One'] as const)[frames.length] ?? '';
  const came = say(`report.changes${how}`, { at: when(since), n: frames.length, time: duration(seconds) });
  if (before === now) return came;
  return `${came} ${say('report.changesCredits', { before: number(before, locale, 2), now: number(now, locale, 2) })}`;
}
