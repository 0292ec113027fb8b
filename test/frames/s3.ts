import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { pythonWith } from '../support/python.ts';

/** A running S3-compatible server with an empty bucket `frames`; another program's, as a peer. */
export interface S3Peer {
  name: 'versitygw' | 'moto';
  config: {
    S3_ENDPOINT: string;
    S3_BUCKET: string;
    S3_REGION: string;
    S3_ACCESS_KEY_ID: string;
    S3_SECRET_ACCESS_KEY: string;
  };
  /** The folder of the bucket where the server keeps objects as files. */
  folder: string | null;
  stop(): Promise<void>;
}

/** How a server can be started here: versitygw (`VERSITYGW`, .cache or PATH: it checks signatures and checksums) or moto's out of the Python peers. */
export type S3Program = { versity: string } | { python: string };

/** Null, and a line that says so, where neither is. */
export function findS3(): S3Program | null {
  const versity = [process.env.VERSITYGW, projectPath('.cache', 'versitygw'), 'versitygw'].find(
    (path) => path && (existsSync(path) || (path === 'versitygw' && spawnSync(path, ['--version']).status === 0)),
  );
  if (versity) return { versity };
  const python = pythonWith('moto.server');
  return python ? { python } : null;
}

export async function startS3(program: S3Program): Promise<S3Peer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-s3-'));
  const config = {
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    S3_BUCKET: 'frames',
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: 'test-key',
    S3_SECRET_ACCESS_KEY: 'test-secret-key',
  };
  let child: ChildProcess;
  if ('versity' in program) {
    mkdirSync(join(folder, 'frames'));
    const env = {
      PATH: process.env.PATH,
      ROOT_ACCESS_KEY: config.S3_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: config.S3_SECRET_ACCESS_KEY,
    };
    child = spawn(program.versity, ['--port', `127.0.0.1:${port}`, 'posix', folder], { env, stdio: 'ignore' });
  } else {
    child = spawn(program.python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  }
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  for (let n = 0; ; n++) {
    const answer = await fetch(config.S3_ENDPOINT, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer) break;
    if (n > 150) {
      await stop();
      throw new Error('the S3 server does not start');
    }
    await sleep(100);
  }
  const versity = 'versity' in program;
  if (!versity) await fetch(`${config.S3_ENDPOINT}/frames`, { method: 'PUT' });
  return { name: versity ? 'versitygw' : 'moto', config, folder: versity ? join(folder, 'frames') : null, stop };
}
