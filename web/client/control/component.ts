import { ApiProblem, Http, type PageConfig } from '../core/http.ts';
import { defineComponent } from '../core/alpine.ts';
import { align, Graph, Series } from '../core/charts.ts';
import { bytes, clock, duration, number, UNKNOWN } from '../core/format.ts';
import { LiveSource } from '../core/live.ts';
import { prefs } from '../core/prefs.ts';
import type {
  ControlName,
  Event,
  ImageSummary,
  Link,
  LogLine,
  Receipt,
  SessionStats,
  Snapshot,
  Source,
  TelescopeState,
} from '../core/types.ts';
import { reasonIn, translate } from '../i18n/index.ts';
import { translateTree } from '../i18n/tree.ts';
import { Commands, type Said } from './sections/controls/commands.ts';
import { DemoSource } from './demo.ts';
import icons from './icons.html';
import { drawHistogram, histogramOf, SkyDisc } from './pictures.ts';
import { askForLink, sessionAccess } from '../core/access.ts';
import { makeInstallable, needsInstall } from '../core/install.ts';
import { play, pushPossible, pushTells, subscribePush, unsubscribePush, type Tune } from './signals.ts';
import template from './page.html';
import { startTour } from './sections/help/tour.ts';
import { buildView, filterTone, type View } from './view.ts';
import { Zoom } from './sections/preview/zoom.ts';

/** How the component is set up; all optional on our own pages, `bookingId`, `token` and `baseUrl` when embedded. */
export interface TelescopeControlOptions {
  bookingId?: string;
  token?: string;
  /** Origin of the API when the page comes from another one. */
  baseUrl?: string;
  demo?: boolean;
  locale?: 'fr' | 'en';
}

const MAX_LOGS = 400;
const MAX_TILES = 20;
const RETRY_MS = 5_000;
/** A small copy is enough for a histogram, and is made off the main thread. */
const HISTOGRAM_WIDTH = 320;
/** After this long the page shows itself without the first state. */
const ARRIVAL_MS = 3_000;

interface Tile {
  id: string;
  filename: string;
  type: string;
  tone: string;
  state: string;
  fresh: boolean;
  thumb: string;
  url: string;
  time: string;
  meta: string;
  full: string;
  openLabel: string;
  downloadLabel: string;
  fullLabel: string;
}

/** What must stay outside Alpine's proxies: sockets, canvases, long lists. */
interface Machine {
  root: HTMLElement | null;
  bookingId: string;
  source: Source | null;
  commands: Commands | null;
  /** What the page last said of a command. */
  said: Said | null;
  http: Http | null;
  config: PageConfig | null;
  snapshot: Snapshot | null;
  telescope: TelescopeState | null;
  telescopeAtMs: number;
  stats: SessionStats | null;
  statsAtMs: number | null;
  offsetMs: number;
  images: ImageSummary[];
  /** The frame that has just come in; its tile glows. */
  newest: string | null;
  logs: LogLine[];
  lastBinning: number | null;
  zoom: Zoom | null;
  sky: SkyDisc | null;
  focusGraph: Graph | null;
  guideGraph: Graph | null;
  series: { focus: Series; temperature: Series; x: Series; y: Series };
  counts: number[] | null;
  previewId: string | null;
  previewUrl: string | null;
  timers: ReturnType<typeof setInterval>[];
  aborter: AbortController;
  statsDue: boolean;
  imagesDue: boolean;
  painted: { focus: number; guide: number };
  /** The animation frame in which the page will be painted; 0 when nothing has changed. */
  frame: number;
  /** Log lines that came in since the last painting. */
  fresh: LogLine[];
  /** Whole turns of the exposure ring so far, so that its head never runs backwards. */
  turns: number;
  turned: number;
}

/**
 * The Alpine component `telescopeControl`: the whole control page of a session. On an element without content it brings its own.
 * See docs/embedding.md.
 */
