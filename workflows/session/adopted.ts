import type { AdoptedSession } from '../../domain/messages.ts';

/** What a run that takes over a session knows of the one that is gone. Objects and borrowed targets are looked for again rather than believed to be there. */
export function takenOverFrom({
  transition,
  commands,
  phase,
  holdCause,
  reason,
  startedAt,
  objectsMade,
  obsolete,
  paused,
  receipts,
  told,
  spans,
  ending,
}: AdoptedSession) {
  return {
    transition,
    commands,
    phase,
    holdCause,
    reason,
    startedAt,
    started: startedAt !== null,
    mayRun: objectsMade,
    borrowed: startedAt !== null,
    framesWaiting: startedAt !== null,
    objectsMade,
    obsolete,
    userPaused: paused,
    receipts: receipts.map((receipt) => ({ ...receipt, reason: null, message: null })),
    alerts: told,
    spans,
    ending,
    // A stop that was asked for may stand as a latch at the gateway too.
    takenOver: ending?.commandId ?? null,
  };
}
