import type { Client } from '@temporalio/client';
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { atRest, nothingIsLeft } from './at-rest.ts';

export interface ReplayAnswer {
  replayed: number;
  /** Workflow ids that this build cannot carry on, with why. */
  failed: Record<string, string>;
}

type Histories = ReturnType<ReturnType<Client['workflow']['list']>['intoHistories']>;

/** Each history as it rests, without those of which no task is done yet. */
async function* resting(histories: Histories): Histories {
  for await (const one of histories) {
    const history = atRest(one.history as Parameters<typeof atRest>[0]);
    if (history) yield { ...one, history };
  }
}

/**
 * Replays the history of every open workflow of ours with a build, and looks whether its last task asks for more than the history has: what a build
 * cannot carry on would stand still after it is promoted.
 */
export async function replayOpen(
  client: Client,
  code: Pick<ReplayWorkerOptions, 'workflowBundle' | 'workflowsPath' | 'dataConverter'>,
  queues: readonly string[],
): Promise<ReplayAnswer> {
  const answer: ReplayAnswer = { replayed: 0, failed: {} };
  const query = `ExecutionStatus = 'Running' AND TaskQueue IN (${queues.map((queue) => `'${queue}'`).join(', ')})`;
  const open = (): Histories => client.workflow.list({ query }).intoHistories({ concurrency: 5 });
  for await (const { workflowId, error } of Worker.runReplayHistories({ ...code, replayName: 'open' }, open())) {
    answer.replayed += 1;
    if (error) answer.failed[workflowId] = error.message;
  }
  const rest = Worker.runReplayHistories({ ...code, replayName: 'at rest' }, resting(open()));
  for await (const { workflowId, error } of rest)
    if (!nothingIsLeft(error))
      answer.failed[workflowId] ??=
        `its last task asks for more than its history has: ${error?.message ?? 'a cancellation'}`;
  return answer;
}
