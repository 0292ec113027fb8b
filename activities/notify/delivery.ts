import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { createTransport, type Transporter } from 'nodemailer';
import type { OutboxType } from '../../domain/contracts/event.ts';
import type { Target } from '../../domain/contracts/booking.ts';
import type { Locale } from '../../domain/reasons.ts';
import { BusListener, type BusMessage } from '../../platform/bus.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { signPath } from '../../platform/signing.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { pinnedTo, publicAddresses } from './address.ts';
import { renderLetter, writeLetter, type Letter } from './letters.ts';
import { postWebhook, signatureHeaders, webhookReceivers, type Delivered, type Receiver } from './webhook.ts';

export interface DeliveryDeps {
  db: Database;
  config: Pick<
    Config,
    | 'WEBHOOK_URL'
    | 'WEBHOOK_SECRET'
    | 'WEBHOOK_ALLOW_PRIVATE'
    | 'SMTP_URL'
    | 'MAIL_FROM'
    | 'OPERATOR_EMAIL'
    | 'VAPID_PUBLIC_KEY'
    | 'VAPID_PRIVATE_KEY'
    | 'VAPID_SUBJECT'
    | 'PUBLIC_URL'
    | 'GATEWAY_SECRET'
    | 'SUPPORT_EMAIL'
    | 'SUPPORT_URL'
  >;
  logger: Logger;
  /** For LISTEN, so that a message leaves as soon as it is written; without it the table is read every two seconds. */
  databaseUrl?: string;
}

/** A claimed row; while `next_attempt_at` lies ahead nobody else takes it. */
interface Row {
  id: string;
  channel: string;
  type: OutboxType;
  booking_id: string | null;
  telescope_id: string | null;
  sequence: number;
  data: Record<string, unknown>;
  created_at: Date;
  queued_at: Date;
  attempts: number;
}

/** One receiver's way out: slow or dead, it fills its own places and nobody else's. */
interface Lane {
  channel: string;
  /** Deliveries under way at most. */
  places: number;
  busy: Set<Promise<void>>;
  wake: (() => void) | null;
  woken: boolean;
}

const POLL_MS = 2_000;
const PLACES = { webhook: 16, email: 4, push: 4 } as const;
/** A claim lasts this long; a process that dies in between leaves the row to the next one. */
const CLAIM_SECONDS = 60;
const COPY_AT_ONCE = 500;
const STRANGERS_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
const LINK_MS = 30 * DAY_MS;
const DEFAULT_VAPID_SUBJECT = 'mailto:operator@localhost';

/** Seconds before another try: 1, 2, 4 … at most ten minutes. */
export const backoffSeconds = (attempts: number): number => Math.min(600, 2 ** Math.min(attempts - 1, 10));

function wake(lane: Lane): void {
  lane.woken = true;
  lane.wake?.();
}
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const DONE: Delivered = { ok: true, status: null, error: null };
/** Nobody to deliver to: settled without a delivery, and the row says why. */
const nobody = (why: string): Delivered => ({ ok: true, status: null, error: why });

/**
 * Delivers the outbox: webhooks to Laravel (and further receivers), letters and push messages to people. Each receiver has a lane of its own; within
 * it messages of a booking go in order, at least once (the id tells a repeat), with backoff, given up after 24 hours. Memory holds what is under way
 * and nothing else. Several workers may run it: rows are claimed with SKIP LOCKED.
 */
export class OutboxDelivery {
  private stopped = false;
  private listener: BusListener | null = null;
  private running: Promise<unknown> = Promise.resolve();
  private mailer: Transporter | null = null;
  private strangersAt = 0;
  private readonly receivers: Receiver[];
  private readonly lanes: Lane[];
  constructor(private readonly deps: DeliveryDeps) {
    this.receivers = webhookReceivers(deps.config.WEBHOOK_URL);
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
      lane('push', PLACES.push),
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
    this.mailer?.close();
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

  /** One pass over all lanes: claims what is due, delivers it and waits for that; how many rows it took. */
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
        WHERE o.channel = ${lane.channel} AND o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_attempt_at <= now()
          AND (o.copied OR NOT ${several && lane.channel === 'webhook'})
          AND CASE WHEN o.booking_id IS NOT NULL
            THEN NOT EXISTS (
              SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.delivered_at IS NULL AND p.dead_at IS NULL AND p.sequence < o.sequence AND p.booking_id = o.booking_id)
            ELSE NOT EXISTS (
              SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.delivered_at IS NULL AND p.dead_at IS NULL AND p.sequence < o.sequence
                AND p.booking_id IS NULL AND p.telescope_id IS NOT DISTINCT FROM o.telescope_id) END
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
    const channels = this.lanes.map((lane) => lane.channel);
    await this.deps.db
      .$executeRaw`UPDATE outbox SET dead_at = now(), last_error = 'this receiver is not configured any more' WHERE delivered_at IS NULL AND dead_at IS NULL AND channel LIKE 'webhook.%' AND channel <> ALL(${channels}::text[])`;
  }

