import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { handOver, runAs } from './run-as.ts';

const PROGRAM = '/usr/sbin/pgbouncer';
export const PGBOUNCER = spawnSync(PROGRAM, ['--version']).status === 0 ? PROGRAM : null;

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('PgBouncer does not answer');
}

/** A real PgBouncer in transaction mode before a PostgreSQL of this machine, given by its URL. */
export async function startPgBouncer(databaseUrl: string): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-pgbouncer-'));
  const port = await freePort();
  const target = new URL(databaseUrl);
  const ini = join(folder, 'pgbouncer.ini');
  const auth = target.password ? ` password=${decodeURIComponent(target.password)}` : '';
  writeFileSync(
    ini,
    `[databases]\n* = host=${target.hostname} port=${target.port} user=${decodeURIComponent(target.username)}${auth}\n` +
      `[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\n` +
      `pool_mode = transaction\nmax_client_conn = 200\ndefault_pool_size = 20\nignore_startup_parameters = extra_float_digits,options\n`,
  );
  handOver(folder);
  const { command, args, ...user } = runAs(PROGRAM, [ini], [ini]);
  const child = spawn(command, args, { ...user, stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await reachable(port);
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
