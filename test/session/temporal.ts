import type { WorkflowHandle } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DEPLOYMENT_NAME } from '../../platform/build.ts';
import { setCurrentVersion } from '../../platform/deployment.ts';
import { startTemporal } from '../../stack/own-temporal.ts';
import { addSearchAttributes, nudge } from '../../stack/time-skipping.ts';
import { testServerPath } from './test-server.ts';

/** What a test does at an instant of the stage's time, Unix milliseconds. */
export interface Step {
  at: number;
  do: () => Promise<unknown>;
}
/** What a stage asks of Temporal. Time passes while somebody waits for a result, and stands still while a step is done. */
export interface StageTemporal {
  /** The time of its workflows, Unix milliseconds. */
  nowMs(): Promise<number>;
  /** The virtual server has of it `signal`, `executeUpdate`, `query` and `result`. */
  handle(workflowId: string, runId?: string): WorkflowHandle;
  /** Starts a workflow and gives the id of its run. */
  start(
    type: string,
    options: { taskQueue: string; workflowId: string; args: unknown[]; typedSearchAttributes?: TypedSearchAttributes },
  ): Promise<string>;
  /** Activities of a queue are taken from now on, after so many seconds where one says so, until the function is called that comes back. */
  work(queue: string, activities: object, afterSeconds?: number): Promise<() => Promise<void>>;
  /** Workflows and activities of a queue of ours are taken from now on, until the end. */
  workflows(queue: string, activities: object): Promise<void>;
  /** Does the steps under that name, each at its instant. */
  begin(name: string, steps: readonly Step[]): Promise<void>;
  /** Waits until the steps of that name have been done. */
  done(name: string): Promise<unknown>;
  close(): Promise<void>;
}

async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await testServerPath() } },
  });
  await addSearchAttributes(env.connection);
  return env;
}

const STEPS_QUEUE = 'sim';
export const quiet = new DefaultLogger('ERROR');

/** A server of Temporal's with workers of ours: the time-skipping one, or (`real`) Temporal's own at wall speed. */
export class RealTemporal implements StageTemporal {
  private readonly steps = new Map<number, () => Promise<unknown>>();
  private readonly workers: Worker[] = [];
  private readonly runs: Promise<void>[] = [];

  private constructor(
    readonly env: TestWorkflowEnvironment,
    private readonly bundle: WorkflowBundleWithSourceMap,
    private readonly real: boolean,
    private readonly stopServer: () => Promise<void>,
  ) {}

  static async open(bundle: WorkflowBundleWithSourceMap, real: boolean): Promise<RealTemporal> {
    const server = real ? await startTemporal() : null;
    const env = server
      ? await TestWorkflowEnvironment.createFromExistingServer({ address: server.address })
      : await timeSkippingServer();
    const still = real ? (): void => undefined : nudge(env.connection.testService!);
    const opened = new RealTemporal(env, bundle, real, async () => {
      still();
      await server?.stop();
    });
    await opened.workflows(STEPS_QUEUE, { act: async (step: number) => void (await opened.steps.get(step)!()) });
    return opened;
  }
  nowMs(): Promise<number> {
    return this.env.currentTimeMs();
  }
  handle(workflowId: string, runId?: string): WorkflowHandle {
    return this.env.client.workflow.getHandle(workflowId, runId);
  }
  async start(type: string, options: Parameters<StageTemporal['start']>[1]): Promise<string> {
    return (await this.env.client.workflow.start(type, options)).firstExecutionRunId;
  }
  async work(queue: string, activities: object, afterSeconds = 0): Promise<() => Promise<void>> {
    // A task that nobody polls holds the clock of the time-skipping server, so that a wait is one of the wall's.
    if (afterSeconds > 0) await new Promise((resolve) => setTimeout(resolve, afterSeconds * 1000));
    const worker = await Worker.create({ connection: this.env.nativeConnection, taskQueue: queue, activities });
    const run = worker.run();
    return async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await run.catch(() => undefined);
    };
  }
  async workflows(queue: string, activities: object): Promise<void> {
    const version = {
      workerDeploymentOptions: {
        useWorkerVersioning: true as const,
        version: { deploymentName: DEPLOYMENT_NAME, buildId: 'test' },
        defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
      },
    };
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      workflowBundle: this.bundle,
      workflowThreadPoolSize: 1,
      ...(this.real ? version : {}),
      taskQueue: queue,
      activities,
    });
    this.workers.push(worker);
    this.runs.push(worker.run());
    if (this.real) await setCurrentVersion(this.env.client, 'test');
  }
  async begin(name: string, steps: readonly Step[]): Promise<void> {
    const numbered = steps.map(({ at, do: act }) => {
      this.steps.set(this.steps.size, act);
      return { at, step: this.steps.size - 1 };
    });
    await this.start('simDriver', { taskQueue: STEPS_QUEUE, workflowId: `sim-${name}`, args: [numbered] });
  }
  done(name: string): Promise<unknown> {
    return this.handle(`sim-${name}`).result();
  }
  async close(): Promise<void> {
    for (const worker of this.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(this.runs);
    await this.env.teardown();
    await this.stopServer();
  }
}
