/**
 * Changes of the workflows' commands that a history may or may not have, by the name that `patched` writes into it (docs/workflow-changes.md).
 * A name is never used twice and leaves this list only after `deprecatePatch` has stood in a release.
 */
export const PATCHES = {
  /** Checks as one `watch` per report instead of a timer and a look each; frames drained from the start of the session until it is wrapped up. */
  quiet: 'quiet-watch',
  /** A read that a control overtakes is left to end by itself; its cancellation cost a command and broke histories on the time-skipping test server. */
  abandon: 'abandon-reads',
  /** A booking that ends before its slot is settled and gets a report. */
  settle: 'settle-before-slot',
  /** While the target is enabled: a RoboTarget that stopped is started again, an intruder is borrowed, where policy says so. */
  upkeep: 'keep-robotarget-ours',
  /** A plan is not changed when too little of the slot is left for it, nor while Voyager carries out an emergency. */
  lateAmend: 'late-amend',
  /** A grant is left to the gateway's watchdog when the target could not be seen to have stopped, and given back after an amendment that failed. */
  grantKept: 'grant-kept',
  /** Voyager's emergency is waited out by a `watch`, a preparation that fails long before the slot is tried again more slowly, grants and complaints are not repeated. */
  patience: 'patience',
  /** Darks, bias and flats go on in clouds where policy says so. */
  calibration: 'calibration-in-clouds',
  /** `lateFrames`: ledger and settlement follow the frames that came late. */
  settleLate: 'settle-late',
  /** A pause while the plan is being prepared inside the slot is confirmed at once. */
  pauseUnprepared: 'pause-unprepared',
  /** `finalise`: a shot-done list that could not be read is asked for again when the observatory is back. */
  shotsLater: 'shots-later',
  /** A pause in a hold that sends nothing is carried out, or confirmed by what is seen, instead of waiting for the hold to end. */
  pauseHeld: 'pause-in-hold',
  /** A disable or stop that was refused or not seen is tried again within seconds, not at the next check. */
  insist: 'insist-on-stop',
  /** A stop takes effect or says why not within seconds, in preparation and in every hold; what is not there is stopped. */
  promptStop: 'prompt-stop',
  /** Maintenance holds and ends a session as maintenance, without fault and alarm. */
  maintenance: 'maintenance-no-fault',
  /** Bad weather is the cause of what it brought about: Voyager's own emergency, a preparation that waits for it, a slot that ends so; a sky that nobody knows for long is told to the operator. */
  cause: 'weather-is-the-cause',
  /** A target that is enabled and idles although the sky permits is a fault, from when it began to idle. */
  progress: 'progress-is-seen',
  /** `finalise`: a night without a frame is not complete. */
  frameless: 'no-frames-not-complete',
  /** Filters, base sequence, profile and policy are read again at each preparation and when the slot begins. */
  fresh: 'plan-read-again',
} as const;
