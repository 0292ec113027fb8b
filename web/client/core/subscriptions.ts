import type Pusher from 'pusher-js';
import type { Channel } from 'pusher-js';

const FIRST_MS = 1_000;
const LAST_MS = 30_000;

/** Keeps channels subscribed: one that was refused is asked for again, later and later, for as long as its page is open. */
export class Subscriptions {
  private readonly kept = new Map<Channel, { failures: number; timer: ReturnType<typeof setTimeout> | null }>();
  constructor(
    private readonly pusher: Pusher,
    private readonly changed: () => void = () => undefined,
    /** The HTTP status of a refusal that the library does not tell. */
    private readonly statusOf: (channel: string) => number | undefined = () => undefined,
  ) {}

  /** @param refused is told each refusal with its HTTP status and answers whether to ask again. */
  keep(channel: Channel, refused: (status: number | undefined) => boolean = () => true): void {
    const state: { failures: number; timer: ReturnType<typeof setTimeout> | null } = { failures: 0, timer: null };
    this.kept.set(channel, state);
    channel.bind('pusher:subscription_succeeded', () => {
      state.failures = 0;
      this.changed();
    });
    channel.bind('pusher:subscription_error', (problem: { status?: number } | undefined) => {
      this.changed();
      if (!refused(problem?.status ?? this.statusOf(channel.name))) return;
      const pauseMs = Math.min(LAST_MS, FIRST_MS * 2 ** state.failures++);
      if (state.timer) clearTimeout(state.timer);
      // Many pages are refused at the same moment; they must not come back at the same moment.
      state.timer = setTimeout(() => this.again(channel), pauseMs * (0.75 + Math.random() / 2));
    });
  }
  drop(channel: Channel): void {
    const timer = this.kept.get(channel)?.timer;
    if (timer) clearTimeout(timer);
    this.kept.delete(channel);
  }
  /** Every one of these channels is subscribed at this moment. */
  have(...channels: Channel[]): boolean {
    return channels.length > 0 && channels.every((channel) => channel.subscribed);
  }
  stop(): void {
    for (const channel of this.kept.keys()) this.drop(channel);
  }
  private again(channel: Channel): void {
    if (channel.subscribed || !this.kept.has(channel)) return;
    // The server's own refusal leaves the library waiting for an answer that has come.
    channel.subscriptionPending = false;
    this.pusher.subscribe(channel.name);
  }
}
