import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mixedBuilds, type Taker } from '../../scripts/nights/builds.ts';
import { ACTIVITY_NAMES, playNight } from '../../scripts/nights/night.ts';
import { planNight } from '../../scripts/nights/plan.ts';
import { chance } from '../../scripts/nights/random.ts';
import { openSandbox, type Sandbox } from '../../scripts/nights/sandbox.ts';
import { workflowsPath } from '../../worker/options.ts';
import { bundleOf } from '../support/bundle.ts';

const SEED = 5;
/** A hundred nights in the long form. */
const NIGHTS = process.env.NOCTURNE_LONG ? Array.from({ length: 100 }, (_, night) => night) : [1, 2];
/** So often a task is taken by another build. */
const SWAPS = 0.05;

/** The bundle of today with something changed, as text: the place must be there once. */
function changed(code: string, place: string, by: string): string {
  expect(code.split(place)).toHaveLength(2);
  return code.replace(place, by);
}
const ONE_COMMAND = 'a.pushCommand({ upsertWorkflowSearchAttributes: { searchAttributes: { indexedFields: {} } } });';
/** Before the row of each check, and so in mid-night. */
const CHECK = 'const { maintenance } = await ';
const atEachCheck = (code: string, condition: string): string =>
  changed(code, CHECK, `{ const a = globalThis.__TEMPORAL_ACTIVATOR__; if (${condition}) ${ONE_COMMAND} } ${CHECK}`);
let today: Sandbox;
/** The build of tomorrow, with its change behind a patch, and the same without one. */
let patched: Sandbox;
let careless: Sandbox;
beforeAll(async () => {
  const { code } = await bundleOf(workflowsPath());
  today = await openSandbox(code, ACTIVITY_NAMES);
  patched = await openSandbox(atEachCheck(code, "a.patchInternal('two-builds', false)"), ACTIVITY_NAMES);
  careless = await openSandbox(atEachCheck(code, 'true'), ACTIVITY_NAMES);
}, 120_000);
afterAll(async () => {
  for (const sandbox of [today, patched, careless]) await sandbox?.destroy();
});
const falls = (word: string, { runId, number }: Parameters<Taker>[0]): boolean =>
  chance(SEED, word, runId, number) < SWAPS;

describe('two builds take a night in turns', () => {
  test('that ask for the same: every night is as with one of them, to its digest', async () => {
    const mixed = mixedBuilds([today, today], (task) => (falls('fro', task) ? 1 - task.build : task.build));
    for (const night of NIGHTS) {
      const plan = planNight(SEED, night);
      const alone = await playNight(today, plan);
      const together = await playNight(mixed, plan);
      expect(together.violations).toEqual(alone.violations);
      expect([night, together.digest]).toEqual([night, alone.digest]);
    }
    expect(mixed.moves).toBeGreaterThan(NIGHTS.length);
  }, 600_000);

  test('of which the new one has a patch: sessions that began before get its marker in mid-night and are carried on', async () => {
    const mixed = mixedBuilds([today, patched, patched], (task) => {
      if (!falls('forth', task)) return task.build;
      return task.build === 0 ? 1 : 3 - task.build;
    });
    let more = 0;
    for (const night of NIGHTS) {
      const plan = planNight(SEED, night);
      const alone = await playNight(today, plan);
      const together = await playNight(mixed, plan);
      expect([night, together.violations]).toEqual([night, []]);
      if (together.historyEvents > alone.historyEvents) more += 1;
    }
    expect(mixed.moves).toBeGreaterThan(NIGHTS.length);
    expect(more).toBeGreaterThan(0);
  }, 600_000);

  test('of which the new one has one command more and no patch: named at once, though it stands in the last task', async () => {
    const mixed = mixedBuilds([today, careless], (task) => 1 - task.build);
    const { violations } = await playNight(mixed, planNight(SEED, 0));
    const said = /^session .*non-determinism in task (\d+) of (\d+): (.*)/.exec(violations[0] ?? '');
    expect(said?.[3]).toContain('upsertWorkflowSearchAttributes');
    expect(said?.[1]).toBe(said?.[2]);
  }, 120_000);
});
