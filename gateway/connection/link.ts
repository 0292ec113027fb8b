import type { EventEmitter } from 'node:events';
import type { LinkState } from '../../domain/contracts/state.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { VoyagerEvent } from '../protocol/events.ts';
import type { Dialect } from '../robotarget/dialect.ts';

/** What left or is about to leave the socket; the gate judges it before every single write. */
export interface OutgoingLine {
  kind: 'heartbeat' | 'login' | 'mode' | 'request' | 'event' | 'bye';
  method: string | null;
  params: Readonly<Record<string, unknown>>;
}
export type GateVerdict = { allowed: true } | { allowed: false; reason: string };
/** Called synchronously before each line; a refusal means that not one byte is written. */
export type Gate = (line: OutgoingLine) => GateVerdict;

export interface VoyagerRequest {
  method: string;
  params: Record<string, unknown>;
  /** Registered before the line leaves; made when absent. */
  uid?: string;
  timeoutMs: number;
  /**
   * Called with the number and UID of the line just before it leaves; what it returns is laid over `params`. For signatures that cover them
   * or the session key (the Version event's Timestamp, digit for digit).
   */
  sign?: (context: { id: number; uid: string; sessionKey: string }) => Record<string, unknown>;
  /** `result`: wait for RemoteActionResult; `reply`: the jsonrpc answer is all there is (disconnect, Abort, RemoteActionAbortAll, RemoteDragScript…). */
  answer: 'reply' | 'result';
}
export type RequestOutcome =
  | { outcome: 'done'; uid: string; paramRet: Record<string, unknown>; reply: Record<string, unknown> }
  | {
      outcome: 'refused';
      uid: string;
      how: 'reply' | 'result' | 'payload' | 'gate' | 'not_ready';
      code: number | null;
      message: string;
      paramRet?: Record<string, unknown>;
    }
  | { outcome: 'unknown'; uid: string; why: 'timeout' | 'disconnected' | 'unreadable'; message: string };

export interface LinkEvents {
  /** Every decoded event, in order. NewJPGReady carries its picture as a Buffer, never as text. */
  event: [VoyagerEvent];
  status: [{ state: LinkState; reason: string | null; epoch: number }];
  /** A line that could not be read, or only in part; counted, cut and redacted. One that was read in part is an `event` too. */
  badLine: [{ error: string; head: string }];
  alarm: [{ what: 'login_rejected' | 'line_too_long'; message: string }];
}

/** Where a Voyager listens; `instance` counts from 1 and goes into the heartbeat. */
export interface Address {
  host: string;
  port: number;
  instance: number;
}
export type Credentials = { username: string; password: string } | { ticket: string };

export interface VoyagerLinkOptions {
  host: string;
  port: number;
  /** From 1; goes into the heartbeat and is compared with what Voyager says. */
  instance: number;
  credentials: Credentials | null;
  /** Asked before every line; everything passes without one. */
  gate?: Gate;
  clock: Clock;
  logger: Logger;
  dialect: Dialect;
  robotargetSecret: string | null;
  /** A line over this is refused and the connection reset. */
  maxLineMb: number;
  /** Modes to switch on after each login; `logLevel` 0 all, 1 without INFO and DEBUG, null none. */
  modes: { dashboard: boolean; logLevel: 0 | 1 | null };
  random?: () => number;
}

/** Counts since the process began, for metrics. */
export interface LinkStats {
  bytesIn: number;
  bytesOut: number;
  linesIn: number;
  linesOut: number;
  badLines: number;
  /** Lines that were no JSON and could be read all the same, their bad values as null. */
  mendedLines: number;
  /** Lines that were not UTF-8 and were read as windows-1252. */
  otherTextLines: number;
  unknownEvents: number;
  heartbeatsIn: number;
  heartbeatsOut: number;
  pictures: number;
  /** Lines that the gate refused. */
  gated: number;
}

export const noStats = (): LinkStats => ({
  bytesIn: 0,
  bytesOut: 0,
  linesIn: 0,
  linesOut: 0,
  badLines: 0,
  mendedLines: 0,
  otherTextLines: 0,
  unknownEvents: 0,
  heartbeatsIn: 0,
  heartbeatsOut: 0,
  pictures: 0,
  gated: 0,
});

/** One Voyager over one socket: connects for ever, logs in, stays in its modes, and never resends or queues. */
export interface VoyagerLink extends EventEmitter<LinkEvents> {
  readonly state: LinkState;
  readonly epoch: number;
  readonly voyagerVersion: string | null;
  readonly sessionKey: string | null;
  readonly reconnects: number;
  readonly reason: string | null;
  readonly stats: Readonly<LinkStats>;
  /** Milliseconds since a valid line came in; null before the first one. */
  idleMs(): number | null;
  clockOffsetSeconds(): number | null;
  start(): void;
  /** Says goodbye and closes; requests under way end as unknown. */
  stop(reason: string): Promise<void>;
  /** For the next login. Where the last one was rejected and these are others, it is tried again at once. */
  updateCredentials(credentials: Credentials | null): void;
  /** Leaves this Voyager and connects to another one at once; requests under way end as unknown. */
  moveTo(address: Address): void;
  /** Nobody reads this picture of an event any more: its memory may hold the next one. One that is never given back is left to the collector. */
  recycle(picture: Buffer): void;
  request(request: VoyagerRequest): Promise<RequestOutcome>;
  /** Several requests in one socket write, in order (stop ladder: disable and Abort). */
  requestTogether(requests: VoyagerRequest[]): Promise<RequestOutcome[]>;
}
