import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { alive } from '../activities/alive.ts';
import { createBackupActivities } from '../activities/backup.ts';
import { createFinaliseActivities } from '../activities/finalise/index.ts';
import { createArchiveActivities } from '../activities/frames/archive.ts';
import { createFrameActivities } from '../activities/frames/index.ts';
import { createKeepingActivities } from '../activities/frames/keeping.ts';
import { OutboxDelivery } from '../activities/notify/delivery.ts';
import type { FrameActivities } from '../domain/ports.ts';
import { createSessionActivities } from '../activities/session/index.ts';
import { createMaintenanceActivities } from '../activities/session/maintenance.ts';
import { QUEUE_FINALISE, QUEUE_SESSION, framesQueue } from '../domain/queues.ts';
import { buildId } from '../platform/build.ts';
import { createDatabase } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { endWith, onShutdown } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { listTelescopes } from '../platform/telescopes.ts';
import { createTemporalClient, temporalData } from '../platform/temporal.ts';
import { Duties } from './duties.ts';
import { serveHealth } from './health.ts';
import { WorkerMetrics } from './metrics.ts';
import { SHUTDOWN_GRACE_MS, deploymentOptions, workflowCode } from './options.ts';
import { connectForever, installRuntime } from './runtime.ts';

/** New telescopes get their frame queue within this time. */
const TELESCOPES_EVERY_MS = 15_000;
const RETRY_MS = 2_000;

/** What a worker lacks of being ready, as `/readyz` says it. */
function notReady(is: { stopping: boolean; connected: boolean; workers: ReadonlyMap<string, Worker> }): string[] {
  return [
    ...(is.stopping ? ['stopping'] : []),
    ...(is.connected ? [] : ['Temporal is away']),
    ...[QUEUE_SESSION, QUEUE_FINALISE]
      .filter((queue) => is.workers.get(queue)?.getState() !== 'RUNNING')
      .map((queue) => `queue ${queue} is not polled yet`),
  ];
}

/** What Schedules have done by day, on the queue that can never hold up a night. */
const upkeep = (
  deps: Parameters<typeof createKeepingActivities>[0] & Parameters<typeof createBackupActivities>[0],
) => ({
  ...createKeepingActivities(deps),
  ...createBackupActivities({ config: deps.config, logger: deps.logger }),
});

/** Of the telescopes that are served, in degrees: Schedules keep away from their dawns. */
const longitudesOf = async (db: Parameters<typeof listTelescopes>[0]): Promise<number[]> =>
  (await listTelescopes(db)).flatMap(({ site }) => (site ? [site.longitude_degrees] : []));

async function main(): Promise<void> {
  const { config } = loadSettings({ process: 'worker', required: ['DATABASE_URL'] });
  const logger = createLogger('worker', config.LOG_LEVEL);
  const databaseUrl = config.DATABASE_URL!;
  installRuntime(logger);

  const db = createDatabase(databaseUrl, logger);
  const { client } = createTemporalClient(config);
  const frames = createFrameActivities({ db, config, logger });
  const archive = createArchiveActivities({ db, config, logger });
  const outbox = new OutboxDelivery({ db, config, logger, databaseUrl });
  const workers = new Map<string, Worker>();
  const runs = new Set<Promise<void>>();
  let connection: NativeConnection | null = null;
  let stopping = false;
  let death: string | null = null;

  const duties = new Duties(client, buildId(), () => longitudesOf(db), logger);
  const metrics = new WorkerMetrics(db, config, () => duties.role, logger);
  const health = await serveHealth(config.WORKER_PORT, '127.0.0.1', {
    scrape: () => metrics.scrape(),
    dead: () => death,
    problems: () => notReady({ stopping, connected: connection !== null, workers }),
  });
  onShutdown(
    logger,
    async () => {
      stopping = true;
      frames.rest();
      duties.end();
      for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
      await outbox.stop();
      await frames.close();
      await connection?.close().catch(() => undefined);
      await db.$disconnect();
      health.close();
    },
    SHUTDOWN_GRACE_MS + 6_000,
  );
  void outbox.run();

  connection = await connectForever(config, logger, () => stopping);
  if (!connection) return;
  const poll = async (
    taskQueue: string,
    options: Omit<WorkerOptions, 'taskQueue' | 'connection' | 'namespace'>,
  ): Promise<void> => {
    for (;;) {
      try {
        const worker = await Worker.create({
          connection,
          namespace: config.TEMPORAL_NAMESPACE,
          taskQueue,
          shutdownGraceTime: SHUTDOWN_GRACE_MS,
          maxHeartbeatThrottleInterval: '10 seconds',
          ...temporalData(config),
          ...options,
        });
        workers.set(taskQueue, worker);
        const run = worker.run().catch((thrown: unknown) => {
          death = `queue ${taskQueue}: ${toError(thrown).message}`;
          logger.fatal({ err: toError(thrown), taskQueue }, 'worker ended');
          process.exit(1);
        });
        runs.add(run);
        logger.info({ taskQueue }, 'polling');
        return;
      } catch (thrown) {
        if (stopping) return;
        logger.warn({ err: toError(thrown).message, taskQueue }, 'worker cannot start yet');
        await pause(RETRY_MS);
      }
    }
  };

  const code = { ...workflowCode(), workflowThreadPoolSize: 1, ...deploymentOptions() };
  await poll(QUEUE_SESSION, {
    ...code,
    activities: {
      ...createSessionActivities({ db }),
      ...createMaintenanceActivities({ db, temporal: client, logger }),
    },
  });
  await poll(QUEUE_FINALISE, {
    ...code,
    activities: alive({
      ...createFinaliseActivities({ db, storagePath: config.OBSERVATIONS_STORAGE_PATH, archive }),
      ...upkeep({ db, config, logger }),
    }),
    maxConcurrentActivityTaskExecutions: 4,
  });
  duties.begin();

  const intake = alive<FrameActivities>(frames);
  const pollFrames = async (): Promise<void> => {
    const ids =
      config.WORKER_TELESCOPES.length > 0 ? config.WORKER_TELESCOPES : (await listTelescopes(db)).map((t) => t.id);
    for (const id of ids) {
      if (stopping || workers.has(framesQueue(id))) continue;
      await poll(framesQueue(id), { activities: intake, maxConcurrentActivityTaskExecutions: 4 });
      await frames
        .warm()
        .catch((thrown: unknown) => logger.warn({ err: toError(thrown).message }, 'frame threads are not warm'));
    }
  };
  while (!stopping) {
    try {
      await pollFrames();
    } catch (thrown) {
      logger.warn({ err: toError(thrown).message }, 'telescopes cannot be read');
    }
    await pause(workers.size > 2 ? TELESCOPES_EVERY_MS : RETRY_MS);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

main().catch(endWith);
