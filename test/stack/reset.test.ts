import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-reset-'));
  data = join(folder, 'data');
  mkdirSync(join(data, 'observations'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function reset(...args: string[]): { status: number | null; output: string } {
  const ran = spawnSync(process.execPath, ['--import', 'tsx', projectPath('scripts', 'reset.ts'), ...args], {
    cwd: projectPath(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', DATA_DIR: data },
  });
  return { status: ran.status, output: ran.stdout + ran.stderr };
}

describe('npm run reset', () => {
  test('removes the data folder when told --yes', () => {
    expect(reset('--yes')).toEqual({ status: 0, output: `Removed ${data}.\n` });
    expect(existsSync(data)).toBe(false);
  });
  test('removes nothing when there is nobody to ask', () => {
    expect(reset()).toEqual({ status: 2, output: 'Nothing was removed: there is nobody to ask; give --yes.\n' });
    expect(existsSync(data)).toBe(true);
  });
  test('refuses while a process of it runs, and names it', () => {
    writeFileSync(join(data, 'demo.json'), JSON.stringify({ pids: { api: process.pid, worker: null } }));
    expect(reset('--yes')).toEqual({
      status: 1,
      output: `Still running on ${data}: api (${process.pid}). Stop it first.\n`,
    });
    expect(existsSync(data)).toBe(true);
  });
  test('a list of processes that are gone does not stand in the way', () => {
    writeFileSync(join(data, 'demo.json'), JSON.stringify({ pids: { api: 4_194_303 } }));
    expect(reset('--yes').status).toBe(0);
  });
});
