import { z } from 'zod';
import { type EventType, EVENT_TYPES } from '../event-types.ts';
import { ACCESS_STATES, HOLD_CAUSES, LARAVEL_STATUS, OUTCOMES, PHASES } from '../phases.ts';
import { REASON_CODES } from '../reasons.ts';
import { Instant } from './common.ts';
import { Receipt } from './control.ts';
import { Event, LogLine } from './event.ts';
import { ImageSummary } from './image.ts';
import { TelescopeState } from './state.ts';

/** Where a session stands: what `session.changed` carries, and every webhook of a session. */
export const SessionChange = z
  .object({
    phase: z.enum(PHASES),
    hold_cause: z.enum(HOLD_CAUSES).nullable(),
    reason: z.enum(REASON_CODES).nullable(),
    outcome: z.enum(OUTCOMES).nullable(),
    status: z.enum(LARAVEL_STATUS),
    access_state: z.enum(ACCESS_STATES),
    generation: z.number().int().describe('Grows with each new slot or plan; objects of an older one are removed'),
    set_guid: z.string().nullable(),
    target_guid: z.string().nullable(),
    next: z.object({ what: z.string(), at: Instant }).nullable(),
    session_started_at: Instant.nullable(),
    session_ended_at: Instant.nullable(),
  })
  .meta({ id: 'SessionChange' });
export type SessionChange = z.infer<typeof SessionChange>;

const Told = z.object({ reason: z.enum(REASON_CODES), message: z.string(), message_fr: z.string() });

/** As the snapshot counts it. */
export const PlanProgress = z
  .object({
    shots_done: z.number().int(),
    shots_total: z.number().int(),
    percent: z.number(),
    done: z.array(z.number().int()).describe('Line by line, in the order of the plan'),
    by_filter: z
      .array(z.object({ filter: z.string(), done: z.number().int(), total: z.number().int() }))
      .describe('Calibration frames stand under their type'),
  })
  .meta({ id: 'PlanProgress' });

interface LiveEvent {
  says: string;
  data: z.ZodObject;
}
/** What each live event tells, and what stands in its `data`. */
export const LIVE_EVENTS = {
  'control.updated': { says: 'The telescope, as often as it changes', data: TelescopeState },
  'shot.progress': { says: 'The exposure that runs', data: TelescopeState.shape.exposure.unwrap() },
  'preview.ready': {
    says: 'A new picture of the camera, fetched by its own address',
    data: TelescopeState.shape.preview.unwrap(),
  },
  'image.captured': { says: 'A frame stands in the archive', data: ImageSummary },
  'image.measured': { says: 'A frame has its figures', data: ImageSummary },
  'plan.progress': { says: 'How far the plan is, at each frame', data: PlanProgress },
  'session.changed': {
    says: 'The session has another phase, cause or reason',
    data: SessionChange.extend({ start: Instant.optional(), end: Instant.optional() }),
  },
  'receipt.changed': { says: 'A control has moved on', data: Receipt },
  'weather.alert': {
    says: 'The session holds for the weather, or Voyager itself has suspended',
    data: Told.extend({ state: z.enum(['hold', 'voyager_suspended']) }),
  },
  'error.alert': { says: 'The session holds for a fault', data: Told },
  'log.appended': { says: 'A line of the night log', data: LogLine },
} as const satisfies Record<EventType, LiveEvent>;
export type EventData = { [Type in EventType]: z.infer<(typeof LIVE_EVENTS)[Type]['data']> };

/** `shot.progress` → `ShotProgressEvent`: the name of its schema in the documents. */
export const eventSchemaId = (type: EventType): string => `${pascal(type)}Event`;
export const pascal = (type: string): string =>
  type
    .split(/[._]/)
    .map((word) => `${word[0]!.toUpperCase()}${word.slice(1)}`)
    .join('');

/** Each live event as it travels. */
export const LIVE_EVENT_SCHEMAS = Object.fromEntries(
  EVENT_TYPES.map((type) => [
    type,
    Event.extend({ type: z.literal(type), data: LIVE_EVENTS[type].data }).meta({ id: eventSchemaId(type) }),
  ]),
) as unknown as Record<EventType, z.ZodObject>;
