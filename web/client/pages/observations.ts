import { Http, takeToken } from '../core/http.ts';
import { dayAndTime, duration, number } from '../core/format.ts';
import { defineComponent } from '../core/alpine.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary } from '../core/types.ts';
import type { Booking } from '../../../domain/contracts/booking.ts';
import type { Report } from '../../../domain/contracts/report.ts';
import { reasonIn, translate } from '../i18n/index.ts';
import { problemText } from '../i18n/problems.ts';
import { startPage } from '../shell.ts';

interface Row {
  id: string;
  href: string;
  thumb: string;
  tone: string;
  phase: string;
  telescope: string;
  target: string;
  when: string;
  images: string;
  action: string;
  hasZip: boolean;
  zipLabel: string;
}
interface Page {
  data: Booking[];
  meta: { next_cursor: string | null };
}
const TONES: Record<string, string> = {
  completed: 'good',
  running: 'good',
  starting: 'good',
  holding: 'warn',
  weathered_out: 'warn',
  aborted: 'danger',
  failed: 'danger',
};

function observations(): object {
  const http = new Http(takeToken('user'));
  const bookings: Booking[] = [];
  const thumbs = new Map<string, string>();
  let typing: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  return defineComponent({
    rows: [] as Row[],
    telescopes: [] as { id: string; name: string; timezone: string | undefined }[],
    target: '',
    telescope: '',
    state: '',
    from: '',
    to: '',
    sort: 'newest',
    next: '',
    empty: false,
    problem: '',

    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (!http.token) {
        this.problem = translate(prefs.locale, 'ui.noToken');
        return;
      }
      void http.get<{ data: { id: string; name: string; site?: { timezone?: string } }[] }>('/api/telescopes').then(
        ({ data }) => {
          this.telescopes = data.map(({ id, name, site }) => ({ id, name, timezone: site?.timezone }));
          this.paint();
        },
        () => undefined,
      );
      void this.load();
    },
    changed(): void {
      clearTimeout(typing);
      typing = setTimeout(() => void this.load(), 300);
    },
    query(cursor?: string): string {
      const query = new URLSearchParams({ per_page: '20', sort: this.sort });
      if (this.target.trim()) query.set('target', this.target.trim());
      if (this.telescope) query.set('telescope_id', this.telescope);
      if (this.state) query.set('access_state', this.state);
      if (this.from) query.set('from', new Date(`${this.from}T00:00:00`).toISOString());
      if (this.to) query.set('to', new Date(`${this.to}T23:59:59`).toISOString());
      if (cursor) query.set('cursor', cursor);
      return `/api/bookings?${query}`;
    },
    async load(): Promise<void> {
      const mine = ++asked;
      try {
        const page = await http.get<Page>(this.query());
        if (mine !== asked) return;
        bookings.splice(0, bookings.length, ...page.data);
        this.take(page);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    async more(): Promise<void> {
      try {
        const page = await http.get<Page>(this.query(this.next));
        bookings.push(...page.data);
        this.take(page);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    take(page: Page): void {
      this.problem = '';
      this.next = page.meta.next_cursor ?? '';
      this.empty = bookings.length === 0;
      this.paint();
      for (const booking of page.data)
        if (booking.images_captured > 0 && !thumbs.has(booking.id)) void this.loadThumb(booking.id);
    },
    async loadThumb(id: string): Promise<void> {
      thumbs.set(id, '');
      try {
        const { data } = await http.get<{ data: ImageSummary[] }>(
          `/api/bookings/${encodeURIComponent(id)}/images?per_page=1&state=archived`,
        );
        thumbs.set(id, data[0]?.preview_url ?? data[0]?.thumbnail_url ?? '');
        const row = this.rows.find((r) => r.id === id);
        if (row) row.thumb = thumbs.get(id)!;
      } catch {
        /* a card without picture is still a card */
      }
    },
    fail(thrown: unknown): void {
      this.problem = problemText(thrown);
    },
    async zip(id: string): Promise<void> {
      try {
        const report = await http.get<Report>(`/api/bookings/${encodeURIComponent(id)}/report`);
        if (report.files.download_link) location.assign(report.files.download_link);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    paint(): void {
      const l = prefs.locale;
      this.rows = bookings.map((b) => {
        const over = b.access_state === 'finished' || b.access_state === 'cancelled';
        const telescope = this.telescopes.find((t) => t.id === b.telescope_id);
        const path = `/${over ? 'report' : 'control'}/${encodeURIComponent(b.id)}`;
        return {
          id: b.id,
          href: path,
          thumb: thumbs.get(b.id) ?? '',
          tone: TONES[b.phase] ?? 'info',
          phase: translate(l, `phase.${b.phase}`),
          telescope: telescope?.name ?? b.telescope_id,
          target: b.target.name,
          when: `${dayAndTime(b.start, l, prefs.zone === 'site' ? (telescope?.timezone ?? 'UTC') : undefined)} · ${duration((Date.parse(b.end) - Date.parse(b.start)) / 1000)}`,
          images:
            b.access_state === 'upcoming'
              ? ''
              : translate(l, b.images_captured === 1 ? 'images.one' : 'images.count', {
                  n: number(b.images_captured, l),
                }) + (b.reason && over ? ` · ${reasonIn(l, b.reason)}` : ''),
          action: translate(l, over ? 'obs.report' : 'obs.watch'),
          hasZip: over && b.images_captured > 0,
          zipLabel: `ZIP — ${translate(l, 'header.zip')} — ${b.target.name}`,
        };
      });
    },
  });
}
startPage({ observations });
