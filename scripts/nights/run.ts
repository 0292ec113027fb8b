import type { coresdk as core } from '@temporalio/proto';
import type { SandboxedRun } from './sandbox.ts';

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
