import { setTimeout as sleep } from 'node:timers/promises';
import type { Booking } from '../domain/contracts/booking.ts';
import { FINAL_PHASES } from '../domain/phases.ts';
import { midnightLongitudeDegrees } from '../domain/sky.ts';
import { ApiError, type ApiClient } from './api-client.ts';
import { highTarget } from './targets.ts';

/** Twenty minutes of eight-second frames through four filters; a frame lands about every 9 s. */
const SLOT_SECONDS = 20 * 60;
const EXPOSURE_SECONDS = 6;
const FILTERS = ['L', 'R', 'G', 'B'];
/** Times through the filters, so that each colour comes early. */
const ROUNDS = 3;
const LEAST_LEFT_SECONDS = 120;

export const DEMO_TELESCOPE = {
  id: 'demo',
  name: 'Demo observatory',
  policy: {
    prepare_lead: 60,
    check_interval: 15,
    turnaround_minutes: 0,
    minimum_useful_seconds: 30,
    grace_seconds: 20,
  },
  weather: { resume_debounce_seconds: 20 },
  credits_per_hour: 60,
} as const;

export interface DemoBooking {
  id: string;
  token: string;
  controlUrl: string;
}

/** Keeps one demo booking running: takes up one that still has time left, else replaces it, and begins the next when one ends. */
export class Demo {
  private readonly api: ApiClient;
  private readonly report: (line: string) => void;
  private readonly onBooking: (booking: DemoBooking) => void;
  private readonly signal: AbortSignal;
  constructor(
    api: ApiClient,
    report: (line: string) => void,
    onBooking: (booking: DemoBooking) => void,
    signal: AbortSignal,
  ) {
    this.api = api;
    this.report = report;
    this.onBooking = onBooking;
    this.signal = signal;
  }

  async run(): Promise<void> {
    let id = await this.unfinished();
    while (!this.signal.aborted) {
      try {
        id ??= await this.book();
        await this.until(id, (b) => b.phase === 'running' || isOver(b));
        const token = await this.api.call<{ token: string; control_url: string | null }>('POST', '/api/tokens', {
          kind: 'booking',
          subject: id,
        });
        this.onBooking({ id, token: token.token, controlUrl: token.control_url ?? '' });
        const ended = await this.until(id, isOver);
        this.report(`Demo booking ${id} ended: ${ended.outcome ?? ended.phase}, ${ended.images_captured} frames.`);
        id = null;
      } catch (thrown) {
        if (this.signal.aborted) return;
        this.report(`Demo: ${(thrown as Error).message}; trying again.`);
        await sleep(3_000, undefined, { signal: this.signal }).catch(() => undefined);
      }
    }
  }

  /** A demo booking of an earlier start: resumed when enough of its slot is left, else stopped. */
  private async unfinished(): Promise<string | null> {
    const page = await this.api.call<{ data: Booking[] }>('GET', '/api/bookings?telescope_id=demo&limit=20');
    for (const booking of page.data) {
      if (!booking.id.startsWith('demo-') || isOver(booking)) continue;
      if (booking.phase !== 'finalising' && Date.parse(booking.end) - Date.now() > LEAST_LEFT_SECONDS * 1000) {
        this.report(`Taking up demo booking ${booking.id}, which ends at ${booking.end}.`);
        return booking.id;
      }
      if (booking.phase !== 'finalising')
        await this.api
          .call('POST', `/api/bookings/${booking.id}/abort`, {}, { 'Idempotency-Key': `replace-${booking.id}` })
          .catch(() => undefined);
      await this.until(booking.id, isOver).catch(() => undefined);
    }
    return null;
  }

  private async book(): Promise<string> {
    const start = Date.now();
    const end = start + SLOT_SECONDS * 1000;
    const telescope = await this.api.call<{
      site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
    }>('GET', '/api/telescopes/demo');
    const site = telescope.site ?? {
      latitude_degrees: 45,
      longitude_degrees: midnightLongitudeDegrees(start),
      elevation_meters: 0,
    };
    const id = `demo-${new Date(start).toISOString().replace(/\D/g, '').slice(0, 14)}`;
    const target = highTarget(site, start, end);
    const quantity = Math.floor(SLOT_SECONDS / (EXPOSURE_SECONDS + 2) / FILTERS.length / ROUNDS);
    await this.api.call('PUT', `/api/bookings/${id}`, {
      telescope_id: 'demo',
      start: new Date(start).toISOString(),
      end: new Date(end).toISOString(),
      user: { ref: 'demo-guest', display_name: 'Demo Guest', locale: 'en' },
      target,
      shots: Array.from({ length: ROUNDS }, () =>
        FILTERS.map((filter) => ({ filter, exposure_seconds: EXPOSURE_SECONDS, quantity })),
      ).flat(),
      credits: { charged: 20 },
    });
    this.report(`Demo booking ${id}: ${target.name}, ${SLOT_SECONDS / 60} minutes.`);
    return id;
  }

  private async until(id: string, done: (booking: Booking) => boolean): Promise<Booking> {
    for (;;) {
      try {
        const booking = await this.api.call<Booking>('GET', `/api/bookings/${id}`);
        if (done(booking)) return booking;
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.status === 404) throw thrown;
      }
      await sleep(500, undefined, { signal: this.signal });
    }
  }
}
const isOver = (booking: Booking): boolean => (FINAL_PHASES as readonly string[]).includes(booking.phase);
