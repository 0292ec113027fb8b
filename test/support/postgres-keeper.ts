/**
 * Keeps the PostgreSQL that all files of one test run share: `postgres-keeper.ts FOLDER PID`. Its migrated, empty database `nocturne` is the
 * template of theirs; the server ends on SIGTERM, or when the run (PID) is gone.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../stack/own-postgres.ts';

const [folder = '', run = ''] = process.argv.slice(2);
const lives = (): boolean => {
  try {
    return process.kill(Number(run), 0);
  } catch {
    return false;
  }
};
const server = await startPostgres({ max_connections: 600 });
let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await server.stop();
  process.exit(0);
}
process.on('SIGTERM', () => void end());
setInterval(() => lives() || void end(), 2_000);
writeFileSync(join(folder, 'url.new'), server.url);
renameSync(join(folder, 'url.new'), join(folder, 'url'));
