import { expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { promote } from '../../scripts/release/release.ts';

/**
 * One entry for each look: the attempt at which the open session's workflow task is, 1 where it is well, negative where it ran out of time; or what
 * the server answers instead.
 */
type Look = number | Error;

/** Temporal as far as a promotion asks it; `looks` are what it answers, the last one for ever. */
function temporal(looks: Look[]): { client: Client; current: string[] } {
  const current = ['old'];
  let n = -1;
  const workflowService = {
    describeWorkerDeployment: async () => ({
      workerDeploymentInfo: { routingConfig: { currentDeploymentVersion: { buildId: current.at(-1) } } },
    }),
    setWorkerDeploymentCurrentVersion: async ({ buildId }: { buildId: string }) => void current.push(buildId),
    describeWorkflowExecution: async () => {
      const look = looks[Math.min(++n, looks.length - 1)]!;
      if (look instanceof Error) throw look;
      return {
        pendingWorkflowTask: { attempt: Math.abs(look) },
        workflowExecutionInfo: { versioningInfo: { deploymentVersion: { buildId: 'new' } } },
      };
    },
  };
  const ends = (): object =>
    (looks[Math.min(n, looks.length - 1)] as number) < 0
      ? { workflowTaskTimedOutEventAttributes: {} }
      : { workflowTaskFailedEventAttributes: {} };
  const newest = async () => ({ history: { events: [{ activityTaskStartedEventAttributes: {} }, ends()] } });
  async function* list({ query }: { query: string }): AsyncGenerator<{ workflowId: string; runId: string }> {
    if (query === `ExecutionStatus = 'Running'`) yield { workflowId: 'booking-1', runId: 'r' };
  }
  const client = {
    options: { namespace: 'default' },
    connection: { workflowService: { ...workflowService, getWorkflowExecutionHistoryReverse: newest } },
    workflow: { list },
  };
  return { client: client as unknown as Client, current };
}
const watched = async (...looks: Look[]): Promise<{ stands: boolean; current: string[] }> => {
  const { client, current } = temporal([1, ...looks]);
  const { stands } = await promote(client, { buildId: 'new', watch: { seconds: -1, everyMs: 1 } }, () => undefined);
  return { stands, current };
};

test('a session that fails for the first time at the last look is looked at again, and the build taken back when it still fails', async () => {
  expect(await watched(3)).toEqual({ stands: false, current: ['old', 'new', 'old'] });
});

test('one that has caught itself at the next look is no reason to go back', async () => {
  expect(await watched(2, 1)).toEqual({ stands: true, current: ['old', 'new'] });
});

test('a session whose task ran out of time beside all others that are replayed is slow, and no reason to go back', async () => {
  expect(await watched(-2, -3, 1)).toEqual({ stands: true, current: ['old', 'new'] });
});

test('a build under which a session runs out of time again and again is taken back', async () => {
  expect(await watched(-4)).toEqual({ stands: false, current: ['old', 'new', 'old'] });
});

test('a look that Temporal does not answer says nothing good: it is told that nobody knows', async () => {
  await expect(watched(new Error('14 UNAVAILABLE'))).rejects.toThrow(/new stands, but nobody knows how it is/);
});

test('a session that is gone since it was listed fails under nobody', async () => {
  const gone = Object.assign(new Error('5 NOT_FOUND'), { code: 5 });
  expect(await watched(gone)).toEqual({ stands: true, current: ['old', 'new'] });
});
