import { bookingInAddress, sessionAccess } from '../core/access.ts';
import { unwatched } from '../core/alpine.ts';
import { Http } from '../core/http.ts';
import { makeInstallable } from '../core/install.ts';
import { LiveSource } from '../core/live.ts';
import { joined } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { tabKeep } from '../core/storage.ts';
import type { Event, Snapshot, Source } from '../core/types.ts';
import { reasonIn, say } from '../i18n/index.ts';
import { translateTree } from '../i18n/tree.ts';
import { DemoSource } from './demo.ts';
import { Machine, type TelescopeControlOptions } from './machine.ts';
import { MARKUP, SECTIONS } from './page.ts';
import { section, type AnySection, type Brings } from './section.ts';
import { refresh, type View } from './view.ts';

export type { TelescopeControlOptions };

const RETRY_MS = 5_000;
/** After this long the page shows itself without the first state. */
const ARRIVAL_MS = 3_000;
/** What this page has of the telescope for longer than that gives way to whatever comes. */
const OWN_STATE_MS = 5_000;

/** The page's way from nothing to a night that is watched: found, joined, read, and then told of each change. */
const session = section({
  state: () => ({ demo: false }),
  methods: {
    init(): void {
      const root = (this.m.root = this.$root);
      root.classList.add('telescope-control');
      root.setAttribute('data-arriving', '');
      this.m.timers.push(setTimeout(() => this.arrived(), ARRIVAL_MS));
      if (!root.querySelector('[data-section]')) root.innerHTML = MARKUP;
      translateTree(root, prefs.locale);
      // Alpine has not seen the elements yet.
      this.$nextTick(() => requestAnimationFrame(() => this.start()));
    },
    start(): void {
      const { m } = this;
      m.bookingId = m.options.bookingId ?? bookingInAddress();
      for (const one of this.parts) one.turns?.begin?.call(this);
      document.addEventListener('nocturne:prefs', () => this.restyle(), { signal: m.aborter.signal });
      this.startPolling();
      void this.connectWebSocket();
    },
    arrived(): void {
      this.m.root?.removeAttribute('data-arriving');
    },
    destroy(): void {
      const { m } = this;
      m.source?.stop();
      m.aborter.abort();
      for (const one of this.parts) one.turns?.end?.call(this);
      cancelAnimationFrame(m.frame);
      for (const timer of m.timers) clearInterval(timer);
    },
    /** Finds the key, the server and its stream; the demo brings its own. */
    async connectWebSocket(): Promise<void> {
      const { m } = this;
      const { token, baseUrl } = m.options;
      const access = token || this.demo ? null : await sessionAccess(m.bookingId);
      if (access?.viewOnly) this.toast(say('toast.viewOnly'), 'info');
      const http = (m.http = new Http(token ?? access?.token ?? null, baseUrl));
      const elsewhere = new URL(http.url('/'), location.href).origin !== location.origin;
      const key = (elsewhere || !tabKeep.lasts) && http.token ? `#token=${http.token}` : '';
      this.reportUrl = http.url(`/report/${encodeURIComponent(m.bookingId)}`) + key;
      [this.helpUrl, this.bookUrl, this.demoUrl] = [http.url('/help'), http.url('/book'), http.url('/demo')];
      await this.find(http);
    },
    /** Where the server does not answer, says so and tries again. */
    async find(http: Http): Promise<void> {
      const { m } = this;
      try {
        m.config = await http.config();
        this.fatal = '';
        for (const one of this.parts) one.turns?.found?.call(this, http, m.config);
        if (!this.demo) void makeInstallable(http, m.bookingId).catch(() => undefined);
      } catch {
        if (!this.demo) {
          this.fatal = say('ui.noServer');
          m.timers.push(setTimeout(() => void this.find(http), RETRY_MS));
          return;
        }
      }
      if (!this.demo && !http.token) this.closed(say('ui.noToken'), true);
      else await this.join(this.demo || !m.config ? new DemoSource() : new LiveSource(http, m.config, m.bookingId));
    },
    async join(source: Source): Promise<void> {
      this.m.source = source;
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
      this.tourOnce();
    },
    /** What stood before this page came: frames, log, figures, graphs. */
    async loadInitialData(): Promise<void> {
      const { source } = this.m;
      if (!source || this.connection === 'denied') return;
      const load = async <T>(asked: Promise<T>, take: (answer: T) => void): Promise<void> =>
        asked.then(take, () => undefined);
      await Promise.all([
        load(source.images(), ({ images }) => this.takeImages(images)),
        load(source.logs(), (end) => this.takeLogs(end)),
        load(source.stats(), (stats) => this.takeStats(stats)),
        load(source.history(), (history) => this.takeHistory(history)),
      ]);
      this.paint();
      await this.refreshPreview();
    },
    /** Clocks and ages once a second; the source itself asks again where the stream is silent. */
    startPolling(): void {
      this.m.timers.push(setInterval(() => this.tick(), 1_000));
    },
    tick(): void {
      if (document.visibilityState === 'hidden') return;
      this.paint();
      for (const one of this.parts) one.turns?.tick?.call(this);
    },
    takeSnapshot(snapshot: Snapshot): void {
      const { m } = this;
      m.root?.dispatchEvent(new CustomEvent('nocturne:snapshot', { detail: snapshot, bubbles: true }));
      const before = m.snapshot;
      m.offsetMs = Date.parse(snapshot.now) - Date.now();
      m.snapshot = snapshot;
      this.takeNewer(snapshot.telescope);
      if (before && before.phase !== snapshot.phase) this.sayPhase(snapshot);
      for (const one of this.parts) one.turns?.snapshot?.call(this, snapshot, before);
      this.paintSoon();
    },
    /** The stream may have brought a newer state of the telescope than the snapshot holds. */
    takeNewer(given: Snapshot['telescope']): void {
      const { telescope, telescopeAtMs } = this.m;
      if (!given) return;
      const isNewer = !telescope || given.epoch !== telescope.epoch || given.rev >= telescope.rev;
      if (isNewer || Date.now() - telescopeAtMs > OWN_STATE_MS) this.takeTelescope(given);
    },
    sayPhase({ phase, hold_cause: cause, reason }: Snapshot): void {
      const label = phase === 'holding' && cause ? say(`hold.${cause}`) : say(`phase.${phase}`);
      const tone = { holding: 'warn', failed: 'danger' }[phase as string] ?? 'good';
      this.toast(`${label} — ${reasonIn(prefs.locale, reason) || say(`phase.${phase}.say`)}`, tone);
    },
    handleRealtimeData(event: Event): void {
      const { m } = this;
      m.root?.dispatchEvent(new CustomEvent('nocturne:event', { detail: event, bubbles: true }));
      for (const one of this.parts) one.events?.[event.type]?.call(this, event.data as never);
      this.paintSoon();
    },
    /** At the next frame, once for however many events; a page that nobody sees is painted when it is seen again. */
    paintSoon(): void {
      if (this.m.frame === 0) this.m.frame = requestAnimationFrame(() => this.paint());
    },
    paint(): void {
      const { m } = this;
      cancelAnimationFrame(m.frame);
      m.frame = 0;
      const next: View = m.view();
      refresh(this.view, next);
      for (const one of this.parts) one.turns?.paint?.call(this, next);
    },
    restyle(): void {
      translateTree(this.m.root!, prefs.locale);
      for (const one of this.parts) one.turns?.restyle?.call(this);
      this.paint();
    },
  },
  events: {
    'session.changed'(): void {
      this.m.statsDue = true;
      void this.m.source?.refresh();
    },
  },
});

declare module './section.ts' {
  interface ControlPage extends Brings<typeof session> {}
}

/**
 * The Alpine component `telescopeControl`: the whole control page of a session. On an element without content it brings its own.
 * See docs/embedding.md.
 */
export function telescopeControl(options: TelescopeControlOptions = {}): object {
  if (options.locale) prefs.locale = options.locale;
  const m = new Machine(options);
  const parts: readonly AnySection[] = unwatched([session, ...SECTIONS]);
  return Object.assign(joined(parts), { m, parts, view: m.view(), demo: options.demo === true });
}
