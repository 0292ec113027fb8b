import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { COMMAND_WORKFLOW, FINALISE_WORKFLOW } from '../../domain/messages.ts';
import { PRIORITY } from '../../domain/priority.ts';
import { QUEUE_FINALISE, QUEUE_SESSION, framesQueue, telescopeQueue } from '../../domain/queues.ts';
import { IN_ORDER, resolveTemporal } from '../../stack/temporal-cli.ts';
import { DEPLOYMENT_NAME } from '../../platform/build.ts';
import { setCurrentVersion } from '../../platform/deployment.ts';
import { temporalData } from '../../platform/temporal.ts';
import { adoptStranded } from '../../worker/deployment.ts';
import { workflowsPath } from '../../worker/options.ts';
import { bundleOf } from '../support/bundle.ts';
import { ensureSchedules, schedulesFor } from '../../worker/schedules.ts';

/** On Temporal's own server: versions, Schedules. */
let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger });
  bundle = await bundleOf(workflowsPath());
  env = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: (await resolveTemporal('temporal')).path },
      extraArgs: [
        '--search-attribute',
        'BookingId=Keyword',
        '--search-attribute',
        'TelescopeId=Keyword',
        '--search-attribute',
        'SessionPhase=Keyword',
        ...IN_ORDER,
      ],
    },
  });
}, 120_000);
afterAll(async () => {
  await env?.teardown();
}, 30_000);

