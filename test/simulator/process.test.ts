import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { cleanUp, RawClient, temporaryFolder, until } from './support.ts';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await cleanUp();
});
function start(
  env: Record<string, string>,
  ...args: string[]
): { child: ChildProcess; out: () => string; code: () => number | null } {
  const child = spawn(process.execPath, ['--import', 'tsx', projectPath('simulator', 'main.ts'), ...args], {
    cwd: projectPath(),
    env: { PATH: process.env.PATH, SIM_PORT: '0', SIM_ALPACA_PORT: '0', SIM_CONTROL_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { child, out: () => text, code: () => child.exitCode };
}

describe('the process', () => {
  test('wrong variables and a wrong fault script end with 2, each named', async () => {
    const faults = join(temporaryFolder(), 'faults.json');
    writeFileSync(faults, JSON.stringify([{ kind: 'weather', values: { clouds: 3 } }]));
    const runs = [
      start({ SIM_CAMERA: 'large', SIM_INSTANCES: '9', SIM_SITE: '{"latitude_degrees":1}' }),
      start({ SIM_FAULTS: faults, SIM_DATA_DIR: temporaryFolder() }),
      start({ SIM_USERNAME: 'a' }),
      start({ SIM_DATA_DIR: temporaryFolder() }, '--fits', temporaryFolder()),
    ];
    await until(() => runs.every((r) => r.code() !== null), 20_000, 'all ended');
    expect(runs.map((r) => r.code())).toEqual([2, 2, 2, 2]);
    expect(runs[0]!.out()).toMatch(/SIM_INSTANCES: [\s\S]*SIM_SITE: [\s\S]*SIM_CAMERA: is not WIDTHxHEIGHT/);
    expect(runs[1]!.out()).toContain('0.values.clouds: is not known');
    expect(runs[2]!.out()).toContain('SIM_USERNAME and SIM_PASSWORD belong together');
    expect(runs[3]!.out()).toContain('no FITS file');
  });
  test('two instances on ports of their own; killed and started again on the same folder they go on; SIGTERM ends them in order', async () => {
    const SIM_DATA_DIR = temporaryFolder();
    const ports = (out: string): number[] => [...out.matchAll(/"port":(\d+)/g)].map((m) => Number(m[1]));
    const first = start({ SIM_DATA_DIR, SIM_INSTANCES: '2', SIM_CAMERA: '64x64' });
    await until(() => ports(first.out()).length === 2, 20_000, 'both up');
    for (const [i, port] of ports(first.out()).entries()) {
      const c = new RawClient(connect(port, '127.0.0.1'));
      await until(() => c.messages.length > 0, 3_000, 'Version');
      expect(c.messages[0]).toMatchObject({ Event: 'Version', Inst: i + 1 });
      c.destroy();
    }
    first.child.kill('SIGKILL');
    const second = start({ SIM_DATA_DIR, SIM_CAMERA: '64x64' });
    await until(() => ports(second.out()).length === 1, 20_000, 'up again');
    const c = new RawClient(connect(ports(second.out())[0]!, '127.0.0.1'));
    await until(() => c.messages.length > 0, 3_000, 'Version');
    second.child.kill('SIGTERM');
    await until(() => second.code() !== null && c.closed, 10_000, 'ended');
    expect(second.code()).toBe(0);
    expect(c.messages.at(-1)).toMatchObject({ Event: 'ShutDown' });
  });
});
