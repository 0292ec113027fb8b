import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';

jest.setTimeout(300_000);

const LONG = process.env.NOCTURNE_LONG === '1';
const folders: string[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => {
  const { build } = (await import(projectPath('scripts', 'build.mjs'))) as { build: () => Promise<unknown> };
  await build();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Run {
  said: () => string;
  ended: Promise<number | null>;
}
function run(script: string, env: Record<string, string>, args: string[] = []): Run {
  const passed = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|TEMPORAL_CLI_PATH)$/.test(name)),
  );
  const child = spawn(process.execPath, [projectPath('dist', ...script.split('/')), ...args], {
    env: { ...passed, ENV_FILE: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { said: () => said, ended: new Promise((resolve) => child.once('exit', resolve)) };
}
async function until(what: string, done: () => boolean | Promise<boolean>, timeoutMs = 120_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await done());) {
    if (Date.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'nocturne-start-'));
  folders.push(made);
  return made;
};

(LONG ? describe : describe.skip)('the first day, as an owner has it (long form)', () => {
  test('a Voyager that is off is told, with nothing but its address; it is tried on, and seen when it is there', async () => {
    const port = await freePort();
    const env = { DATA_DIR: folder(), VOYAGER_HOST: '127.0.0.1', VOYAGER_PORT: String(port) };
    const start = run('scripts/start.js', env);
    await until('the pages', () => start.said().includes('Pages and API'));
    await until('what it waits for', () => /gateway: main: Voyager: cannot connect/.test(start.said()));
    expect(start.said()).toMatch(
      /can be watched. To book it, set as well:\n {2}VOYAGER_ROBOTARGET_SECRET.*\n {2}VOYAGER_DEFAULT/,
    );
    expect(start.said()).not.toMatch(/starting it again|^ {4}at /m);
    const doctor = run('scripts/doctor.js', { DATA_DIR: env.DATA_DIR });
    expect(await doctor.ended).toBe(1);
    expect(doctor.said()).toMatch(/ok +PostgreSQL: .*\n.*ok +database schema/);
    expect(doctor.said()).toMatch(/PROBLEM main: Voyager: /);
    run('simulator/main.js', {
      SIM_PORT: String(port),
      SIM_ALPACA_PORT: '0',
      SIM_CONTROL_PORT: '0',
      SIM_DATA_DIR: folder(),
    });
    await until('Voyager', () => start.said().includes('Everything is there'));
  });

  test('the first own booking runs now: the demo steps aside, waits without a word too many, and begins again after it', async () => {
    const env = { DATA_DIR: folder() };
    const start = run('scripts/start.js', env);
    await until('the demo night', () => existsSync(join(env.DATA_DIR, 'demo.json')));
    for (const what of [/Admin +http.*\/admin#token=/, /Temporal CLI +\S+temporal --address/, /npm run book -- --now/])
      expect(start.said()).toMatch(what);
    const book = run('scripts/book.js', env, ['--now', '--minutes', '2', '--json']);
    expect([await book.ended, book.said()]).toEqual([0, expect.stringContaining('control_url')]);
    const { id } = JSON.parse(book.said().trim().split('\n').at(-1)!) as { id: string };
    const { api_url: url, api_key: key } = JSON.parse(readFileSync(join(env.DATA_DIR, 'demo.json'), 'utf8')) as {
      api_url: string;
      api_key: string;
    };
    const phase = async (): Promise<string> =>
      (
        (await (await fetch(`${url}/api/bookings/${id}`, { headers: { 'X-API-Key': key } })).json()) as {
          phase: string;
        }
      ).phase;
    await until('the own night', async () => (await phase()) === 'running');
    await until('the demo waits', () => start.said().includes(`The demo waits for booking ${id}`));
    expect(start.said().match(/steps aside/g)).toHaveLength(1);
    expect(start.said()).not.toMatch(/409|trying again/);
    await until(
      'the next demo night',
      () => (start.said().match(/^Demo booking .*minutes\.$/gm) ?? []).length === 2,
      240_000,
    );
  });
});
