import { randomUUID } from 'node:crypto';
import { createTransport, type Transporter } from 'nodemailer';
import type { WebhookType } from '../../domain/contracts/event.ts';
import type { Target } from '../../domain/contracts/booking.ts';
import type { Locale } from '../../domain/reasons.ts';
import { BusListener, type BusMessage } from '../../platform/bus.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { signPath } from '../../platform/signing.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { renderLetter, writeLetter, type Letter } from './letters.ts';
import { postWebhook, signatureHeaders, type Delivered } from './webhook.ts';

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
  channel: 'webhook' | 'email' | 'push';
  type: WebhookType;
  booking_id: string | null;
  telescope_id: string | null;
  sequence: number;
  data: Record<string, unknown>;
  created_at: Date;
  attempts: number;
}

const POLL_MS = 2_000;
const BATCH = 16;
/** A claim lasts this long; a process that dies in between leaves the row to the next one. */
const CLAIM_SECONDS = 60;
const DAY_MS = 86_400_000;
const LINK_MS = 30 * DAY_MS;
const DEFAULT_VAPID_SUBJECT = 'mailto:operator@localhost';

/** Seconds before another try: 1, 2, 4 … at most ten minutes. */
export const backoffSeconds = (attempts: number): number => Math.min(600, 2 ** Math.min(attempts - 1, 10));

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const DONE: Delivered = { ok: true, status: null, error: null };
/** Nobody to deliver to: settled without a delivery, and the row says why. */
const nobody = (why: string): Delivered => ({ ok: true, status: null, error: why });

/**
 * Delivers the outbox: webhooks to Laravel, letters and push messages to people. In order per booking and channel, at least once (the id tells a
 * repeat), with backoff, given up after 24 hours. Several workers may run it: rows are claimed with SKIP LOCKED.
 */
export class OutboxDelivery {
  private stopped = false;
  private wake: (() => void) | null = null;
  private woken = false;
  private listener: BusListener | null = null;
  private running: Promise<void> = Promise.resolve();
  private mailer: Transporter | null = null;
  constructor(private readonly deps: DeliveryDeps) {}

