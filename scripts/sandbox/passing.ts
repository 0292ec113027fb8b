import type { Client } from '@temporalio/client';
import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { TimeSkippingServer } from '../../stack/time-skipping.ts';
import type { SandboxCamera } from './camera.ts';
import { anythingDue } from './busy.ts';
import { clock } from './clock.ts';
import type { SandboxDatabase } from './database.ts';
import type { SandboxGateway } from './gateway.ts';

const LOOK_EVERY_MS = 2_000;
/** While a slot runs, time passes in pieces of this length, and what the camera has taken is told after each. */
const PIECE_MS = 60_000;
/** A session may run on for so long after its slot: the stop is confirmed, frames are taken in. */
const AFTER_SLOT_MS = 600_000;
/** Work that time brings takes no longer on the machine's own clock. */
const SETTLED_WITHIN_MS = 60_000;
/** What is about to be delivered gets this long on the machine's own clock. */
const DELIVERY_MS = 4_000;
/** A booking that is not over so long after its slot does not end by time alone. */
export const OVER_WITHIN_MS = 6 * 3_600_000;

interface Parts {
  db: Database;
  database: SandboxDatabase;
  temporal: Client;
  server: TimeSkippingServer;
  camera: SandboxCamera;
  /** Until no worker does anything. */
  quiet: () => Promise<void>;
  gateway: SandboxGateway;
}

/** The one who lets time pass: Temporal's server leads, and the clocks of this process and of PostgreSQL follow. */
export class Passing {
  private queue: Promise<unknown> = Promise.resolve();
  /** Under way, or waiting for their turn. */
  private moves = 0;
  constructor(private readonly parts: Parts) {}

  /** Brings every clock up to an instant of Temporal's. */
  async reach(ms: number): Promise<void> {
    if (clock.reach(ms)) await this.parts.database.shift(clock.shiftMs);
  }
  /** Lets time pass until an instant, and waits until all that fell due has been done and delivered. One after the other. */
  until(ms: number): Promise<void> {
    return this.alone(() => this.passUntil(ms));
  }
  /** Lets time pass until a booking is over, `latestMs` at most. */
  untilOver(bookingId: string, latestMs: number): Promise<void> {
    return this.alone(() => this.passUntil(latestMs, () => this.isOver(bookingId)));
  }
  /** Between two moves time goes as the machine's does. @returns what ends it */
  goOn(logger: Logger): () => void {
    const timer = setInterval(() => {
      if (this.moves > 0) return;
      this.alone(() => this.look()).catch((thrown: unknown) => logger.warn({ err: toError(thrown) }, 'a look failed'));
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }
  /** The clocks are brought up, what was taken is told, and pages see how things stand. */
  private async look(): Promise<void> {
    const { server, camera, gateway } = this.parts;
    await this.reach(await server.nowMs());
    await camera.take(Date.now());
    gateway.show(Date.now());
  }
  private alone(work: () => Promise<void>): Promise<void> {
    this.moves += 1;
    const done = this.queue
      .catch(() => undefined)
      .then(work)
      .finally(() => (this.moves -= 1));
    this.queue = done;
    return done;
  }
  private async isOver(bookingId: string): Promise<boolean> {
    const session = await this.parts.db.session.findUnique({ where: { bookingId }, select: { phase: true } });
    return (FINAL_PHASES as readonly string[]).includes(session?.phase ?? '');
  }

  private async passUntil(ms: number, enough = async (): Promise<boolean> => false): Promise<void> {
    const { server, quiet } = this.parts;
    await this.settled();
    for (let now = await server.nowMs(); now < ms && !(await enough()); now = await server.nowMs()) {
      const end = (await this.pieceEnd(ms)) ?? ms;
      await server.pass(Math.max(1, Math.min(end, ms) - now));
      await this.reach(await server.nowMs());
      await this.look();
      await quiet();
    }
    await this.settled();
    await this.reach(await server.nowMs());
    await this.delivered();
  }
  /** Waits until all that is due at this instant has been done. @throws Error when that does not come */
  private async settled(): Promise<void> {
    const end = performance.now() + SETTLED_WITHIN_MS;
    do {
      if (performance.now() > end)
        throw new Error(`Sessions did not come to rest within ${SETTLED_WITHIN_MS / 1000} s.`);
      await this.parts.quiet();
    } while (await anythingDue(this.parts.db, this.parts.temporal));
  }
  /** Where a piece of time ends that must be passed before others: the next slot's start, or a little later within one; null: nothing is near. */
  private async pieceEnd(latestMs: number): Promise<number | null> {
    const now = Date.now();
    const next = await this.parts.db.booking.findFirst({
      where: {
        startsAt: { lt: new Date(latestMs) },
        endsAt: { gt: new Date(now - AFTER_SLOT_MS) },
        session: { phase: { notIn: [...FINAL_PHASES] } },
      },
      orderBy: { startsAt: 'asc' },
      select: { startsAt: true },
    });
    if (!next) return null;
    const start = next.startsAt.getTime();
    return start > now ? start : now + PIECE_MS;
  }

  /** Waits for what is due to go out, on the machine's clock and not for ever: a receiver that is down holds nobody up. */
  private async delivered(): Promise<void> {
    const end = performance.now() + DELIVERY_MS;
    while (performance.now() < end) {
      const due = await this.parts.db.outbox.count({
        where: { deliveredAt: null, deadAt: null, attempts: 0, nextAttemptAt: { lte: new Date() } },
      });
      const underWay = await this.parts.db.outbox.count({
        where: { deliveredAt: null, deadAt: null, attempts: 1, lastError: null },
      });
      if (due + underWay === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
