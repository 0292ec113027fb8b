import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { FINALISE_WORKFLOW, LATE_FRAMES_WORKFLOW } from '../domain/messages.ts';
import { QUEUE_FINALISE } from '../domain/queues.ts';
import { DEPLOYMENT_NAME } from './options.ts';

const { TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
/** A poll lasts a minute: a version that has not asked for this long has no worker. */
const GONE_AFTER_MS = 120_000;

/**
 * Makes a version of the worker the current one, so that it gets new work; waits until the server has heard of it (its first poll).
 * @throws the server's error when it has not heard of the version within `timeoutMs`.
 */
export async function setCurrentVersion(
  client: Client,
  namespace: string,
  buildId: string,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await client.connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: DEPLOYMENT_NAME,
        buildId,
        ignoreMissingTaskQueues: true,
        identity: 'nocturne',
      });
      return;
    } catch (thrown) {
      if (Date.now() > deadline) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/**
 * Hands finalisations of a version that no worker runs over to the current one; others stay (docs/workflow-changes.md). A repeat changes nothing.
 * @returns the workflow ids that were handed over
 */
export async function adoptStranded(
  client: Client,
  namespace: string,
  buildId: string,
  goneAfterMs = GONE_AFTER_MS,
): Promise<string[]> {
  const { workflowService } = client.connection;
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: QUEUE_FINALISE },
    taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
  });
  const alive = new Set(
    (pollers ?? [])
      .filter((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1000 > Date.now() - goneAfterMs)
      .map((poller) => poller.deploymentOptions?.buildId)
      .concat(buildId),
  );
  const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({
    namespace,
    deploymentName: DEPLOYMENT_NAME,
  });
  const adopted: string[] = [];
  for (const { deploymentVersion } of workerDeploymentInfo?.versionSummaries ?? []) {
    const old = deploymentVersion?.buildId;
    if (!old || alive.has(old)) continue;
    const query = `TemporalWorkerDeploymentVersion = '${DEPLOYMENT_NAME}:${old}' AND WorkflowType IN ('${FINALISE_WORKFLOW}', '${LATE_FRAMES_WORKFLOW}') AND ExecutionStatus = 'Running'`;
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      await workflowService.updateWorkflowExecutionOptions({
        namespace,
        workflowExecution: { workflowId, runId },
        workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
        updateMask: { paths: ['versioning_override'] },
      });
      adopted.push(workflowId);
    }
  }
  return adopted;
}
