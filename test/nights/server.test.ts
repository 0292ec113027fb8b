import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { projectPath } from '../../platform/paths.ts';
import { SDK_VERSION, openSandbox, type Sandbox } from '../../scripts/nights/sandbox.ts';
import type { Settled } from '../../scripts/nights/run.ts';
import { VirtualServer } from '../../scripts/nights/server.ts';
import { bundleOf } from '../support/bundle.ts';

const START = Date.UTC(2026, 0, 1);
let sandbox: Sandbox;
let servers = 0;
beforeAll(async () => {
  const { code } = await bundleOf(fileURLToPath(new URL('./workflows.ts', import.meta.url)));
  sandbox = await openSandbox(code, ['echo', 'failing']);
}, 60_000);
afterAll(async () => {
  await sandbox?.destroy();
});

/** A server with one queue `q` whose activities happen at once unless told otherwise. */
function open(poller: { away?: { from: number; to: number }[]; latencyMs?: () => number } = {}): {
  server: VirtualServer;
  attempts: number[];
} {
  const server = new VirtualServer(sandbox, `test-${++servers}`, START);
  const attempts: number[] = [];
  server.poll('q', {
    ...poller,
    activities: {
      echo: async (text) => text,
      failing: async () => {
        attempts.push(server.now - START);
        throw new Error('broken');
      },
    },
  });
  return { server, attempts };
}
async function tryOut(
  poller: Parameters<typeof open>[0],
  options: Record<string, unknown>,
): Promise<{ result: unknown; attempts: number[] }> {
  const { server, attempts } = open(poller);
  await server.start({ workflowId: 'w', type: 'trying', queue: 'q', args: ['q', options] });
  await server.run(START + 7 * 86_400_000);
  return { result: (server.result('w') as { value: unknown }).value, attempts };
}

describe('SDK', () => {
  test('the internal parts that the virtual server drives belong to the pinned version; an upgrade must compare them first', () => {
    const wanted = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of ['worker', 'workflow', 'common', 'proto', 'activity']) {
      const installed = JSON.parse(
        readFileSync(projectPath('node_modules', '@temporalio', name, 'package.json'), 'utf8'),
      ) as { version: string };
      expect([name, wanted.dependencies[`@temporalio/${name}`], installed.version]).toEqual([
        name,
        SDK_VERSION,
        SDK_VERSION,
      ]);
    }
  });
});

describe('activities in virtual time', () => {
  test('done at once, or after its latency', async () => {
    expect((await tryOut({}, { activity: 'echo' })).result).toEqual(['hello', 0]);
    expect((await tryOut({ latencyMs: () => 4000 }, { activity: 'echo' })).result).toEqual(['hello', 4000]);
  });
  test('retries back off and end with the last attempt', async () => {
    const { result, attempts } = await tryOut({}, { activity: 'failing', attempts: 4 });
    expect(attempts).toEqual([0, 1000, 3000, 7000]);
    expect(result).toEqual(['broken', 7000]);
  });
  test('retries end when the next one would be past schedule-to-close', async () => {
    const { result, attempts } = await tryOut({}, { activity: 'failing', scheduleToClose: 10_000 });
    expect(attempts).toEqual([0, 1000, 3000, 7000]);
    expect(result).toEqual(['broken', 7000]);
  });
  test('nobody polls: schedule-to-start, or the answer when somebody comes in time', async () => {
    const away = [{ from: START - 1, to: START + 30_000 }];
    expect((await tryOut({ away }, { activity: 'echo', scheduleToStart: 20_000 })).result).toEqual([
      'SCHEDULE_TO_START',
      20_000,
    ]);
    expect((await tryOut({ away }, { activity: 'echo', scheduleToStart: 40_000 })).result).toEqual(['hello', 30_000]);
  });
  test('an answer later than start-to-close is a timeout, and the next attempt follows', async () => {
    let calls = 0;
    const latencyMs = (): number => (++calls === 1 ? 90_000 : 1000);
    expect((await tryOut({ latencyMs }, { activity: 'echo', startToClose: 10_000 })).result).toEqual(['hello', 12_000]);
    expect(
      (await tryOut({ latencyMs: () => 90_000 }, { activity: 'echo', startToClose: 10_000, attempts: 1 })).result,
    ).toEqual(['START_TO_CLOSE', 10_000]);
  });
  test('a worker that dies before it answers is noticed by start-to-close', async () => {
    const poller = { away: [{ from: START + 2000, to: START + 5000 }], latencyMs: () => 4000 };
    expect((await tryOut(poller, { activity: 'echo', startToClose: 10_000 })).result).toEqual(['hello', 15_000]);
  });
});

describe('workflows', () => {
  test('signals, updates with validator, queries and continue-as-new', async () => {
    const { server } = open();
    const settled: Settled[] = [];
    await server.start({ workflowId: 'c', type: 'counting', queue: 'q', args: [0] });
    server.schedule(START + 1000, () => void server.signal('c', 'add', 1));
    server.schedule(START + 2000, () => server.update('c', 'raise', 4, (r) => settled.push(r)));
    server.schedule(START + 2500, () => server.update('c', 'raise', -1, (r) => settled.push(r)));
    const totals: unknown[] = [];
    server.schedule(START + 2600, async () => void totals.push(await server.query('c', 'total')));
    server.schedule(START + 4000, async () => void totals.push(await server.query('c', 'total')));
    server.schedule(START + 5000, () => void server.signal('c', 'add', 5));
    await server.run(START + 60_000);
    expect(settled.map((r) => (r.ok ? r.value : r.error.message))).toEqual(['not downwards', 5]);
    expect(totals).toEqual([1, 5]);
    expect(server.result('c')).toEqual({ ok: true, value: 10 });
    expect(server.signal('c', 'add', 1)).toBe(false);
  });
  test('a cancellation reaches the workflow, which may still tidy up', async () => {
    const { server } = open();
    await server.start({ workflowId: 'x', type: 'cancellable', queue: 'q', args: [] });
    server.schedule(START + 1000, () => void server.cancel('x'));
    await server.run(START + 60_000);
    expect(server.result('x')).toEqual({ ok: true, value: 'tidied up' });
    expect(server.now).toBe(START + 6000);
  });
  test('a command that it does not know stops the run, and so does a night without an end', async () => {
    const { server } = open();
    await server.start({ workflowId: 'l', type: 'local', queue: 'q', args: [] });
    await expect(server.run(START + 60_000)).rejects.toThrow(
      'l sent a command that the virtual server does not know: scheduleLocalActivity',
    );
    await server.dispose();
    const endless = open().server;
    await endless.start({ workflowId: 'x', type: 'cancellable', queue: 'q', args: [] });
    await expect(endless.run(START + 60_000)).rejects.toThrow(
      'virtual time ran past 2026-01-01T00:01:00.000Z; still open: x',
    );
    await endless.dispose();
  });
});
