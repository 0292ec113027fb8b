import type { RoboShot, RoboSet, RoboTarget, SettlementLine, VoyagerShot, Weather } from './contracts/index.ts';
import type { ControlKind, ReceiptState } from './contracts/control.ts';
import type { LedgerClass, WebhookType } from './contracts/index.ts';
import type { Shot, Target, Constraints } from './contracts/booking.ts';
import type { TelescopePolicy } from './contracts/telescope.ts';
import type { Grant } from './grant.ts';
import type { HoldCause, Outcome, Phase } from './phases.ts';
import type { Reason } from './reasons.ts';
import type { z } from 'zod';

export type { Grant } from './grant.ts';

/**
 * The activities that the workflows need, as interfaces; instants are ISO 8601 UTC, durations carry their unit. Every activity may run twice, and
 * errors to tell apart are ApplicationFailures with a `type` of `domain/failures.ts`.
 */

/** Result of a physical command. `unknown`: no answer in time; read back, never send again blindly. */
export interface CommandOutcome {
  outcome: 'done' | 'refused' | 'unknown';
  reason: Reason | null;
  message: string | null;
}

export interface ObjectsPlan {
  set: z.infer<typeof RoboSet>;
  target: z.infer<typeof RoboTarget>;
  shots: z.infer<typeof RoboShot>[];
}

export interface SiteCheck {
  ok: boolean;
  problems: { reason: Reason; message: string }[];
  /** Not in the way, but the operator should know. */
  warnings: string[];
}

/** What a five-minute check sees: small, typed, with ages. */
export interface Observation {
  at: string;
  connected: boolean;
  /** Seconds since the last line of Voyager; null when there never was one. */
  ageSeconds: number | null;
  voyagerStatus: 'IDLE' | 'RUN' | 'ERROR' | 'STOPPED' | 'WARNING' | 'UNDEFINED';
  emergency: 'suspend' | 'exit' | null;
  /** RoboTarget runs a sequence that belongs to this booking's target / to somebody else / nothing. */
  running: 'ours' | 'foreign' | 'none' | 'unknown';
  roboTargetRunning: boolean | null;
  runSequence: string | null;
  runDragScript: string | null;
  guiding: string | null;
  mountConnected: boolean | null;
  cameraConnected: boolean | null;
  lastError: string | null;
  clockOffsetSeconds: number | null;
  weather: Pick<z.infer<typeof Weather>, 'state' | 'reason' | 'causes' | 'ok_since' | 'stale'>;
  /** Read from RoboTarget's own list; null while it could not be read. */
  target: { enabled: boolean; statusOp: 'unknown' | 'idle' | 'running' | 'finished' | 'no_ephemeris' } | null;
  /** The list was read, and our target is not on it. */
  targetAbsent?: boolean;
  /** Done counts by shot GUID out of the shot-done list (live records only); null while it could not be read. */
  shotsDone: Record<string, number> | null;
  /** An abort that the gateway's emergency path has latched and no workflow has taken over. */
  latchedAbort: { commandId: string; requestedBy: string; at: string; reason?: Reason } | null;
}

/** How a telescope is watched while nothing is asked of it. */
export interface WatchPlan {
  /** Seconds between two looks. */
  everySeconds: number;
  /** After so many looks the session is told whatever they show. */
  looks: number;
  /** What the session knows (`pictureOf`). */
  picture: string;
  /** Exposures to reach by shot GUID. */
  goal: { guid: string; quantity: number }[];
  /** The session must hear when our target begins or stops to run, since an enabled target that idles is a fault. */
  progress?: boolean;
}

