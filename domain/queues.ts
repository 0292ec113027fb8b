/** Names of workflows and task queues, without anything that a workflow's sandbox lacks. */
export const sessionWorkflowId = (bookingId: string): string => `booking-${bookingId}`;
/** The reading of Voyager's list that the wrapping up could not do. */
export const shotsWorkflowId = (bookingId: string): string => `shots-${bookingId}`;
export const finaliseWorkflowId = (bookingId: string): string => `finalise-${bookingId}`;

export const QUEUE_SESSION = 'session';
export const QUEUE_FINALISE = 'finalise';
export const telescopeQueue = (telescopeId: string): string => `telescope.${telescopeId}`;
export const framesQueue = (telescopeId: string): string => `frames.${telescopeId}`;
