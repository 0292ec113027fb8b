import type { Report } from '../../../domain/contracts/report.ts';
import { clock } from '../core/format.ts';
import type { Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { type Night } from './night.ts';
import { say } from '../i18n/index.ts';
import { part } from './page.ts';

/** The night as a strip: what each part of it was used for, a tick for each frame, and the slider's needle. */
function stripOf(r: Report, zone: string | undefined): HTMLElement[] {
  const from = Date.parse(r.summary.date);
  const to = Math.max(from + 1, Date.parse(r.summary.end));
  const at = (iso: string): number => Math.max(0, Math.min(100, (100 * (Date.parse(iso) - from)) / (to - from)));
  const spans = r.ledger.intervals.map((interval) => {
    const span = document.createElement('span');
    span.dataset.ledger = interval.class;
    span.title = `${say(`ledger.${interval.class}`)} ${clock(interval.start, prefs.locale, zone)} – ${clock(interval.end, prefs.locale, zone)}`;
    span.style.left = `${at(interval.start)}%`;
    span.style.width = `${Math.max(0.15, at(interval.end) - at(interval.start))}%`;
    return span;
  });
  const ticks = r.images.frames
    .filter((f) => f.captured_at)
    .map((f) => {
      const tick = document.createElement('i');
      tick.style.left = `${at(f.captured_at!)}%`;
      return tick;
    });
  const needle = document.createElement('span');
  needle.className = 'needle';
  return [...spans, ...ticks, needle];
}

/** A line of the log, with its time. */
function lineOf(line: Report['timeline'][number], night: Night): HTMLElement {
  const li = document.createElement('li');
  li.dataset.level = line.level;
  li.dataset.at = String(Date.parse(line.at));
  const time = document.createElement('time');
  time.dateTime = line.at;
  time.className = 'numeric muted';
  time.textContent = clock(line.at, prefs.locale, night.zone);
  const text = document.createElement('span');
  text.textContent = night.lineText(line.message);
  li.append(time, text);
  return li;
}

/** Marks the last line at `atMs`, brings it to the middle of the list, and says its text. */
function markLine(timeline: HTMLElement, atMs: number): string {
  let last: HTMLElement | null = null;
  for (const item of timeline.querySelectorAll<HTMLElement>('li')) {
    item.classList.remove('now');
    if (Number(item.dataset.at) <= atMs) last = item;
  }
  if (!last) return '';
  last.classList.add('now');
  timeline.scrollTop = last.offsetTop - timeline.offsetTop - timeline.clientHeight / 2;
  return last.querySelector('span')?.textContent ?? '';
}

/** The night as strip and log, and the moment under the slider. */
export const timeline = part({
  state: () => ({
    /** Thousandths of the night. */
    scrub: 350,
    moment: { time: '', state: '', event: '', frame: '', thumb: '' },
    momentText: '',
  }),
  methods: {
    paintTimeline(r: Report): void {
      this.$refs.strip!.replaceChildren(...stripOf(r, this.night.zone));
      this.$refs.timeline!.replaceChildren(...r.timeline.map((line) => lineOf(line, this.night)));
    },
    /** Shows the moment under the slider: time, what the time was used for, the last event and frame. */
    scrubbed(): void {
      const { report, images, zone } = this.night;
      if (!report) return;
      const from = Date.parse(report.summary.date);
      const to = Date.parse(report.summary.end);
      const at = from + ((to - from) * this.scrub) / 1000;
      const needle = this.$refs.strip!.querySelector<HTMLElement>('.needle');
      if (needle) needle.style.left = `${this.scrub / 10}%`;
      const interval = report.ledger.intervals.find((i) => Date.parse(i.start) <= at && at < Date.parse(i.end));
      const event = markLine(this.$refs.timeline!, at);
      const frame = images.filter((i) => i.captured_at && Date.parse(i.captured_at) <= at).at(-1);
      this.moment = {
        time: clock(at, prefs.locale, zone),
        state: interval ? say(`ledger.${interval.class}`) : '—',
        event,
        frame: frame?.filename ?? '',
        thumb: frame?.preview_url ?? frame?.thumbnail_url ?? '',
      };
      this.momentText = `${this.moment.time} ${this.moment.state}`;
    },
  },
});

declare module './page.ts' {
  interface ReportPage extends Brings<typeof timeline> {}
}