/** Run by the gateway on queue `telescope.<id>`. */
export interface TelescopeActivities {
  /** J-1: profile, base sequence, filter map, safety monitor, clock, foreign targets (listed only). Read-only. */
  checkSite(input: { telescopeId: string; bookingId: string }): Promise<SiteCheck>;
  /** Registers or renews the grant, so that the gateway itself stops the target at the slot's end plus grace. */
  registerGrant(grant: Grant): Promise<CommandOutcome>;
  /** Reads back, compares, creates what lacks, repairs what differs; idempotent by GUID. Target is left disabled. Heartbeats. */
  ensureObjects(input: {
    grant: Grant;
    plan: ObjectsPlan;
  }): Promise<CommandOutcome & { created: number; repaired: number; shots: z.infer<typeof VoyagerShot>[] }>;
  /** Read-only confirmation: which parts of the plan are not as they should be (empty = all as planned). */
  readObjects(input: {
    telescopeId: string;
    plan: ObjectsPlan;
  }): Promise<{ differences: string[]; enabled: boolean | null }>;
  /** Removes what a generation made, shots first; idempotent. */
  removeObjects(input: {
    grant: Grant;
    setGuid: string;
    targetGuid: string;
    shotGuids: string[];
  }): Promise<CommandOutcome>;
  /** Submit only: enable the target (passes the safety gate). Confirm with `observe`. */
  enableTarget(input: { grant: Grant; key: string }): Promise<CommandOutcome>;
  /** Submit only: disable the target, letting the exposure under way finish. */
  disableTarget(input: { grant: Grant; key: string }): Promise<CommandOutcome>;
  /** Stop ladder (docs/safety.md, 3): disable and Abort{IsHalt:false} in one write, then confirmed from telemetry. Heartbeats. */
  stopTarget(input: { grant: Grant; key: string }): Promise<CommandOutcome>;
  /** The mirror plus RoboTarget's lists. Read-only. */
  observe(input: { grant: Grant }): Promise<Observation>;
  /** Looks again and again without an event in the history; returns when the picture differs from the known one or after the last look (gateway/activities/watch.ts). */
  watch(input: { grant: Grant; plan: WatchPlan }): Promise<Observation>;
  /** exclusive: other people's enabled targets are disabled for the slot and remembered; refused with `foreign_target` where that is not allowed. */
  borrowSky(input: {
    grant: Grant;
    key: string;
  }): Promise<CommandOutcome & { borrowed: { guid: string; name: string }[] }>;
  /** Enables again what was borrowed; idempotent. */
  returnSky(input: { telescopeId: string; bookingId: string }): Promise<CommandOutcome>;
  /** Starts RoboTarget's DragScript where policy allows and none runs. */
  startRoboTarget(input: { grant: Grant; key: string }): Promise<CommandOutcome>;
  /** The workflow has taken a latched abort over: the gateway lets go of its latch. */
  releaseLatch(input: { telescopeId: string; bookingId: string; commandId: string }): Promise<void>;
  /** Grant ends: nothing of this booking may move any more. */
  revokeGrant(input: { telescopeId: string; bookingId: string }): Promise<void>;
  /** Voyager's shot-done list of a target through the open API; of a long list the `limit` records from `offset` on. */
  listShotsDone(input: {
    telescopeId: string;
    targetGuid: string;
    offset?: number;
    limit?: number;
  }): Promise<ShotDone[]>;
  /** Drop-in routes: one RoboTarget read or write, allow-listed, gated. */
  roboTarget(input: RoboTargetRequest): Promise<RoboTargetResult>;
}

export interface ShotDone {
  guid: string;
  shotGuid: string;
  at: string;
  filename: string;
  path: string;
  hfd: number | null;
  starIndex: number | null;
  exposureSeconds: number | null;
  binning: number | null;
  filterIndex: number | null;
}

export type RoboTargetRequest = { telescopeId: string; commandId: string; requestedBy: string } & (
  | { op: 'list'; object: 'set' | 'target' | 'shot'; parentGuid?: string }
  | { op: 'get'; object: 'set' | 'target' | 'shot'; guid: string }
  | { op: 'create' | 'update'; object: 'set' | 'target' | 'shot'; guid: string; body: Record<string, unknown> }
  | { op: 'delete'; object: 'set' | 'target' | 'shot'; guid: string }
  | { op: 'enable' | 'disable'; object: 'set' | 'target' | 'shot'; guid: string }
);
export interface RoboTargetResult extends CommandOutcome {
  items: Record<string, unknown>[];
}

/** The booking as a session needs it (no person in it). */
export interface SessionBooking {
  bookingId: string;
  telescopeId: string;
  start: string;
  end: string;
  generation: number;
  /** The version of the booking's row; absent in what was loaded before there was one. */
  revision?: number;
  cancelled: boolean;
  target: z.infer<typeof Target>;
  shots: z.infer<typeof Shot>[];
  constraints: z.infer<typeof Constraints>;
  policy: TelescopePolicy & { resume_debounce_seconds: number; weather_stale_seconds: number };
  /** Instant to begin preparing at (policy applied by the activity, since `noon` needs the site's time zone). */
  prepareAt: string;
  plan: ObjectsPlan;
  maintenance: { from: string; to: string; bookings: 'hold' | 'cancel' } | null;
}

