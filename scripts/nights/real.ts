import { Context } from '@temporalio/activity';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import {
  QUEUE_FINALISE,
  QUEUE_SESSION,
  finaliseWorkflowId,
  framesQueue,
  lateFramesWorkflowId,
  telescopeQueue,
} from '../../domain/queues.ts';
import { LATE_FRAMES_WORKFLOW, SESSION_WORKFLOW } from '../../domain/messages.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';
import { addSearchAttributes } from '../../stack/time-skipping.ts';
import { ACTIVITIES, partsOf, resultOf, sessionInput, type Activity, type NightResult, type Parts } from './night.ts';
import type { NightPlan } from './plan.ts';
import type { ActivityInfo } from '../../simulator/stand-in/script.ts';
import { World, type TemporalFace } from './world.ts';

const DAY_MS = 86_400_000;
const QUEUE_DRIVER = 'nights-driver';
/** The test server slows down as it fills (docs/nights.md). */
const NIGHTS_PER_SERVER = 8;
/** Longest that one night may take in real time. */
const PATIENCE_MS = 240_000;

/**
 * Plays nights on Temporal's own time-skipping server, one after another: the same workflow bundle, the same world, real workers. Plans are moved by
 * whole days, since that server's clock begins now.
 */
export async function playOnRealServer(
  code: string,
  plans: readonly NightPlan[],
  told: (result: NightResult) => void,
): Promise<NightResult[]> {
  const logger = new DefaultLogger('ERROR');
  // The core would write to stdout, which belongs to the summary.
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const driver = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? './driver-workflow.ts' : './driver-workflow.js', import.meta.url),
    ),
    logger,
  });
  const { path } = await resolveTemporal('temporal-test-server');
  const results: NightResult[] = [];
  for (let i = 0; i < plans.length; i += NIGHTS_PER_SERVER) {
    const env = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    try {
      await addSearchAttributes(env.connection);
      const stage = await openStage(env, code, driver.code);
      try {
        for (const plan of plans.slice(i, i + NIGHTS_PER_SERVER)) {
          const result = await playOne(env, stage, plan);
          results.push(result);
          told(result);
        }
      } finally {
        await stage.close();
      }
    } finally {
      await env.teardown();
    }
  }
  return results;
}

interface Stage {
  world: World | null;
  close(): Promise<void>;
}
/** Workers of all queues; their activities are those of the world that is being played. */
async function openStage(env: TestWorkflowEnvironment, code: string, driver: string): Promise<Stage> {
  let parts: { world: World; parts: Parts } | null = null;
  const stage: Stage = { world: null, close: async () => {} };
  const activities = (part: keyof Parts): Record<string, Activity> =>
    Object.fromEntries(
      ACTIVITIES[part].map((name): [string, Activity] => [
        name,
        async (...args) => {
          if (parts?.world !== stage.world) parts = { world: stage.world!, parts: partsOf(stage.world!) };
          return parts.parts[part][name]!(...args);
        },
      ]),
    );
  const common = { connection: env.nativeConnection, workflowThreadPoolSize: 1 };
  const workers = [
    await Worker.create({
      ...common,
      taskQueue: QUEUE_SESSION,
      workflowBundle: { code },
      activities: activities('session'),
    }),
    await Worker.create({
      ...common,
      taskQueue: QUEUE_FINALISE,
      workflowBundle: { code },
      activities: activities('finalise'),
    }),
    await Worker.create({ ...common, taskQueue: telescopeQueue('t1'), activities: activities('telescope') }),
    await Worker.create({ ...common, taskQueue: framesQueue('t1'), activities: activities('frames') }),
    await Worker.create({
      ...common,
      taskQueue: QUEUE_DRIVER,
      workflowBundle: { code: driver },
      activities: { act: () => stage.world!.act(activityInfo().currentAttemptScheduledTimestampMs) },
    }),
  ];
  const runs = workers.map((worker) => worker.run());
  stage.close = async () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(runs);
  };
  return stage;
}

const gone = (): boolean => false;
/** Temporal as a night's world sees it. */
function faceOf(client: TestWorkflowEnvironment['client']): TemporalFace {
  const isOpen = async (id: string): Promise<boolean> =>
    (await client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
  return {
    signal: (id, name, body) =>
      client.workflow
        .getHandle(id)
        .signal(name, body)
        .then(() => true, gone),
    cancel: (id) =>
      client.workflow
        .getHandle(id)
        .cancel()
        .then(() => true, gone),
    // Not waited for: an answer may need time to pass, and the activity that asks holds the clock.
    update: async (id, name, body, settled) =>
      void client.workflow
        .getHandle(id)
        .executeUpdate(name, { args: [body] })
        .then(
          (result) => settled(result as never),
          () => settled(null),
        ),
    isOpen,
    startLateFrames: async (bookingId, telescopeId) => {
      await client.workflow.start(LATE_FRAMES_WORKFLOW, {
        taskQueue: QUEUE_FINALISE,
        workflowId: lateFramesWorkflowId(bookingId),
        args: [{ bookingId, telescopeId }],
      });
    },
  };
}

async function playOne(env: TestWorkflowEnvironment, stage: Stage, planned: NightPlan): Promise<NightResult> {
  const { client } = env;
  const days = Math.ceil(((await env.currentTimeMs()) - planned.bookedAt) / DAY_MS) * DAY_MS;
  const plan = { ...planned, bookedAt: planned.bookedAt + days, start: planned.start + days, end: planned.end + days };
  await env.sleep(plan.bookedAt - (await env.currentTimeMs()));
  const world = new World(plan, faceOf(client), activityInfo);
  stage.world = world;
  const session = await client.workflow.start(SESSION_WORKFLOW, {
    taskQueue: QUEUE_SESSION,
    workflowId: world.workflowId,
    args: [sessionInput(world)],
  });
  const driver = await client.workflow.start('nightDriver', {
    taskQueue: QUEUE_DRIVER,
    workflowId: `driver-${world.bookingId}`,
    args: [plan.bookedAt],
  });
  const ended = new Map<string, { outcome: string } | Error>();
  const broken: string[] = [];
  const patience = new Promise<never>((_, reject) =>
    setTimeout(
      () => reject(new Error(`the night took longer than ${PATIENCE_MS / 1000} s of real time`)),
      PATIENCE_MS,
    ).unref(),
  );
  try {
    // One after the other: each wait for a result lets time pass, and two of them at once would let it pass over running tasks.
    await Promise.race([driver.result(), patience]);
    for (const handle of [
      session,
      client.workflow.getHandle(finaliseWorkflowId(world.bookingId)),
      client.workflow.getHandle(lateFramesWorkflowId(world.bookingId)),
    ]) {
      if (!(await handle.describe().then(() => true, gone))) continue;
      ended.set(handle.workflowId, await Promise.race([handle.result().catch((thrown: Error) => thrown), patience]));
    }
  } catch (thrown) {
    broken.push(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const { historyLength } = await session.describe();
  return resultOf(world, (id) => ended.get(id), historyLength, broken, []);
}

/** Virtual time inside an activity: when this attempt was scheduled, by the server's clock. */
function activityInfo(): ActivityInfo {
  const { attempt, activityType, scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  return { attempt, activityType, scheduledTimestampMs, currentAttemptScheduledTimestampMs };
}
