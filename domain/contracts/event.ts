import { z } from 'zod';
import { EVENT_TYPES } from '../event-types.ts';
import { BookingId, Instant, TelescopeId } from './common.ts';

/** `seq` has no gap and no late arrival within a booking; `epoch` changes when the counter was started anew (restore from backup). */
export const Event = z
  .object({
    id: z.string(),
    type: z.enum(EVENT_TYPES),
    seq: z.number().int(),
    epoch: z.number().int(),
    ts: Instant,
    booking_id: BookingId.nullable(),
    telescope_id: TelescopeId,
    rev: z.number().int().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });
export type Event = z.infer<typeof Event>;

export const WEBHOOK_TYPES = [
  'booking.accepted',
  'session.prepared',
  'session.starting_soon',
  'session.started',
  'session.paused',
  'session.resumed',
  'session.extended',
  'session.rescheduled',
  'session.cancelled',
  'session.aborted',
  'session.weathered_out',
  'session.failed',
  'session.completed',
  'image.captured',
  'images.digest',
  'images.expiring',
  'control.confirmed',
  'control.refused',
  'credits.settled',
  'error.occurred',
] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];
/** What goes through the outbox: all that Laravel hears of, what only the operator reads, and a letter that a guest asked us for. */
export const OUTBOX_TYPES = [...WEBHOOK_TYPES, 'operator.health', 'link.requested'] as const;
export type OutboxType = (typeof OUTBOX_TYPES)[number];
export const Webhook = z
  .object({
    id: z.string(),
    type: z.enum(WEBHOOK_TYPES),
    created_at: Instant,
    sequence: z.number().int(),
    booking_id: BookingId.nullable(),
    telescope_id: TelescopeId.nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof Webhook>;

export const LogLine = z
  .object({
    at: Instant,
    level: z.enum(['INFO', 'WARNING', 'ERROR']),
    source: z.enum(['session', 'voyager', 'gateway', 'frames']),
    event: z.string(),
    message: z.string(),
    message_fr: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof LogLine>;
