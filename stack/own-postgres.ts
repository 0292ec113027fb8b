import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../platform/migrate.ts';
import { freePort } from './ports.ts';
import { initPostgres, postgresUrl, spawnPostgres, waitForPostgres } from './postgres.ts';
import { handOver } from './run-as.ts';

/** A real PostgreSQL of its own, migrated and empty, on a free port; `stop` ends it and removes its folder. */
export async function startPostgres(
  settings: Record<string, string | number> = {},
): Promise<{ url: string; port: number; stop(): Promise<void>; kill(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-pg-'));
  handOver(folder);
  const dataDir = join(folder, 'data');
  const password = randomBytes(24).toString('base64url');
  await initPostgres(dataDir, password);
  const port = await freePort();
  const server = await spawnPostgres(dataDir, port, settings);
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endWithUs = (): void => void server.kill('SIGKILL');
  process.once('exit', endWithUs);
  await waitForPostgres(port, password);
  const url = postgresUrl(port, password);
  await migrate(url);
  return {
    url,
    port,
    kill: () => void server.kill('SIGKILL'),
    async stop() {
      process.removeListener('exit', endWithUs);
      server.kill('SIGINT');
      const hard = setTimeout(() => server.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(hard);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
