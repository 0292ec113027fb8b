import type { OutboxType } from '../../domain/contracts/webhook.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';

export interface DeliveryDeps {
  db: Database;
  config: Pick<
    Config,
    | 'WEBHOOK_URL'
    | 'WEBHOOK_SECRET'
    | 'WEBHOOK_OWN_SECRETS'
    | 'WEBHOOK_ALLOW_PRIVATE'
    | 'SMTP_URL'
    | 'MAIL_FROM'
    | 'OPERATOR_EMAIL'
    | 'OPERATOR_WEBHOOK_URL'
    | 'OPERATOR_WEBHOOK_SECRET'
    | 'OPERATOR_CHANNELS'
    | 'RUNBOOK_URL'
    | 'GUEST_URL_TEMPLATE'
    | 'LARAVEL_CHANNELS'
    | 'TELEGRAM_BOT_TOKEN'
    | 'TELEGRAM_API_URL'
    | 'PUSH_SERVICES'
    | 'VAPID_PUBLIC_KEY'
    | 'VAPID_PRIVATE_KEY'
    | 'VAPID_SUBJECT'
    | 'PUBLIC_URL'
    | 'GATEWAY_SECRET'
    | 'SUPPORT_EMAIL'
    | 'SUPPORT_URL'
    | 'OBSERVATIONS_STORAGE_PATH'
  >;
  logger: Logger;
  /** For LISTEN, so that a message leaves as soon as it is written; without it the table is read every two seconds. */
  databaseUrl?: string;
  now?: () => number;
}

/** A claimed row; while `next_attempt_at` lies ahead nobody else takes it. */
export interface Row {
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

/** How one attempt ended. */
export interface Delivered {
  ok: boolean;
  status: number | null;
  error: string | null;
  /** There was nobody to send it to, or they do not want it: settled as not sent, with `error` as the reason. */
  unsent?: true;
  /** Somebody's quiet hours: it goes then. */
  heldUntil?: Date;
  /** Another attempt would end the same. */
  final?: true;
  /** The receiver asked for this much patience. */
  retryAfterSeconds?: number;
}

export const DONE: Delivered = { ok: true, status: null, error: null };
/** Settled without a delivery; the row says why and is shown as not sent. */
export const notSent = (why: string): Delivered => ({ ok: false, status: null, error: why, unsent: true });
export const failed = (error: string, status: number | null = null): Delivered => ({ ok: false, status, error });

/** The message's own id, whatever device, chat or receiver a row is for. */
export const messageId = (row: Pick<Row, 'id'>): string => row.id.split('.')[0]!;
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
