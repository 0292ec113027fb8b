import Echo from 'laravel-echo';
import Pusher, { type Channel } from 'pusher-js';
import { EVENT_TYPES, isVolatile } from '../../../domain/event-types.ts';
import { ChannelAuth } from './channel-auth.ts';
import { isDenied, type Http, type PageConfig } from './http.ts';
import { Meanwhile } from './meanwhile.ts';
import { SessionQuestions } from './questions.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Event, Link, Snapshot, Source, SourceHandlers } from './types.ts';

/** Without live data for this long the snapshot is polled instead. */
const DEAF_GRACE_MS = 10_000;
const POLL_MS = 10_000;
/** The server sends a snapshot every 10 s on the state channel; when nothing at all comes for this long, the page does not hear. */
const HEARS_WITHIN_MS = 25_000;
/** A socket that stands but brings nothing is made anew, at most this often. */
const RENEW_MS = 30_000;
/** A timer that comes this late has slept: the laptop's lid was closed. */
const SLEPT_MS = 20_000;

/** Stored events behind the last one seen. */
interface Missed {
  data: Event[];
  meta: { epoch: number; complete: boolean };
}

/** The session behind a booking's token: snapshot on joining, changes over the socket, gaps repaired by `events?after=`. */
export class LiveSource extends SessionQuestions implements Source {
  readonly demo = false;
  private readonly config: PageConfig;
  private readonly id: string;
  private handlers: SourceHandlers | null = null;
  private echo: Echo<'reverb'> | null = null;
  private watched: string | null = null;
  private seq: number | null = null;
  private epoch = 0;
  private repairing: Promise<void> | null = null;
  private repairAgain = false;
  private readonly meanwhile = new Meanwhile();
  /** Events that were read are being handed on. */
  private handing = false;
  private link: Link = 'connecting';
  private subscriptions: Subscriptions | null = null;
  private channels: Channel[] = [];
  private heardMs = 0;
  private deafSinceMs = Date.now();
  private renewedMs = Date.now();
  private lastPollMs = 0;
  private lastTickMs = Date.now();
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly aborter = new AbortController();

  constructor(http: Http, config: PageConfig, bookingId: string) {
    super(http, bookingId);
    this.config = config;
    this.id = bookingId;
  }

