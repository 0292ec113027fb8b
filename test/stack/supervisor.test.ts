import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

jest.setTimeout(60_000);

let folder: string;
let started: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-supervisor-'));
});
afterEach(() => {
  started?.kill('SIGKILL');
  started = null;
  rmSync(folder, { recursive: true, force: true });
});

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
};
async function until(what: string, done: () => boolean, timeoutMs = 15_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !done();) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Small {
  supervisor: number;
  service: number;
  foreign: number;
}
/** Starts the small stack; `wrapped` puts a shell between, as npm would be. */
async function startSmall(wrapped = false): Promise<Small> {
  const command = [
    process.execPath,
    '--import',
    'tsx',
    projectPath('test', 'stack', 'fixtures', 'supervise.ts'),
    folder,
  ];
  // The trailing command keeps the shell from replacing itself.
  const [program, args] = wrapped ? ['sh', ['-c', '"$@"; true', 'sh', ...command]] : [command[0]!, command.slice(1)];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  started = child;
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('the small stack', () => output.startsWith('ready ') && output.includes('\n'), 40_000);
  const [supervisor, service, foreign] = output.trim().split(' ').slice(1).map(Number);
  return { supervisor: supervisor!, service: service!, foreign: foreign! };
}
const allGone = (small: Small): boolean => !lives(small.supervisor) && !lives(small.service) && !lives(small.foreign);
const farewell = (name: string): boolean => existsSync(join(folder, name));

describe('the supervisor leaves no orphan', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    test(`${signal} stops all of it in order: ours first, then the foreign program`, async () => {
      const small = await startSmall();
      process.kill(small.supervisor, signal);
      await until('the end', () => allGone(small));
      expect([farewell('farewell'), farewell('foreign-farewell')]).toEqual([true, true]);
      expect(statSync(join(folder, 'farewell')).mtimeMs).toBeLessThanOrEqual(
        statSync(join(folder, 'foreign-farewell')).mtimeMs,
      );
    });
  test('a supervisor killed with SIGKILL leaves nothing, and its children still stop in order', async () => {
    const small = await startSmall();
    process.kill(small.supervisor, 'SIGKILL');
    await until('the end', () => allGone(small));
    expect([farewell('farewell'), farewell('foreign-farewell')]).toEqual([true, true]);
  });
  test('when the parent (npm) is killed the supervisor notices and stops', async () => {
    const small = await startSmall(true);
    started!.kill('SIGKILL');
    await until('the end', () => allGone(small));
    expect([farewell('farewell'), farewell('foreign-farewell')]).toEqual([true, true]);
  });
});

describe('the supervisor brings back what crashes', () => {
  test('a process of ours and a foreign program killed with SIGKILL run again, as other processes', async () => {
    const small = await startSmall();
    process.kill(small.service, 'SIGKILL');
    process.kill(small.foreign, 'SIGKILL');
    const pidIn = (name: string, word: number): number => {
      try {
        return Number(readFileSync(join(folder, name), 'utf8').trim().split(' ')[word]) || 0;
      } catch {
        return 0;
      }
    };
    await until(
      'both again',
      () => ![0, small.service].includes(pidIn('address', 1)) && ![0, small.foreign].includes(pidIn('foreign', 0)),
    );
    // Nobody else writes what we end by its number.
    expect(statSync(join(folder, 'foreign.pid')).mode & 0o777).toBe(0o600);
    const again: Small = { supervisor: small.supervisor, service: pidIn('address', 1), foreign: pidIn('foreign', 0) };
    expect([lives(again.service), lives(again.foreign)]).toEqual([true, true]);
    process.kill(small.supervisor, 'SIGTERM');
    await until('the end', () => allGone(again));
  });
});