export function telescopeControl(options: TelescopeControlOptions = {}): object {
  const m: Machine = {
    root: null,
    bookingId: '',
    source: null,
    commands: null,
    said: null,
    http: null,
    config: null,
    snapshot: null,
    telescope: null,
    telescopeAtMs: Date.now(),
    stats: null,
    statsAtMs: null,
    offsetMs: 0,
    images: [],
    newest: null,
    logs: [],
    lastBinning: null,
    zoom: null,
    sky: null,
    focusGraph: null,
    guideGraph: null,
    series: { focus: new Series(), temperature: new Series(), x: new Series(240), y: new Series(240) },
    counts: null,
    previewId: null,
    previewUrl: null,
    timers: [],
    aborter: new AbortController(),
    statsDue: false,
    imagesDue: false,
    painted: { focus: -1, guide: -1 },
    frame: 0,
    fresh: [],
    turns: 0,
    turned: 0,
  };
  if (options.locale) prefs.locale = options.locale;
  const say = (key: string, values?: Record<string, string | number>): string => translate(prefs.locale, key, values);
  const view = (): View =>
    buildView({
      snapshot: m.snapshot,
      telescope: m.telescope,
      telescopeAtMs: m.telescopeAtMs,
      stats: m.stats,
      nowMs: Date.now() + m.offsetMs,
      pageNowMs: Date.now(),
      locale: prefs.locale,
      zone: prefs.zone,
      lastBinning: m.lastBinning,
      last: { frame: m.images[0] ?? null, log: m.logs.at(-1)?.at ?? null, statsAtMs: m.statsAtMs },
    });
  const zone = (): string | undefined => (prefs.zone === 'site' ? m.snapshot?.timezone : undefined);

  const noEquipment: Record<string, boolean | null> = {};

  return defineComponent({
    // The roadmap's names of the page's state (3.1).
    connection: 'connecting',
    voyagerStatus: null as string | null,
    sequence: null as TelescopeState['sequence'],
    equipment: noEquipment,
    currentShot: null as TelescopeState['exposure'],
    progress: 0,
    socket: null as string | null,
    images: 0,
    logs: 0,
    stats: null as SessionStats | null,

    view: view(),
    demo: options.demo === true,
    deck: 'live',
    linkText: say('link.connecting'),
    linkTone: 'dim',
    linkBanner: '',
    fatal: '',
    canAskLink: false,
    askedLink: false,
    needsInstall: false,
    viewers: 0,
    viewersText: '',
    announcement: '',
    reportUrl: '',
    helpUrl: '/help',
    bookUrl: '/book',
    demoUrl: '/demo',
    slotNow: 0,
    slotScale: 'scaleX(0)',
    exposureNow: 0,
    ringOffset: '100',
    ringTurn: 'rotate(0deg)',
    coolingNow: 0,
    coolingScale: 'scaleX(0)',
    showPreview: true,
    showLogs: true,
    previewReady: false,
    previewAlt: '',
    tiles: [] as Tile[],
    filterRows: [] as { filter: string; tone: string; count: string; exposure: string }[],
    logLevel: '',
    autoscroll: true,
    sound: prefs.sound,
    pushPossible: false,
    pushOn: false,
    busy: false,
    abortTitle: '',
    abortSay: '',
    abortYes: '',
    abortKeep: '',
    receiptText: '',
    receiptState: '',
    supportUrl: '',
    supportEmail: '',
    problemText: '',
    problemAttachment: '',
    problemMail: '',
    sectionTitle: '',
    sectionHelp: '',
    shown: { filename: '', preview: '', url: '', full: '', quick: '', pairs: [] as { label: string; value: string }[] },

    init(): void {
      const root = (m.root = this.$root);
      root.classList.add('telescope-control');
      root.setAttribute('data-arriving', '');
      m.timers.push(setTimeout(() => this.arrived(), ARRIVAL_MS));
      if (!root.querySelector('[data-section]')) root.innerHTML = icons + template;
      translateTree(root, prefs.locale);
      this.$nextTick(() => requestAnimationFrame(() => void this.begin()));
    },

    arrived(): void {
      m.root?.removeAttribute('data-arriving');
    },
    async begin(): Promise<void> {
      const id = options.bookingId ?? decodeURIComponent(location.pathname.split('/')[2] ?? '');
      const { signal } = m.aborter;
      m.bookingId = id;
      m.zoom = new Zoom(this.$refs.stage!, this.$refs.picture!);
      this.buildGraphs();
      m.root!.addEventListener('click', (event) => this.clicked(event), { signal });
      document.addEventListener('keydown', (event) => this.key(event), { signal });
      document.addEventListener('nocturne:prefs', () => this.restyle(), { signal });
      this.$refs.decks!.addEventListener('scroll', () => this.decksScrolled(), { passive: true, signal });
      this.$refs.console!.addEventListener('scroll', () => this.consoleScrolled(), { passive: true, signal });
      m.timers.push(setInterval(() => this.tick(), 1_000));
      m.commands = new Commands(
        () => m.source,
        (said) => this.sayReceipt(said),
        (at) => this.onlineAgain(at),
      );

      const access = options.token || this.demo ? null : await sessionAccess(id);
      if (access?.viewOnly) this.toast(say('toast.viewOnly'), 'info');
      m.http = new Http(options.token ?? access?.token ?? null, options.baseUrl);
      const elsewhere = new URL(m.http.url('/'), location.href).origin !== location.origin;
      this.reportUrl =
        m.http.url(`/report/${encodeURIComponent(id)}`) + (elsewhere && m.http.token ? `#token=${m.http.token}` : '');
      this.helpUrl = m.http.url('/help');
      this.bookUrl = m.http.url('/book');
      this.demoUrl = m.http.url('/demo');
      await this.join(m.http, id);
    },
    /** Finds the server and its stream; where it does not answer, says so and tries again. */
    async join(http: Http, id: string): Promise<void> {
      try {
        m.config = await http.config();
        this.fatal = '';
        this.supportUrl = m.config.supportUrl ?? '';
        this.supportEmail = m.config.supportEmail ?? '';
        this.bookUrl = m.config.bookUrl ?? this.bookUrl;
        this.pushPossible = !this.demo && pushPossible(http, m.config);
        this.needsInstall = !this.demo && needsInstall();
        if (!this.demo) void makeInstallable(http, id).catch(() => undefined);
        if (this.pushPossible) void pushTells(id).then((told) => (this.pushOn = told));
      } catch {
        if (!this.demo) {
          this.fatal = say('ui.noServer');
          m.timers.push(setTimeout(() => void this.join(http, id), RETRY_MS));
          return;
        }
      }
      if (!this.demo && !http.token) {
        this.closed(say('ui.noToken'), true);
        return;
      }
      const source: Source = this.demo || !m.config ? new DemoSource() : new LiveSource(http, m.config, id);
      m.source = source;
      try {
        await source.connect({
          link: (link) => this.linkChanged(link),
          snapshot: (snapshot) => this.takeSnapshot(snapshot),
          event: (event) => this.handleRealtimeData(event),
          viewers: (count) => this.viewersChanged(count),
        });
      } catch (thrown) {
        this.failed(thrown);
      }
      await this.loadInitialData();
      this.arrived();
      if (!prefs.toured && !navigator.webdriver && !this.fatal) {
        prefs.toured = true;
        this.startTour();
      }
    },
    destroy(): void {
      m.source?.stop();
      m.aborter.abort();
      m.zoom?.destroy();
      m.focusGraph?.destroy();
      m.guideGraph?.destroy();
      cancelAnimationFrame(m.frame);
      for (const timer of m.timers) clearInterval(timer);
      if (m.previewUrl) URL.revokeObjectURL(m.previewUrl);
    },
    /** What will not change by asking again closes the page; all else the source asks again, and the link says how it stands. */
    failed(thrown: unknown): void {
      if (!(thrown instanceof ApiProblem)) return;
      if (thrown.status === 401 || thrown.status === 403) this.closed(say('ui.denied'));
      else if (thrown.status === 404) this.closed(say('ui.notFound'));
    },
    /** No session to show: why, and where else to go, instead of a page of dashes. */
    closed(why: string, canAskLink = why === say('ui.denied')): void {
      this.fatal = why;
      this.canAskLink = canAskLink && !options.token && m.bookingId !== '' && !this.askedLink;
      m.root?.toggleAttribute('data-closed', m.snapshot === null);
    },

    /** A new link goes to the booking's own address; whether there is one stays unsaid. */
    async askLink(): Promise<void> {
      await askForLink(m.bookingId).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },

    async loadInitialData(): Promise<void> {
      const source = m.source;
      if (!source || this.connection === 'denied') return;
      const [images, logs, stats, history] = await Promise.allSettled([
        source.images(),
        source.logs(),
        source.stats(),
        source.history(),
      ]);
      if (images.status === 'fulfilled') {
        m.images = images.value.images.slice(0, MAX_TILES);
        this.paintTiles();
      }
      if (logs.status === 'fulfilled') {
        m.logs = logs.value.slice(-MAX_LOGS);
        this.paintLogs();
      }
      if (stats.status === 'fulfilled') {
        this.takeStats(stats.value);
      }
      if (history.status === 'fulfilled') {
        const h = history.value;
        if (h.focuser_position) m.series.focus.replace(h.focuser_position);
        if (h.focuser_temperature) m.series.temperature.replace(h.focuser_temperature);
        if (h.guide_x) m.series.x.replace(h.guide_x.slice(-200));
        if (h.guide_y) m.series.y.replace(h.guide_y.slice(-200));
        m.painted = { focus: -1, guide: -1 };
      }
      this.paint();
      await this.refreshPreview();
    },

    linkChanged(link: Link): void {
      const was = this.connection;
      this.connection = link;
      this.socket = link;
      this.paintLink();
      if (link === 'denied') this.closed(say('ui.denied'));
      if (link === 'live' && ['polling', 'lost', 'offline'].includes(was)) {
        this.toast(say('toast.linkBack'), 'good');
        void this.loadInitialData();
      }
    },
    viewersChanged(count: number): void {
      this.viewers = count;
      this.viewersText = say('header.viewers', { n: count });
    },
    paintLink(): void {
      const link = this.connection as Link;
      this.linkText = say(`link.${link}`);
      this.linkTone = {
        connecting: 'dim',
        live: 'good',
        polling: 'warn',
        lost: 'danger',
        offline: 'danger',
        demo: 'info',
        denied: 'danger',
      }[link];
      this.linkBanner = ['polling', 'lost', 'offline'].includes(link) ? say(`banner.${link}`) : '';
    },

    takeSnapshot(snapshot: Snapshot): void {
      m.root?.dispatchEvent(new CustomEvent('nocturne:snapshot', { detail: snapshot, bubbles: true }));
      const phaseBefore = m.snapshot?.phase;
      const capturedBefore = m.snapshot?.images.captured;
      m.offsetMs = Date.parse(snapshot.now) - Date.now();
      m.snapshot = snapshot;
      if (
        snapshot.telescope &&
        (!m.telescope ||
          snapshot.telescope.rev >= m.telescope.rev ||
          snapshot.telescope.epoch !== m.telescope.epoch ||
          Date.now() - m.telescopeAtMs > 5_000)
      )
        this.takeTelescope(snapshot.telescope);
      if (
        snapshot.last_receipt &&
        !this.busy &&
        Date.now() + m.offsetMs - Date.parse(snapshot.last_receipt.at) < 60_000
      )
        this.hearReceipt(snapshot.last_receipt);
      if (phaseBefore && phaseBefore !== snapshot.phase) {
        const label =
          snapshot.phase === 'holding' && snapshot.hold_cause
            ? say(`hold.${snapshot.hold_cause}`)
            : say(`phase.${snapshot.phase}`);
        this.toast(
          `${label} — ${reasonIn(prefs.locale, snapshot.reason) || say(`phase.${snapshot.phase}.say`)}`,
          snapshot.phase === 'holding' ? 'warn' : snapshot.phase === 'failed' ? 'danger' : 'good',
        );
        m.statsDue = true;
      }
      if (capturedBefore !== undefined && capturedBefore !== snapshot.images.captured) m.statsDue = true;
      if (snapshot.images.captured > 0 && m.images.length === 0) m.imagesDue = true;
      this.paintSoon();
    },
    takeTelescope(telescope: TelescopeState): void {
      m.telescope = telescope;
      m.telescopeAtMs = Date.now();
      const at = Date.parse(telescope.at) / 1000;
      if ((telescope.focuser.age_seconds ?? 99) < 15) {
        m.series.focus.push(at, telescope.focuser.position);
        m.series.temperature.push(at, telescope.focuser.temperature_celsius);
      }
      if ((telescope.guiding.age_seconds ?? 99) < 15 && telescope.guiding.status !== 'STOPPED') {
        m.series.x.push(at, telescope.guiding.x_px);
        m.series.y.push(at, telescope.guiding.y_px);
      }
      m.sky?.point(telescope.mount.altitude_degrees, telescope.mount.azimuth_degrees);
      this.voyagerStatus = telescope.voyager.status;
      this.sequence = telescope.sequence;
      this.currentShot = telescope.exposure;
      this.equipment = {
        mount: telescope.mount.connected,
        camera: telescope.camera.connected,
        focuser: telescope.focuser.connected,
        guiding: telescope.guiding.connected,
      };
      if (telescope.preview && telescope.preview.id !== m.previewId) void this.refreshPreview();
    },

    handleRealtimeData(event: Event): void {
      m.root?.dispatchEvent(new CustomEvent('nocturne:event', { detail: event, bubbles: true }));
      switch (event.type) {
        case 'control.updated':
          this.takeTelescope(event.data as unknown as TelescopeState);
          break;
        case 'shot.progress':
          if (m.telescope) {
            m.telescope = { ...m.telescope, exposure: event.data as unknown as TelescopeState['exposure'] };
            m.telescopeAtMs = Math.max(m.telescopeAtMs, Date.now() - 2_000);
          }
          break;
        case 'preview.ready':
          if (m.telescope)
            m.telescope = { ...m.telescope, preview: event.data as unknown as TelescopeState['preview'] };
          void this.refreshPreview();
          break;
        case 'image.captured':
        case 'image.measured':
          this.takeImage(event.data as unknown as ImageSummary, event.type === 'image.captured');
          break;
        case 'receipt.changed':
          this.hearReceipt(event.data as unknown as Receipt);
          break;
        case 'log.appended':
          this.takeLog(event.data as unknown as LogLine);
          break;
        case 'weather.alert':
        case 'error.alert': {
          const text = prefs.locale === 'fr' ? (event.data.message_fr ?? event.data.message) : event.data.message;
          this.toast(
            typeof text === 'string'
              ? text
              : reasonIn(prefs.locale, event.data.reason as string | undefined) || say('ui.error'),
            event.type === 'weather.alert' ? 'warn' : 'danger',
          );
          break;
        }
        case 'session.changed':
          m.statsDue = true;
          void m.source?.refresh();
          return;
      }
      this.paintSoon();
    },
    takeStats(stats: SessionStats): void {
      this.stats = m.stats = stats;
      m.statsAtMs = Date.now();
    },
    takeImage(image: ImageSummary, isNew: boolean): void {
      if (!image.id || !image.filename) {
        m.imagesDue = true;
        return;
      }
      const known = m.images.findIndex((i) => i.id === image.id);
      if (known >= 0) m.images[known] = { ...m.images[known]!, ...image };
      else m.images = [image, ...m.images].slice(0, MAX_TILES);
      if (isNew && known < 0) m.newest = image.id;
      if (image.binning) m.lastBinning = image.binning;
      m.statsDue = true;
      this.paintTiles();
      // A frame comes every minute all night: a glow in the gallery and, where wanted, a soft sound, but nothing that covers the page.
      if (isNew && known < 0) {
        this.announcement = say('toast.image', { name: image.filename });
        play('image');
      }
    },
    takeLog(line: LogLine): void {
      const last = m.logs.at(-1);
      if (last && last.at === line.at && last.message === line.message) return;
      m.logs.push(line);
      if (m.logs.length > MAX_LOGS) m.logs.splice(0, m.logs.length - MAX_LOGS);
      m.fresh.push(line);
      if (m.fresh.length > MAX_LOGS) m.fresh.shift();
    },
    /** Adds the lines of the last moments to the console. */
    appendLogs(): void {
      if (m.fresh.length === 0) return;
      const lines = m.fresh.splice(0).filter((line) => !this.logLevel || line.level === this.logLevel);
      this.logs = m.logs.length;
      if (lines.length === 0) return;
      const list = this.$refs.console!;
      list.querySelector('.none')?.remove();
      list.append(...lines.slice(-MAX_LOGS).map((line) => logNode(line, zone())));
      while (list.childElementCount > MAX_LOGS) list.firstElementChild!.remove();
      if (this.autoscroll) list.scrollTop = list.scrollHeight;
    },

    /** Once a second: clocks, ages, and whatever was marked as due. */
    tick(): void {
      if (document.visibilityState === 'hidden') return;
      this.paint();
      if (m.statsDue && m.source) {
        m.statsDue = false;
        void m.source.stats().then(
          (stats) => this.takeStats(stats),
          () => undefined,
        );
      }
      if (m.imagesDue && m.source) {
        m.imagesDue = false;
        void m.source.images().then(
          ({ images }) => {
            m.images = images.slice(0, MAX_TILES);
            this.paintTiles();
          },
          () => undefined,
        );
      }
    },
    /** At the next frame, once for however many events; a page that nobody sees is painted when it is seen again. */
    paintSoon(): void {
      if (m.frame === 0) m.frame = requestAnimationFrame(() => this.paint());
    },
    paint(): void {
      cancelAnimationFrame(m.frame);
      m.frame = 0;
      this.appendLogs();
      const next = view();
      for (const key of Object.keys(next) as (keyof View)[]) {
        const value = next[key];
        if (key === 'age') {
          for (const name of Object.keys(next.age) as (keyof View['age'])[])
            if (next.age[name].text !== this.view.age[name].text || next.age[name].stale !== this.view.age[name].stale)
              this.view.age[name] = next.age[name];
        } else if (typeof value !== 'object') {
          if (this.view[key] !== value) (this.view as unknown as Record<string, unknown>)[key] = value;
        } else if (JSON.stringify(value) !== JSON.stringify(this.view[key]))
          (this.view as unknown as Record<string, unknown>)[key] = value;
      }
      this.slotNow = Math.round(next.slotPercent);
      this.slotScale = `scaleX(${(next.slotPercent / 100).toFixed(4)})`;
      this.exposureNow = Math.round(next.exposurePercent);
      this.ringOffset = (100 - next.exposurePercent).toFixed(1);
      if (next.exposurePercent < m.turned) m.turns++;
      m.turned = next.exposurePercent;
      this.ringTurn = `rotate(${(360 * m.turns + 3.6 * next.exposurePercent).toFixed(1)}deg)`;
      this.coolingNow = Math.round(next.cameraPowerPercent);
      this.coolingScale = `scaleX(${Math.max(0, Math.min(1, next.cameraPowerPercent / 100))})`;
      this.progress = next.exposurePercent;
      this.images = m.snapshot?.images.captured ?? 0;
      const rows = (m.stats?.by_filter ?? []).map((f) => ({
        filter: f.filter || '?',
        tone: filterTone(f.filter),
        count: String(f.count),
        exposure: duration(f.exposure_seconds),
      }));
      if (JSON.stringify(rows) !== JSON.stringify(this.filterRows)) this.filterRows = rows;
      if (m.painted.focus !== m.series.focus.last) {
        m.painted.focus = m.series.focus.last;
        m.focusGraph?.set(m.series.focus.columns());
      }
      if (m.painted.guide !== m.series.x.last) {
        m.painted.guide = m.series.x.last;
        m.guideGraph?.set(align([m.series.x, m.series.y]));
      }
    },
    paintTiles(): void {
      const known = new Map(this.tiles.map((tile) => [tile.id, tile]));
      this.tiles = m.images
        .map((image) => this.tileOf(image))
        .map((tile) => (same(tile, known.get(tile.id)) ? known.get(tile.id)! : tile));
    },
    tileOf(image: ImageSummary): Tile {
      return {
        id: image.id,
        filename: image.filename,
        type: image.type,
        tone: filterTone(image.filter),
        state: image.state,
        fresh: image.id === m.newest,
        thumb: resolve(m.http, image.thumbnail_url),
        url: resolve(m.http, image.url),
        full: resolve(m.http, image.full_url),
        time: clock(image.captured_at, prefs.locale, zone()),
        meta: [
          image.filter,
          image.exposure ? `${number(image.exposure, prefs.locale)} s` : '',
          image.hfd ? `HFD ${number(image.hfd, prefs.locale, 2)}` : '',
          image.state === 'archived' ? '' : say(`images.state.${image.state}`),
        ]
          .filter(Boolean)
          .join(' · '),
        openLabel: say('images.open', { name: image.filename }),
        downloadLabel: say('images.downloadOf', { name: image.filename }),
        fullLabel: say('images.fullOf', { name: image.filename }),
      };
    },
    paintLogs(): void {
      const list = this.$refs.console!;
      m.fresh.length = 0;
      const shown = this.logLevel ? m.logs.filter((line) => line.level === this.logLevel) : m.logs;
      list.replaceChildren(...shown.map((line) => logNode(line, zone())));
      if (shown.length === 0) {
        const p = document.createElement('p');
        p.className = 'muted none';
        p.textContent = say('logs.none');
        list.append(p);
      }
      this.logs = m.logs.length;
      list.scrollTop = list.scrollHeight;
    },
    buildGraphs(): void {
      m.focusGraph?.destroy();
      m.guideGraph?.destroy();
      m.sky = new SkyDisc(
        this.$refs.sky as unknown as SVGSVGElement,
        prefs.locale === 'fr' ? ['N', 'E', 'S', 'O'] : ['N', 'E', 'S', 'W'],
      );
      m.sky.point(m.telescope?.mount.altitude_degrees, m.telescope?.mount.azimuth_degrees);
      m.focusGraph = new Graph(this.$refs.focusGraph!, {
        lines: [{ label: say('focuser.position'), color: '--gold', fill: true }],
        digits: 0,
        zone,
      });
      m.guideGraph = new Graph(this.$refs.guideGraph!, {
        lines: [
          { label: 'X', color: '--accent' },
          { label: 'Y', color: '--filter-ha' },
        ],
        digits: 1,
        zone,
      });
      m.painted = { focus: -1, guide: -1 };
    },
    /** Language, theme or time zone have changed. */
    restyle(): void {
      translateTree(m.root!, prefs.locale);
      this.buildGraphs();
      this.paintLink();
      this.viewersChanged(this.viewers);
      this.paintTiles();
      this.paintLogs();
      if (m.counts) drawHistogram(this.$refs.histogram as HTMLCanvasElement, m.counts);
      if (m.said && this.receiptText) this.sayReceipt(m.said);
      this.sound = prefs.sound;
      this.paint();
    },

    async refreshPreview(): Promise<void> {
      const source = m.source;
      if (!source) return;
      const id = m.telescope?.preview?.id ?? null;
      if (id !== null && id === m.previewId) return;
      const asked = id;
      m.previewId = asked;
      try {
        // A night without a frame has no preview to ask for.
        let blob = id !== null || m.images.length > 0 ? await source.preview() : null;
        const newest = m.images.find((image) => image.preview_url);
        if (!blob && newest && m.http) blob = await (await fetch(resolve(m.http, newest.preview_url))).blob();
        if (!blob || m.previewId !== asked) return;
        const bitmap = await createImageBitmap(blob, { resizeWidth: HISTOGRAM_WIDTH });
        m.counts = histogramOf(bitmap);
        bitmap.close();
        const url = URL.createObjectURL(blob);
        const picture = this.$refs.picture as HTMLImageElement;
        picture.src = url;
        if (m.previewUrl) URL.revokeObjectURL(m.previewUrl);
        m.previewUrl = url;
        this.previewReady = true;
        this.previewAlt = say('preview.alt', {
          what: [this.view.targetName, this.view.previewStats].filter(Boolean).join(', '),
        });
        drawHistogram(this.$refs.histogram as HTMLCanvasElement, m.counts);
      } catch {
        m.previewId = null;
      }
    },
    zoomBy(factor: number): void {
      m.zoom?.by(factor);
    },
    fullscreen(): void {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void this.$refs.stage!.requestFullscreen?.().catch(() => undefined);
    },

    async refresh(): Promise<void> {
      m.previewId = null;
      await m.source?.refresh().catch(() => undefined);
      await this.loadInitialData();
      this.toast(say('toast.refreshed'), 'info');
    },
    async sendCommand(kind: ControlName): Promise<void> {
      this.busy = true;
      try {
        await m.commands!.send(kind);
        await m.source?.refresh();
      } catch {
        // What became of the command is said already.
      } finally {
        this.busy = false;
      }
    },
    async pauseSequence(): Promise<void> {
      await this.sendCommand('pause');
    },
    async resumeSequence(): Promise<void> {
      await this.sendCommand('resume');
    },
    async abortSession(): Promise<void> {
      this.closeDialogs();
      await this.sendCommand('abort');
    },
    /** A receipt from the stream or a snapshot. */
    hearReceipt(receipt: Receipt): void {
      m.commands?.heard(receipt, m.offsetMs);
    },
    sayReceipt(said: Said): void {
      const names: Partial<Record<Receipt['kind'], string>> = {
        pause: say('controls.pause'),
        resume: say('controls.resume'),
        abort: say('controls.abort'),
      };
      const what = names[said.kind];
      if (!what) return;
      m.said = said;
      const { known } = said;
      const before = `${this.receiptState} ${this.receiptText}`;
      const { code, message } = said.reason;
      const told = code === 'no_answer' ? '' : reasonIn(prefs.locale, code) || message;
      const reason = told || say('receipt.noReason');
      this.receiptState = known;
      this.receiptText = say(`receipt.${known}`, { what, reason }).trim();
      if (before === `${this.receiptState} ${this.receiptText}`) return;
      if (known === 'confirmed') play('good');
      if (known === 'refused' || known === 'notSent' || known === 'unreached') play('warn');
      if (known === 'confirmed') {
        const text = this.receiptText;
        setTimeout(() => {
          if (this.receiptText === text) [this.receiptText, this.receiptState] = ['', ''];
        }, 12_000);
      }
    },
    /** A stop that was pressed while nothing could be sent is sent only after asking: much may have changed since. */
    onlineAgain(at: Date): void {
      if (!this.view.canAbort) return;
      const time = at.toLocaleTimeString(prefs.locale, { hour: '2-digit', minute: '2-digit' });
      this.abortDialog('.again', { time });
    },
    askAbort(): void {
      if (!this.view.canAbort) return;
      this.abortDialog(this.view.before ? '.before' : '', {});
    },
    abortDialog(when: '' | '.before' | '.again', values: Record<string, string>): void {
      [this.abortTitle, this.abortSay, this.abortYes, this.abortKeep] = [
        say(`abort.title${when}`),
        [
          say(`abort.say${when}`, values),
          say(`abort.money${when}`, {
            charged: number(
              m.snapshot?.credits.charged ?? null,
              prefs.locale,
              (m.snapshot?.credits.charged ?? 0) % 1 ? 1 : 0,
            ),
          }),
        ].join(' '),
        say(`abort.confirm${when}`),
        say(`abort.keep${when}`),
      ];
      this.openDialog('abortDialog');
    },
    openDialog(name: string): void {
      this.closeDialogs();
      (this.$refs[name] as HTMLDialogElement).showModal();
    },
    closeDialogs(): void {
      for (const dialog of m.root!.querySelectorAll('dialog')) if (dialog.open) dialog.close();
    },
    openHelp(): void {
      this.openDialog('helpDialog');
    },
    clicked(event: MouseEvent): void {
      const target = event.target as HTMLElement;
      const help = target.closest<HTMLElement>('[data-help]')?.dataset.help;
      if (help) {
        this.sectionTitle = say(`${help}.title`);
        this.sectionHelp = say(`${help}.help`);
        this.openDialog('sectionDialog');
      } else if (target instanceof HTMLDialogElement) target.close();
    },
    startTour(): void {
      this.closeDialogs();
      void startTour(m.root!, prefs.locale, (section) => {
        const deck = m
          .root!.querySelector<HTMLElement>(`[data-section="${section}"]`)
          ?.closest<HTMLElement>('[data-deck]')?.dataset.deck;
        if (deck) this.showDeck(deck);
      });
    },
    attachment(): string {
      const lines = m.logs.slice(-50).map((line) => `${line.at} ${line.level} ${line.event} ${line.message}`);
      return [
        `booking: ${m.bookingId || '?'}`,
        `phase: ${[m.snapshot?.phase ?? '?', m.snapshot?.reason].filter(Boolean).join(' ')}`,
        `link: ${this.connection}`,
        ...lines,
      ].join('\n');
    },
    openProblem(): void {
      this.problemAttachment = this.attachment();
      this.problemTold();
      this.openDialog('problemDialog');
    },
    /** The mail follows what is typed. */
    problemTold(): void {
      const body = [this.problemText, this.problemAttachment].filter(Boolean).join('\n\n').slice(0, 6_000);
      this.problemMail = this.supportEmail
        ? `mailto:${this.supportEmail}?subject=${encodeURIComponent(`${say('help.report')} ${m.bookingId}`)}&body=${encodeURIComponent(body)}`
        : '';
    },
    async copyProblem(): Promise<void> {
      // Plain http has no clipboard: the text stands in the dialog, to be marked by hand.
      const { clipboard } = navigator as { clipboard?: Clipboard };
      const copied = await clipboard
        ?.writeText(`${this.problemText}\n\n${this.problemAttachment}`)
        .then(() => true)
        .catch(() => false);
      this.toast(say(copied ? 'toast.copied' : 'toast.notCopied'), copied ? 'info' : 'warn');
    },

    openImage(id: string): void {
      const image = m.images.find((i) => i.id === id);
      if (!image) return;
      const l = prefs.locale;
      this.shown = {
        filename: image.filename,
        preview: resolve(m.http, image.preview_url),
        url: resolve(m.http, image.url),
        full: resolve(m.http, image.full_url),
        quick: resolve(m.http, image.quicklook_url),
        pairs: [
          { label: say('sequence.filter'), value: image.filter ?? '—' },
          {
            label: say('images.exposure'),
            value: unit(number(image.exposure, l, (image.exposure ?? 0) % 1 ? 1 : 0), 's'),
          },
          { label: 'HFD', value: unit(number(image.hfd, l, 2), 'px') },
          { label: say('images.stars'), value: number(image.stars, l) },
          { label: say('camera.temperature'), value: unit(number(image.temperature, l, 1), '°C') },
          { label: say('camera.binning'), value: image.binning ? `${image.binning}×${image.binning}` : '—' },
          { label: say('book.gain'), value: number(image.gain, l) },
          { label: say('images.size'), value: bytes(image.size_bytes, l) },
          { label: 'SHA-256', value: image.sha256 ? `${image.sha256.slice(0, 12)}…` : '—' },
        ],
      };
      this.openDialog('lightbox');
    },
    quickLook(): void {
      const url = this.shown.quick;
      void import('./sections/images/quicklook.ts').then(({ openQuickLook }) =>
        openQuickLook(m.root!, url, this.shown.filename, prefs.locale),
      );
    },

    filterLogs(level: string): void {
      this.logLevel = level;
      this.paintLogs();
    },
    consoleScrolled(): void {
      const list = this.$refs.console!;
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
      if (!atEnd && this.autoscroll && list.scrollHeight > list.clientHeight && list.matches(':hover, :focus'))
        this.autoscroll = false;
    },
    /** The whole night's log, of which the console shows the end; without the server, what is here. */
    async exportLogs(): Promise<void> {
      const lines = (await m.source?.allLogs().catch(() => null)) ?? m.logs;
      const text = lines
        .map(
          (line) =>
            `${line.at}\t${line.level}\t${line.source}\t${line.event}\t${prefs.locale === 'fr' ? (line.message_fr ?? line.message) : line.message}`,
        )
        .join('\n');
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text, '\n'], { type: 'text/plain;charset=utf-8' }));
      link.download = `nocturne-${m.bookingId || 'demo'}.log`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
    },

    toggleSound(): void {
      prefs.sound = !prefs.sound;
      this.sound = prefs.sound;
      if (prefs.sound) play('image');
    },
    /** Switches messages to this device on, or off again. */
    async togglePush(): Promise<void> {
      if (!m.http || !m.config) return;
      if (this.pushOn) {
        await unsubscribePush(m.http, m.bookingId).catch(() => undefined);
        this.pushOn = false;
        this.toast(say('toast.push.ended'), 'info');
        return;
      }
      this.pushOn = await subscribePush(m.http, m.config, m.bookingId).catch(() => false);
      this.toast(say(this.pushOn ? 'toast.push.on' : 'toast.push.off'), this.pushOn ? 'good' : 'warn');
    },
    toast(text: string, tone: string): void {
      const el = document.createElement('div');
      el.className = 'toast';
      el.dataset.tone = tone;
      el.textContent = text;
      const box = this.$refs.toasts!;
      // Each has a place of its own until it goes, so that none moves while it is read.
      const taken = new Map([...box.children].map((other) => [(other as HTMLElement).dataset.slot, other]));
      const slot =
        ['0', '1', '2'].find((name) => !taken.has(name)) ?? (box.firstElementChild as HTMLElement).dataset.slot!;
      taken.get(slot)?.remove();
      el.dataset.slot = slot;
      box.append(el);
      this.announcement = text;
      if (['good', 'warn', 'danger'].includes(tone)) play(tone as Tune);
      setTimeout(() => el.classList.add('leaving'), 5_000);
      setTimeout(() => el.remove(), 5_500);
    },

    showDeck(deck: string): void {
      this.deck = deck;
      const decks = this.$refs.decks!;
      const el = decks.querySelector<HTMLElement>(`[data-deck="${deck}"]`);
      if (!el || decks.scrollWidth <= decks.clientWidth + 4) return;
      // A view is read from its top.
      const above = decks.getBoundingClientRect().top - m.root!.querySelector('.tabs')!.clientHeight - 8;
      if (above < 0) scrollBy({ top: above });
      decks.scrollTo({
        left: el.offsetLeft - decks.offsetLeft,
        behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
      });
    },
    decksScrolled(): void {
      const decks = this.$refs.decks!;
      const at = Math.round(decks.scrollLeft / Math.max(1, decks.clientWidth));
      this.deck = ['live', 'gear', 'sky'][at] ?? 'live';
    },

    key(event: KeyboardEvent): void {
      const target = event.target as HTMLElement;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        target.closest('input, textarea, select, [contenteditable]')
      )
        return;
      if (document.querySelector('dialog[open]') && event.key !== '?') return;
      if (document.querySelector('.driver-active')) return;
      switch (event.key.toLowerCase()) {
        case ' ':
          if (target.closest('button, a, summary')) return;
          event.preventDefault();
          if (this.busy) return;
          if (this.view.paused && this.view.canResume) void this.resumeSequence();
          else if (this.view.canPause) void this.pauseSequence();
          return;
        case 'r':
          void this.refresh();
          return;
        case 'a':
          this.askAbort();
          return;
        case 'p':
          this.showPreview = !this.showPreview;
          return;
        case 'l':
          this.showLogs = !this.showLogs;
          return;
        case 'f':
          this.fullscreen();
          return;
        case 'n':
          prefs.night = !prefs.night;
          document.documentElement.toggleAttribute('data-night', prefs.night);
          document.dispatchEvent(new CustomEvent('nocturne:prefs'));
          return;
        case '?':
          this.openHelp();
      }
    },
  });
}

/** Field by field; what has not changed keeps its object, and with it what the page shows of it. */
const same = (a: Tile, b: Tile | undefined): boolean =>
  b !== undefined && (Object.keys(a) as (keyof Tile)[]).every((key) => a[key] === b[key]);
const unit = (value: string, name: string): string => (value === UNKNOWN ? value : `${value} ${name}`);
const resolve = (http: Http | null, url: string | null | undefined): string =>
  url ? (url.startsWith('/') && http ? http.url(url) : url) : '';

function logNode(line: LogLine, zone: string | undefined): HTMLElement {
  const p = document.createElement('p');
  p.dataset.level = line.level;
  const time = document.createElement('time');
  time.dateTime = line.at;
  time.dataset.item = 'log-time';
  time.textContent = clock(line.at, prefs.locale, zone);
  const text = document.createElement('span');
  text.textContent = prefs.locale === 'fr' ? (line.message_fr ?? line.message) : line.message;
  p.append(time, text);
  return p;
}