  async connect(handlers: SourceHandlers): Promise<void> {
    this.handlers = handlers;
    this.timer = setInterval(() => this.tick(), 1_000);
    const { signal } = this.aborter;
    addEventListener('online', () => this.wake(), { signal });
    addEventListener('offline', () => this.cutOff(), { signal });
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void this.repair(), {
      signal,
    });
    this.openSocket();
    await this.takeSnapshot().catch((thrown: unknown) => {
      if (isDenied(thrown)) this.setLink('denied');
      throw thrown;
    });
  }
  stop(): void {
    this.aborter.abort();
    if (this.timer) clearInterval(this.timer);
    this.subscriptions?.stop();
    this.echo?.disconnect();
  }

  private openSocket(): void {
    const secure = new URL(this.http.url('/'), location.href).protocol === 'https:';
    const host = new URL(this.http.url('/'), location.href);
    const port = Number(host.port || (secure ? 443 : 80));
    const auth = new ChannelAuth(this.http);
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
      channelAuthorization: { customHandler: auth.handler },
      activityTimeout: 20_000,
      pongTimeout: 8_000,
      unavailableTimeout: 8_000,
    });
    this.echo = echo;
    const { pusher } = echo.connector as unknown as { pusher: Pusher };
    pusher.connection.bind('state_change', () => this.judge());
    this.subscriptions = new Subscriptions(
      pusher,
      () => this.judge(),
      (channel) => auth.statusOf(channel),
    );
    const session = echo.private(`session.${this.id}`);
    for (const name of EVENT_TYPES) session.listen(`.${name}`, (event: Event) => this.take(event));
    const state = echo.private(`cache-session.${this.id}.state`);
    state.listen('.session.snapshot', (snapshot: Snapshot) => {
      this.hear();
      this.meanwhile.bring(snapshot);
      this.takeState(snapshot, false);
    });
    this.channels = [session, state].map((channel) => (channel as unknown as { subscription: Channel }).subscription);
    for (const channel of this.channels) {
      channel.bind('pusher:subscription_succeeded', () => this.hear());
      // Whether the token is refused or only this question was, the repair tells.
      this.subscriptions.keep(channel, () => {
        void this.repair();
        return this.link !== 'denied';
      });
    }
    session.subscribed(() => void this.repair());
  }

  /** The browser says that its network is gone: nothing heard before counts. */
  private cutOff(): void {
    this.heardMs = 0;
    this.deafSinceMs = Date.now();
    this.setLink('offline');
  }
  /** Something came in by the socket. */
  private hear(): void {
    this.heardMs = Date.now();
    this.judge();
  }
  /** "Live" is said only while both channels are subscribed and something comes in by them. */
  private judge(): void {
    const hears = this.subscriptions!.have(...this.channels) && Date.now() - this.heardMs < HEARS_WITHIN_MS;
    if (hears) {
      this.setLink('live');
      return;
    }
    if (this.link !== 'live') return;
    this.deafSinceMs = Date.now();
    this.setLink(navigator.onLine ? 'connecting' : 'offline');
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
    this.judge();
    if (this.link === 'live' || this.link === 'denied') return;
    if (now - this.deafSinceMs < DEAF_GRACE_MS) return;
    if (this.subscriptions!.have(...this.channels) && now - this.renewedMs >= RENEW_MS) this.renew();
    if (now - this.lastPollMs < POLL_MS) return;
    this.lastPollMs = now;
    void this.repair();
  }
  /** After sleep or a lost network the socket may look alive and be dead: a new one is opened and everything missed is read. */
  private wake(): void {
    this.renew();
    void this.repair();
  }
  private renew(): void {
    this.renewedMs = Date.now();
    const { pusher } = this.echo!.connector as unknown as { pusher: Pusher };
    pusher.disconnect();
    pusher.connect();
  }

  private take(event: Event): void {
    this.hear();
    if (isVolatile(event.type)) {
      this.handlers?.event(event);
      if (this.seq !== null && event.epoch === this.epoch && event.seq > this.seq) this.behind(event.seq);
      return;
    }
    if (this.seq === null || event.epoch !== this.epoch) {
      void this.repair();
      return;
    }
    if (event.seq > this.seq + 1) {
      this.behind(event.seq);
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
    } else if (!repaired && snapshot.seq > this.seq) this.behind(snapshot.seq);
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
    const presence = this.echo
      .join(`telescope.${telescopeId}`)
      .here((members: unknown[]) => tell(members.length))
      .joining(() => tell(count + 1))
      .leaving(() => tell(count - 1));
    this.subscriptions!.keep(
      (presence as unknown as { subscription: Channel }).subscription,
      (status) => status !== 401 && status !== 403,
    );
  }
  private async takeSnapshot(): Promise<void> {
    this.takeState(await this.http.get<Snapshot>(`${this.base}/snapshot`), true);
  }
  /** There are events up to `seq` that this page has not seen; a repair that is under way may yet bring them. */
  private behind(seq: number): void {
    if (this.repairing) this.meanwhile.hear(seq);
    else void this.repair();
  }
  /** Reads every stored event after the last one seen, then the snapshot where the socket has not brought it. One at a time. */
  private async repair(): Promise<void> {
    if (this.link === 'denied') return;
    if (this.repairing) {
      this.repairAgain = true;
      await this.repairing;
      return;
    }
    this.repairing = this.readMissed()
      .then(() => this.polled(true))
      .catch((thrown: unknown) => (isDenied(thrown) ? this.setLink('denied') : this.polled(false)))
      .finally(() => {
        this.repairing = null;
        const again = this.repairAgain || this.meanwhile.isAhead(this.seq);
        this.repairAgain = false;
        if (again) void this.repair();
      });
    await this.repairing;
  }
  /** Without the socket the page is as good as its last question. */
  private polled(answered: boolean): void {
    if (this.link === 'live' || Date.now() - this.deafSinceMs < DEAF_GRACE_MS) return;
    // What the browser thinks of its network is a guess: an answer of the server counts for more.
    if (answered) this.setLink('polling');
    else this.setLink(navigator.onLine ? 'lost' : 'offline');
  }
  private async readMissed(): Promise<void> {
    this.meanwhile.begin();
    while (this.seq !== null) {
      const page: Missed = await this.http.get<Missed>(`${this.base}/events?after=${this.seq}&limit=200`);
      if (page.meta.epoch !== this.epoch) {
        this.seq = null;
        break;
      }
      this.hand(page.data);
      if (page.data.length === 0 || (page.meta.complete && !this.meanwhile.isAhead(this.seq))) break;
    }
    const brought = this.meanwhile.snapshotOf(this.epoch, this.seq);
    if (brought) this.takeState(brought, true);
    else await this.takeSnapshot();
  }
  /** Stored events that were read. */
  private hand(events: readonly Event[]): void {
    this.handing = true;
    try {
      for (const event of events) {
        // The socket may have brought it while the answer was under way.
        if (event.seq <= this.seq!) continue;
        this.seq = event.seq;
        this.handlers?.event(event);
      }
    } finally {
      this.handing = false;
    }
  }

  async refresh(): Promise<void> {
    // What an event that is being read asks for, the snapshot behind it answers.
    if (!this.handing) await this.repair();
  }
}
