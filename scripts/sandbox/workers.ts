import type { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { alive } from '../../activities/alive.ts';
import { createFinaliseActivities } from '../../activities/finalise/index.ts';
import { createArchiveActivities } from '../../activities/frames/archive.ts';
import { createFrameActivities } from '../../activities/frames/index.ts';
import { createSessionActivities } from '../../activities/session/index.ts';
import { createMaintenanceActivities } from '../../activities/session/maintenance.ts';
import { QUEUE_FINALISE, QUEUE_SESSION, framesQueue, telescopeQueue } from '../../domain/queues.ts';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { workflowCode } from '../../worker/options.ts';
import { installRuntime } from '../../worker/runtime.ts';
import type { SandboxObservatory } from './observatory.ts';

/** A drain takes what stands and ends: time cannot pass while an activity stays. */
const NO_LINGER = { linger: { askMs: 250, idleMs: 0, mostMs: 0 }, timing: { lingerMs: 0 } };
/** Nothing is being done when that is seen so often, so far apart: a task that the server hands over is on its way for a moment. */
const QUIET_LOOKS = 4;
const LOOK_MS = 8;
const PATIENCE_MS = 60_000;

interface Parts {
  db: Database;
  config: Config;
  logger: Logger;
  temporal: Client;
  address: string;
  observatory: SandboxObservatory;
  /** Brings every clock of the sandbox up to an instant of Temporal's. */
  reach: (ms: number) => Promise<void>;
}

/**
 * The workers of all queues in this process: workflow code, intake, finalisation as the product has them, the telescope's queue served by the stand-in.
 * Before an activity begins, the sandbox's clock is where Temporal's was when it was asked for: so all see one time.
 */
export class SandboxWorkers {
  private constructor(
    private readonly workers: Worker[],
    private readonly runs: Promise<unknown>[],
    private readonly closing: () => Promise<void>,
  ) {}

  static async start({ db, config, logger, temporal, address, observatory, reach }: Parts): Promise<SandboxWorkers> {
    installRuntime(logger);
    const connection = await NativeConnection.connect({ address });
    const frames = createFrameActivities({ db, config, logger, ...NO_LINGER });
    const archive = createArchiveActivities({ db, config, logger });
    const { id } = observatory.telescope;
    const code = { ...workflowCode(), workflowThreadPoolSize: 1 };
    const served: [string, Partial<WorkerOptions>][] = [
      [
        QUEUE_SESSION,
        {
          ...code,
          activities: { ...createSessionActivities({ db }), ...createMaintenanceActivities({ db, temporal, logger }) },
        },
      ],
      [
        QUEUE_FINALISE,
        {
          ...code,
          activities: alive(createFinaliseActivities({ db, storagePath: config.OBSERVATIONS_STORAGE_PATH, archive })),
        },
      ],
      [telescopeQueue(id), { activities: observatory.activities() }],
      [framesQueue(id), { activities: alive({ ...frames }), maxConcurrentActivityTaskExecutions: 4 }],
    ];
    const workers = await Promise.all(
      served.map(([taskQueue, options]) =>
        Worker.create({
          connection,
          taskQueue,
          shutdownGraceTime: 1_000,
          interceptors: {
            activity: [
              ({ info }) => ({
                inbound: {
                  execute: async (input, next) => {
                    await reach(info.currentAttemptScheduledTimestampMs);
                    return next(input);
                  },
                },
              }),
            ],
          },
          ...options,
        }),
      ),
    );
    await frames.warm();
    const runs = workers.map((worker) => worker.run());
    return new SandboxWorkers(workers, runs, async () => {
      await frames.close();
      await connection.close();
    });
  }

  /** Waits until nothing is being done. @throws Error when that does not come */
  async quiet(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (let seen = 0; seen < QUIET_LOOKS;) {
      const busy = this.workers.some((worker) => {
        const { numInFlightActivities, numInFlightWorkflowActivations } = worker.getStatus();
        return numInFlightActivities + numInFlightWorkflowActivations > 0;
      });
      seen = busy ? 0 : seen + 1;
      if (performance.now() > end) throw new Error(`Work did not end within ${PATIENCE_MS / 1000} s.`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  async stop(): Promise<void> {
    for (const worker of this.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(this.runs);
    await this.closing();
  }
}
