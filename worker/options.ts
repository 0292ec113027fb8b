import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEPLOYMENT_NAME, buildId, bundlePath } from '../platform/build.ts';

/** Running activities get this long to finish at a graceful stop; the process is killed some seconds after (platform/process.ts). */
export const SHUTDOWN_GRACE_MS = 6_000;

/** Entry of the workflow code: source when run from source, compiled when run from dist/. */
export function workflowsPath(): string {
  const here = fileURLToPath(import.meta.url);
  return fileURLToPath(
    new URL(here.endsWith('.ts') ? '../workflows/index.ts' : '../workflows/index.js', import.meta.url),
  );
}

/** The prebuilt bundle when the code runs compiled and the build has made it; else the path, and the worker bundles at start (some seconds). */
export function workflowCode(): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const compiled = fileURLToPath(import.meta.url).endsWith('.js');
  return compiled && existsSync(bundlePath())
    ? { workflowBundle: { codePath: bundlePath() } }
    : { workflowsPath: workflowsPath() };
}

/**
 * Worker Deployment Versioning: sessions AUTO_UPGRADE, finalise PINNED (each workflow says so itself, so the workers must be versioned).
 * A version gets no new work until it is the current one (`setCurrentVersion`).
 */
export function deploymentOptions(): { workerDeploymentOptions: WorkerDeploymentOptions } {
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName: DEPLOYMENT_NAME, buildId: buildId() },
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}
