import { randomUUID } from 'node:crypto';
import { Prisma } from '../../prisma/client/client.ts';
import { BusListener, type BusMessage } from '../../platform/bus.ts';
import { toError } from '../../platform/errors.ts';
import { handOut, isHandedOut, sendGuestChat } from './handout.ts';
import { Mailer, sendLetter } from './mail.ts';
import { operatorWays, type OperatorWay } from './operators.ts';
import { failed, notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';
import { sendPush } from './push.ts';
import { postLaravel, webhookReceivers, type Receiver } from './webhook.ts';

export type { DeliveryDeps } from './outcome.ts';

/** One receiver's way out: slow or dead, it fills its own places and nobody else's. */
interface Lane {
  /** A channel, or with `.%` all that were handed out from one. */
  channel: string;
  /** Deliveries under way at most. */
  places: number;
  busy: Set<Promise<void>>;
  wake: (() => void) | null;
  woken: boolean;
}

const POLL_MS = 2_000;
const PLACES = { webhook: 16, email: 4, handOut: 4, push: 16, chat: 8, operator: 4 } as const;
/** A claim lasts this long; a process that dies in between leaves the row to the next one. */
const CLAIM_SECONDS = 60;
/** All work on a row ends before its claim does, so that nobody else begins it meanwhile. */
const WORK_MS = 45_000;
const COPY_AT_ONCE = 500;
const STRANGERS_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
/** Seconds before another try: 1, 2, 4 … at most ten minutes. */
export const backoffSeconds = (attempts: number): number => Math.min(600, 2 ** Math.min(attempts - 1, 10));

function wake(lane: Lane): void {
  lane.woken = true;
  lane.wake?.();
}
/** Rows of a lane. */
const inLane = (lane: Lane): Prisma.Sql =>
  lane.channel.endsWith('%') ? Prisma.sql`o.channel LIKE ${lane.channel}` : Prisma.sql`o.channel = ${lane.channel}`;

/**
 * Delivers the outbox: webhooks to Laravel (and further receivers), letters, push and chat messages to guests, alerts to operators. Each kind of receiver has a lane of its own; within
 * it a receiver's messages of a booking go in order, at least once (the id tells a repeat), with backoff, given up after 24 hours. Memory holds what is under way
 * and nothing else. Several workers may run it: rows are claimed with SKIP LOCKED.
 */
export class OutboxDelivery {
  private stopped = false;
  private listener: BusListener | null = null;
  private running: Promise<unknown> = Promise.resolve();
  private strangersAt = 0;
  private readonly receivers: Receiver[];
  private readonly lanes: Lane[];
  private readonly ways: OperatorWay[];
  private readonly mailer: Mailer;
  constructor(private readonly deps: DeliveryDeps) {
    this.receivers = webhookReceivers(deps.config);
    this.ways = operatorWays(deps.config);
    this.mailer = new Mailer(deps.config);
    const lane = (channel: string, places: number): Lane => ({
      channel,
      places,
      busy: new Set(),
      wake: null,
      woken: false,
    });
    this.lanes = [
      lane('webhook', PLACES.webhook),
      ...this.receivers.slice(1).map((receiver) => lane(receiver.channel, PLACES.webhook)),
      lane('email', PLACES.email),
      lane('push', PLACES.handOut),
      lane('chat', PLACES.handOut),
      lane('operator', PLACES.handOut),
      lane('push.%', PLACES.push),
      lane('chat.%', PLACES.chat),
      lane('operator.%', PLACES.operator),
    ];
  }

  /** Runs until `stop`; errors of the database are waited out. */
  async run(): Promise<void> {
    const { databaseUrl, logger } = this.deps;
    if (databaseUrl) {
      this.listener = new BusListener(databaseUrl, logger);
      this.listener.on('message', (message: BusMessage) => {
        if (message.kind === 'control' ? message.what === 'outbox' : message.kind === 'ref' || message.event.seq > 0)
          this.nudge();
      });
      void this.listener.start();
    }
    this.running = Promise.all(this.lanes.map((lane) => this.loop(lane)));
    await this.running;
  }
  async stop(): Promise<void> {
    this.stopped = true;
    this.nudge();
    await this.running;
    await this.listener?.stop();
    this.mailer.close();
  }
  private nudge(): void {
    for (const lane of this.lanes) wake(lane);
  }

  private async loop(lane: Lane): Promise<void> {
    while (!this.stopped) {
      lane.woken = false;
      try {
        if (lane.channel === 'webhook' && performance.now() >= this.strangersAt) await this.settleStrangers();
        if (lane.busy.size < lane.places) await this.claim(lane);
      } catch (thrown) {
        this.deps.logger.warn({ err: toError(thrown).message, channel: lane.channel }, 'outbox cannot be read');
      }
      if (this.stopped || lane.woken) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        lane.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      lane.wake = null;
    }
    await Promise.all(lane.busy);
  }

  /** One pass over all lanes: claims what is due, delivers it and waits for that; how many rows it took. What is handed out goes in the next one. */
  async deliverDue(): Promise<number> {
    await this.settleStrangers();
    const taken = await Promise.all(
      this.lanes.map(async (lane) => {
        const n = await this.claim(lane);
        await Promise.all(lane.busy);
        return n;
      }),
    );
    return taken.reduce((sum, n) => sum + n, 0);
  }

  /** Takes as many rows as the lane has places and starts their delivery. */
  private async claim(lane: Lane): Promise<number> {
    const several = this.receivers.length > 1;
    if (several && lane.channel.startsWith('webhook')) await this.copyToReceivers();
    const free = lane.places - lane.busy.size;
    const rows = await this.deps.db.$queryRaw<Row[]>`
      UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${CLAIM_SECONDS})
      WHERE id IN (
        SELECT o.id FROM outbox o
        WHERE ${inLane(lane)} AND o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_attempt_at <= now()
          AND (o.copied OR NOT ${several && lane.channel === 'webhook'})
          AND CASE WHEN o.booking_id IS NOT NULL
            THEN NOT EXISTS (
              SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.delivered_at IS NULL AND p.dead_at IS NULL AND p.sequence < o.sequence
                AND (p.held_until IS NULL OR p.held_until <= now()) AND p.booking_id = o.booking_id)
            ELSE NOT EXISTS (
              SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.delivered_at IS NULL AND p.dead_at IS NULL AND p.sequence < o.sequence
                AND (p.held_until IS NULL OR p.held_until <= now()) AND p.booking_id IS NULL AND p.telescope_id IS NOT DISTINCT FROM o.telescope_id) END
        ORDER BY o.created_at, o.sequence LIMIT ${free} FOR UPDATE SKIP LOCKED)
      RETURNING id, channel, type, booking_id, telescope_id, sequence, data, created_at, queued_at, attempts`;
    for (const row of rows) {
      const delivering: Promise<void> = this.deliver(row)
        .catch((thrown: unknown) =>
          this.deps.logger.warn(
            { err: toError(thrown).message, outboxId: row.id },
            'delivery not noted; it comes again',
          ),
        )
        .then(() => {
          lane.busy.delete(delivering);
          wake(lane);
        });
      lane.busy.add(delivering);
    }
    return rows.length;
  }

  /** Gives each receiver beyond the first a row of its own, so that it is late, failed or dead for itself alone; one copier at a time, lower sequences first, so that no copy overtakes another. */
  private async copyToReceivers(): Promise<void> {
    const channels = this.receivers.slice(1).map((receiver) => receiver.channel);
    await this.deps.db.$executeRaw`
      WITH fresh AS (
        UPDATE outbox SET copied = true WHERE id IN (
          SELECT id FROM outbox WHERE channel = 'webhook' AND NOT copied AND delivered_at IS NULL AND dead_at IS NULL
            AND (SELECT pg_try_advisory_xact_lock(hashtextextended('outbox/copy', 0)))
          ORDER BY sequence, created_at LIMIT ${COPY_AT_ONCE} FOR UPDATE)
        RETURNING *)
      INSERT INTO outbox (id, channel, type, booking_id, telescope_id, sequence, data, created_at, copied)
      SELECT fresh.id || substring(channel.name FROM 8), channel.name, fresh.type, fresh.booking_id, fresh.telescope_id, fresh.sequence, fresh.data, fresh.created_at, true
      FROM fresh CROSS JOIN unnest(${channels}::text[]) AS channel(name)
      ON CONFLICT (id) DO NOTHING`;
  }
  /** What waits for a receiver that is no longer configured waits for nobody. */
  private async settleStrangers(): Promise<void> {
    this.strangersAt = performance.now() + STRANGERS_EVERY_MS;
    const channels = [...this.receivers, ...this.ways].map((one) => one.channel);
    await this.deps.db
      .$executeRaw`UPDATE outbox SET dead_at = now(), unsent = true, last_error = 'this receiver is not configured any more' WHERE delivered_at IS NULL AND dead_at IS NULL AND (channel LIKE 'webhook.%' OR channel LIKE 'operator.%') AND channel <> ALL(${channels}::text[])`;
  }

  private async deliver(row: Row): Promise<void> {
    const started = performance.now();
    const result = await this.inTime(row);
    await this.settle(row, result, Math.round(performance.now() - started));
    if (result.ok && isHandedOut(row.channel)) {
      const next = this.lanes.find((lane) => lane.channel === `${row.channel}.%`);
      if (next) wake(next);
    }
  }

  /** The attempt's end, or that none was seen before the claim runs out. */
  private async inTime(row: Row): Promise<Delivered> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Delivered>((resolve) => {
      timer = setTimeout(
        () => resolve(failed(`no end in ${WORK_MS / 1000} s; whether it arrived is unknown`)),
        WORK_MS,
      );
    });
    try {
      return await Promise.race([this.send(row), late]);
    } catch (thrown) {
      return failed(toError(thrown).message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Books what became of an attempt, in one statement, so that a hundred that end at once need no more than a moment of a connection each. */
  private async settle(row: Row, result: Delivered, durationMs: number): Promise<void> {
    const { db, logger } = this.deps;
    const { ok, status, error, unsent = false, heldUntil = null } = result;
    const at = new Date();
    const dead =
      !ok && !unsent && !heldUntil && (result.final === true || at.getTime() - row.queued_at.getTime() >= DAY_MS);
    const waitSeconds = Math.max(backoffSeconds(row.attempts), result.retryAfterSeconds ?? 0);
    const next = ok || dead || unsent ? null : (heldUntil ?? new Date(at.getTime() + waitSeconds * 1000));
    const attempted = !unsent && !heldUntil;
    await db.$executeRaw`
      WITH settled AS (
        UPDATE outbox SET last_error = ${error}::text, delivered_at = ${ok ? at : null}::timestamptz, dead_at = ${dead || unsent ? at : null}::timestamptz,
          unsent = ${unsent}::boolean, held_until = ${heldUntil}::timestamptz, queued_at = COALESCE(${heldUntil}::timestamptz, queued_at),
          next_attempt_at = COALESCE(${next}::timestamptz, next_attempt_at)
        WHERE id = ${row.id} AND attempts = ${row.attempts}::int RETURNING id)
      INSERT INTO deliveries (id, outbox_id, attempt, at, status, error, duration_ms)
      SELECT ${randomUUID()}, id, ${row.attempts}::int, ${at}::timestamptz, ${status}::int, ${error}::text, ${durationMs}::int
      FROM settled WHERE ${attempted}::boolean`;
    const about = { outboxId: row.id, channel: row.channel, type: row.type, attempt: row.attempts, err: error };
    if (dead) logger.error(about, 'message given up');
    else if (!ok && attempted) logger.warn(about, 'message not delivered yet');
  }

  private send(row: Row): Promise<Delivered> {
    const { deps, mailer } = this;
    if (isHandedOut(row.channel)) return handOut(deps, row);
    if (row.channel === 'email') return sendLetter(deps, mailer, row);
    if (row.channel.startsWith('push.')) return sendPush(deps, row);
    if (row.channel.startsWith('chat.')) return sendGuestChat(deps, row);
    const way = this.ways.find((one) => one.channel === row.channel);
    if (way) return way.send(deps, mailer, row);
    const receiver = this.receivers.find((one) => one.channel === row.channel);
    return receiver
      ? postLaravel(deps, receiver, row)
      : Promise.resolve(notSent(`${row.channel === 'webhook' ? 'WEBHOOK_URL' : 'this receiver'} is not set`));
  }
}
