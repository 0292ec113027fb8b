import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { QUEUE_FINALISE, QUEUE_SESSION } from '../../domain/queues.ts';
import { DEPLOYMENT_NAME } from '../../platform/build.ts';
import { describeDeployment, setCurrentVersion } from '../../platform/deployment.ts';
import { createLogger } from '../../platform/logger.ts';
import { promote, ramp, requireWorkers, rollback } from '../../scripts/release/release.ts';
import { replayOpen } from '../../scripts/release/replay.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';
import { Duties } from '../../worker/duties.ts';
import { bundleOf } from '../support/bundle.ts';
import { quietLogger } from './histories.ts';

/** On Temporal's own server: which version of the worker gets the sessions, and who decides it. */
let env: TestWorkflowEnvironment;
let good: WorkflowBundleWithSourceMap;
let bad: WorkflowBundleWithSourceMap;
const stops: (() => Promise<void>)[] = [];
const said: string[] = [];
const report = (line: string): void => void said.push(line);
/** Never told where the telescopes are, it makes no Schedules here. */
const noSites = (): Promise<number[]> => new Promise(() => undefined);
/** At the end of the first task, after all that the workflow itself asks for. */
const ONE_COMMAND = `(async () => { for (let i = 0; i < 50; i++) await null; globalThis.__TEMPORAL_ACTIVATOR__.pushCommand({ startTimer: { seq: 999, startToFireTimeout: { seconds: 9 } } }); })();`;
const watch = { seconds: 2, everyMs: 250 };

beforeAll(async () => {
  Runtime.install({ logger: quietLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const bundle = (name: string): Promise<WorkflowBundleWithSourceMap> =>
    bundleOf(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)));
  good = await bundle('release-workflows');
  bad = await bundle('release-workflows-bad');
  env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: (await resolveTemporal('temporal')).path } },
  });
}, 120_000);
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});
afterAll(async () => {
  await env?.teardown();
}, 30_000);

/** A worker of a version, as a deployment starts it: it polls and changes nothing. */
async function start(buildId: string, workflowBundle: WorkflowBundleWithSourceMap): Promise<() => Promise<void>> {
  const workers = await Promise.all(
    [QUEUE_SESSION, QUEUE_FINALISE].map((taskQueue) =>
      Worker.create({
        connection: env.nativeConnection,
        taskQueue,
        workflowBundle,
        workerDeploymentOptions: {
          useWorkerVersioning: true,
          version: { deploymentName: DEPLOYMENT_NAME, buildId },
          defaultVersioningBehavior: 'AUTO_UPGRADE',
        },
      }),
    ),
  );
  const runs = workers.map((worker) => worker.run());
  let stopped: Promise<unknown> | null = null;
  const stop = async (): Promise<void> => {
    if (!stopped) for (const worker of workers) worker.shutdown();
    await (stopped ??= Promise.all(runs));
  };
  stops.push(stop);
  return stop;
}
const until = async (done: () => Promise<boolean> | boolean): Promise<void> => {
  for (let i = 0; i < 300; i++) {
    if (await done()) return;
    await sleep(100);
  }
  throw new Error('it never came');
};
const current = async (): Promise<string | null> => (await describeDeployment(env.client)).current;

test('a worker never makes itself current; the deployer does, and goes back to what was before', async () => {
  const { client } = env;
  expect(await describeDeployment(client)).toEqual({ current: null, ramping: null, versions: [] });
  await start('1', good);
  const duties = new Duties(client, '1', noSites, createLogger('test', 'silent'));
  duties.begin();
  stops.push(async () => duties.end());
  await until(() => duties.role === 'waiting');
  expect(await current()).toBeNull();
  await requireWorkers(client, '1', 20_000);
  expect(await promote(client, { buildId: '1', watch }, report)).toMatchObject({ stands: true, current: '1' });
  await until(() => duties.role === 'current');

  await expect(requireWorkers(client, '2', 0)).rejects.toThrow('No worker of version 2 polls');
  const stopTwo = await start('2', good);
  await requireWorkers(client, '2', 20_000);
  // The new one polls: an old one that starts again in the middle of the roll-out does not take the sessions back.
  expect(await promote(client, { buildId: '2', watch: { seconds: 0, everyMs: 10 } }, report)).toMatchObject({
    stands: true,
    current: '2',
  });
  const again = new Duties(client, '1', noSites, createLogger('test', 'silent'));
  again.begin();
  stops.push(async () => again.end());
  await until(() => again.role === 'waiting');
  expect(await current()).toBe('2');

  expect(await rollback(client, undefined, report)).toMatchObject({ current: '1' });
  await expect(rollback(client, 'never', report)).rejects.toThrow('No worker of version never polls');
  await stopTwo();
}, 120_000);

test('a build that cannot carry on what is open is named by a replay, and taken back by itself when it was released all the same', async () => {
  const { client } = env;
  await start('good', good);
  await requireWorkers(client, 'good', 20_000);
  await setCurrentVersion(client, 'good');
  const ids = Array.from({ length: 6 }, (_, n) => `waiting-${n}`);
  const handles = await Promise.all(
    ids.map((workflowId) => client.workflow.start('waiting', { workflowId, taskQueue: QUEUE_SESSION })),
  );
  await until(async () => {
    const open = await Promise.all(handles.map((handle) => handle.describe()));
    return open.every(({ historyLength }) => historyLength >= 5);
  });
  const queues = [QUEUE_SESSION, QUEUE_FINALISE];
  // Visibility lags behind.
  await until(async () => {
    const listed: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` }))
      listed.push(workflowId);
    return listed.sort().join() === ids.join();
  });
  expect(await replayOpen(client, { workflowBundle: good }, queues)).toEqual({ replayed: ids.length, failed: {} });
  const careless = { ...good, code: good.code.replace('let done = false;', `let done = false; ${ONE_COMMAND}`) };
  expect(careless.code).not.toBe(good.code);
  const { failed } = await replayOpen(client, { workflowBundle: careless }, queues);
  expect(failed).toEqual(
    Object.fromEntries(ids.map((id) => [id, expect.stringMatching(/^its last task asks for more/)])),
  );
  expect(Object.keys((await replayOpen(client, { workflowBundle: bad }, queues)).failed).sort()).toEqual(ids);

  await start('bad', bad);
  await requireWorkers(client, 'bad', 20_000);
  const nudging = setInterval(() => {
    for (const handle of handles) handle.signal('nudge').catch(() => undefined);
  }, 500);
  stops.push(async () => clearInterval(nudging));
  const half = await ramp(client, { buildId: 'bad', percent: 50, watch: { seconds: 60, everyMs: 250 } }, report);
  expect(half).toMatchObject({ stands: false, current: 'good', ramping: null });
  expect(ids).toEqual(expect.arrayContaining(half.failed));
  const all = await promote(client, { buildId: 'bad', watch: { seconds: 60, everyMs: 250 } }, report);
  expect(all).toMatchObject({ stands: false, current: 'good' });
  expect(said.at(-1)).toMatch(/^Taken back to good: waiting-/);
  clearInterval(nudging);

  // Nothing is lost: those that the bad build held up go on under the good one.
  for (const handle of handles) await handle.signal('finish');
  for (const handle of handles) expect(await handle.result()).toBeGreaterThan(0);
}, 180_000);
