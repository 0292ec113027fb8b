import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { projectPath } from '../platform/paths.ts';
import { SEARCH_ATTRIBUTE_FLAGS } from '../platform/temporal.ts';
import { freePort } from '../scripts/stack/ports.ts';
import { waitUntil } from '../scripts/stack/supervisor.ts';
import { resolveTemporal } from '../scripts/stack/temporal-cli.ts';

export interface DevServer {
  address: string;
  client: Client;
  stop(): Promise<void>;
}

/** Temporal's dev server on a free port with a store of its own on disk, set up as `npm start` does. */
export async function startDevServer(): Promise<DevServer> {
  const { path } = await resolveTemporal('temporal', { report: (line) => process.stderr.write(`${line}\n`) });
  mkdirSync(projectPath('.cache'), { recursive: true });
  const folder = mkdtempSync(projectPath('.cache', 'bench-sessions-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
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
      '--db-filename',
      join(folder, 'temporal.db'),
      '--sqlite-pragma',
      'journal_mode=WAL',
      '--sqlite-pragma',
      'synchronous=NORMAL',
      ...SEARCH_ATTRIBUTE_FLAGS.flatMap((flag) => ['--search-attribute', flag]),
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endWithUs = (): void => void server.kill('SIGKILL');
  process.once('exit', endWithUs);
  const connection = Connection.lazy({ address });
  const stop = async (): Promise<void> => {
    await connection.close();
    server.kill('SIGKILL');
    await exited;
    process.removeListener('exit', endWithUs);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitUntil(
      'The Temporal dev server',
      async () => {
        await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.describeNamespace({ namespace: 'default' }));
        return true;
      },
      30_000,
      `It was started as ${path}.`,
    );
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { address, client: new Client({ connection }), stop };
}
