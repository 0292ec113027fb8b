/** Live event names, dotted so that Laravel Echo takes them with a leading dot. A list without a validator, since pages read it too. */
export const EVENT_TYPES = [
  'control.updated',
  'shot.progress',
  'preview.ready',
  'image.captured',
  'image.measured',
  'plan.progress',
  'session.changed',
  'receipt.changed',
  'weather.alert',
  'error.alert',
  'log.appended',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];
/** These are not stored: they carry the last stored `seq` and their own `rev`, and the newest replaces the older. */
export const VOLATILE_EVENTS = [
  'control.updated',
  'shot.progress',
  'preview.ready',
] as const satisfies readonly EventType[];
export const isVolatile = (type: string): boolean => (VOLATILE_EVENTS as readonly string[]).includes(type);
