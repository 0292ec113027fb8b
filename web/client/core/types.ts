import type * as Answer from '../../../clients/typescript/nocturne.ts';
import type { Image, ImageSummary } from '../../../domain/contracts/image.ts';
import type { LogLine, Event } from '../../../domain/contracts/event.ts';
import type { Receipt, ReceiptState } from '../../../domain/contracts/control.ts';
import type { Snapshot, PlanLine } from '../../../domain/contracts/snapshot.ts';
import type { TelescopeState, Measured } from '../../../domain/contracts/state.ts';

export type {
  Image,
  ImageSummary,
  LogLine,
  Event,
  Receipt,
  ReceiptState,
  Snapshot,
  PlanLine,
  TelescopeState,
  Measured,
};

export type Link = 'connecting' | 'live' | 'polling' | 'lost' | 'offline' | 'demo' | 'denied';
export type ControlName = 'pause' | 'resume' | 'abort';

/** Points of the page's graphs, by series name: `[Unix seconds, value]`. */
export type History = Record<string, [number, number][]>;

/** What the pages show of `GET /api/bookings/{id}/stats`. */
export type SessionStats = Pick<
  Answer.SessionStats,
  'elapsed_seconds' | 'by_filter' | 'total_exposure_seconds' | 'average_hfd' | 'hfd_frames' | 'guiding'
>;

/** The night's log, and Voyager's own. */
export type LogSource = 'night' | 'voyager';
/** The last lines of a log, and which logs whoever looks may read. */
export interface LogEnd {
  lines: LogLine[];
  sources: readonly LogSource[];
}

export interface SourceHandlers {
  link(state: Link): void;
  snapshot(snapshot: Snapshot): void;
  event(event: Event): void;
  /** How many people look at this telescope now, this page included. */
  viewers(count: number): void;
}

/** Where a control page gets its session from: the live API, or the demo in the page itself. */
export interface Source {
  readonly demo: boolean;
  connect(handlers: SourceHandlers): Promise<void>;
  /** Asks for everything that may have been missed. */
  refresh(): Promise<void>;
  images(): Promise<{ images: ImageSummary[] }>;
  /** The end of a log. */
  logs(of?: LogSource): Promise<LogEnd>;
  /** The log from its first line. */
  allLogs(of?: LogSource): Promise<LogLine[]>;
  stats(): Promise<SessionStats>;
  history(): Promise<History>;
  /** The newest preview picture, or null when there is none. */
  preview(): Promise<Blob | null>;
  /** `key`: the same for every try of one command, which makes a repetition harmless. */
  command(kind: ControlName, key: string): Promise<Receipt>;
  /** Where a command stands now. */
  receipt(commandId: string): Promise<Receipt | null>;
  stop(): void;
}
