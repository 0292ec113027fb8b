import { z } from 'zod';
import { SEVERITIES } from '../alerts.ts';
import { HOLD_CAUSES } from '../phases.ts';
import { REASON_CODES } from '../reasons.ts';
import { BookingId, Instant, TelescopeId } from './common.ts';
import { Receipt } from './control.ts';
import { ImageSummary } from './image.ts';
import { Settlement } from './ledger.ts';
import { SessionChange, pascal } from './live-events.ts';
import * as examples from './webhook-examples.ts';

interface WebhookEntry {
  says: string;
  data: z.ZodObject;
  example: Record<string, unknown>;
}

/** A change of a session, when it happened, and its own more. */
const session = <Shape extends z.core.$ZodLooseShape>(more: Shape) =>
  SessionChange.extend({ at: Instant }).extend(more);
/** A line of the night log that is told: with its words. */
const line = <Shape extends z.core.$ZodLooseShape>(more: Shape) =>
  session({ message: z.string(), message_fr: z.string().nullable() }).extend(more);
const FrameCounts = z.object({
  captured: z.number().int(),
  archived: z.number().int(),
  rejected: z.number().int(),
  missing: z.number().int(),
  pending: z.number().int(),
});
/** A session that ended before its slot has no frames; its credits follow as `credits.settled`. */
const ending = session({
  frames: FrameCounts.optional(),
  settlement_id: z.string().optional(),
  credits_refund: z.number().optional(),
  slot: z.object({ start: Instant, end: Instant }).optional(),
});
const ended = (says: string, example: Record<string, unknown>) => ({ says, data: ending, example });

/**
 * Every webhook: what it tells, what stands in its `data`, and an example. Documents, types and the list of types are made of this table; a
 * field whose name ends in `url` is a whole address that opens by itself for 30 days.
 */
export const WEBHOOKS = {
  'booking.accepted': {
    says: 'A booking stands and its session waits',
    data: z.object({
      start: Instant,
      end: Instant,
      user_ref: z.string(),
      target: z.string(),
      status: SessionChange.shape.status,
      access_state: SessionChange.shape.access_state,
    }),
    example: examples.accepted,
  },
  'session.prepared': {
    says: 'Set, target and shots stand in RoboTarget and were read back, a day ahead',
    data: session({}),
    example: examples.prepared,
  },
  'session.starting_soon': {
    says: 'The slot begins within the hour',
    data: line({ start: Instant }),
    example: examples.startingSoon,
  },
  'session.started': { says: 'The target is enabled for the first time', data: session({}), example: examples.started },
  'session.paused': {
    says: 'The session holds, for `cause`',
    data: session({ cause: z.enum(HOLD_CAUSES) }),
    example: examples.paused,
  },
  'session.resumed': { says: 'It goes on after a hold', data: session({}), example: examples.resumed },
  'session.extended': {
    says: 'The slot ends later',
    data: line({ end: Instant }),
    example: examples.extended,
  },
  'session.rescheduled': {
    says: 'The slot lies elsewhere',
    data: session({ start: Instant, end: Instant }),
    example: examples.rescheduled,
  },
  'session.cancelled': ended('Given up before anything moved', examples.cancelled),
  'session.aborted': ended('Stopped by the guest (`user_abort`) or an operator (`operator_abort`)', examples.aborted),
  'session.weathered_out': ended('The sky allowed nothing', examples.weatheredOut),
  'session.failed': ended('It could not take place', examples.failed),
  'session.completed': ended('Over, wrapped up and settled', examples.completed),
  'image.captured': { says: 'A frame stands in the archive', data: ImageSummary, example: examples.image },
  'images.digest': {
    says: 'Fifteen frames more, and what is left at the end',
    data: z.object({
      images_captured: z.number().int(),
      images: z.array(
        ImageSummary.pick({
          id: true,
          filename: true,
          filter: true,
          exposure: true,
          captured_at: true,
          hfd: true,
          url: true,
          preview_url: true,
          thumbnail_url: true,
        }),
      ),
    }),
    example: examples.digest,
  },
  'images.expiring': {
    says: 'The frames are deleted on that day, two weeks ahead',
    data: z.object({ expires_at: Instant, images: z.number().int() }),
    example: examples.expiring,
  },
  'control.confirmed': {
    says: 'What was asked for has been seen to happen',
    data: Receipt,
    example: examples.confirmed,
  },
  'control.refused': { says: 'What was asked for did not happen, and why', data: Receipt, example: examples.refused },
  'credits.settled': {
    says: 'What the slot costs; applied once by `settlement_id`, and instead of `supersedes` where that is given',
    data: Settlement,
    example: examples.settled,
  },
  'complaint.answered': {
    says: 'An operator has answered a complaint of the guest; what it gives back follows as `credits.settled`',
    data: z.object({
      complaint_id: z.string(),
      image_id: z.string().nullable().describe('The frame it is about; null for the night'),
      text: z.string().describe('What the guest had said'),
      answer: z.string(),
      credits_refund: z.number(),
      answered_at: Instant,
    }),
    example: examples.answered,
  },
  'error.occurred': {
    says: 'A problem: the guest’s, with the state of the session, or (`audience: operator`) one for whoever runs the telescope',
    data: SessionChange.partial().extend({
      reason: z.enum(REASON_CODES),
      message: z.string(),
      message_fr: z.string().nullable().optional(),
      at: Instant,
      audience: z.literal('operator').optional(),
      severity: z.enum(SEVERITIES).optional(),
    }),
    example: examples.problem,
  },
} as const satisfies Record<string, WebhookEntry>;
export type WebhookType = keyof typeof WEBHOOKS;
export const WEBHOOK_TYPES = Object.keys(WEBHOOKS) as WebhookType[];

/** What goes through the outbox: all that Laravel hears of, what only the operator reads, and a letter that a guest asked us for. */
export const OUTBOX_TYPES = [...WEBHOOK_TYPES, 'operator.health', 'link.requested'] as const;
export type OutboxType = (typeof OUTBOX_TYPES)[number];

const Envelope = z.object({
  id: z.string().describe('The same at every attempt, whoever receives it'),
  created_at: Instant,
  sequence: z.number().int().describe('Counts up within a booking'),
  booking_id: BookingId.nullable(),
  telescope_id: TelescopeId.nullable(),
});

/** `session.started` → `SessionStartedWebhook`: the name of its schema in the documents. */
export const webhookSchemaId = (type: WebhookType): string => `${pascal(type)}Webhook`;
/** Each webhook's whole body. */
export const WEBHOOK_SCHEMAS = Object.fromEntries(
  WEBHOOK_TYPES.map((type) => [
    type,
    Envelope.extend({ type: z.literal(type), data: WEBHOOKS[type].data }).meta({ id: webhookSchemaId(type) }),
  ]),
) as unknown as Record<WebhookType, z.ZodObject>;

/** Any webhook; `type` says which. */
export const Webhook = z.discriminatedUnion('type', Object.values(WEBHOOK_SCHEMAS) as never).meta({ id: 'Webhook' });

/** A whole body as it is sent, for the documents. */
export function webhookExample(type: WebhookType): Record<string, unknown> {
  const { audience } = WEBHOOKS[type].example as { audience?: string };
  return {
    id: 'a7c4d1de-6f3b-5f0e-9d55-0d0f2f1f9b21',
    type,
    created_at: '2026-11-23T22:14:05.120Z',
    sequence: 7,
    booking_id: audience === 'operator' ? null : 'b-1042',
    telescope_id: 'demo',
    data: WEBHOOKS[type].example,
  };
}
