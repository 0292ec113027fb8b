import { z } from 'zod';
import { MAX_CREDITS } from '../credits.ts';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Guid, Instant, TelescopeId } from './common.ts';
import { ifUsable } from './shapes.ts';

export const CONTROL_KINDS = [
  'pause',
  'resume',
  'abort',
  'cancel',
  'reschedule',
  'extend',
  'amend',
  'toggle',
  'halt',
  'robotarget',
] as const;
export type ControlKind = (typeof CONTROL_KINDS)[number];

/** accepted → sent → confirmed, or refused, or unknown (no answer in time and not yet read back). */
export const RECEIPT_STATES = ['accepted', 'sent', 'confirmed', 'refused', 'unknown'] as const;
export type ReceiptState = (typeof RECEIPT_STATES)[number];

export const Receipt = z
  .object({
    command_id: z.string(),
    kind: z.enum(CONTROL_KINDS),
    state: z.enum(RECEIPT_STATES),
    reason: z.enum(REASON_CODES).optional(),
    message: z.string().optional(),
    booking_id: BookingId.optional(),
    telescope_id: TelescopeId.optional(),
    at: Instant,
  })
  .meta({ id: 'Receipt' });
export type Receipt = z.infer<typeof Receipt>;

export const RescheduleRequest = z.object({ start: Instant, end: Instant }).meta({ id: 'RescheduleRequest' });
export const ExtendRequest = z
  .object({ minutes: z.number().int().min(1).max(720), credits_charged: z.number().min(0).max(MAX_CREDITS).optional() })
  .meta({ id: 'ExtendRequest' });
/**
 * Bodies of stops: every field helps and none is needed, so one that cannot be used counts as absent (null, '', another type).
 */
const RequestedBy = ifUsable(z.enum(['guest', 'operator'])).describe(
  'Whose stop this is, said with a server key: `guest` where your site relays what its guest pressed. Without it a stop with a key is the operator’s: an outage, given back',
);
export const AbortRequest = z
  .object({
    reason: z.preprocess(
      (given) => (typeof given === 'string' && given !== '' ? given.slice(0, 200) : undefined),
      z.string().max(200).optional(),
    ),
    requested_by: RequestedBy,
  })
  .meta({ id: 'AbortRequest' });
export type WhoStops = 'guest' | 'operator' | undefined;

/** The roadmap's 1.4 bodies. */
export const DropInAbort = z.object({
  targetGuid: ifUsable(Guid),
  setGuid: ifUsable(Guid),
  requested_by: RequestedBy,
});
/** Query of a cancellation. */
export const CancelQuery = z.object({ requested_by: RequestedBy });
export const DropInToggle = z.object({
  objectGuid: Guid,
  objectType: z.union([z.literal(0), z.literal(1), z.literal(2)]).describe('0 set, 1 target, 2 shot'),
  operation: z.union([z.literal(0), z.literal(1)]).describe('0 enable, 1 disable'),
});

/** Under whose name a stop is filed. */
export const STOP_REASONS = ['user_abort', 'operator_abort'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/** `POST {gateway_url}/v1/telescopes/{id}/abort|halt`, signed with GATEWAY_SECRET. Nothing in it but the signature is needed. */
export const GatewayAbort = z.object({
  /** As wide as the effect: another booking's stop has another one. Without it each request is a command of its own. */
  command_id: ifUsable(z.string().min(1)),
  booking_id: ifUsable(BookingId),
  target_guid: ifUsable(Guid),
  set_guid: ifUsable(Guid),
  requested_by: z.preprocess(
    (given) => (typeof given === 'string' && given !== '' ? given.slice(0, 120) : 'not said'),
    z.string().max(120),
  ),
  reason: ifUsable(z.enum(STOP_REASONS)),
});
export type GatewayAbort = z.infer<typeof GatewayAbort>;
