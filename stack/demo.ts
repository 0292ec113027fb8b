import { setTimeout as sleep } from 'node:timers/promises';
import type { Booking } from '../domain/contracts/booking.ts';
import { DEMO_PREFIX, DEMO_USER } from '../domain/demo.ts';
import { FINAL_PHASES } from '../domain/phases.ts';
import { ApiError, type ApiClient } from './api-client.ts';
import { DEMO_ID, demoBody, roomFor } from './demo-slot.ts';

/** So much of an earlier demo's slot must be left for it to be taken up. */
const LEAST_LEFT_SECONDS = 120;
/** Somebody whose booking the demo has stepped aside for gets this long to send it again. */
const ASIDE_MS = 60_000;

export const DEMO_TELESCOPE = {
  id: DEMO_ID,
  name: 'Demo observatory',
  policy: {
    prepare_lead: 60,
    check_interval: 15,
    turnaround_minutes: 0,
    minimum_useful_seconds: 30,
    grace_seconds: 20,
  },
  weather: { resume_debounce_seconds: 5 },
  credits_per_hour: 60,
} as const;

export interface DemoBooking {
  id: string;
  token: string;
  controlUrl: string;
}
export interface DemoDeps {
  api: ApiClient;
  report: (line: string) => void;
  /** Once for each demo booking, when its page can be watched. */
  onBooking: (booking: DemoBooking) => void;
  /** After each that has ended. */
  onEnd?: () => Promise<void>;
  signal: AbortSignal;
}

/**
 * Keeps one demo booking running: takes up one that still has time left, else replaces it, and begins the next when one ends. It steps aside for
 * every other booking: it never begins where one stands, and ends its own where one is refused because of it.
 */
export class Demo {
  private current: string | null = null;
  private asideUntilMs = 0;
  private saidWaiting = '';
  constructor(private readonly deps: DemoDeps) {}

  async run(): Promise<void> {
    const { report, signal } = this.deps;
    this.current = await this.keepTrying(() => this.unfinished());
    while (!signal.aborted) {
      try {
        this.current ??= await this.book();
        if (this.current === null) {
          await sleep(2_000, undefined, { signal });
          continue;
        }
        await this.live(this.current);
        await this.deps.onEnd?.();
        this.current = null;
      } catch (thrown) {
        if (signal.aborted) return;
        report(`Demo: ${(thrown as Error).message}; trying again.`);
        if (thrown instanceof ApiError && thrown.status === 404) this.current = null;
        await sleep(3_000, undefined, { signal }).catch(() => undefined);
      }
    }
  }
  private async live(id: string): Promise<void> {
    const { api, report } = this.deps;
    await this.until(id, (b) => b.phase === 'running' || b.phase === 'holding' || isOver(b));
    const token = await api.call<{ token: string; control_url: string | null }>('POST', '/api/tokens', {
      kind: 'booking',
      subject: id,
    });
    this.deps.onBooking({ id, token: token.token, controlUrl: token.control_url ?? '' });
    const ended = await this.until(id, isOver);
    report(`Demo booking ${id} ended: ${ended.outcome ?? ended.phase}, ${ended.images_captured} frames.`);
  }

  /** Somebody wants the slot of this demo booking: it ends, and the next one waits for theirs. */
  async stepAside(id: string): Promise<void> {
    if (id !== this.current || Date.now() < this.asideUntilMs) return;
    this.asideUntilMs = Date.now() + ASIDE_MS;
    this.deps.report('Somebody else books this telescope now: the demo steps aside.');
    await this.end(id);
  }
  private async end(id: string): Promise<void> {
    await this.deps.api
      .call('POST', `/api/bookings/${id}/abort`, {}, { 'Idempotency-Key': `replace-${id}` })
      .catch(() => undefined);
  }

  /** A demo booking of an earlier start: resumed when enough of its slot is left, else stopped. */
  private async unfinished(): Promise<string | null> {
    const { api, report } = this.deps;
    const query = new URLSearchParams({
      telescope_id: DEMO_ID,
      user_ref: DEMO_USER,
      from: new Date(Date.now() - 3_600_000).toISOString(),
    });
    const page = await api.call<{ data: Booking[] }>('GET', `/api/bookings?${query.toString()}`);
    for (const booking of page.data) {
      if (!booking.id.startsWith(DEMO_PREFIX) || isOver(booking)) continue;
      if (booking.phase !== 'finalising' && Date.parse(booking.end) - Date.now() > LEAST_LEFT_SECONDS * 1000) {
        report(`Taking up demo booking ${booking.id}, which ends at ${booking.end}.`);
        return booking.id;
      }
      if (booking.phase !== 'finalising') await this.end(booking.id);
      await this.until(booking.id, isOver).catch(() => undefined);
    }
    return null;
  }

  /** The next demo booking, or null while the telescope is another's. */
  private async book(): Promise<string | null> {
    const { api, report } = this.deps;
    const start = Date.now();
    const room = await roomFor(api, start);
    if (room.endMs === null || start < this.asideUntilMs) {
      const why = room.takenBy === null ? '' : `The demo waits for ${room.takenBy}.`;
      if (why && why !== this.saidWaiting) report(why);
      this.saidWaiting = why;
      return null;
    }
    this.saidWaiting = '';
    const { id, body, said } = await demoBody(api, start, room.endMs);
    try {
      await api.call('PUT', `/api/bookings/${id}`, body);
    } catch (thrown) {
      // Another was faster: looked at again.
      if (thrown instanceof ApiError && thrown.status === 409) return null;
      throw thrown;
    }
    report(said);
    return id;
  }

  private async keepTrying<T>(what: () => Promise<T>): Promise<T | null> {
    while (!this.deps.signal.aborted) {
      try {
        return await what();
      } catch (thrown) {
        if (this.deps.signal.aborted) return null;
        this.deps.report(`Demo: ${(thrown as Error).message}; trying again.`);
        await sleep(3_000, undefined, { signal: this.deps.signal }).catch(() => undefined);
      }
    }
    return null;
  }
  private async until(id: string, done: (booking: Booking) => boolean): Promise<Booking> {
    for (;;) {
      try {
        const booking = await this.deps.api.call<Booking>('GET', `/api/bookings/${id}`);
        if (done(booking)) return booking;
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.status === 404) throw thrown;
      }
      await sleep(500, undefined, { signal: this.deps.signal });
    }
  }
}
const isOver = (booking: Booking): boolean => (FINAL_PHASES as readonly string[]).includes(booking.phase);
