import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { projectPath } from '../../platform/paths.ts';
import type { fuzz } from './fuzz.ts';

const COUNT = process.env.NOCTURNE_LONG === '1' ? 100_000 : 400;

test(`${COUNT} mutated files: no crash, none over 2 s, under 500 MB`, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'test/frames/fuzz-process.ts', String(COUNT)],
    {
      cwd: projectPath(),
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  const result = JSON.parse(stdout) as ReturnType<typeof fuzz>;
  expect(result.files).toBe(COUNT);
  expect(result.read).toBeGreaterThan(COUNT / 20);
  expect(result.slowestMs).toBeLessThan(2_000);
  expect(result.peakRss).toBeLessThan(500e6);
}, 3_600_000);
