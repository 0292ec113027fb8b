import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../platform/errors.ts';

/** One supervisor per data folder. @throws UsageError while another runs */
export function takeLock(dataDir: string, shown: string, instead = 'set DATA_DIR to another folder'): string {
  mkdirSync(dataDir, { recursive: true });
  const lock = join(dataDir, 'supervisor.pid');
  if (existsSync(lock) && alive(Number(readFileSync(lock, 'utf8'))))
    throw new UsageError(
      `nocturne runs already on ${shown} (process ${readFileSync(lock, 'utf8').trim()}); stop it first, or ${instead}.`,
    );
  writeFileSync(lock, String(process.pid));
  return lock;
}

function alive(pid: number): boolean {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/start|sandbox/) !== null;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
