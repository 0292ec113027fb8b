import { z } from 'zod';
import { BookingId, Instant } from './common.ts';

/** In order of precedence: where causes overlap the first one takes the second (docs/credits.md). */
export const LEDGER_CLASSES = [
  'unsafe',
  'outage',
  'foreign',
  'weather_hold',
  'user_pause',
  'imaging',
  'overhead',
  'other',
] as const;
export type LedgerClass = (typeof LEDGER_CLASSES)[number];

/** Half-open [start, end) in whole seconds; the intervals of a ledger cover the slot without gap or overlap. */
export const LedgerInterval = z.object({
  start: Instant,
  end: Instant,
  class: z.enum(LEDGER_CLASSES),
  cause: z.string().nullable(),
});
export type LedgerInterval = z.infer<typeof LedgerInterval>;

export const SettlementLine = z.object({
  class: z.enum(LEDGER_CLASSES),
  seconds: z.number().int(),
  credits: z.number(),
});
/** Laravel owns balances and applies it once by `settlement_id`. */
export const Settlement = z
  .object({
    settlement_id: z.string(),
    rule: z.string(),
    lines: z.array(SettlementLine),
    credits_charged: z.number(),
    credits_refund: z.number(),
    supersedes: z.string().optional(),
    /** Part of the refund that no line has: an administrator gave it back by hand. */
    by_hand: z.object({ credits: z.number(), reason: z.string() }).optional(),
    /** Why so much comes back, as a guest reads it. */
    explanation: z.object({ en: z.string(), fr: z.string() }).optional(),
  })
  .meta({ id: 'Settlement' });
export type Settlement = z.infer<typeof Settlement>;

export const Ledger = z
  .object({
    booking_id: BookingId,
    start: Instant,
    end: Instant,
    intervals: z.array(LedgerInterval),
    seconds: z.record(z.enum(LEDGER_CLASSES), z.number().int()),
    settlement: Settlement.nullable(),
  })
  .meta({ id: 'Ledger' });
export type Ledger = z.infer<typeof Ledger>;
