import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bundleWorkflowCode } from '@temporalio/worker';
import { projectPath } from '../../platform/paths.ts';
import { workflowsPath } from '../../worker/options.ts';

/** Runs a program in the checkout without the options that jest itself was started with; its stdout. */
const run = (program: string, args: string[]): string =>
  execFileSync(program, args, {
    cwd: projectPath(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', npm_config_node_options: '' },
  });

describe('the build', () => {
  test('the workflow bundle is built again whenever a file that it contains changes', async () => {
    const inputs = JSON.parse(
      run(process.execPath, [
        '--input-type=module',
        '-e',
        `const { bundleInputs } = await import('./scripts/build.mjs'); console.log(JSON.stringify(bundleInputs()))`,
      ]),
    ) as string[];
    const { code } = await bundleWorkflowCode({ workflowsPath: workflowsPath() });
    const map = Buffer.from(code.slice(code.lastIndexOf('base64,') + 'base64,'.length), 'base64').toString();
    const contained = (JSON.parse(map) as { sources: string[] }).sources.filter(
      (source) => source.endsWith('.ts') && !source.includes('node_modules'),
    );
    expect(contained.length).toBeGreaterThan(15);
    expect(contained.filter((source) => !inputs.includes(source))).toEqual([]);
  }, 60_000);

  test('has every file of it that a bench measures: a move that forgets one breaks a command that CI does not run', () => {
    const benches = readdirSync(projectPath('bench'), { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.ts'),
    );
    const named = benches.flatMap((bench) =>
      [...readFileSync(projectPath('bench', bench), 'utf8').matchAll(/projectPath\('dist', ([^)]*)\)/g)].map(
        ([, path]) => path!.split(', ').map((part) => part.replaceAll("'", '')),
      ),
    );
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((path) => !existsSync(projectPath('dist', ...path)))).toEqual([]);
  });

  test('the contracts are written beside the code, as the routes say them, and an api that starts gives those', () => {
    const told = run(process.execPath, [
      '--input-type=module',
      '-e',
      `const { openApiOfNobody } = await import('./dist/api/documents.js');
       const { writtenContract, PLACES } = await import('./dist/api/system/written.js');
       const server = 'https://observe.example';
       const made = JSON.stringify(await openApiOfNobody(server));
       console.log(made === writtenContract('openapi.json', PLACES.server, server));
       process.exit(0);`,
    ]);
    expect(told.trim()).toBe('true');
  }, 60_000);

  test('one test file runs as anybody would type it', () => {
    expect(run('npx', ['jest', '--listTests', 'test/session/policy.test.ts'])).toContain('policy.test.ts');
    run('npx', ['jest', '--silent', 'domain/ledger.test.ts']);
  }, 60_000);
});
