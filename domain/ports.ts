/**
 * The activities that the workflows need, as interfaces; instants are ISO 8601 UTC, durations carry their unit. Every activity may run twice, and
 * errors to tell apart are ApplicationFailures with a `type` of `domain/failures.ts`.
 */
export type { Grant } from './grant.ts';
export type * from './ports/telescope.ts';
export type * from './ports/session.ts';
export type * from './ports/frames.ts';
export type * from './ports/finalise.ts';
