import { readFileSync, existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { POINTS, type Point } from '../../scripts/golive/list.ts';
import { callOf, judge } from '../../scripts/golive/run.ts';

const point = (name: string): Point => POINTS.find((one) => one.name === name)!;
const { scripts } = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

describe('npm run golive', () => {
  test.each(POINTS.map((one) => [one.name, one] as const))('%s runs a command or tests that exist', (_, one) => {
    const { run } = one;
    if ('tests' in run) expect(run.tests.filter((file) => !existsSync(projectPath(file)))).toEqual([]);
    else
      expect(existsSync(projectPath('script' in run ? `scripts/${run.script}.ts` : `bench/${run.bench}.ts`))).toBe(
        true,
      );
    const { command } = callOf(one)!;
    const [, told] = /^npm run (\S+)/.exec(command) ?? [];
    if (told) expect(scripts).toHaveProperty([told]);
  });
  test('a proof is what a command prints, never its exit code alone', () => {
    const soak = { ok: true, hours: 48, disconnects: 200, heartbeats: { missed: 0 }, frames: { unaccounted: 0 } };
    const printed = (said: object): string => `something before\n${JSON.stringify(said)}\n`;
    expect(judge(point('soak'), 0, printed(soak))).toMatchObject({ enough: true });
    expect(judge(point('soak'), 0, printed({ ...soak, hours: 1 }))).toMatchObject({ enough: false });
    expect(judge(point('soak'), 1, printed(soak))).toMatchObject({ enough: false });
    expect(judge(point('soak'), 0, '')).toMatchObject({ enough: false });
    expect(judge(point('soak'), 0, 'all well')).toMatchObject({ enough: false });
    const tests = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 1 };
    expect(judge(point('backup'), 0, printed(tests))).toEqual({
      enough: true,
      shows: '5 tests passed, 0 failed, 1 skipped',
    });
    expect(judge(point('backup'), 0, printed({ ...tests, numPassedTests: 0 }))).toMatchObject({ enough: false });
    const night = {
      ok: true,
      bookings: Array.from({ length: 5 }, () => ({ outcome: 'completed' })),
      problems: [],
      outbox: { pending: 0 },
    };
    expect(judge(point('sessions'), 0, printed(night))).toMatchObject({ enough: true });
    expect(judge(point('sessions'), 0, printed({ ...night, bookings: night.bookings.slice(1) }))).toMatchObject({
      enough: false,
    });
    const kills = { kills: 10, max_recovery_s: 12, recovery_bound_s: 30, equal_to_undisturbed: true, differences: [] };
    expect(judge(point('failover'), 0, printed(kills))).toMatchObject({ enough: true });
    const differences = ['ended as failed instead of completed'];
    expect(judge(point('failover'), 1, printed({ ...kills, equal_to_undisturbed: false, differences }))).toEqual({
      enough: false,
      shows: expect.stringContaining('ended as failed instead of completed'),
    });
    const live = { viewers: 10, sessions: 6, received: 150, lost: 0, p95_ms: 3 };
    expect(judge(point('users'), 0, printed({ ...live, lost: 1 }))).toMatchObject({ enough: false });
  });
});
