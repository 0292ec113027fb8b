import type { SessionChange } from '../domain/contracts/live-events.ts';
import { laravelStatus, type HoldCause, type Outcome, type Phase } from '../domain/phases.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Session } from '../prisma/client/client.ts';

/** Where a session stands, as live event and webhooks tell it. */
export const sessionChange = (session: Session): SessionChange => ({
  phase: session.phase as Phase,
  hold_cause: session.holdCause as HoldCause | null,
  reason: session.reason as Reason | null,
  outcome: session.outcome as Outcome | null,
  ...laravelStatus(session.phase as Phase),
  generation: session.generation,
  set_guid: session.setGuid,
  target_guid: session.targetGuid,
  next: session.nextAt ? { what: session.nextWhat ?? '', at: session.nextAt.toISOString() } : null,
  session_started_at: session.sessionStartedAt?.toISOString() ?? null,
  session_ended_at: session.sessionEndedAt?.toISOString() ?? null,
});
