import { randomUUID } from 'node:crypto';
import { ALERTS } from '../domain/alerts.ts';
import type { OutboxType } from '../domain/contracts/webhook.ts';
import { stableId } from '../domain/ids.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Prisma } from '../prisma/client/client.ts';
import { BUS_CHANNEL } from './bus.ts';
import type { Database, Transaction } from './database.ts';

/** `push`, `chat` and `operator` are handed out further: one row per device, chat or way to the operator. */
export const OUTBOX_CHANNELS = ['webhook', 'email', 'push', 'chat', 'operator'] as const;
export type OutboxChannel = (typeof OUTBOX_CHANNELS)[number];

export interface OutboxEntry {
  /** Makes a repeated write a no-op. */
  key: string;
  type: OutboxType;
  bookingId: string | null;
  telescopeId: string | null;
  data: Record<string, unknown>;
  /** Webhook always; the others where a person should hear of it too. */
  channels?: OutboxChannel[];
  /** When it happened, by the writer's clock; left out: now. */
  at?: Date;
}

/** Writes what others must hear, inside the transaction of the change; delivery happens later, in order per booking. */
export async function enqueueOutbox(tx: Transaction, entry: OutboxEntry): Promise<void> {
  for (const channel of entry.channels ?? ['webhook']) {
    const id = stableId('outbox', channel, entry.bookingId ?? '', entry.key);
    const scope = entry.bookingId ?? `telescope:${entry.telescopeId ?? ''}`;
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'outbox/' + scope}, 0))`;
    if (await tx.outbox.findUnique({ where: { id }, select: { id: true } })) continue;
    const last = await tx.outbox.aggregate({
      _max: { sequence: true },
      where: { bookingId: entry.bookingId, channel, ...(entry.bookingId ? {} : { telescopeId: entry.telescopeId }) },
    });
    await tx.outbox.create({
      data: {
        id,
        channel,
        type: entry.type,
        bookingId: entry.bookingId,
        telescopeId: entry.telescopeId,
        sequence: (last._max.sequence ?? 0) + 1,
        data: entry.data as Prisma.InputJsonObject,
        ...(entry.at ? { createdAt: entry.at } : {}),
      },
    });
  }
}

/** What the operator must hear: severity, what to do and the runbook's place follow from the reason. Written in the transaction of the change. */
export async function enqueueAlert(
  tx: Transaction,
  alert: {
    key: string;
    bookingId: string | null;
    telescopeId: string | null;
    reason: Reason;
    message: string;
    at: Date;
  },
): Promise<void> {
  const { key, bookingId, telescopeId, reason, message, at } = alert;
  const { severity } = ALERTS[reason];
  await enqueueOutbox(tx, {
    key,
    type: 'error.occurred',
    bookingId,
    telescopeId,
    data: { audience: 'operator', reason, message, severity, at: at.toISOString() },
    channels: ['webhook', 'operator'],
  });
}

/** `dead`: given up after a day of attempts. `not_sent`: there was nobody to send it to, or they did not want it. */
export const OUTBOX_STATES = ['waiting', 'delivered', 'dead', 'not_sent'] as const;
export type OutboxState = (typeof OUTBOX_STATES)[number];

export function outboxState(row: { deliveredAt: Date | null; deadAt: Date | null; unsent: boolean }): OutboxState {
  if (row.deliveredAt) return 'delivered';
  if (!row.deadAt) return 'waiting';
  return row.unsent ? 'not_sent' : 'dead';
}
/** Rows of a state. */
export const OUTBOX_STATE_IS = {
  waiting: { deliveredAt: null, deadAt: null },
  delivered: { deliveredAt: { not: null } },
  dead: { deliveredAt: null, deadAt: { not: null }, unsent: false },
  not_sent: { deliveredAt: null, deadAt: { not: null }, unsent: true },
} as const satisfies Record<OutboxState, Prisma.OutboxWhereInput>;

export interface OutboxFilter {
  id?: string | undefined;
  bookingId?: string | undefined;
  type?: string | undefined;
  state?: OutboxState | undefined;
  /** With all that it was handed out to. */
  channel?: OutboxChannel | undefined;
}

/** Rows of the outbox by what people ask for. */
export function outboxWhere(filter: OutboxFilter): Prisma.OutboxWhereInput {
  const { id, bookingId, type, state, channel } = filter;
  return {
    ...(id === undefined ? {} : { id }),
    ...(bookingId === undefined ? {} : { bookingId }),
    ...(type === undefined ? {} : { type }),
    ...(channel === undefined ? {} : { channel: { startsWith: channel } }),
    ...(state === undefined ? {} : OUTBOX_STATE_IS[state]),
  };
}

/** Queues messages again, unchanged and under their old ids, for another day of attempts; noted in the audit log. Returns how many. */
export async function replayOutbox(
  db: Database,
  actor: string,
  where: Prisma.OutboxWhereInput,
  at: Date,
): Promise<number> {
  return db.$transaction(async (tx) => {
    const { count } = await tx.outbox.updateMany({
      where,
      data: {
        deliveredAt: null,
        deadAt: null,
        unsent: false,
        heldUntil: null,
        lastError: null,
        attempts: 0,
        nextAttemptAt: at,
        queuedAt: at,
      },
    });
    await tx.audit.create({ data: { id: randomUUID(), at, actor, action: 'webhook.replay', data: { count } } });
    await tx.$executeRaw`SELECT pg_notify(${BUS_CHANNEL}, ${JSON.stringify({ kind: 'control', what: 'outbox', data: {} })})`;
    return count;
  });
}
