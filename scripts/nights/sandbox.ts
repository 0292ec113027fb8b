import { createRequire } from 'node:module';
import type { coresdk } from '@temporalio/proto';

/**
 * The SDK's own workflow sandbox without a worker: the reusable V8 context in which `@temporalio/worker` runs workflow code. It is internal to the
 * SDK (docs/adr/0007), so the version is pinned and every other one is refused here.
 */
export const SDK_VERSION = '1.24.0';

export type Activation = coresdk.workflow_activation.IWorkflowActivation;
export type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;
/** One workflow run inside the sandbox. */
export interface SandboxedRun {
  activate(activation: Activation): Promise<Completion>;
  getAndResetSinkCalls(): Promise<{ ifaceName: string; fnName: string; args: unknown[] }[]>;
  dispose(): Promise<void>;
}
export interface Sandbox {
  createWorkflow(options: {
    info: Record<string, unknown>;
    randomnessSeed: number[];
    now: number;
    showStackTraceSources: boolean;
  }): Promise<SandboxedRun>;
  destroy(): Promise<void>;
}

interface ReusableVm {
  ReusableVMWorkflowCreator: { create(bundle: unknown, timeoutMs: number, activities: Set<string>): Promise<Sandbox> };
}
interface Shared {
  globalHandlers: { uninstall(): void };
}
interface WorkerModule {
  parseWorkflowCode(code: string, codePath?: string): unknown;
}

const require = createRequire(import.meta.url);
/** A workflow task that takes longer than this of real time has lost its way. */
const TASK_TIMEOUT_MS = 20_000;

/**
 * Opens a sandbox over a workflow bundle. Its promise hooks, which only serve stack traces of stuck workflows, are taken out again: they cost
 * more than half of the time.
 * @throws Error when the installed SDK is another one than `SDK_VERSION`, or has lost one of the internal parts.
 */
export async function openSandbox(code: string, activityNames: Iterable<string>): Promise<Sandbox> {
  const { version } = require('@temporalio/worker/package.json') as { version: string };
  if (version !== SDK_VERSION)
    throw new Error(
      `npm run nights drives internal parts of @temporalio/worker ${SDK_VERSION}, but ${version} is installed: ` +
        'compare reusable-vm.js and the order of jobs in the core with scripts/nights/server.ts, run the comparison with the real server, then raise SDK_VERSION.',
    );
  const { ReusableVMWorkflowCreator } = require('@temporalio/worker/lib/workflow/reusable-vm') as Partial<ReusableVm>;
  const { globalHandlers } = require('@temporalio/worker/lib/workflow/vm-shared') as Partial<Shared>;
  const { parseWorkflowCode } = require('@temporalio/worker/lib/worker') as Partial<WorkerModule>;
  if (!ReusableVMWorkflowCreator || !globalHandlers || !parseWorkflowCode)
    throw new Error('@temporalio/worker has lost an internal part that npm run nights drives');
  const sandbox = await ReusableVMWorkflowCreator.create(
    parseWorkflowCode(code),
    TASK_TIMEOUT_MS,
    new Set(activityNames),
  );
  globalHandlers.uninstall();
  return sandbox;
}
