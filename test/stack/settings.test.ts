import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { Supervisor } from '../../stack/supervisor.ts';

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'nocturne-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  const { build } = (await import(projectPath('scripts', 'build.mjs'))) as { build: () => Promise<unknown> };
  await build();
});

/** A compiled process with these variables alone. */
function run(
  entry: string,
  env: Record<string, string>,
  args: string[] = [],
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [projectPath('dist', ...entry.split('/')), ...args], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: join(folder, 'data'), ENV_FILE: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('exit', (code) => resolve({ code, said }));
  });
}
const COMMANDS = [
  ['gateway/main.js', []],
  ['worker/main.js', []],
  ['api/main.js', []],
  ['scripts/start.js', []],
  ['scripts/migrate.js', []],
  ['scripts/doctor.js', []],
  ['scripts/webhooks.js', ['list']],
] as const;
const WRONG = {
  VOYAGER_HOST: 'http://10.0.0.5:5950',
  PUBLIC_URL: 'obs.example',
  DATABASE_URL: 'mysql://a:hunter2@b/c',
  TEMPORAL_TLS_KEY: '-----BEGIN KEY-----hunter2',
};

describe('settings are checked at once, before anything starts', () => {
  test.each(COMMANDS)('%s names all that is wrong and ends with 2', async (entry, args) => {
    const { code, said } = await run(entry, WRONG, [...args]);
    expect(code).toBe(2);
    for (const name of ['VOYAGER_HOST', 'PUBLIC_URL', 'DATABASE_URL', 'TEMPORAL_TLS_CERT'])
      expect(said).toMatch(new RegExp(`^  ${name}: `, 'm'));
    expect(said).not.toMatch(/hunter2|^ {4}at /m);
  });
  test.each(COMMANDS)('%s reads .env, and the shell wins', async (entry, args) => {
    const env = join(folder, 'env');
    writeFileSync(env, 'PUBLIC_URL="of-the-file"\nLOG_LEVEL=of-the-file # a remark\n');
    const { code, said } = await run(entry, { ENV_FILE: env, LOG_LEVEL: 'of-the-shell' }, [...args]);
    expect(code).toBe(2);
    expect(said).toContain('PUBLIC_URL: must be an address with http:// or https://, not "of-the-file"');
    expect(said).toContain('not "of-the-shell"');
  });
  test('PM2 leaves .env to the processes and does not start one again that ended with 2', () => {
    const { apps } = createRequire(import.meta.url)(projectPath('ecosystem.config.cjs')) as {
      apps: { stop_exit_codes: number[]; env: Record<string, string> }[];
    };
    expect(apps.map((app) => app.stop_exit_codes)).toEqual([[2], [2], [2]]);
  });
});

describe('exit code 2 of a child is final', () => {
  const child = (script: string) => ({
    name: 'api',
    command: process.execPath,
    args: ['-e', script],
    logFile: join(folder, `${Math.random()}.log`),
    ready: () => new Promise<void>(() => undefined),
  });
  test('its own words are thrown, and it is not started again', async () => {
    const lines: string[] = [];
    const supervisor = new Supervisor((line) => lines.push(line));
    await expect(
      supervisor.start(
        child(`console.log('{"level":30}'); console.error('  PUBLIC_URL: is not right.'); process.exit(2)`),
      ),
    ).rejects.toThrow('The api cannot start:\n  PUBLIC_URL: is not right.');
    expect(lines).toEqual([]);
    await supervisor.stopAll([]);
  });
  test('after the start it is handed to whoever runs the stack', async () => {
    const final = new Promise<Error>((resolve) => {
      const supervisor = new Supervisor(() => undefined, resolve);
      void supervisor.start({
        ...child(
          `process.stdin.resume(); process.stdin.on('data', () => undefined); setTimeout(() => { console.error('no more'); process.exit(2) }, 300)`,
        ),
        ready: () => Promise.resolve(),
      });
    });
    expect((await final).message).toBe('The api cannot start:\nno more');
  });
});
