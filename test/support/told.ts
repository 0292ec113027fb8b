import { expect } from '@jest/globals';
import type { z } from 'zod';
import { LIVE_EVENTS } from '../../domain/contracts/live-events.ts';
import { WEBHOOKS, type WebhookType } from '../../domain/contracts/webhook.ts';
import type { EventType } from '../../domain/event-types.ts';
import type { Database } from '../../platform/database.ts';

const faults = (type: string, schema: z.ZodObject, data: unknown): string[] =>
  (schema.strict().safeParse(data).error?.issues ?? []).map(
    (issue) => `${type} ${issue.path.join('.')}: ${issue.message}`,
  );

/** Every webhook and live event that a suite has written is what the documents say of its type: no field more, none less. */
export async function expectToldAsDocumented(db: Database): Promise<void> {
  const webhooks = await db.outbox.findMany({ where: { channel: 'webhook' } });
  const events = await db.event.findMany();
  const found = [
    ...webhooks.flatMap(({ type, data }) => faults(`webhook ${type}`, WEBHOOKS[type as WebhookType].data, data)),
    ...events.flatMap(({ type, data }) => faults(`event ${type}`, LIVE_EVENTS[type as EventType].data, data)),
  ];
  expect([...new Set(found)]).toEqual([]);
}
