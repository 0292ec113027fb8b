import type { WebhookType } from '../domain/contracts/event.ts';
import { stableId } from '../domain/ids.ts';
import type { Prisma } from '../prisma/client/client.ts';
import type { Transaction } from './database.ts';

export type OutboxChannel = 'webhook' | 'email' | 'push';

export interface OutboxEntry {
  /** Makes a repeated write a no-op. */
  key: string;
  type: WebhookType;
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
