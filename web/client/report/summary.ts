import type { Report } from '../../../domain/contracts/report.ts';
import { definitionsOf } from '../../../domain/definitions.ts';
import { bytes, clock, coordinate, dayAndTime, duration, number, zoneName } from '../core/format.ts';
import type { Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { filterTone } from '../control/wording.ts';
import { reasonIn, say } from '../i18n/index.ts';
import { changesText, creditsTexts, figuresOf, REPORT_FIGURES } from './figures.ts';
import { part } from './page.ts';

const TONES = {
  completed: 'good',
  cancelled: 'info',
  aborted: 'danger',
  weathered_out: 'warn',
  failed: 'danger',
} as const;

/** What was observed, where, when, and how it ended. */
function headOf({ summary: s }: Report, zone: string | undefined): Record<string, string> {
  const l = prefs.locale;
  return {
    target: s.target,
    position: coordinate(`${s.ra_text} ${s.dec_text}`, l),
    where: `${s.equipment} · ${dayAndTime(s.date, l, zone)} – ${clock(s.end, l, zone, false)} ${zoneName(s.date, l, zone)}`,
    outcome: say(`phase.${s.outcome}`),
    tone: TONES[s.outcome],
    reason: reasonIn(l, s.reason),
  };
}

/** Frames by filter, with a bar as long as the filter's share of the largest. */
function filtersOf({ images }: Report): { filter: string; tone: string; scale: string; text: string }[] {
  const most = Math.max(1, ...images.by_filter.map((f) => f.count));
  return images.by_filter.map((f) => ({
    filter: f.filter,
    tone: filterTone(f.filter),
    scale: `scaleX(${f.count / most})`,
    text: `${f.count} · ${duration(f.exposure_seconds)}${f.average_hfd ? ` · HFD ${number(f.average_hfd, prefs.locale, 2)}` : ''}`,
  }));
}

/** What the time was used for, longest first. */
function ledgerOf(r: Report): { key: string; label: string; time: string; credits: string }[] {
  const lines = new Map(r.credits?.lines.map((line) => [line.class, line.credits]));
  return (Object.entries(r.ledger.seconds) as [keyof typeof r.ledger.seconds, number][])
    .filter(([, seconds]) => seconds > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([key, seconds]) => ({
      key,
      label: say(`ledger.${key}`),
      time: duration(seconds),
      credits: lines.has(key) ? number(lines.get(key), prefs.locale, 2) : '',
    }));
}

function issuesOf({ issues, images }: Report): { key: string; label: string; value: string }[] {
  return [
    { key: 'errors', label: say('report.errors'), value: String(issues.errors_count) },
    {
      key: 'pauses',
      label: say('report.pauses'),
      value: `${issues.pauses_count} · ${duration(issues.pauses_duration_seconds)}`,
    },
    { key: 'rejected', label: say('report.rejected'), value: String(images.rejected) },
    { key: 'missing', label: say('report.missing'), value: String(images.missing) },
  ];
}

function holdsOf({ issues }: Report, zone: string | undefined): { key: string; text: string }[] {
  const l = prefs.locale;
  return issues.holds.map((hold, i) => ({
    key: String(i),
    text: `${clock(hold.start, l, zone, false)} – ${clock(hold.end, l, zone, false)} · ${reasonIn(l, hold.reason)}`,
  }));
}

/** The night's mean weather in a line, empty where nothing was measured. */
function weatherOf({ weather: w }: Report): string {
  const l = prefs.locale;
  const values = [w.average_temperature, w.average_humidity, w.average_seeing, w.cloud_coverage];
  if (values.every((value) => value === null)) return '';
  return say('report.weatherLine', {
    t: number(w.average_temperature, l, 1),
    h: number(w.average_humidity, l),
    s: number(w.average_seeing, l, 1),
    c: number(w.cloud_coverage, l),
  });
}

/** The report in figures: head, filters, ledger, credits, issues, files. */
export const summary = part({
  state: () => ({
    head: { target: '', position: '', where: '', outcome: '', tone: 'info', reason: '' } as ReturnType<typeof headOf>,
    figures: [] as ReturnType<typeof figuresOf>,
    filters: [] as ReturnType<typeof filtersOf>,
    ledger: [] as ReturnType<typeof ledgerOf>,
    credits: '',
    creditsWhy: '',
    changes: '',
    issues: [] as ReturnType<typeof issuesOf>,
    holds: [] as ReturnType<typeof holdsOf>,
    weather: '',
    definitions: [] as ReturnType<typeof definitionsOf>,
    files: '',
    zip: '',
    timelapse: '',
  }),
  methods: {
    paintSummary(r: Report): void {
      const l = prefs.locale;
      const { zone } = this.night;
      this.head = headOf(r, zone);
      document.title = `${r.summary.target} · nocturne`;
      this.figures = figuresOf(r, say);
      this.definitions = definitionsOf(REPORT_FIGURES, l);
      this.filters = filtersOf(r);
      this.ledger = ledgerOf(r);
      [this.credits, this.creditsWhy] = creditsTexts(r.credits, say);
      this.changes = changesText(r.changes, l, say, (at) => dayAndTime(at, l, zone));
      this.issues = issuesOf(r);
      this.holds = holdsOf(r, zone);
      this.weather = weatherOf(r);
      this.files = say('report.files', { n: r.files.count, size: bytes(r.files.total_size_bytes, l) });
      this.zip = r.files.download_link ?? '';
      this.timelapse = r.files.timelapse_link ?? '';
    },
  },
});

declare module './page.ts' {
  interface ReportPage extends Brings<typeof summary> {}
}
