/** Names of Temporal's that several processes must agree on, without anything that a workflow's sandbox lacks. */
export const sessionWorkflowId = (bookingId: string): string => `booking-${bookingId}`;
/** The reading of Voyager's list that the wrapping up could not do. */
export const shotsWorkflowId = (bookingId: string): string => `shots-${bookingId}`;
export const finaliseWorkflowId = (bookingId: string): string => `finalise-${bookingId}`;
/** The frames that came after the session had ended. */
export const lateFramesWorkflowId = (bookingId: string): string => `late-${bookingId}`;
export const commandWorkflowId = (commandId: string): string => `command-${commandId}`;

export const QUEUE_SESSION = 'session';
export const QUEUE_FINALISE = 'finalise';
export const telescopeQueue = (telescopeId: string): string => `telescope.${telescopeId}`;
export const framesQueue = (telescopeId: string): string => `frames.${telescopeId}`;

/** A session's search attributes, as Temporal's keys. Temporal does not encrypt them: ids and phases only. */
export const SEARCH_ATTRIBUTES = {
  bookingId: { name: 'BookingId', type: 'KEYWORD' },
  telescopeId: { name: 'TelescopeId', type: 'KEYWORD' },
  phase: { name: 'SessionPhase', type: 'KEYWORD' },
  start: { name: 'SessionStart', type: 'DATETIME' },
} as const;
/** `Name=Type`, as `--search-attribute` of the dev server and operators write them. */
export const SEARCH_ATTRIBUTE_FLAGS = Object.values(SEARCH_ATTRIBUTES).map(
  ({ name, type }) => `${name}=${type[0]}${type.slice(1).toLowerCase()}`,
);
