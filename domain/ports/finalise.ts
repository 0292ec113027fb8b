import type { SettlementLine, LedgerClass } from '../contracts/index.ts';
import type { Outcome } from '../phases.ts';
import type { Reason } from '../reasons.ts';
import type { z } from 'zod';
import type { Span } from './session.ts';
import type { FrameCounts } from './frames.ts';

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
