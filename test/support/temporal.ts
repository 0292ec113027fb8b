import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { Connection } from '@temporalio/client';
import { freePort } from '../../scripts/stack/ports.ts';
import { resolveTemporal } from '../../scripts/stack/temporal-cli.ts';
import { SEARCH_ATTRIBUTE_FLAGS } from '../../platform/temporal.ts';

/** A Temporal dev server of its own, in memory, with our search attributes, on a free port. */
export async function startTemporal(): Promise<{ address: string; pid: number; stop(): Promise<void> }> {
  const { path } = await resolveTemporal('temporal');
  const port = await freePort();
  const server = spawn(
    path,
    [
      'server',
      'start-dev',
      '--headless',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--log-level',
      'never',
      ...SEARCH_ATTRIBUTE_FLAGS.flatMap((flag) => ['--search-attribute', flag]),
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endWithUs = (): void => void server.kill('SIGKILL');
  process.once('exit', endWithUs);
  const address = `127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    process.removeListener('exit', endWithUs);
    server.kill('SIGINT');
    const hard = setTimeout(() => server.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(hard);
  };
  for (const deadline = Date.now() + 20_000; ;) {
    if (await serves(port, address)) return { address, pid: server.pid!, stop };
    if (server.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`the Temporal dev server did not answer on ${address}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** True when the namespace can be described; the port answers a little earlier than that. */
async function serves(port: number, address: string): Promise<boolean> {
  const open = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (!open) return false;
  try {
    const connection = await Connection.connect({ address, connectTimeout: 2_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
