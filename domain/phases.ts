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

/** Why a session holds. */
export const HOLD_CAUSES = ['weather', 'fault', 'user'] as const;
export type HoldCause = (typeof HOLD_CAUSES)[number];

/** How a session ended; null until it has. `completed` also when the plan was finished early. */
export const OUTCOMES = ['completed', 'cancelled', 'aborted', 'weathered_out', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** `status` and access state as the owner's Laravel site names them (contracts: table of phases). */
export function laravelStatus(phase: Phase): {
  status: 'confirmed' | 'running' | 'completed' | 'cancelled';
  access_state: 'upcoming' | 'active' | 'finished' | 'cancelled';
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
