import type { Report } from '../../../domain/contracts/report.ts';
import { definitionsOf } from '../../../domain/definitions.ts';
import { askForLink, bookingInAddress, sessionAccess } from '../core/access.ts';
import { ApiProblem, Http, isDenied, type Page } from '../core/http.ts';
import { defineComponent } from '../core/alpine.ts';
import { Graph } from '../core/charts.ts';
import { bytes, clock, coordinate, dayAndTime, duration, number, zoneName } from '../core/format.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary, LogLine } from '../core/types.ts';
import { filterTone } from '../control/wording.ts';
import { reasonIn, translate } from '../i18n/index.ts';
import { problemText } from '../i18n/problems.ts';
import { keepFile } from '../core/files.ts';
import { tellAccess } from './complaints.ts';
import { changesText, creditsTexts, figuresOf, REPORT_FIGURES } from './figures.ts';

interface Telemetry {
  t: number[];
  series: Record<string, { mean: (number | null)[] }>;
}

/** Frames in the gallery at first, and how many the slider knows at most. */
const GALLERY_STEP = 24;
const MAX_IMAGES = 3_000;
/** A browser starts and prints for it. */
const PDF_MS = 90_000;

/** The Alpine component `report`: what a finished night was. */
export function reportPage(): object {
  const id = bookingInAddress();
  let http = new Http(null);
  const base = `/api/bookings/${encodeURIComponent(id)}`;
  const LOGS = `${base}/logs?per_page=100&order=oldest`;
  let report: Report | null = null;
  let telemetry: Telemetry | null = null;
  let timezone: string | undefined;
  const images: ImageSummary[] = [];
  const french = new Map<string, string>();
  const learn = (lines: LogLine[]): void =>
    lines.forEach((line) => line.message_fr && french.set(line.message, line.message_fr));
  const graphs: Graph[] = [];
  let refs: Record<string, HTMLElement> = {};
  const say = (key: string, values?: Record<string, string | number>): string => translate(prefs.locale, key, values);
  const zone = (): string | undefined => (prefs.zone === 'site' ? timezone : undefined);

  return defineComponent({
    ready: false,
    /** All of it is here: what prints it may begin. */
    whole: false,
    pending: false,
    problem: '',
    canAskLink: false,
    askedLink: false,
    head: { target: '', position: '', where: '', outcome: '', tone: 'info', reason: '' },
    figures: [] as { key: string; label: string; value: string; note: string }[],
    filters: [] as { filter: string; tone: string; scale: string; text: string }[],
    ledger: [] as { key: string; label: string; time: string; credits: string }[],
    credits: '',
    creditsWhy: '',
    changes: '',
    issues: [] as { key: string; label: string; value: string }[],
    holds: [] as { key: string; text: string }[],
    weather: '',
    definitions: [] as ReturnType<typeof definitionsOf>,
    files: '',
    zip: '',
    /** How the making of the PDF stands. */
    printing: '',
    timelapse: '',
    tiles: [] as {
      id: string;
      filename: string;
      state: string;
      tone: string;
      thumb: string;
      preview: string;
      url: string;
      full: string;
      meta: string;
      downloadLabel: string;
      fullLabel: string;
    }[],
    shownImages: GALLERY_STEP,
    hasMore: false,
    has: { hfd: false, guiding: false, weather: false },
    scrub: 350,
    moment: { time: '', state: '', event: '', frame: '', thumb: '' },
    momentText: '',

    init(): void {
      refs = this.$refs;
      document.addEventListener('nocturne:prefs', () => this.paint());
      addEventListener('beforeprint', () => this.ink(true));
      addEventListener('afterprint', () => this.ink(false));
      void this.open();
    },
    async open(): Promise<void> {
      const { token } = await sessionAccess(id).catch(() => ({ token: null }));
      http = new Http(token);
      tellAccess(http);
      if (token || location.search.includes('sig=')) return this.load();
      this.problem = say('ui.noToken');
      this.canAskLink = true;
    },
    /** A new link goes to the booking's own address; whether there is one stays unsaid. */
    async askLink(): Promise<void> {
      await askForLink(id).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },
    async load(): Promise<void> {
      try {
        report = await http.get<Report>(`${base}/report${location.search}`);
      } catch (thrown) {
        if (thrown instanceof ApiProblem && thrown.status === 404) {
          const known = await http.get(`${base}/snapshot`).then(
            () => true,
            () => false,
          );
          this.pending = known;
          this.problem = known ? '' : say('ui.notFound');
          if (known) setTimeout(() => void this.load(), 5_000);
        } else {
          this.canAskLink = isDenied(thrown);
          this.problem = problemText(thrown);
        }
        return;
      }
      this.pending = false;
      const [page, series, snapshot, logs] = await Promise.allSettled([
        http.get<Page<ImageSummary>>(`${base}/images?per_page=60&order=oldest`),
        http.get<Telemetry>(
          `${base}/telemetry?points=400&series=guiding.rms,weather.temperature,weather.humidity,weather.wind,weather.cloud`,
        ),
        http.get<{ timezone: string }>(`${base}/snapshot`),
        http.get<Page<LogLine>>(LOGS),
      ]);
      if (page.status === 'fulfilled') images.push(...page.value.data);
      if (series.status === 'fulfilled') telemetry = series.value;
      if (snapshot.status === 'fulfilled') timezone = snapshot.value.timezone;
      if (logs.status === 'fulfilled') learn(logs.value.data);
      this.ready = true;
      this.paint();
      if (logs.status === 'fulfilled') await this.loadFrench(logs.value.meta.next_cursor).catch(() => undefined);
      if (page.status === 'fulfilled') await this.loadRest(page.value.meta.next_cursor).catch(() => undefined);
      this.$nextTick(() => (this.whole = true));
    },
    /** The French of the timeline's later lines: the report itself has them in English. */
    async loadFrench(cursor: string | null): Promise<void> {
      if (cursor === null || !report) return;
      for await (const lines of http.pages<LogLine>(LOGS, cursor)) learn(lines);
      this.paintTimeline(report);
      this.scrubbed();
    },
    /** The rest of the night's frames, so that the slider finds the picture of every moment. */
    async loadRest(cursor: string | null): Promise<void> {
      for (let next = cursor; next !== null && images.length < MAX_IMAGES;) {
        const page: Page<ImageSummary> = await http.get<Page<ImageSummary>>(
          `${base}/images?per_page=100&order=oldest&cursor=${encodeURIComponent(next)}`,
        );
        images.push(...page.data);
        next = page.meta.next_cursor;
      }
      this.paintGallery();
      this.scrubbed();
    },
    moreImages(): void {
      this.shownImages += GALLERY_STEP * 2;
      this.paintGallery();
    },
    print(): void {
      window.print();
    },
    async pdf(): Promise<void> {
      this.printing = say('report.pdfMaking');
      const asked = http.blob(`${base}/report.pdf?locale=${prefs.locale}`, PDF_MS);
      this.printing = await asked.then((pdf) => keepFile(pdf, `nocturne-${id}.pdf`), problemText);
    },
    /** Colours for paper, or back; a graph keeps those in which it was drawn. */
    ink(printing: boolean): void {
      document.documentElement.toggleAttribute('data-print', printing);
      if (report) this.drawGraphs(withHfd(report), telemetry);
    },

    paint(): void {
      if (!report) return;
      const [r, l, s] = [report, prefs.locale, report.summary];
      this.head = {
        target: s.target,
        position: coordinate(`${s.ra_text} ${s.dec_text}`, l),
        where: `${s.equipment} · ${dayAndTime(s.date, l, zone())} – ${clock(s.end, l, zone(), false)} ${zoneName(s.date, l, zone())}`,
        outcome: say(`phase.${s.outcome}`),
        tone: { completed: 'good', cancelled: 'info', aborted: 'danger', weathered_out: 'warn', failed: 'danger' }[
          s.outcome
        ],
        reason: reasonIn(l, s.reason),
      };
      document.title = `${s.target} · nocturne`;
      this.figures = figuresOf(r, say);
      this.definitions = definitionsOf(REPORT_FIGURES, l);
      const most = Math.max(1, ...r.images.by_filter.map((f) => f.count));
      this.filters = r.images.by_filter.map((f) => ({
        filter: f.filter,
        tone: filterTone(f.filter),
        scale: `scaleX(${f.count / most})`,
        text: `${f.count} · ${duration(f.exposure_seconds)}${f.average_hfd ? ` · HFD ${number(f.average_hfd, l, 2)}` : ''}`,
      }));
      const lines = new Map(r.credits?.lines.map((line) => [line.class, line.credits]));
      this.ledger = (Object.entries(r.ledger.seconds) as [keyof typeof r.ledger.seconds, number][])
        .filter(([, seconds]) => seconds > 0)
        .sort((a, b) => b[1] - a[1])
        .map(([key, seconds]) => ({
          key,
          label: say(`ledger.${key}`),
          time: duration(seconds),
          credits: lines.has(key) ? number(lines.get(key), l, 2) : '',
        }));
      [this.credits, this.creditsWhy] = creditsTexts(r.credits, say);
      this.changes = changesText(r.changes, l, say, (at) => dayAndTime(at, l, zone()));
      this.issues = [
        { key: 'errors', label: say('report.errors'), value: String(r.issues.errors_count) },
        {
          key: 'pauses',
          label: say('report.pauses'),
          value: `${r.issues.pauses_count} · ${duration(r.issues.pauses_duration_seconds)}`,
        },
        { key: 'rejected', label: say('report.rejected'), value: String(r.images.rejected) },
        { key: 'missing', label: say('report.missing'), value: String(r.images.missing) },
      ];
      this.holds = r.issues.holds.map((hold, i) => ({
        key: String(i),
        text: `${clock(hold.start, l, zone(), false)} – ${clock(hold.end, l, zone(), false)} · ${reasonIn(l, hold.reason)}`,
      }));
      const w = r.weather;
      this.weather = [w.average_temperature, w.average_humidity, w.average_seeing, w.cloud_coverage].some(
        (value) => value !== null,
      )
        ? say('report.weatherLine', {
            t: number(w.average_temperature, l, 1),
            h: number(w.average_humidity, l),
            s: number(w.average_seeing, l, 1),
            c: number(w.cloud_coverage, l),
          })
        : '';
      this.files = say('report.files', { n: r.files.count, size: bytes(r.files.total_size_bytes, l) });
      this.zip = r.files.download_link ?? '';
      this.timelapse = r.files.timelapse_link ?? '';
      this.paintGallery();
      this.paintTimeline(r);
      this.$nextTick(() => this.paintGraphs(r));
      this.scrubbed();
    },
    paintGallery(): void {
      const l = prefs.locale;
      this.hasMore = images.length > this.shownImages;
      this.tiles = images.slice(0, this.shownImages).map((image) => ({
        id: image.id,
        filename: image.filename,
        state: image.state,
        tone: filterTone(image.filter),
        thumb: image.thumbnail_url ?? '',
        preview: image.preview_url ?? '',
        url: image.url ?? '',
        full: image.full_url ?? '',
        meta: [
          clock(image.captured_at, l, zone(), false),
          image.filter,
          image.hfd ? `HFD ${number(image.hfd, l, 2)}` : '',
          image.state === 'archived' ? '' : say(`images.state.${image.state}`),
        ]
          .filter(Boolean)
          .join(' · '),
        downloadLabel: say('images.downloadOf', { name: image.filename }),
        fullLabel: say('images.fullOf', { name: image.filename }),
      }));
    },
    paintTimeline(r: Report): void {
      const from = Date.parse(r.summary.date);
      const to = Math.max(from + 1, Date.parse(r.summary.end));
      const at = (iso: string): number => Math.max(0, Math.min(100, (100 * (Date.parse(iso) - from)) / (to - from)));
      const strip = refs.strip!;
      strip.replaceChildren(
        ...r.ledger.intervals.map((interval) => {
          const span = document.createElement('span');
          span.dataset.ledger = interval.class;
          span.title = `${say(`ledger.${interval.class}`)} ${clock(interval.start, prefs.locale, zone())} – ${clock(interval.end, prefs.locale, zone())}`;
          span.style.left = `${at(interval.start)}%`;
          span.style.width = `${Math.max(0.15, at(interval.end) - at(interval.start))}%`;
          return span;
        }),
        ...r.images.frames
          .filter((f) => f.captured_at)
          .map((f) => {
            const tick = document.createElement('i');
            tick.style.left = `${at(f.captured_at!)}%`;
            return tick;
          }),
      );
      const needle = document.createElement('span');
      needle.className = 'needle';
      strip.append(needle);
      refs.timeline!.replaceChildren(
        ...r.timeline.map((line) => {
          const li = document.createElement('li');
          li.dataset.level = line.level;
          li.dataset.at = String(Date.parse(line.at));
          const time = document.createElement('time');
          time.dateTime = line.at;
          time.className = 'numeric muted';
          time.textContent = clock(line.at, prefs.locale, zone());
          const text = document.createElement('span');
          text.textContent = prefs.locale === 'fr' ? (french.get(line.message) ?? line.message) : line.message;
          li.append(time, text);
          return li;
        }),
      );
    },
    /** Shows the moment under the slider: time, what the time was used for, the last event and frame. */
    scrubbed(): void {
      if (!report) return;
      const from = Date.parse(report.summary.date);
      const to = Date.parse(report.summary.end);
      const at = from + ((to - from) * this.scrub) / 1000;
      const needle = refs.strip!.querySelector<HTMLElement>('.needle');
      if (needle) needle.style.left = `${this.scrub / 10}%`;
      const interval = report.ledger.intervals.find((i) => Date.parse(i.start) <= at && at < Date.parse(i.end));
      const items = [...refs.timeline!.querySelectorAll<HTMLElement>('li')];
      let last: HTMLElement | null = null;
      for (const item of items) {
        item.classList.remove('now');
        if (Number(item.dataset.at) <= at) last = item;
      }
      last?.classList.add('now');
      if (last) refs.timeline!.scrollTop = last.offsetTop - refs.timeline!.offsetTop - refs.timeline!.clientHeight / 2;
      const frame = images.filter((i) => i.captured_at && Date.parse(i.captured_at) <= at).at(-1);
      this.moment = {
        time: clock(at, prefs.locale, zone()),
        state: interval ? say(`ledger.${interval.class}`) : '—',
        event: last?.querySelector('span')?.textContent ?? '',
        frame: frame?.filename ?? '',
        thumb: frame?.preview_url ?? frame?.thumbnail_url ?? '',
      };
      this.momentText = `${this.moment.time} ${this.moment.state}`;
    },
    paintGraphs(r: Report): void {
      const frames = withHfd(r);
      this.has = {
        hfd: frames.length > 0,
        guiding: hasData(telemetry, 'guiding.rms'),
        weather: ['weather.temperature', 'weather.humidity', 'weather.cloud'].some((name) => hasData(telemetry, name)),
      };
      this.$nextTick(() => this.drawGraphs(frames, telemetry));
    },
    drawGraphs(frames: Report['images']['frames'], t: Telemetry | null): void {
      for (const graph of graphs.splice(0)) graph.destroy();
      if (this.has.hfd) {
        const filters = [...new Set(frames.map((f) => f.filter))];
        const graph = new Graph(refs.hfd!, {
          lines: filters.map((f) => ({ label: f ?? '', color: `--filter-${filterTone(f)}`, points: true })),
          height: 200,
          digits: 2,
          zone,
        });
        const sorted = [...frames].sort((a, b) => Date.parse(a.captured_at!) - Date.parse(b.captured_at!));
        graph.set([
          sorted.map((f) => Date.parse(f.captured_at!) / 1000),
          ...filters.map((filter) => sorted.map((f) => (f.filter === filter ? f.hfd : null))),
        ]);
        graphs.push(graph);
      }
      if (t && this.has.guiding) {
        const graph = new Graph(refs.guiding!, {
          lines: [{ label: 'RMS', color: '--accent', fill: true, dots: true }],
          height: 200,
          digits: 2,
          zone,
        });
        graph.set([t.t, t.series['guiding.rms']!.mean]);
        graphs.push(graph);
      }
      if (t && this.has.weather) {
        const graph = new Graph(refs.weather!, {
          lines: [
            { label: `${say('weather.temperature')} (°C)`, color: '--gold' },
            { label: `${say('weather.humidity')} (%)`, color: '--accent' },
            { label: `${say('weather.clouds')} (%)`, color: '--violet', dash: [4, 4] },
          ],
          height: 200,
          digits: 0,
          zone,
        });
        graph.set([
          t.t,
          ...['weather.temperature', 'weather.humidity', 'weather.cloud'].map(
            (name) => t.series[name]?.mean ?? t.t.map(() => null),
          ),
        ]);
        graphs.push(graph);
      }
    },
  });
}
const withHfd = (r: Report): Report['images']['frames'] =>
  r.images.frames.filter((f) => f.captured_at && f.hfd !== null);
const hasData = (telemetry: Telemetry | null, name: string): boolean =>
  telemetry?.series[name]?.mean.some((v) => v !== null) ?? false;
