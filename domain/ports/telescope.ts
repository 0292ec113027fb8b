import type { RoboShot, RoboSet, RoboTarget, VoyagerShot, Weather } from '../contracts/index.ts';
import type { Grant } from '../grant.ts';
import type { Reason } from '../reasons.ts';
import type { z } from 'zod';

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
