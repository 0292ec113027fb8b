import { unwatched, type Magics } from '../core/alpine.ts';
import { Http, takeToken } from '../core/http.ts';
import { joined, partsOf, type Brings } from '../core/parts.ts';
import { dayAndTime, duration, number } from '../core/format.ts';
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

interface Telescope {
  id: string;
  name: string;
  timezone: string | undefined;
}

/** A booking's card: what it was or will be, and where it leads. */
function rowOf(b: Booking, telescope: Telescope | undefined, thumb: string): Row {
  const l = prefs.locale;
  const over = b.access_state === 'finished' || b.access_state === 'cancelled';
  const zone = prefs.zone === 'site' ? (telescope?.timezone ?? 'UTC') : undefined;
  const seconds = (Date.parse(b.end) - Date.parse(b.start)) / 1000;
  return {
    id: b.id,
    href: `/${over ? 'report' : 'control'}/${encodeURIComponent(b.id)}`,
    thumb,
    tone: TONES[b.phase] ?? 'info',
    phase: translate(l, `phase.${b.phase}`),
    telescope: telescope?.name ?? b.telescope_id,
    target: b.target.name,
    when: `${dayAndTime(b.start, l, zone)} · ${duration(seconds)}`,
    images: b.access_state === 'upcoming' ? '' : framesText(b, over),
    action: translate(l, over ? 'obs.report' : 'obs.watch'),
    hasZip: over && b.images_captured > 0,
    zipLabel: `ZIP — ${translate(l, 'header.zip')} — ${b.target.name}`,
  };
}
/** How many frames there are, and why it ended as it did. */
function framesText(b: Booking, over: boolean): string {
  const l = prefs.locale;
  const count = translate(l, b.images_captured === 1 ? 'images.one' : 'images.count', {
    n: number(b.images_captured, l),
  });
  return count + (b.reason && over ? ` · ${reasonIn(l, b.reason)}` : '');
}

interface ObservationsPage extends Magics, Brings<typeof search>, Brings<typeof cards> {
  http: Http;
}
const part = partsOf<ObservationsPage>();

/** What the guest asks for, and the pages of answers. */
const search = part({
  state: () => ({
    telescopes: [] as Telescope[],
    target: '',
    telescope: '',
    state: '',
    from: '',
    to: '',
    sort: 'newest',
    next: '',
    empty: false,
    problem: '',
    typing: undefined as ReturnType<typeof setTimeout> | undefined,
    asked: 0,
  }),
  methods: {
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (!this.http.token) {
        this.problem = translate(prefs.locale, 'ui.noToken');
        return;
      }
      void this.loadTelescopes();
      void this.load();
    },
    async loadTelescopes(): Promise<void> {
      const asked = this.http.get<{ data: { id: string; name: string; site?: { timezone?: string } }[] }>(
        '/api/telescopes',
      );
      await asked.then(
        ({ data }) => {
          this.telescopes = data.map(({ id, name, site }) => ({ id, name, timezone: site?.timezone }));
          this.paint();
        },
        () => undefined,
      );
    },
    changed(): void {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => void this.load(), 300);
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
      const mine = ++this.asked;
      try {
        const page = await this.http.get<Page>(this.query());
        if (mine !== this.asked) return;
        this.bookings.splice(0, this.bookings.length, ...page.data);
        this.take(page);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    async more(): Promise<void> {
      try {
        const page = await this.http.get<Page>(this.query(this.next));
        this.bookings.push(...page.data);
        this.take(page);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    take(page: Page): void {
      this.problem = '';
      this.next = page.meta.next_cursor ?? '';
      this.empty = this.bookings.length === 0;
      this.paint();
      for (const booking of page.data)
        if (booking.images_captured > 0 && !this.thumbs.has(booking.id)) void this.loadThumb(booking.id);
    },
    fail(thrown: unknown): void {
      this.problem = problemText(thrown);
    },
  },
});

/** The bookings as cards, each with its last picture. */
const cards = part({
  state: () => ({
    rows: [] as Row[],
    bookings: unwatched([] as Booking[]),
    thumbs: unwatched(new Map<string, string>()),
  }),
  methods: {
    async loadThumb(id: string): Promise<void> {
      this.thumbs.set(id, '');
      try {
        const { data } = await this.http.get<{ data: ImageSummary[] }>(
          `/api/bookings/${encodeURIComponent(id)}/images?per_page=1&state=archived`,
        );
        this.thumbs.set(id, data[0]?.preview_url ?? data[0]?.thumbnail_url ?? '');
        const row = this.rows.find((r) => r.id === id);
        if (row) row.thumb = this.thumbs.get(id)!;
      } catch {
        /* a card without picture is still a card */
      }
    },
    async zip(id: string): Promise<void> {
      try {
        const report = await this.http.get<Report>(`/api/bookings/${encodeURIComponent(id)}/report`);
        if (report.files.download_link) location.assign(report.files.download_link);
      } catch (thrown) {
        this.fail(thrown);
      }
    },
    paint(): void {
      this.rows = this.bookings.map((b) =>
        rowOf(
          b,
          this.telescopes.find((t) => t.id === b.telescope_id),
          this.thumbs.get(b.id) ?? '',
        ),
      );
    },
  },
});

const observations = (): object =>
  Object.assign(joined([search, cards]), { http: unwatched(new Http(takeToken('user'))) });

startPage({ observations });