/** A change of phase (or of reason within a phase): projection, timeline, event and outbox rows, in one transaction. */
export interface Transition {
  bookingId: string;
  telescopeId: string;
  /** Grows by one with each call; a repeated or older number changes nothing. */
  transition: number;
  at: string;
  phase: Phase;
  holdCause: HoldCause | null;
  reason: Reason | null;
  outcome: Outcome | null;
  generation: number;
  setGuid?: string | null;
  targetGuid?: string | null;
  voyagerShots?: z.infer<typeof VoyagerShot>[];
  sessionStartedAt?: string;
  sessionEndedAt?: string;
  next: { what: string; at: string } | null;
  /** Line for the night log; event is a short stable name such as `prepared`, `weather_hold`. */
  log: {
    level: 'INFO' | 'WARNING' | 'ERROR';
    event: string;
    message: string;
    messageFr?: string;
    data?: Record<string, unknown>;
  };
  /** What Laravel hears; people hear of it too where notifications say so. */
  notify?: { type: WebhookType; data?: Record<string, unknown> };
}

export interface ReceiptChange {
  commandId: string;
  bookingId: string;
  telescopeId: string;
  kind: ControlKind;
  state: ReceiptState;
  reason: Reason | null;
  message: string | null;
  requestedBy: string;
  at: string;
}

/** Spans of the night that the workflow saw; the ledger is built from them and from telemetry. `end` null = still open. */
export interface Span {
  class: LedgerClass;
  start: string;
  end: string | null;
  cause: string | null;
}

/** Run by the worker on queue `session`. */
export interface SessionActivities {
  /** `generation`: at least this one from now on (a new slot or plan gets new objects); kept in the booking row. */
  loadBooking(input: { bookingId: string; now: string; generation?: number }): Promise<SessionBooking>;
  recordTransition(input: Transition): Promise<void>;
  recordReceipt(input: ReceiptChange): Promise<void>;
  /** A line for the night log without a change of phase. `key` makes a repeat a no-op. */
  recordLog(input: {
    bookingId: string;
    telescopeId: string;
    key: string;
    at: string;
    log: Transition['log'];
    notify?: Transition['notify'];
  }): Promise<void>;
  /** Progress from a check: done counts, weather, guiding, for lists and pages. Answers the maintenance that touches the slot by now. */
  recordCheck(input: {
    bookingId: string;
    telescopeId: string;
    at: string;
    observation: Observation;
  }): Promise<{ maintenance: SessionBooking['maintenance'] }>;
  /** What is still worth doing in [now, end): the shots by value and by what the sky allows. Pure function of domain/. */
  planRemainder(input: { bookingId: string; now: string; end: string; done: Record<string, number> }): Promise<{
    usefulSeconds: number;
    anyShotFits: boolean;
    nextDarkAt: string | null;
    nextVisibleAt: string | null;
    shots: { guid: string; remaining: number }[];
  }>;
  /** The operator must hear of this (mail, log, webhook `error.occurred`). */
  alertOperator(input: {
    bookingId: string;
    telescopeId: string;
    key: string;
    at: string;
    reason: Reason;
    message: string;
  }): Promise<void>;
}

/** Run on queue `frames.<telescope>` by the worker that has the share. */
export interface FrameActivities {
  /**
   * Takes in every journalled frame of this booking that has not been taken in; heartbeats with its position; returns counts. With `linger` it
   * stays for those that come, until none has come for a while or it is cancelled.
   */
  drainFrames(input: { bookingId: string; telescopeId: string; linger?: boolean }): Promise<FrameCounts>;
  /** Events, Voyager's shot-done list and the folder are brought together: every frame ends archived, rejected or missing with a reason. */
  reconcileFrames(input: {
    bookingId: string;
    telescopeId: string;
    shotsDone: ShotDone[] | null;
    final: boolean;
  }): Promise<FrameCounts>;
}
export interface FrameCounts {
  captured: number;
  archived: number;
  rejected: number;
  missing: number;
  pending: number;
}

