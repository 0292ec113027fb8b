import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type Phase } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import type { ApiClient } from '../../stack/api-client.ts';
import { waitUntil } from '../../stack/supervisor.ts';
import { highTarget } from '../../stack/targets.ts';
import type { Observatory, Stage } from './stage.ts';
import { Viewer } from './viewers.ts';

const EXPOSURE_SECONDS = 20;
/** Exposure, download and dither of the simulator. */
const CYCLE_SECONDS = 22.5;
/** The preparation, the first slew and focus. */
const PREPARATION_SECONDS = 45;
/** Share of the rest of the slot that the plan fills: what the restarts cost has its place in what is left. */
const FILLED = 0.8;
const LEAD_SECONDS = 20;
const VIEWERS_EACH = 2;
/** Their guests stop them: a plan that no slot can hold keeps them under way until then, on a slow machine too. */
export const STOPPED = ['north-4', 'north-5', 'south-4', 'south-5'] as const;

export const bookingOf = ({ id }: Pick<Observatory, 'id'>): string => `night-${id}`;
export const shotsFor = (minutes: number): number =>
  Math.max(2, Math.floor(((minutes * 60 - PREPARATION_SECONDS) * FILLED) / CYCLE_SECONDS));

/** A booking for each telescope, all at the same hour. @returns when the slots begin and end */
export async function book(stage: Stage, api: ApiClient, minutes: number): Promise<{ startMs: number; endMs: number }> {
  const startMs = Math.ceil((Date.now() + LEAD_SECONDS * 1000) / 1000) * 1000;
  const endMs = startMs + minutes * 60_000;
  const most = Math.floor((minutes * 60) / EXPOSURE_SECONDS);
  for (const [n, one] of stage.observatories.entries()) {
    const shots = (STOPPED as readonly string[]).includes(one.id) ? most : shotsFor(minutes);
    const half = Math.floor(shots / 2);
    await api.call('PUT', `/api/bookings/${bookingOf(one)}`, {
      telescope_id: one.id,
      start: new Date(startMs).toISOString(),
      end: new Date(endMs).toISOString(),
      user: {
        ref: `guest-${n}`,
        display_name: `Guest ${n}`,
        email: `guest-${n}@example.org`,
        locale: n % 2 ? 'fr' : 'en',
      },
      target: highTarget({ elevation_meters: 0, ...one.telescope.site! }, startMs, endMs),
      shots: [
        { filter: 'L', exposure_seconds: EXPOSURE_SECONDS, quantity: shots - half },
        { filter: 'Ha', exposure_seconds: EXPOSURE_SECONDS, quantity: half },
      ],
      credits: { charged: 10 },
    });
  }
  return { startMs, endMs };
}

/** Two people for each session, each with the session's own token. */
export async function watch(stage: Stage, api: ApiClient): Promise<Viewer[]> {
  const viewers: Viewer[] = [];
  for (const one of stage.observatories) {
    const subject = bookingOf(one);
    const { token } = await api.call<{ token: string }>('POST', '/api/tokens', { kind: 'booking', subject });
    for (let n = 0; n < VIEWERS_EACH; n++)
      viewers.push(new Viewer(stage.url, stage.env.PUSHER_APP_KEY ?? 'nocturne', subject, token));
  }
  for (const viewer of viewers) viewer.open();
  return viewers;
}

/** Sessions that are under way, those of them of which a frame is known, and those that are over. */
export async function count(db: Database): Promise<{ running: number; over: number; imaging: number }> {
  const sessions = await db.session.findMany({ select: { phase: true, bookingId: true } });
  const frames = await db.frame.groupBy({ by: ['bookingId'], where: { bookingId: { not: null } } });
  const known = new Set(frames.map(({ bookingId }) => bookingId));
  const running = sessions.filter(({ phase }) => ['starting', 'running', 'holding'].includes(phase));
  return {
    running: running.length,
    imaging: running.filter(({ bookingId }) => known.has(bookingId)).length,
    over: sessions.filter(({ phase }) => isFinal(phase as Phase)).length,
  };
}

export const untilAllImage = (db: Database, sessions: number, startMs: number, endMs: number): Promise<void> =>
  waitUntil(
    `A first frame of each of ${sessions} sessions`,
    async () => (await count(db)).imaging === sessions,
    (endMs - startMs) / 2,
    'See the logs of gateways and workers.',
    500,
  );

/** Until every session is over and what the shop must hear was delivered; whoever does not come is found by the looks. */
export async function untilOver(db: Database, sessions: number, endMs: number): Promise<void> {
  for (const deadline = endMs + 300_000; Date.now() < deadline; await sleep(500)) {
    const { over } = await count(db).catch(() => ({ over: 0 }));
    if (over === sessions) break;
  }
  const open = { where: { channel: 'webhook', deliveredAt: null, deadAt: null } } as const;
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(500))
    if ((await db.outbox.count(open).catch(() => 1)) === 0) return;
}
