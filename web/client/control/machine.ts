import type { Http, PageConfig } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary, LogLine, SessionStats, Snapshot, Source, TelescopeState } from '../core/types.ts';
import { buildView, type View } from './view.ts';

/** How the component is set up; all optional on our own pages, `bookingId`, `token` and `baseUrl` when embedded. */
export interface TelescopeControlOptions {
  bookingId?: string;
  token?: string;
  /** Origin of the API when the page comes from another one. */
  baseUrl?: string;
  demo?: boolean;
  locale?: 'fr' | 'en';
}

/** What the page knows and must stay outside Alpine's proxies: the session's data, its source, timers. */
export class Machine {
  /** Alpine's reactivity leaves such an object alone. */
  readonly __v_skip = true;
  root: HTMLElement | null = null;
  bookingId = '';
  source: Source | null = null;
  http: Http | null = null;
  config: PageConfig | null = null;
  snapshot: Snapshot | null = null;
  telescope: TelescopeState | null = null;
  telescopeAtMs = Date.now();
  stats: SessionStats | null = null;
  statsAtMs: number | null = null;
  statsDue = false;
  /** How far the server's clock is ahead of the page's. */
  offsetMs = 0;
  /** The newest first. */
  images: ImageSummary[] = [];
  /** The newest last. */
  logs: LogLine[] = [];
  lastBinning: number | null = null;
  /** The animation frame in which the page will be painted; 0 when nothing has changed. */
  frame = 0;
  readonly timers: ReturnType<typeof setInterval>[] = [];
  readonly aborter = new AbortController();

  constructor(readonly options: TelescopeControlOptions) {}

  /** The server's time. */
  get nowMs(): number {
    return Date.now() + this.offsetMs;
  }
  /** IANA name of the zone in which times are shown; the viewer's own when undefined. */
  readonly zone = (): string | undefined => (prefs.zone === 'site' ? this.snapshot?.timezone : undefined);

  /** The address of something that the API named, from wherever this page comes. */
  url(path: string | null | undefined): string {
    if (!path) return '';
    return path.startsWith('/') && this.http ? this.http.url(path) : path;
  }

  view(): View {
    return buildView({
      snapshot: this.snapshot,
      telescope: this.telescope,
      telescopeAtMs: this.telescopeAtMs,
      stats: this.stats,
      nowMs: this.nowMs,
      pageNowMs: Date.now(),
      locale: prefs.locale,
      zone: prefs.zone,
      lastBinning: this.lastBinning,
      last: { frame: this.images[0] ?? null, log: this.logs.at(-1)?.at ?? null, statsAtMs: this.statsAtMs },
    });
  }
}
