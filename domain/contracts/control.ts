import { z } from 'zod';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Guid, Instant, TelescopeId } from './common.ts';

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
  .object({ minutes: z.number().int().min(1).max(720), credits_charged: z.number().min(0).optional() })
  .meta({ id: 'ExtendRequest' });
export const AbortRequest = z.object({ reason: z.string().max(200).optional() }).meta({ id: 'AbortRequest' });

/** The roadmap's 1.4 bodies. */
export const DropInAbort = z.object({ targetGuid: Guid.optional(), setGuid: Guid.optional() });
export const DropInToggle = z.object({
  objectGuid: Guid,
  objectType: z.union([z.literal(0), z.literal(1), z.literal(2)]).describe('0 set, 1 target, 2 shot'),
  operation: z.union([z.literal(0), z.literal(1)]).describe('0 enable, 1 disable'),
});

/** `POST {gateway_url}/v1/telescopes/{id}/abort|halt`, signed with GATEWAY_SECRET. */
export const GatewayAbort = z.object({
  command_id: z.string(),
  booking_id: BookingId.optional(),
  target_guid: Guid.optional(),
  set_guid: Guid.optional(),
  requested_by: z.string().max(120),
});
export type GatewayAbort = z.infer<typeof GatewayAbort>;