  private async deliver(row: Row): Promise<void> {
    const { db, logger } = this.deps;
    const started = performance.now();
    let result: Delivered;
    try {
      result = await this.send(row);
    } catch (thrown) {
      result = { ok: false, status: null, error: toError(thrown).message };
    }
    const at = new Date();
    const dead = !result.ok && at.getTime() - row.queued_at.getTime() >= DAY_MS;
    const next = result.ok || dead ? null : new Date(at.getTime() + backoffSeconds(row.attempts) * 1000);
    // One statement, so that a hundred deliveries that end at once need no more than a moment of a connection each.
    await db.$executeRaw`
      WITH settled AS (
        UPDATE outbox SET last_error = ${result.error}::text, delivered_at = ${result.ok ? at : null}::timestamptz, dead_at = ${dead ? at : null}::timestamptz,
          next_attempt_at = COALESCE(${next}::timestamptz, next_attempt_at)
        WHERE id = ${row.id} AND attempts = ${row.attempts}::int RETURNING id)
      INSERT INTO deliveries (id, outbox_id, attempt, at, status, error, duration_ms)
      SELECT ${randomUUID()}, id, ${row.attempts}::int, ${at}::timestamptz, ${result.status}::int, ${result.error}::text, ${Math.round(performance.now() - started)}::int
      FROM settled WHERE ${!result.ok || result.error === null}::boolean`;
    if (dead)
      logger.error(
        { outboxId: row.id, channel: row.channel, type: row.type, err: result.error },
        'message given up after 24 h',
      );
    else if (!result.ok)
      logger.warn(
        { outboxId: row.id, channel: row.channel, type: row.type, attempt: row.attempts, err: result.error },
        'message not delivered yet',
      );
  }

  private send(row: Row): Promise<Delivered> {
    switch (row.channel) {
      case 'email':
        return this.sendLetter(row);
      case 'push':
        return this.sendPush(row);
      default:
        return this.sendWebhook(row);
    }
  }

  private async sendWebhook(row: Row): Promise<Delivered> {
    const { config } = this.deps;
    const receiver = this.receivers.find((r) => r.channel === row.channel);
    if (!receiver) return nobody('WEBHOOK_URL is not set');
    // One message has one id, whoever receives it.
    const id = row.id.split('.')[0]!;
    const body = JSON.stringify({
      id,
      type: row.type,
      created_at: row.created_at.toISOString(),
      sequence: row.sequence,
      booking_id: row.booking_id,
      telescope_id: row.telescope_id,
      data: row.data,
    });
    return postWebhook(
      receiver.url,
      signatureHeaders(config.WEBHOOK_SECRET, id, Math.floor(Date.now() / 1000), body),
      body,
      config.WEBHOOK_ALLOW_PRIVATE,
    );
  }

  private async sendLetter(row: Row): Promise<Delivered> {
    const { config } = this.deps;
    if (!config.SMTP_URL) return nobody('SMTP_URL is not set');
    const addressed = await this.address(row);
    if (!addressed) return nobody('no address');
    const rendered = renderLetter(addressed.letter, addressed.locale);
    this.mailer ??= createTransport(config.SMTP_URL, { from: config.MAIL_FROM });
    await this.mailer.sendMail({
      from: config.MAIL_FROM,
      to: addressed.to,
      messageId: `<${row.id}@nocturne>`,
      ...rendered,
    });
    return DONE;
  }

