import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { toError } from '../../platform/errors.ts';
import { projectPath } from '../../platform/paths.ts';
import type { Point } from './list.ts';

export interface Row {
  point: string;
  roadmap: string;
  command: string;
  state: 'passed' | 'failed' | 'not here';
  seconds: number;
  shows: string;
}
const AT_MOST_MS = 30 * 60_000;

/** Node's arguments for a point, and how a person would call it; null where this installation has no tests or benches. */
export function callOf({ run }: Point): { args: string[]; command: string } | null {
  if ('script' in run)
    return {
      args: [projectPath('dist', 'scripts', `${run.script}.js`), ...run.args],
      command: `npm run ${run.script.replace('deploy-check', 'deploy:check')} -- ${run.args.join(' ')}`,
    };
  try {
    const require = createRequire(projectPath('package.json'));
    if ('bench' in run) {
      require.resolve('tsx');
      return {
        args: ['--expose-gc', '--import', 'tsx', projectPath('bench', `${run.bench}.ts`), ...run.args],
        command: `npm run bench:${run.bench} -- ${run.args.join(' ')}`,
      };
    }
    const jest = require.resolve('jest/bin/jest');
    return {
      args: ['--experimental-vm-modules', '--no-warnings', jest, '--json', '--silent', ...run.tests],
      command: `npx jest ${run.tests.join(' ')}`,
    };
  } catch {
    return null;
  }
}

/** Runs one point in a process of its own; its words go to stderr, its last line of stdout is the proof. */
export async function runPoint(point: Point): Promise<Row> {
  const row = { point: point.name, roadmap: point.roadmap };
  const call = callOf(point);
  if (!call) return { ...row, command: '', state: 'not here', seconds: 0, shows: 'needs a checkout with npm ci' };
  const began = performance.now();
  const child = spawn(process.execPath, call.args, {
    cwd: projectPath(),
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: AT_MOST_MS,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const seconds = Math.round((performance.now() - began) / 1000);
  const { enough, shows } = judge(point, code, said);
  return { ...row, command: call.command, state: enough ? 'passed' : 'failed', seconds, shows };
}

/** Whether what a point's process said and ended with is enough. A proof that cannot be read is none. */
export function judge(point: Point, code: number | null, said: string): { enough: boolean; shows: string } {
  try {
    const last = JSON.parse(said.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    if ('tests' in point.run) {
      const {
        numPassedTests: passed,
        numFailedTests: failed,
        numPendingTests: skipped,
      } = last as Record<string, number>;
      return {
        enough: code === 0 && passed! > 0 && failed === 0,
        shows: `${passed} tests passed, ${failed} failed, ${skipped} skipped`,
      };
    }
    const proof = point.proof?.(last) ?? { enough: true, shows: 'as its command says' };
    return { ...proof, enough: proof.enough && code === 0 };
  } catch (thrown) {
    return { enough: false, shows: `ended with ${code} and no proof (${toError(thrown).message.slice(0, 120)})` };
  }
}