  /** Runs until `stop`; errors of the database are waited out. */
  run(): Promise<void> {
    const { databaseUrl, logger } = this.deps;
    if (databaseUrl) {
      this.listener = new BusListener(databaseUrl, logger);
      this.listener.on('message', (message: BusMessage) => {
        if (message.kind !== 'event' || message.event.seq > 0) this.nudge();
      });
      void this.listener.start();
    }
    this.running = this.loop();
    return this.running;
  }
  async stop(): Promise<void> {
    this.stopped = true;
    this.nudge();
    await this.running;
    await this.listener?.stop();
    this.mailer?.close();
  }
  private nudge(): void {
    this.woken = true;
    this.wake?.();
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      this.woken = false;
      try {
        if ((await this.deliverDue()) > 0) continue;
      } catch (thrown) {
        this.deps.logger.warn({ err: toError(thrown).message }, 'outbox cannot be read');
      }
      if (this.stopped || this.woken) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = null;
    }
  }

  /** One pass: claims what is due and delivers it; how many rows it took. */
  async deliverDue(): Promise<number> {
    const rows = await this.deps.db.$queryRaw<Row[]>`
      UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${CLAIM_SECONDS})
      WHERE id IN (
        SELECT o.id FROM outbox o
        WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_attempt_at <= now()
          AND NOT EXISTS (
            SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.delivered_at IS NULL AND p.dead_at IS NULL AND p.sequence < o.sequence
              AND p.booking_id IS NOT DISTINCT FROM o.booking_id AND (o.booking_id IS NOT NULL OR p.telescope_id IS NOT DISTINCT FROM o.telescope_id))
        ORDER BY o.created_at, o.sequence LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING id, channel, type, booking_id, telescope_id, sequence, data, created_at, attempts`;
    await Promise.all(rows.map((row) => this.deliver(row)));
    return rows.length;
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
    const dead = !result.ok && at.getTime() - row.created_at.getTime() >= DAY_MS;
    await db.$transaction(async (tx) => {
      await tx.outbox.update({
        where: { id: row.id },
        data: {
          lastError: result.error,
          ...(result.ok ? { deliveredAt: at } : dead ? { deadAt: at } : { nextAttemptAt: new Date(at.getTime() + backoffSeconds(row.attempts) * 1000) }),
        },
      });
      if (!result.ok || result.error === null)
        await tx.delivery.create({
          data: { id: randomUUID(), outboxId: row.id, attempt: row.attempts, at, status: result.status, error: result.error, durationMs: Math.round(performance.now() - started) },
        });
    });
    if (dead) logger.error({ outboxId: row.id, channel: row.channel, type: row.type, err: result.error }, 'message given up after 24 h');
    else if (!result.ok) logger.warn({ outboxId: row.id, channel: row.channel, type: row.type, attempt: row.attempts, err: result.error }, 'message not delivered yet');
  }

  private send(row: Row): Promise<Delivered> {
    switch (row.channel) {
      case 'webhook':
        return this.sendWebhook(row);
      case 'email':
        return this.sendLetter(row);
      case 'push':
        return this.sendPush(row);
    }
  }

  private async sendWebhook(row: Row): Promise<Delivered> {
    const { config } = this.deps;
    if (!config.WEBHOOK_URL) return nobody('WEBHOOK_URL is not set');
    const body = JSON.stringify({
      id: row.id,
      type: row.type,
      created_at: row.created_at.toISOString(),
      sequence: row.sequence,
      booking_id: row.booking_id,
      telescope_id: row.telescope_id,
      data: row.data,
    });
    return postWebhook(config.WEBHOOK_URL, signatureHeaders(config.WEBHOOK_SECRET, row.id, Math.floor(Date.now() / 1000), body), body, config.WEBHOOK_ALLOW_PRIVATE);
  }

  private async sendLetter(row: Row): Promise<Delivered> {
    const { config } = this.deps;
    if (!config.SMTP_URL) return nobody('SMTP_URL is not set');
    const addressed = await this.address(row);
    if (!addressed) return nobody('no address');
    const rendered = renderLetter(addressed.letter, addressed.locale);
    this.mailer ??= createTransport(config.SMTP_URL, { from: config.MAIL_FROM });
    await this.mailer.sendMail({ from: config.MAIL_FROM, to: addressed.to, messageId: `<${row.id}@nocturne>`, ...rendered });
    return DONE;
  }

  /** Who gets the letter and what it says; addresses are read here and nowhere kept. */
  private async address(row: Row): Promise<{ to: string; locale: Locale; letter: Letter } | null> {
    const { db, config } = this.deps;
    if (row.data.audience === 'operator') {
      const message = text(row.data.message) ?? text(row.data.reason) ?? row.type;
      const subject = `nocturne: ${text(row.data.reason) ?? row.type}${row.booking_id ? ` (${row.booking_id})` : ''}`;
      return config.OPERATOR_EMAIL
        ? { to: config.OPERATOR_EMAIL, locale: 'en', letter: { subject, lines: [message, `Telescope ${row.telescope_id ?? '-'}, booking ${row.booking_id ?? '-'}.`], link: null } }
        : null;
    }
    if (!row.booking_id) return null;
    const booking = await db.booking.findUnique({ where: { id: row.booking_id } });
    const user = booking ? await db.user.findUnique({ where: { ref: booking.userRef } }) : null;
    if (!booking || !user?.email || user.erasedAt) return null;
    const telescope = await findTelescope(db, booking.telescopeId);
    const locale: Locale = user.locale === 'en' ? 'en' : 'fr';
    const at = (path: string): string | null => (config.PUBLIC_URL ? new URL(path, config.PUBLIC_URL).toString() : null);
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
    const subscriptions = await db.pushSubscription.findMany({ where: { OR: [{ bookingId: booking.id }, { userRef: booking.userRef }] } });
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
        archiveUrl: null,
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
        await webPush.sendNotification({ endpoint: subscription.endpoint, keys: subscription.keys as { p256dh: string; auth: string } }, payload, {
          TTL: 3600,
          timeout: 10_000,
          vapidDetails: { subject: config.VAPID_SUBJECT ?? DEFAULT_VAPID_SUBJECT, publicKey: config.VAPID_PUBLIC_KEY, privateKey: config.VAPID_PRIVATE_KEY },
        });
      } catch (thrown) {
        const status = (thrown as { statusCode?: number }).statusCode;
        if (status === 404 || status === 410) {
          await db.pushSubscription.deleteMany({ where: { id: subscription.id } });
          logger.info({ subscriptionId: subscription.id }, 'push subscription is gone');
        } else problems.push(toError(thrown).message);
      }
    }
    return problems.length === subscriptions.length && problems.length > 0 ? { ok: false, status: null, error: problems[0]! } : DONE;
  }
}
