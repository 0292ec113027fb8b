import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_FLAGS } from '../domain/queues.ts';
import { projectPath } from '../platform/paths.ts';
import { freePort } from './ports.ts';
import { waitUntil } from './supervisor.ts';
import { IN_ORDER, resolveTemporal } from './temporal-cli.ts';

export interface TemporalServer {
  address: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * A Temporal dev server of its own with our search attributes, on a free port; in memory, or `onDisk` as `npm start` keeps it. It ends with
 * the process that started it.
 */
export async function startTemporal({ onDisk = false } = {}): Promise<TemporalServer> {
  const { path } = await resolveTemporal('temporal', { report: (line) => process.stderr.write(`${line}\n`) });
  const cache = projectPath('.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(onDisk ? cache : tmpdir(), 'nocturne-temporal-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const where = ['--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'never'];
  const store = onDisk
    ? [
        '--db-filename',
        join(folder, 'temporal.db'),
        '--sqlite-pragma',
        'journal_mode=WAL',
        '--sqlite-pragma',
        'synchronous=NORMAL',
      ]
    : [];
  const attributes = SEARCH_ATTRIBUTE_FLAGS.flatMap((flag) => ['--search-attribute', flag]);
  const server = spawn(path, ['server', 'start-dev', ...where, ...store, ...attributes, ...IN_ORDER], {
    stdio: 'ignore',
    cwd: folder,
  });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endWithUs = (): void => void server.kill('SIGKILL');
  process.once('exit', endWithUs);
  const connection = Connection.lazy({ address });
  const describe = (): Promise<unknown> => connection.workflowService.describeNamespace({ namespace: 'default' });
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
      () => connection.withDeadline(Date.now() + 2_000, describe).then(() => true),
      30_000,
      `It was started as ${path}.`,
    );
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { address, pid: server.pid!, stop };
}
