import type { ShotDone } from './telescope.ts';

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
