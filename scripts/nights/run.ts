import type { Payload } from '@temporalio/common';
import type { coresdk as core } from '@temporalio/proto';
import type { Sandbox, SandboxedRun } from './sandbox.ts';

/** How a workflow or an update ended. */
export type Settled = { ok: true; value: unknown } | { ok: false; error: Error };
type Job = core.workflow_activation.IWorkflowActivationJob;

/** An activity of a run that has no result yet. */
export interface Pending {
  command: core.workflow_commands.IScheduleActivity;
  seq: number;
  scheduledAt: number;
  /** An attempt has been taken from the queue and not been answered. */
  running: boolean;
  cancelAsked: boolean;
  done: boolean;
  /** Grows with each attempt, so that timers of an earlier one are void. */
  attempt: number;
}
/** One run of a workflow on the virtual server. */
export interface Run {
  workflowId: string;
  runId: string;
  type: string;
  queue: string;
  vm: SandboxedRun;
  jobs: Job[];
  scheduled: boolean;
  /** Events that a real history would hold by now. */
  history: number;
  timers: Set<number>;
  activities: Map<number, Pending>;
  parent: { run: Run; seq: number } | null;
  updates: Map<string, (settled: Settled) => void>;
  queries: Map<string, (settled: Settled) => void>;
  closed: Settled | null;
}

/** What a run begins with. */
export interface Birth {
  workflowId: string;
  type: string;
  queue: string;
  payloads: Payload[];
  parent: Run['parent'];
}
/** What the parts of a virtual server ask of the whole. */
export interface Server {
  now(): number;
  /** Calls `act` at that instant, or now when it has passed. */
  schedule(at: number, act: () => Promise<void> | void): void;
  /** Calls `act` when the server's own clock has gone on by so many milliseconds. */
  afterByClock(ms: number, act: () => Promise<void> | void): void;
  /** Gives a run something to do, which is worth so many events of its history. */
  push(run: Run, job: Job, events: number): void;
  begin(birth: Birth): Promise<Run>;
  isOpen(workflowId: string): boolean;
}

/** Events of a history before its first workflow task is answered. */
export const EVENTS_AT_START = 3;

/** What a workflow reads of itself, for its first run in the sandbox. */
export function workflowInfo(
  { workflowId, type, queue }: Pick<Run, 'workflowId' | 'type' | 'queue'>,
  runId: string,
  now: () => number,
): Parameters<Sandbox['createWorkflow']>[0]['info'] {
  return {
    workflowId,
    runId,
    workflowType: type,
    searchAttributes: {},
    typedSearchAttributes: undefined,
    taskQueue: queue,
    namespace: 'virtual',
    firstExecutionRunId: runId,
    attempt: 1,
    historyLength: EVENTS_AT_START,
    historySize: 0,
    continueAsNewSuggested: false,
    startTime: new Date(now()),
    runStartTime: new Date(now()),
    taskTimeoutMs: 10_000,
    currentBuildId: '',
    unsafe: { now, isReplaying: false, isReplayingHistoryEvents: false },
  };
}
