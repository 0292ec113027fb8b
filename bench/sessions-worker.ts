import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { buildId } from '../platform/build.ts';
import { setCurrentVersion } from '../platform/deployment.ts';
import { projectPath } from '../platform/paths.ts';
import { freePort } from '../stack/ports.ts';
import { memoryEnvironment, nodeFlags } from '../stack/processes.ts';
import { answers, waitUntil } from '../stack/supervisor.ts';
import { startTemporal } from '../stack/own-temporal.ts';

/**
 * Loaded into the worker process and its workflow thread: on request each thread collects its garbage twice, and the process says how much
 * memory it holds. Each thread has a heap of its own, so each must do it.
 */
const COLLECTOR = `
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
const channel = new BroadcastChannel('collect');
channel.unref();
const collect = () => { gc(); gc(); };
if (isMainThread) {
  process.channel?.unref();
  process.on('message', () => {
    channel.postMessage(null);
    setTimeout(() => { collect(); setTimeout(() => process.send({ rss: process.memoryUsage.rss() }), 1500); }, 1500);
  });
  process.channel?.unref();
} else channel.onmessage = collect;`;

export interface DevServer {
  address: string;
  client: Client;
  stop(): Promise<void>;
}
/** Temporal's dev server as `npm start` sets it up, and a client of it. */
export async function startDevServer(): Promise<DevServer> {
  const server = await startTemporal({ onDisk: true });
  const connection = Connection.lazy({ address: server.address });
  const stop = async (): Promise<void> => {
    await connection.close();
    await server.stop();
  };
  return { address: server.address, client: new Client({ connection }), stop };
}

export interface WorkerProcess {
  child: ChildProcess;
  /** Bytes held after two collections. */
  rss(): Promise<number>;
  stop(): Promise<void>;
}
/** The worker of `npm start`, with its own flags and environment. */
export async function startWorker(temporal: DevServer, databaseUrl: string, folder: string): Promise<WorkerProcess> {
  const port = await freePort();
  const flags = [...nodeFlags(384), '--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(COLLECTOR)}`];
  const child = spawn(process.execPath, [...flags, projectPath('dist', 'worker', 'main.js')], {
    cwd: projectPath(),
    env: {
      ...process.env,
      ...memoryEnvironment(process.env),
      NODE_ENV: 'production',
      DATA_DIR: folder,
      OBSERVATIONS_STORAGE_PATH: join(folder, 'observations'),
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: 'default',
      WORKER_PORT: String(port),
      // The queues of the frames are the stub's.
      WORKER_TELESCOPES: 'none',
      SMTP_URL: '',
      WEBHOOK_URL: '',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    process.removeListener('exit', endWithUs);
  };
  try {
    const ready = `http://127.0.0.1:${port}/readyz`;
    await waitUntil('The worker', () => answers(ready), 60_000, 'What it said stands above.');
    await setCurrentVersion(temporal.client, buildId());
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    child,
    stop,
    rss: () =>
      new Promise((resolve, reject) => {
        child.once('message', (message) => resolve((message as { rss: number }).rss));
        child.once('exit', () => reject(new Error('the worker ended')));
        child.send('collect');
      }),
  };
}
