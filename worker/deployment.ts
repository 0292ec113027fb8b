import type { Client } from '@temporalio/client';
import { DEPLOYMENT_NAME } from './options.ts';

/**
 * Makes a version of the worker the current one, so that it gets new work; waits until the server has heard of it (its first poll).
 * @throws the server's error when it has not heard of the version within `timeoutMs`.
 */
export async function setCurrentVersion(client: Client, namespace: string, buildId: string, timeoutMs = 20_000): Promise<void> {
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
