import type { Client } from '@temporalio/client';
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';

export interface ReplayAnswer {
  replayed: number;
  /** Workflow ids that this build cannot carry on, with why. */
  failed: Record<string, string>;
}

/** Replays the history of every open workflow of ours with a build: what it cannot carry on would stand still after it is promoted. */
export async function replayOpen(
  client: Client,
  code: Pick<ReplayWorkerOptions, 'workflowBundle' | 'workflowsPath' | 'dataConverter'>,
  queues: readonly string[],
): Promise<ReplayAnswer> {
  const answer: ReplayAnswer = { replayed: 0, failed: {} };
  const query = `ExecutionStatus = 'Running' AND TaskQueue IN (${queues.map((queue) => `'${queue}'`).join(', ')})`;
  const histories = client.workflow.list({ query }).intoHistories({ concurrency: 5 });
  for await (const { workflowId, error } of Worker.runReplayHistories({ ...code, replayName: 'open' }, histories)) {
    answer.replayed += 1;
    if (error) answer.failed[workflowId] = error.message;
  }
  return answer;
}
