/** Phases of a session, in the order in which a quiet night passes them. */
export const PHASES = [
  'scheduled',
  'preparing',
  'prepared',
  'starting',
  'running',
  'holding',
  'finalising',
  'completed',
  'cancelled',
  'aborted',
  'weathered_out',
  'failed',
] as const;
export type Phase = (typeof PHASES)[number];

export const FINAL_PHASES = [
  'completed',
  'cancelled',
  'aborted',
  'weathered_out',
  'failed',
] as const satisfies readonly Phase[];
export const isFinal = (phase: Phase): boolean => (FINAL_PHASES as readonly Phase[]).includes(phase);

/** The slot is ahead: what a session does before it may touch the sky. */
export const WAITING_PHASES = ['scheduled', 'preparing', 'prepared'] as const satisfies readonly Phase[];
export const isWaitingPhase = (phase: string): boolean => (WAITING_PHASES as readonly string[]).includes(phase);
/** The session moves the telescope, or waits to. */
export const ACTIVE_PHASES = ['starting', 'running', 'holding'] as const satisfies readonly Phase[];
export const isActivePhase = (phase: string): boolean => (ACTIVE_PHASES as readonly string[]).includes(phase);
/** The slot has begun and the session is not over: what is active, and what is wrapped up. */
export const BEGUN_PHASES = [...ACTIVE_PHASES, 'finalising'] as const satisfies readonly Phase[];
export const hasBegun = (phase: string): boolean => (BEGUN_PHASES as readonly string[]).includes(phase);

/** Why a session holds. */
export const HOLD_CAUSES = ['weather', 'fault', 'user', 'maintenance'] as const;
export type HoldCause = (typeof HOLD_CAUSES)[number];

/** How a session ended; null until it has. `completed` also when the plan was finished early. */
export const OUTCOMES = ['completed', 'cancelled', 'aborted', 'weathered_out', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const LARAVEL_STATUS = ['confirmed', 'running', 'completed', 'cancelled'] as const;
export const ACCESS_STATES = ['upcoming', 'active', 'finished', 'cancelled'] as const;
/** `status` and access state as the owner's Laravel site names them. */
export function laravelStatus(phase: Phase): {
  status: (typeof LARAVEL_STATUS)[number];
  access_state: (typeof ACCESS_STATES)[number];
} {
  switch (phase) {
    case 'scheduled':
    case 'preparing':
    case 'prepared':
      return { status: 'confirmed', access_state: 'upcoming' };
    case 'starting':
    case 'running':
    case 'holding':
      return { status: 'running', access_state: 'active' };
    case 'finalising':
    case 'completed':
    case 'weathered_out':
    case 'aborted':
    case 'failed':
      return { status: 'completed', access_state: 'finished' };
    case 'cancelled':
      return { status: 'cancelled', access_state: 'cancelled' };
  }
}