/** Passes that keep the archive, started by Schedules on queue `finalise`; each may be cut off and repeated. */
export interface KeepingActivities {
  /**
   * Reads archived frames back from the medium, those never read first, and mends damaged ones from their copy; it heartbeats. `stopped`: too many
   * are lost at once for any of them to be judged.
   */
  scrubFrames(input: { budgetSeconds: number; onlyNew?: boolean }): Promise<{
    checked: number;
    restored: number;
    revised: number;
    damaged: string[];
    unjudged: number;
    stopped: boolean;
  }>;
  /** Brings archived frames to the S3-compatible target and makes sure that they stand there; nothing without one. Heartbeats. */
  copyFrames(input: {
    budgetSeconds: number;
  }): Promise<{ copied: number; known: number; failed: number; waiting: number }>;
  /** The rule of deletion: announce, move to the trash, empty it. Heartbeats. */
  expireFrames(): Promise<{ announced: string[]; trashed: number; purged: number }>;
  /** Disk that the bookings of the next day need against what is free; the operator is told of each that does not fit, once. */
  forecastDisk(): Promise<DiskForecast>;
}
export interface DiskForecast {
  freeBytes: number;
  promisedBytes: number;
  short: { bookingId: string; neededBytes: number }[];
}

/** Run on queue `finalise`, which can never hold up the next night. */
export interface FinaliseActivities {
  /** Manifest and the session's human-named archive folder; returns where. */
  buildArchive(input: {
    bookingId: string;
    telescopeId: string;
  }): Promise<{ archivePath: string; files: number; bytes: number }>;
  /** Ledger of the whole slot and settlement, idempotent. `before`: ended before its slot began; `slot`: as the session knew it. */
  settle(input: {
    bookingId: string;
    telescopeId: string;
    spans: Span[];
    outcome: Outcome;
    before?: boolean;
    slot?: FinaliseInput['slot'];
  }): Promise<{
    settlementId: string;
    seconds: Record<LedgerClass, number>;
    lines: z.infer<typeof SettlementLine>[];
    refund: number;
  }>;
  buildReport(input: {
    bookingId: string;
    telescopeId: string;
    outcome: Outcome;
    reason: Reason | null;
  }): Promise<{ reportPath: string }>;
  /** Ledger and settlement once more after late frames: a settlement that differs supersedes the one before. */
  resettle(input: { bookingId: string; telescopeId: string }): Promise<void>;
  /** The report of a session that is over, from its rows as they are now (late frames). */
  rebuildReport(input: { bookingId: string; telescopeId: string }): Promise<{ reportPath: string }>;
}

export interface FinaliseInput {
  bookingId: string;
  telescopeId: string;
  targetGuid: string | null;
  outcome: Outcome;
  reason: Reason | null;
  spans: Span[];
  slot: { start: string; end: string };
  transition: number;
}
export interface FinaliseResult {
  /** As asked for, or `failed` where a night called complete turned out to have no frame. */
  outcome: Outcome;
  reason?: Reason | null;
  frames: FrameCounts;
  reportPath: string;
  archivePath: string;
}

/** One pass each over the database, run by Schedules; safe to repeat and to overlap. */
export interface MaintenanceActivities {
  /** Bookings whose row stands but whose workflow was never started, and commands that the workflow has not answered; then `matchSessions`. */
  startMissingSessions(): Promise<{
    started: string[];
    rescheduled: string[];
    takenOver: string[];
    cancelled: string[];
  }>;
  /** Frames in the journal of sessions, and more of the gateway's record than a night was settled on: running sessions are nudged, those that are over get a `lateFrames` workflow. */
  collectLateFrames(): Promise<{ nudged: string[] }>;
  /** How many outbox rows wait and how many are given up; the operator is told of the latter once by the log. */
  checkOutbox(): Promise<{ waiting: number; dead: number }>;
  /** The day's sessions, frames, messages and telescopes in one letter to the operator, once a day; returns its lines. */
  tellHealth(): Promise<{ lines: string[] }>;
  /** Telemetry 90 days, night logs and events a year, erased people, spent keys. */
  applyRetention(): Promise<{ telemetry: number; timeline: number; people: number; keys: number }>;
}