test('a finalisation pinned to a version that nobody runs any more is taken over by the current one, and not before its worker is gone', async () => {
  const { client, nativeConnection: connection } = env;
  const done: string[] = [];
  const counts = { captured: 1, archived: 1, rejected: 0, missing: 0, pending: 0 };
  let share = false;
  const start = async (build: string): Promise<() => Promise<void>> => {
    const version: Pick<WorkerOptions, 'workerDeploymentOptions'> = {
      workerDeploymentOptions: {
        useWorkerVersioning: true,
        version: { deploymentName: DEPLOYMENT_NAME, buildId: build },
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    };
    const workers = [
      await Worker.create({
        connection,
        taskQueue: QUEUE_FINALISE,
        workflowBundle: bundle,
        ...version,
        activities: {
          buildArchive: async () => ({ archivePath: 'a', files: 0, bytes: 0 }),
          settle: async () => ({ settlementId: 's', seconds: {}, lines: [], refund: 0 }),
          buildReport: async () => ({ reportPath: 'r' }),
        },
      }),
      await Worker.create({
        connection,
        taskQueue: QUEUE_SESSION,
        workflowBundle: bundle,
        ...version,
        activities: { recordTransition: async () => void done.push(build) },
      }),
    ];
    const runs = workers.map((w) => w.run());
    return async () => {
      for (const w of workers) w.shutdown();
      await Promise.all(runs);
    };
  };
  const stopOld = await start('old');
  await setCurrentVersion(client, 'old');
  const handle = await client.workflow.start(FINALISE_WORKFLOW, {
    taskQueue: QUEUE_FINALISE,
    workflowId: 'finalise-x',
    args: [
      {
        bookingId: 'x',
        telescopeId: 't',
        targetGuid: null,
        outcome: 'completed',
        reason: 'slot_over',
        spans: [],
        slot: { start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00Z' },
        transition: 9,
      },
    ],
  });
  for (let i = 0; i < 100 && !(await handle.describe()).raw.pendingActivities?.length; i++) await sleep(100);
  const stopNew = await start('new');
  await setCurrentVersion(client, 'new');
  const frames = await Worker.create({
    connection,
    taskQueue: framesQueue('t'),
    activities: {
      reconcileFrames: async () => {
        if (!share) throw new Error('the share is away');
        return counts;
      },
    },
  });
  const framesRun = frames.run();
  try {
    expect(await adoptStranded(client, 'new')).toEqual([]);
    await stopOld();
    let adopted: string[] = [];
    for (let i = 0; i < 40 && adopted.length === 0; i++) {
      await sleep(250);
      adopted = await adoptStranded(client, 'new', async () => new Set());
    }
    expect(adopted).toEqual(['finalise-x']);
    share = true;
    expect(await handle.result()).toMatchObject({ outcome: 'completed', reportPath: 'r' });
    expect(done).toEqual(['new']);
  } finally {
    frames.shutdown();
    await framesRun;
    await stopNew();
  }
}, 120_000);

test('what waits for a gateway is given out in order: what stops, what a session asks for, what finalises, upkeep', async () => {
  const { client, nativeConnection: connection } = env;
  const workflows = await Worker.create({ connection, taskQueue: 'order', workflowBundle: bundle });
  const running = workflows.run();
  const ask = (name: string, priority?: Priority): Promise<{ result: () => Promise<unknown> }> =>
    client.workflow.start(COMMAND_WORKFLOW, {
      taskQueue: 'order',
      workflowId: `order-${name}`,
      ...(priority ? { priority } : {}),
      args: [{ telescopeId: 'busy', request: { op: 'list', object: 'set', requestedBy: name } }],
    });
  const asked = [];
  for (const [name, priority] of [
    ['upkeep', PRIORITY.upkeep],
    ['finalising', PRIORITY.finalising],
    ['session'],
    ['stop', PRIORITY.stop],
  ] as [string, Priority?][]) {
    asked.push(await ask(name, priority));
    const waiting = async (): Promise<boolean> =>
      Boolean((await client.workflow.getHandle(`order-${name}`).describe()).raw.pendingActivities?.length);
    for (let i = 0; i < 100 && !(await waiting()); i++) await sleep(50);
  }
  const order: string[] = [];
  const gateway = await Worker.create({
    connection,
    taskQueue: telescopeQueue('busy'),
    maxConcurrentActivityTaskExecutions: 1,
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    activities: {
      roboTarget: async ({ requestedBy }: { requestedBy: string }) => {
        order.push(requestedBy);
        return { outcome: 'confirmed', items: [] };
      },
    },
  });
  const given = gateway.run();
  await Promise.all(asked.map((one) => one.result()));
  for (const worker of [gateway, workflows]) worker.shutdown();
  await Promise.all([given, running]);
  expect(order).toEqual(['stop', 'session', 'finalising', 'upkeep']);
}, 60_000);

test('Schedules are made once, brought up to date the second time, and what they start exists', async () => {
  const { client } = env;
  await ensureSchedules(client, [6.6]);
  await ensureSchedules(client, [-70]);
  const SCHEDULES = schedulesFor([-70]);
  const names = new Set<string>();
  for (let i = 0; i < 40 && names.size < SCHEDULES.length; i++) {
    for await (const schedule of client.schedule.list()) names.add(schedule.scheduleId);
    await sleep(250);
  }
  expect([...names].sort()).toEqual(SCHEDULES.map((s) => s.scheduleId).sort());
  const exported = Object.keys(await import('../../workflows/index.ts').catch(() => ({})));
  for (const { scheduleId } of SCHEDULES) {
    const { action } = await client.schedule.getHandle(scheduleId).describe();
    const { priority } = action as { priority?: { priorityKey?: number } };
    expect([scheduleId, priority?.priorityKey ?? 3]).toEqual([scheduleId, scheduleId === 'nocturne-reconcile' ? 3 : 5]);
    expect(bundle.code).toContain((action as { workflowType: string }).workflowType);
    if (exported.length > 0) expect(exported).toContain((action as { workflowType: string }).workflowType);
  }
}, 60_000);

test('with keys, what the server holds of arguments, results and summaries cannot be read, and a worker that lacks them waits', async () => {
  const config = { TEMPORAL_CODEC_KEYS: `one:${randomBytes(32).toString('base64')}` };
  const client = new Client({ connection: env.connection, namespace: 'default', ...temporalData(config) });
  const roboTarget = async (): Promise<object> => ({ outcome: 'confirmed', message: 'said M31', items: [] });
  const start = async (data: object): Promise<() => Promise<void>> => {
    const common = { connection: env.nativeConnection, ...data };
    const workers = [
      await Worker.create({ ...common, taskQueue: 'sealed', workflowBundle: bundle }),
      await Worker.create({ ...common, taskQueue: telescopeQueue('sealed'), activities: { roboTarget } }),
    ];
    const runs = workers.map((worker) => worker.run());
    return async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(runs);
    };
  };
  const handle = await client.workflow.start(COMMAND_WORKFLOW, {
    taskQueue: 'sealed',
    workflowId: 'sealed',
    staticSummary: 'asks for M31',
    memo: { target: 'M31' },
    args: [{ telescopeId: 'sealed', request: { op: 'list', object: 'set', requestedBy: 'of M31' } }],
  });
  const stopWithout = await start({});
  const failed = async (): Promise<boolean> => ((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0) > 1;
  for (let i = 0; i < 200 && !(await failed()); i++) await sleep(100);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  await stopWithout();
  const stop = await start(temporalData(config));
  expect(await handle.result()).toMatchObject({ message: 'said M31' });
  await stop();
  const events = historyToJSON(await handle.fetchHistory());
  expect(events.match(/"encoding": ?"YmluYXJ5L2VuY3J5cHRlZA=="/g)!.length).toBeGreaterThanOrEqual(5);
  const bytes = [...events.matchAll(/"data": ?"([^"]+)"/g)].map((match) => Buffer.from(match[1]!, 'base64').toString());
  expect([events, ...bytes].filter((text) => text.includes('M31'))).toEqual([]);
  // What was begun without keys is carried on with them.
  const before = await env.client.workflow.start(COMMAND_WORKFLOW, {
    taskQueue: 'sealed',
    workflowId: 'open',
    args: [{ telescopeId: 'sealed', request: { op: 'list', object: 'set', requestedBy: 'of M31' } }],
  });
  const stopAgain = await start(temporalData(config));
  expect(await client.workflow.getHandle('open').result()).toMatchObject({ message: 'said M31' });
  await stopAgain();
  expect(before.workflowId).toBe('open');
}, 60_000);
