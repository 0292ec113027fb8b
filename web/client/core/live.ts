import Echo from 'laravel-echo';
import Pusher from 'pusher-js';
import { ApiProblem, type Http, type PageConfig } from './http.ts';
import type {
  ControlName,
  Event,
  History,
  ImageSummary,
  Link,
  LogLine,
  Receipt,
  SessionStats,
  Snapshot,
  Source,
  SourceHandlers,
} from './types.ts';

const EVENT_NAMES = [
  'control.updated',
  'shot.progress',
  'preview.ready',
  'image.captured',
  'image.measured',
  'session.changed',
  'receipt.changed',
  'weather.alert',
  'error.alert',
  'log.appended',
] as const;
const VOLATILE = new Set<string>(['control.updated', 'shot.progress', 'preview.ready']);
/** Without a socket for this long the snapshot is polled instead. */
const SOCKET_GRACE_MS = 10_000;
const POLL_MS = 15_000;
/** A timer that comes this late has slept: the laptop's lid was closed. */
const SLEPT_MS = 20_000;

/** The session behind a booking's token: snapshot on joining, changes over the socket, gaps repaired by `events?after=`. */
export class LiveSource implements Source {
  readonly demo = false;
  private readonly http: Http;
  private readonly config: PageConfig;
  private readonly id: string;
  private readonly base: string;
  private handlers: SourceHandlers | null = null;
  private echo: Echo<'reverb'> | null = null;
  private watched: string | null = null;
  private seq: number | null = null;
  private access = '';
  private epoch = 0;
  private repairing: Promise<void> | null = null;
  private repairAgain = false;
  private link: Link = 'connecting';
  private socketUp = false;
  private socketDownSinceMs = Date.now();
  private lastPollMs = 0;
  private lastTickMs = Date.now();
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly aborter = new AbortController();

  constructor(http: Http, config: PageConfig, bookingId: string) {
    this.http = http;
    this.config = config;
    this.id = bookingId;
    this.base = `/api/bookings/${encodeURIComponent(bookingId)}`;
  }

