import type { NocturneClient, Event, Snapshot } from './nocturne.ts';

/** As much of a Pusher channel as this client uses; one of pusher-js or of Echo's `subscription` fits. */
export interface Channel {
  bind(event: string, callback: (data: never) => void): unknown;
  unbind(event: string, callback: (data: never) => void): unknown;
}
export interface SessionStreamOptions {
  client: Pick<NocturneClient, 'getSnapshot' | 'listEvents'>;
  bookingId: string;
  /** `private-session.{id}`, subscribed. */
  channel: Channel;
  onSnapshot?: (snapshot: Snapshot) => void;
  /** Each event once and in order; those that pass (`rev`) come as they come. */
  onEvent: (event: Event) => void;
  /** What could not be read; it is tried again. */
  onError?: (thrown: unknown) => void;
  /** Milliseconds between attempts to read what is missing. */
  retryMs?: number;
}

const TYPES = [
  'control.updated',
  'shot.progress',
  'preview.ready',
  'image.captured',
  'image.measured',
  'plan.progress',
  'session.changed',
  'receipt.changed',
  'weather.alert',
  'error.alert',
  'log.appended',
] as const satisfies readonly Event['type'][];

/**
 * Follows a session without loss: joins with a snapshot, hands on each stored event once and in the order of `seq`, and reads from the API what a lost
 * socket missed. A new `epoch` begins from a snapshot again.
 */
export class SessionStream {
  private readonly options: SessionStreamOptions;
  private seq = -1;
  private epoch: number | null = null;
  private waiting: Event[] = [];
  private reading: Promise<void> | null = null;
  private again = false;
  private stopped = false;
  private readonly bound: [string, (data: never) => void][] = [];

  constructor(options: SessionStreamOptions) {
    this.options = options;
  }

  /** Listens, then takes the snapshot, so that nothing falls between. */
  async start(): Promise<void> {
    const bind = (name: string, callback: (data: never) => void): void => {
      this.options.channel.bind(name, callback);
      this.bound.push([name, callback]);
    };
    for (const type of TYPES) bind(type, (event: Event) => this.take(event));
    // pusher-js says this each time the channel is joined: after a lost socket something may be missing.
    bind('pusher:subscription_succeeded', () => void this.repair());
    await this.repair();
  }

  stop(): void {
    this.stopped = true;
    for (const [name, callback] of this.bound.splice(0)) this.options.channel.unbind(name, callback);
  }

  private take(event: Event): void {
    if (this.stopped) return;
    if (event.rev !== undefined) {
      if (this.epoch !== null) this.options.onEvent(event);
      return;
    }
    this.waiting.push(event);
    if (this.reading === null) this.hand();
  }

  /** Hands on what is next in line; a gap or a new epoch is read first. What is still missing after a reading is not there: it is not waited for. */
  private hand(afterReading = false): void {
    const events = this.waiting.splice(0).sort((a, b) => a.seq - b.seq);
    for (const [i, event] of events.entries()) {
      const known = event.epoch === this.epoch;
      if (known && event.seq <= this.seq) continue;
      if (!known || (event.seq > this.seq + 1 && !afterReading)) {
        this.waiting = events.slice(i);
        void this.repair();
        return;
      }
      this.seq = event.seq;
      this.options.onEvent(event);
    }
  }

  /** One reading at a time; asked for during one, it is done once more. */
  private repair(): Promise<void> {
    this.again = this.reading !== null;
    this.reading ??= this.read().finally(() => {
      this.reading = null;
      if (this.stopped) return;
      if (this.again) void this.repair();
      else this.hand(true);
    });
    return this.reading;
  }

  private async read(): Promise<void> {
    while (!this.stopped) {
      try {
        const changed = this.waiting.some((event) => event.epoch !== this.epoch);
        await (this.epoch === null || changed ? this.rejoin() : this.readGap());
        return;
      } catch (thrown) {
        this.options.onError?.(thrown);
        await new Promise((resolve) => setTimeout(resolve, this.options.retryMs ?? 2_000));
      }
    }
  }

  private async rejoin(): Promise<void> {
    const snapshot = await this.options.client.getSnapshot(this.options.bookingId);
    this.seq = snapshot.seq;
    this.epoch = snapshot.epoch;
    this.waiting = this.waiting.filter((event) => event.epoch === this.epoch);
    this.options.onSnapshot?.(snapshot);
  }

  private async readGap(): Promise<void> {
    for (let complete = false; !complete && !this.stopped; ) {
      const page = await this.options.client.listEvents(this.options.bookingId, { after: this.seq, limit: 200 });
      for (const event of page.data) {
        if (event.epoch !== this.epoch) return this.rejoin();
        if (event.seq <= this.seq) continue;
        this.seq = event.seq;
        this.options.onEvent(event);
      }
      complete = page.meta.complete || page.data.length === 0;
    }
  }
}
