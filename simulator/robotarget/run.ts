import type { TargetRow } from './store.ts';

/** A target under way: what Voyager shows as a running sequence. */
export interface Run {
  number: number;
  target: TargetRow;
  controller: AbortController;
  startedAt: number;
  totalSeconds: number;
  /** Exposed seconds of frames that are done. */
  doneSeconds: number;
}