  /** Who gets the letter and what it says; addresses are read here and nowhere kept. */
  private async address(row: Row): Promise<{ to: string; locale: Locale; letter: Letter } | null> {
    const { db, config } = this.deps;
    if (row.data.audience === 'operator') {
      const message = text(row.data.message) ?? text(row.data.reason) ?? row.type;
      const subject = `nocturne: ${text(row.data.reason) ?? row.type}${row.booking_id ? ` (${row.booking_id})` : ''}`;
      return config.OPERATOR_EMAIL
        ? {
            to: config.OPERATOR_EMAIL,
            locale: 'en',
            letter: {
              subject,
              lines: [message, `Telescope ${row.telescope_id ?? '-'}, booking ${row.booking_id ?? '-'}.`],
              link: null,
            },
          }
        : null;
    }
    if (!row.booking_id) return null;
    const booking = await db.booking.findUnique({ where: { id: row.booking_id } });
    const user = booking ? await db.user.findUnique({ where: { ref: booking.userRef } }) : null;
    if (!booking || !user?.email || user.erasedAt) return null;
    const telescope = await findTelescope(db, booking.telescopeId);
    const locale: Locale = user.locale === 'en' ? 'en' : 'fr';
    const at = (path: string): string | null =>
      config.PUBLIC_URL ? new URL(path, config.PUBLIC_URL).toString() : null;
    const archivePath = `/api/bookings/${booking.id}/archive.zip`;
    const letter = writeLetter(row.type, {
      locale,
      name: user.displayName,
      target: (booking.target as unknown as Target).name,
      telescope: telescope?.name ?? booking.telescopeId,
      start: booking.startsAt,
      end: booking.endsAt,
      timezone: telescope?.site.timezone ?? 'UTC',
      data: row.data,
      controlUrl: at(`/control/${booking.id}`),
      reportUrl: at(`/report/${booking.id}`),
      archiveUrl: config.GATEWAY_SECRET ? at(signPath(config.GATEWAY_SECRET, archivePath, Date.now() + LINK_MS)) : null,
      support: config.SUPPORT_EMAIL ?? config.SUPPORT_URL ?? null,
    });
    return letter ? { to: user.email, locale, letter } : null;
  }

  private async sendPush(row: Row): Promise<Delivered> {
    const { db, config, logger } = this.deps;
    if (!config.VAPID_PUBLIC_KEY || !config.VAPID_PRIVATE_KEY) return nobody('VAPID keys are not set');
    if (!row.booking_id) return nobody('no booking');
    const booking = await db.booking.findUnique({ where: { id: row.booking_id } });
    if (!booking) return nobody('no booking');
    const rows = await db.pushSubscription.findMany({
      where: { OR: [{ bookingId: booking.id }, { userRef: booking.userRef }] },
      orderBy: { createdAt: 'asc' },
    });
    // A browser that asked twice, by its booking and by its person, is told once, the way it asked last.
    const subscriptions = [...new Map(rows.map((one) => [one.endpoint, one])).values()];
    if (subscriptions.length === 0) return nobody('no subscription');
    const { default: webPush } = await import('web-push');
    const telescope = await findTelescope(db, booking.telescopeId);
    const problems: string[] = [];
    for (const subscription of subscriptions) {
      const locale: Locale = subscription.locale === 'en' ? 'en' : 'fr';
      const letter = writeLetter(row.type, {
        locale,
        name: null,
        target: (booking.target as unknown as Target).name,
        telescope: telescope?.name ?? booking.telescopeId,
        start: booking.startsAt,
        end: booking.endsAt,
        timezone: telescope?.site.timezone ?? 'UTC',
        data: row.data,
        controlUrl: `/control/${booking.id}`,
        reportUrl: `/report/${booking.id}`,
        archiveUrl: `/report/${booking.id}`,
        support: null,
      });
      const title = letter?.subject ?? (locale === 'fr' ? 'Nouvelle image' : 'New image');
      const payload = JSON.stringify({
        id: row.id,
        type: row.type,
        booking_id: booking.id,
        title,
        body: letter?.lines.slice(1).join(' ') ?? '',
        url: letter?.link?.url ?? `/control/${booking.id}`,
      });
      try {
        const addresses = await publicAddresses(new URL(subscription.endpoint).hostname, config.WEBHOOK_ALLOW_PRIVATE);
        await webPush.sendNotification(
          { endpoint: subscription.endpoint, keys: subscription.keys as { p256dh: string; auth: string } },
          payload,
          {
            TTL: 3600,
            timeout: 10_000,
            agent: new Agent({ lookup: pinnedTo(addresses) }),
            vapidDetails: {
              subject: config.VAPID_SUBJECT ?? DEFAULT_VAPID_SUBJECT,
              publicKey: config.VAPID_PUBLIC_KEY,
              privateKey: config.VAPID_PRIVATE_KEY,
            },
          },
        );
      } catch (thrown) {
        const status = (thrown as { statusCode?: number }).statusCode;
        if (status === 404 || status === 410) {
          await db.pushSubscription.deleteMany({ where: { endpoint: subscription.endpoint } });
          logger.info({ subscriptionId: subscription.id }, 'push subscription is gone');
        } else problems.push(toError(thrown).message);
      }
    }
    return problems.length === subscriptions.length && problems.length > 0
      ? { ok: false, status: null, error: problems[0]! }
      : DONE;
  }
}
