import { randomUUID } from 'node:crypto';
import type { OutboxType } from '../domain/contracts/event.ts';
import { stableId } from '../domain/ids.ts';
import type { Prisma } from '../prisma/client/client.ts';
import { BUS_CHANNEL } from './bus.ts';
import type { Database, Transaction } from './database.ts';

export type OutboxChannel = 'webhook' | 'email' | 'push';

export interface OutboxEntry {
  /** Makes a repeated write a no-op. */
  key: string;
  type: OutboxType;
  bookingId: string | null;
  telescopeId: string | null;
  data: Record<string, unknown>;
  /** Webhook always; e-mail and push where a person should hear of it too. */
  channels?: OutboxChannel[];
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
      },
    });
  }
}

export type OutboxState = 'waiting' | 'delivered' | 'dead';
export const OUTBOX_STATES = ['waiting', 'delivered', 'dead'] as const satisfies readonly OutboxState[];

export const outboxState = (row: { deliveredAt: Date | null; deadAt: Date | null }): OutboxState =>
  row.deliveredAt ? 'delivered' : row.deadAt ? 'dead' : 'waiting';

export interface OutboxFilter {
  id?: string | undefined;
  bookingId?: string | undefined;
  type?: string | undefined;
  state?: OutboxState | undefined;
  /** All receivers of webhooks, or only letters or push messages. */
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
    ...(state === 'waiting'
      ? { deliveredAt: null, deadAt: null }
      : state === 'delivered'
        ? { deliveredAt: { not: null } }
        : state === 'dead'
          ? { deadAt: { not: null }, deliveredAt: null }
          : {}),
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
      data: { deliveredAt: null, deadAt: null, attempts: 0, nextAttemptAt: at, queuedAt: at, lastError: null },
    });
    await tx.audit.create({ data: { id: randomUUID(), at, actor, action: 'webhook.replay', data: { count } } });
    await tx.$executeRaw`SELECT pg_notify(${BUS_CHANNEL}, ${JSON.stringify({ kind: 'control', what: 'outbox', data: {} })})`;
    return count;
  });
}
