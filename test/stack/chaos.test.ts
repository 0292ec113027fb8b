import { spawn } from 'node:child_process';
import { describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

jest.setTimeout(400_000);

interface Summary {
  kills: number;
  killed: Record<string, number>;
  max_recovery_s: number;
  median_recovery_s: number;
  equal_to_undisturbed: boolean;
  differences: string[];
}
function chaos(...args: string[]): Promise<{ summary: Summary | null; code: number | null; progress: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [projectPath('scripts', 'run.mjs'), 'chaos', '--json', ...args], {
      cwd: projectPath(),
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production', SMTP_URL: '', WEBHOOK_URL: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let progress = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (progress += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      const last = output.trim().split('\n').at(-1);
      resolve({ code, progress, summary: last?.startsWith('{') ? (JSON.parse(last) as Summary) : null });
    });
  });
}

/** Daily the night of test/stack/night.test.ts has its worker killed; here every process may be. */
const LONG = process.env.NOCTURNE_LONG === '1';

describe('npm run chaos, the short form', () => {
  (LONG ? describe : describe.skip)('every process', () => {
    test('four kills, one in the preparation and one in the wrapping up, change nothing of the outcome', async () => {
      const { summary, progress } = await chaos('--kills', '4', '--seed', '2');
      expect({ progress: summary ? '' : progress, differences: summary?.differences }).toEqual({
        progress: '',
        differences: [],
      });
      expect(Object.values(summary!.killed).reduce((sum, n) => sum + n, 0)).toBe(4);
      expect(summary!.kills).toBe(4);
      expect(summary!.equal_to_undisturbed).toBe(true);
      expect(summary!.max_recovery_s).toBeGreaterThanOrEqual(summary!.median_recovery_s);
    });
  });
  test('a number of kills that is none is refused with the field, what is expected and code 2', async () => {
    const { code, progress } = await chaos('--kills', '0');
    expect([code, progress]).toEqual([2, expect.stringContaining('--kills: "0" is not a whole number of at least 1')]);
  });
});
