/**
 * Right to move this telescope: brought by every command, kept by the gateway on disk. A higher generation wins, within one generation the higher
 * revision; an older one is refused.
 */
export interface Grant {
  bookingId: string;
  telescopeId: string;
  generation: number;
  /** The booking's version that the slot was read from; absent where a worker does not say it, and then the lowest. */
  revision?: number;
  start: string;
  end: string;
  targetGuid: string | null;
}

/** `over`: the slot's end plus grace has passed and the stop is confirmed; `revoked`: the session gave the telescope back. */
export type GrantState = 'active' | 'revoked' | 'over';

type Age = Pick<Grant, 'generation' | 'revision'>;

/** Does this grant know less than that one? */
export const isOlder = (one: Age, other: Age): boolean =>
  one.generation < other.generation ||
  (one.generation === other.generation && (one.revision ?? 0) < (other.revision ?? 0));