  async connect(handlers: SourceHandlers): Promise<void> {
    this.handlers = handlers;
    this.timer = setInterval(() => this.tick(), 1_000);
    const { signal } = this.aborter;
    addEventListener('online', () => this.wake(), { signal });
    addEventListener('offline', () => this.setLink('offline'), { signal });
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void this.repair(), {
      signal,
    });
    this.openSocket();
    await this.takeSnapshot();
  }
  stop(): void {
    this.aborter.abort();
    if (this.timer) clearInterval(this.timer);
    this.echo?.disconnect();
  }

  private openSocket(): void {
    const secure = new URL(this.http.url('/'), location.href).protocol === 'https:';
    const host = new URL(this.http.url('/'), location.href);
    const port = Number(host.port || (secure ? 443 : 80));
    const echo = new Echo({
      broadcaster: 'reverb',
      Pusher,
      key: this.config.key,
      wsHost: host.hostname,
      wsPort: port,
      wssPort: port,
      wsPath: this.config.wsPath,
      forceTLS: secure,
      enabledTransports: ['ws', 'wss'],
      authEndpoint: this.http.url('/broadcasting/auth'),
      auth: { headers: this.http.headers() },
      activityTimeout: 20_000,
      pongTimeout: 8_000,
      unavailableTimeout: 8_000,
    });
    this.echo = echo;
    const connection = (echo.connector as unknown as { pusher: Pusher }).pusher.connection;
    connection.bind('state_change', ({ current }: { current: string }) => this.socketState(current === 'connected'));
    const session = echo.private(`session.${this.id}`);
    for (const name of EVENT_NAMES) session.listen(`.${name}`, (event: Event) => this.take(event));
    session.error((problem: { status?: number }) => {
      if (problem?.status === 401 || problem?.status === 403) this.setLink('denied');
    });
    session.subscribed(() => void this.repair());
    echo
      .private(`cache-session.${this.id}.state`)
      .listen('.session.snapshot', (snapshot: Snapshot) => this.takeState(snapshot, false));
  }

  private socketState(up: boolean): void {
    if (up === this.socketUp) return;
    this.socketUp = up;
    if (up) this.setLink('live');
    else {
      this.socketDownSinceMs = Date.now();
      if (this.link === 'live') this.setLink(navigator.onLine ? 'connecting' : 'offline');
    }
  }
  private setLink(link: Link): void {
    if (this.link === link || this.link === 'denied') return;
    this.link = link;
    this.handlers?.link(link);
  }

  private tick(): void {
    const now = Date.now();
    const slept = now - this.lastTickMs > SLEPT_MS;
    this.lastTickMs = now;
    if (slept) this.wake();
    if (this.socketUp || this.link === 'denied') return;
    if (!navigator.onLine) {
      this.setLink('offline');
      return;
    }
    if (now - this.socketDownSinceMs >= SOCKET_GRACE_MS) {
      this.setLink('polling');
      if (now - this.lastPollMs >= POLL_MS) {
        this.lastPollMs = now;
        void this.repair();
      }
    }
  }
  /** After sleep or a lost network the socket may look alive and be dead: a new one is opened and everything missed is read. */
  private wake(): void {
    const { pusher } = this.echo!.connector as unknown as { pusher: Pusher };
    pusher.disconnect();
    pusher.connect();
    void this.repair();
  }

  private take(event: Event): void {
    if (VOLATILE.has(event.type)) {
      this.handlers?.event(event);
      if (this.seq !== null && event.epoch === this.epoch && event.seq > this.seq) void this.repair();
      return;
    }
    if (this.seq === null || event.epoch !== this.epoch || event.seq > this.seq + 1) {
      void this.repair();
      return;
    }
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    this.handlers?.event(event);
  }

  private takeState(snapshot: Snapshot, repaired: boolean): void {
    if (this.seq === null || snapshot.epoch !== this.epoch) {
      this.seq = snapshot.seq;
      this.epoch = snapshot.epoch;
    } else if (!repaired && snapshot.seq > this.seq) void this.repair();
    this.access = snapshot.access_state;
    this.handlers?.snapshot(snapshot);
    this.countViewers(snapshot.telescope_id);
  }
  /** Joins the telescope's presence channel; where the token may not, the page shows no count. */
  private countViewers(telescopeId: string): void {
    if (this.watched === telescopeId || !this.echo) return;
    if (this.watched) this.echo.leave(`telescope.${this.watched}`);
    this.watched = telescopeId;
    let count = 0;
    const tell = (now: number): void => this.handlers?.viewers((count = Math.max(0, now)));
    this.echo
      .join(`telescope.${telescopeId}`)
      .here((members: unknown[]) => tell(members.length))
      .joining(() => tell(count + 1))
      .leaving(() => tell(count - 1))
      .error(() => undefined);
  }
  private async takeSnapshot(): Promise<void> {
    try {
      this.takeState(await this.http.get<Snapshot>(`${this.base}/snapshot`), true);
    } catch (thrown) {
      if (thrown instanceof ApiProblem && (thrown.status === 401 || thrown.status === 403)) this.setLink('denied');
      throw thrown;
    }
  }
  /** Reads every stored event after the last one seen, then the snapshot. One at a time. */
  private async repair(): Promise<void> {
    if (this.link === 'denied') return;
    if (this.repairing) {
      this.repairAgain = true;
      await this.repairing;
      return;
    }
    this.repairing = this.readMissed()
      .catch(() => undefined)
      .finally(() => {
        this.repairing = null;
        if (this.repairAgain) {
          this.repairAgain = false;
          void this.repair();
        }
      });
    await this.repairing;
  }
  private async readMissed(): Promise<void> {
    if (this.seq !== null) {
      for (let complete = false; !complete;) {
        const page: { data: Event[]; meta: { epoch: number; last_seq: number; complete: boolean } } =
          await this.http.get<{
            data: Event[];
            meta: { epoch: number; last_seq: number; complete: boolean };
          }>(`${this.base}/events?after=${this.seq}&limit=200`);
        if (page.meta.epoch !== this.epoch) {
          this.seq = null;
          break;
        }
        for (const event of page.data) {
          // The socket may have brought it while the answer was under way.
          if (event.seq <= this.seq) continue;
          this.seq = event.seq;
          this.handlers?.event(event);
        }
        complete = page.meta.complete || page.data.length === 0;
      }
    }
    await this.takeSnapshot();
  }

  async refresh(): Promise<void> {
    await this.repair();
  }
  async images(): Promise<{ images: ImageSummary[] }> {
    const page = await this.http.get<{ data: ImageSummary[] }>(`${this.base}/images?per_page=20&order=newest`);
    return { images: page.data };
  }
  async logs(): Promise<LogLine[]> {
    const page = await this.http.get<{ data: LogLine[] }>(`${this.base}/logs?per_page=100&order=newest`);
    return page.data.reverse();
  }
  async allLogs(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for await (const page of this.http.pages<LogLine>(`${this.base}/logs?per_page=100&order=oldest`))
      lines.push(...page);
    return lines;
  }
  async stats(): Promise<SessionStats> {
    return this.http.get<SessionStats>(`${this.base}/stats`);
  }
  /** The gateway's live series; after the session the stored telemetry. */
  async history(): Promise<History> {
    if (this.access === 'upcoming') return {};
    return this.access === 'active' ? this.liveHistory().catch(() => this.storedHistory()) : this.storedHistory();
  }
  private async liveHistory(): Promise<History> {
    const live = await this.http.get<{ series: Record<string, { points: [number, number][] }> }>(
      `${this.base}/history`,
    );
    return Object.fromEntries(
      Object.entries(live.series).map(([name, { points }]) => [
        name,
        points.map(([ms, value]) => [ms / 1000, value] as [number, number]),
      ]),
    );
  }
  private async storedHistory(): Promise<History> {
    const stored = await this.http.get<{ t: number[]; series: Record<string, { mean: (number | null)[] }> }>(
      `${this.base}/telemetry`,
    );
    const names: Record<string, string> = {
      'focuser.position': 'focuser_position',
      'focuser.temperature': 'focuser_temperature',
      'guiding.x': 'guide_x',
      'guiding.y': 'guide_y',
      'guiding.rms': 'guiding_rms',
    };
    const history: History = {};
    for (const [name, { mean }] of Object.entries(stored.series)) {
      const points = mean
        .map((value, i) => [stored.t[i]!, value] as [number, number | null])
        .filter((p): p is [number, number] => p[1] !== null);
      if (points.length > 0) history[names[name] ?? name] = points;
    }
    return history;
  }
  async preview(): Promise<Blob | null> {
    try {
      return await this.http.blob(`${this.base}/preview.jpg`);
    } catch (thrown) {
      if (thrown instanceof ApiProblem && thrown.status === 404) return null;
      throw thrown;
    }
  }
  async command(kind: ControlName, key: string): Promise<Receipt> {
    return this.http.post<Receipt>(`${this.base}/${kind}`, {}, { 'idempotency-key': key });
  }
  async receipt(commandId: string): Promise<Receipt | null> {
    return this.http.get<Receipt>(`${this.base}/commands/${encodeURIComponent(commandId)}`);
  }
}
