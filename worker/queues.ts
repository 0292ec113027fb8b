import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Config } from '../platform/config.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { temporalData } from '../platform/temporal.ts';
import { SHUTDOWN_GRACE_MS } from './options.ts';

export const RETRY_MS = 2_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** The queues that this process polls. One that dies takes the process with it, so that it is started again. */
export class Queues {
  /** Why the process must end; null = it need not. */
  death: string | null = null;
  private stopping = false;
  private readonly workers = new Map<string, Worker>();
  private readonly runs = new Set<Promise<void>>();
  constructor(
    private readonly config: Config,
    private readonly logger: Logger,
  ) {}

  get size(): number {
    return this.workers.size;
  }
  has(taskQueue: string): boolean {
    return this.workers.has(taskQueue);
  }
  isPolled(taskQueue: string): boolean {
    return this.workers.get(taskQueue)?.getState() === 'RUNNING';
  }

  /** Begins to poll, however long Temporal lets it wait, unless the process stops meanwhile. */
  async poll(
    connection: NativeConnection,
    taskQueue: string,
    options: Omit<WorkerOptions, 'taskQueue' | 'connection' | 'namespace'>,
  ): Promise<void> {
    for (;;) {
      try {
        const worker = await Worker.create({
          connection,
          namespace: this.config.TEMPORAL_NAMESPACE,
          taskQueue,
          shutdownGraceTime: SHUTDOWN_GRACE_MS,
          maxHeartbeatThrottleInterval: '10 seconds',
          ...temporalData(this.config),
          ...options,
        });
        this.workers.set(taskQueue, worker);
        const run = worker.run().catch((thrown: unknown) => {
          this.death = `queue ${taskQueue}: ${toError(thrown).message}`;
          this.logger.fatal({ err: toError(thrown), taskQueue }, 'worker ended');
          process.exit(1);
        });
        this.runs.add(run);
        this.logger.info({ taskQueue }, 'polling');
        return;
      } catch (thrown) {
        if (this.stopping) return;
        this.logger.warn({ err: toError(thrown).message, taskQueue }, 'worker cannot start yet');
        await pause(RETRY_MS);
      }
    }
  }
  /** Takes nothing new; {@link ended} waits for what runs. */
  shutdown(): void {
    this.stopping = true;
    for (const worker of this.workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
  }
  async ended(): Promise<void> {
    await Promise.allSettled(this.runs);
  }
}
