import { spawn, type ChildProcess } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { freePort } from '../../stack/ports.ts';
import { projectPath, projectRoot } from '../../platform/paths.ts';
import { cleanUp, folder, sleep, until } from './harness.ts';

/** A port on which nothing listens: freed ports are handed out again at once. */
const NOBODY = '1';

function gateway(env: Record<string, string>): {
  child: ChildProcess;
  output: () => string;
  exit: Promise<number | null>;
} {
  const child = spawn(process.execPath, ['--import', 'tsx', projectPath('gateway', 'main.ts')], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exit: new Promise((resolve) => child.once('exit', (code) => resolve(code))) };
}

describe('gateway process', () => {
  test('starts while Voyager, PostgreSQL and Temporal are all away, says what it waits for, keeps secrets to itself, and ends in order', async () => {
    const port = await freePort();
    const { child, output, exit } = gateway({
      VOYAGER_HOST: '127.0.0.1',
      VOYAGER_PORT: NOBODY,
      VOYAGER_DEFAULT_SEQUENCE_GUID: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      VOYAGER_USERNAME: 'admin',
      VOYAGER_PASSWORD: 'hunter2-is-secret',
      VOYAGER_ROBOTARGET_SECRET: 'leonardo-is-secret',
      DATABASE_URL: `postgresql://user:pg-is-secret@127.0.0.1:${NOBODY}/none`,
      TEMPORAL_ADDRESS: `127.0.0.1:${NOBODY}`,
      GATEWAY_SOLE: 'true',
      GATEWAY_SECRET: 'gateway-is-secret',
      GATEWAY_PORT: String(port),
      DATA_DIR: folder(),
    });
    try {
      const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
      await until(async () => (await get('/healthz'))?.status === 200, 25_000, `healthz: ${output()}`);
      await sleep(2_500);
      const ready = (await get('/readyz'))!;
      expect([ready.status, await ready.json()]).toEqual([
        503,
        { status: 'not ready', reason: expect.stringContaining('main: Voyager: cannot connect') },
      ]);
      expect(await (await get('/metrics'))!.text()).toContain('nocturne_gateway_connected{telescope="main"} 0');
      expect((await get('/v1/telescopes/main/state'))!.status).toBe(401);
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
      expect(output()).not.toMatch(/-is-secret/);
    } finally {
      child.kill('SIGKILL');
      await cleanUp();
    }
  }, 60_000);

  test('settings that cannot work are refused with exit code 2, all at once and without a stack', async () => {
    const { output, exit } = gateway({
      VOYAGER_HOST: 'http://127.0.0.1:5950',
      GATEWAY_TELESCOPES: 'west',
      VOYAGER_ROBOTARGET_DIALECT: '/nowhere.json',
    });
    expect(await exit).toBe(2);
    for (const name of ['VOYAGER_HOST', 'DATABASE_URL', 'VOYAGER_ROBOTARGET_DIALECT'])
      expect(output()).toMatch(new RegExp(`^  ${name}`, 'm'));
    expect(output()).not.toContain('    at ');
  }, 60_000);

  test('to look at a telescope its address is enough: neither shared secret nor base sequence, and the log says what sessions need', async () => {
    const port = await freePort();
    const { child, output, exit } = gateway({
      VOYAGER_HOST: '127.0.0.1',
      VOYAGER_PORT: NOBODY,
      GATEWAY_SOLE: 'true',
      GATEWAY_SECRET: 'gateway-is-secret',
      GATEWAY_PORT: String(port),
      DATA_DIR: folder(),
    });
    try {
      const alive = async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null))?.status === 200;
      await until(alive, 25_000, `healthz: ${output()}`);
      expect(output()).toMatch(/this telescope can be looked at; sessions need more/);
      expect(output()).toMatch(/VOYAGER_ROBOTARGET_SECRET.*VOYAGER_DEFAULT_SEQUENCE_GUID/s);
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
    } finally {
      child.kill('SIGKILL');
      await cleanUp();
    }
  }, 60_000);
});
