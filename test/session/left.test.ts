import { expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Runtime, Worker } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { resolveTemporal } from '../../stack/temporal-cli.ts';
import { bundleOf } from '../support/bundle.ts';
import { quietLogger } from './histories.ts';

test('a look that was left while its gateway is away runs out of time later, and the session goes on', async () => {
  Runtime.install({ logger: quietLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const { path } = await resolveTemporal('temporal');
  const env = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
  try {
    const worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue: 'left',
      workflowBundle: await bundleOf(fileURLToPath(new URL('./left-workflows.ts', import.meta.url))),
    });
    const handle = await env.client.workflow.start('leaving', { workflowId: 'left', taskQueue: 'left' });
    expect(await worker.runUntil(handle.result())).toBe('left');
    const { events } = await handle.fetchHistory();
    expect(events?.filter((event) => event.activityTaskTimedOutEventAttributes)).toHaveLength(1);
    expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  } finally {
    await env.teardown();
  }
}, 120_000);
