import type { Client } from '@temporalio/client';
import { FINALISE_WORKFLOW, LATE_FRAMES_WORKFLOW } from '../domain/messages.ts';
import { DEPLOYMENT_NAME } from '../platform/build.ts';
import { describeDeployment, polledVersions } from '../platform/deployment.ts';

/**
 * Hands finalisations of a version that no worker runs over to the current one; others stay (docs/workflow-changes.md). A repeat changes nothing.
 * @returns the workflow ids that were handed over
 */
export async function adoptStranded(client: Client, buildId: string, polled = polledVersions): Promise<string[]> {
  const { namespace } = client.options;
  const alive = (await polled(client)).add(buildId);
  const adopted: string[] = [];
  for (const { buildId: old } of (await describeDeployment(client)).versions) {
    if (alive.has(old)) continue;
    const query = `TemporalWorkerDeploymentVersion = '${DEPLOYMENT_NAME}:${old}' AND WorkflowType IN ('${FINALISE_WORKFLOW}', '${LATE_FRAMES_WORKFLOW}') AND ExecutionStatus = 'Running'`;
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      await client.connection.workflowService.updateWorkflowExecutionOptions({
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

/** What a version of the worker is for Temporal now; `unknown` while Temporal cannot be asked. */
export const ROLES = ['current', 'ramping', 'waiting', 'unknown'] as const;
export type Role = (typeof ROLES)[number];
export async function roleOf(client: Client, buildId: string): Promise<Role> {
  const { current, ramping } = await describeDeployment(client);
  if (current === buildId) return 'current';
  return ramping?.buildId === buildId ? 'ramping' : 'waiting';
}
