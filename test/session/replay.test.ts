import { beforeAll, describe, expect, test } from '@jest/globals';
import { Runtime, bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { workflowsPath } from '../../worker/options.ts';
import { quietLogger, recordedHistories, replayAll } from './histories.ts';

let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: quietLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  bundle = await bundleWorkflowCode({ workflowsPath: workflowsPath(), logger: quietLogger });
}, 30_000);

describe('replay gate', () => {
  test('every recorded history replays with the workflow code of today', async () => {
    const recorded = recordedHistories();
    expect(recorded.length).toBeGreaterThanOrEqual(8);
    const { replayed, failed } = await replayAll(
      bundle,
      recorded.map(({ name, json }) => ({ workflowId: name, history: json })),
    );
    expect(failed).toEqual({});
    expect(replayed).toBe(recorded.length);
  }, 60_000);

  test('a history with another command is caught', async () => {
    const { name, json } = recordedHistories().find((h) => h.name === 'quiet')!;
    const changed = JSON.parse(JSON.stringify(json).replaceAll('"name":"enableTarget"', '"name":"openRoof"')) as unknown;
    const { failed } = await replayAll(bundle, [{ workflowId: name, history: changed }]);
    expect(failed[name]).toMatch(/nondeterminism|does not match/i);
  }, 30_000);
});
