import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
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
import type { Config } from '../platform/config.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { endWith, onShutdown } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { listTelescopes } from '../platform/telescopes.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { Duties } from './duties.ts';
import { serveHealth } from './health.ts';
import { WorkerMetrics } from './metrics.ts';
import { SHUTDOWN_GRACE_MS, deploymentOptions, workflowCode } from './options.ts';
import { pause, Queues, RETRY_MS } from './queues.ts';
import { connectForever, installRuntime } from './runtime.ts';

/** New telescopes get their frame queue within this time. */
const TELESCOPES_EVERY_MS = 15_000;

/** What all activities stand on. */
interface Ground {
  db: Database;
  config: Config;
  logger: Logger;
}
type Poll = (taskQueue: string, options: Parameters<Queues['poll']>[2]) => Promise<void>;

/** What a worker lacks of being ready, as `/readyz` says it. */
function notReady(is: { stopping: boolean; connected: boolean; queues: Queues }): string[] {
  return [
    ...(is.stopping ? ['stopping'] : []),
    ...(is.connected ? [] : ['Temporal is away']),
    ...[QUEUE_SESSION, QUEUE_FINALISE]
      .filter((queue) => !is.queues.isPolled(queue))
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

/** Polls the queues that every worker serves: the night's decisions, and what follows a night. */
async function pollCommon(poll: Poll, { db, config, logger }: Ground, client: Client): Promise<void> {
  const code = { ...workflowCode(), workflowThreadPoolSize: 1, ...deploymentOptions() };
  await poll(QUEUE_SESSION, {
    ...code,
    activities: {
      ...createSessionActivities({ db }),
      ...createMaintenanceActivities({ db, temporal: client, logger }),
    },
  });
  const archive = createArchiveActivities({ db, config, logger });
  await poll(QUEUE_FINALISE, {
    ...code,
    activities: alive({
      ...createFinaliseActivities({ db, storagePath: config.OBSERVATIONS_STORAGE_PATH, archive }),
      ...upkeep({ db, config, logger }),
    }),
    maxConcurrentActivityTaskExecutions: 4,
  });
}

interface Intake {
  frames: ReturnType<typeof createFrameActivities>;
  /** The same activities, each of which says that it lives. */
  intake: FrameActivities;
  isStopping: () => boolean;
}
/** Polls the frame queue of each telescope that is not polled yet. */
async function pollFrames(
  poll: Poll,
  { db, config, logger }: Ground,
  queues: Queues,
  { frames, intake, isStopping }: Intake,
): Promise<void> {
  const ids =
    config.WORKER_TELESCOPES.length > 0 ? config.WORKER_TELESCOPES : (await listTelescopes(db)).map((t) => t.id);
  for (const id of ids) {
    if (isStopping() || queues.has(framesQueue(id))) continue;
    await poll(framesQueue(id), {
      activities: intake,
      maxConcurrentActivityTaskExecutions: 4,
    });
    await frames
      .warm()
      .catch((thrown: unknown) => logger.warn({ err: toError(thrown).message }, 'frame threads are not warm'));
  }
}

async function main(): Promise<void> {
  const { config } = loadSettings({ process: 'worker', required: ['DATABASE_URL'] });
  const logger = createLogger('worker', config.LOG_LEVEL);
  const databaseUrl = config.DATABASE_URL!;
  installRuntime(logger);

  const db = createDatabase(databaseUrl, logger);
  const ground: Ground = { db, config, logger };
  const { client } = createTemporalClient(config);
  const frames = createFrameActivities(ground);
  const outbox = new OutboxDelivery({ ...ground, databaseUrl });
  const queues = new Queues(config, logger);
  let connection: NativeConnection | null = null;
  let stopping = false;

  const duties = new Duties(client, buildId(), () => longitudesOf(db), logger);
  const metrics = new WorkerMetrics(db, config, () => duties.role, logger);
  const health = await serveHealth(config.WORKER_PORT, '127.0.0.1', {
    scrape: () => metrics.scrape(),
    dead: () => queues.death,
    problems: () => notReady({ stopping, connected: connection !== null, queues }),
  });
  onShutdown(
    logger,
    async () => {
      stopping = true;
      frames.rest();
      duties.end();
      queues.shutdown();
      await queues.ended();
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
  const poll: Poll = (taskQueue, options) => queues.poll(connection, taskQueue, options);
  await pollCommon(poll, ground, client);
  duties.begin();
  const intake = alive<FrameActivities>(frames);
  while (!stopping) {
    try {
      await pollFrames(poll, ground, queues, { frames, intake, isStopping: () => stopping });
    } catch (thrown) {
      logger.warn({ err: toError(thrown).message }, 'telescopes cannot be read');
    }
    await pause(queues.size > 2 ? TELESCOPES_EVERY_MS : RETRY_MS);
  }
}

main().catch(endWith);
