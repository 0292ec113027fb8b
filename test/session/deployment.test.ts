import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import { FINALISE_WORKFLOW } from '../../domain/messages.ts';
import { QUEUE_FINALISE, QUEUE_SESSION, framesQueue } from '../../domain/queues.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';
import { adoptStranded, setCurrentVersion } from '../../worker/deployment.ts';
import { DEPLOYMENT_NAME, workflowsPath } from '../../worker/options.ts';
import { bundleOf } from '../support/bundle.ts';
import { SCHEDULES, ensureSchedules } from '../../worker/schedules.ts';

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
  await setCurrentVersion(client, 'default', 'old');
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
  await setCurrentVersion(client, 'default', 'new');
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
    expect(await adoptStranded(client, 'default', 'new')).toEqual([]);
    await stopOld();
    let adopted: string[] = [];
    for (let i = 0; i < 40 && adopted.length === 0; i++) {
      await sleep(250);
      adopted = await adoptStranded(client, 'default', 'new', 0);
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

test('Schedules are made once, brought up to date the second time, and what they start exists', async () => {
  const { client } = env;
  await ensureSchedules(client);
  await ensureSchedules(client);
  const names = new Set<string>();
  for (let i = 0; i < 40 && names.size < SCHEDULES.length; i++) {
    for await (const schedule of client.schedule.list()) names.add(schedule.scheduleId);
    await sleep(250);
  }
  expect([...names].sort()).toEqual(SCHEDULES.map((s) => s.scheduleId).sort());
  const exported = Object.keys(await import('../../workflows/index.ts').catch(() => ({})));
  for (const { scheduleId } of SCHEDULES) {
    const { action } = await client.schedule.getHandle(scheduleId).describe();
    expect(bundle.code).toContain((action as { workflowType: string }).workflowType);
    if (exported.length > 0) expect(exported).toContain((action as { workflowType: string }).workflowType);
  }
}, 60_000);
