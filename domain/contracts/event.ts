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
